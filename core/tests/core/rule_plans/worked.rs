//! Upstream's worked examples: as many calls, in an order that misroutes nothing.

use super::{change, stack, world};

#[test]
fn reordering_creates_beneath_lifts_once_and_deletes_last() {
    let mut world = world(&["host a -> a", "host b -> b", "host c -> c", "-> 404"], &[]);
    let wanted = stack(&["host new -> d", "host a -> a", "host b -> b", "-> 404"]);
    assert_eq!(
        change(&mut world, &wanted),
        ["create 4", "order new->100 1->200 2->300 3->50000", "delete 3"]
    );
}

#[test]
fn an_action_changes_in_place() {
    let mut world = world(&["path /a -> a", "path /b -> b", "-> 404"], &[]);
    let wanted = stack(&["path /a -> c", "path /b -> b", "-> 404"]);
    assert_eq!(change(&mut world, &wanted), ["modify 1"]);
}

#[test]
fn stale_rules_go_to_the_bottom_and_are_deleted_from_there() {
    let rules = [
        "host a -> a",
        "host * -> b",
        "path /s1 -> c",
        "path /s2 -> d",
        "-> 404",
    ];
    let mut world = world(&rules, &[1, 3, 16, 35]);
    let wanted = stack(&["host * -> b", "host a -> a", "-> 404"]);
    assert_eq!(
        change(&mut world, &wanted),
        [
            "order 3->100 1->200 16->49999 35->50000",
            "delete 35",
            "delete 16"
        ]
    );
}
