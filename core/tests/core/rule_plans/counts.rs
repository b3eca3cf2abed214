//! How many writes an edit costs.

use elbow_crds::problem::{ProblemCode, Severity};

use super::{change, stack, world};

fn hosts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("host h{n:03}.a.com -> a")).collect()
}

fn with_default(rules: &[String]) -> Vec<&str> {
    rules.iter().map(String::as_str).chain(["-> 404"]).collect()
}

#[test]
fn a_new_listener_is_written_densely() {
    let mut world = super::World::new();
    let wanted = stack(&["path /1 -> a", "path /2 -> b", "path /3 -> 503", "-> 404"]);
    assert_eq!(
        change(&mut world, &wanted),
        ["CreateListener", "create 1", "create 2", "create 3"]
    );
}

#[test]
fn an_insert_on_top_of_many_rules_costs_two_writes_once_and_one_afterwards() {
    let mut rules = hosts(97);
    let mut world = world(&with_default(&rules), &[]);
    for (name, writes) in [("first", 2), ("second", 1)] {
        rules.insert(0, format!("host {name}.a.com -> a"));
        let calls = change(&mut world, &stack(&with_default(&rules)));
        assert_eq!(calls.len(), writes, "{calls:?}");
    }
    rules.push("host last.a.com -> a".to_owned());
    assert_eq!(
        change(&mut world, &stack(&with_default(&rules))),
        ["create 9900"],
        "appended with room"
    );
}

#[test]
fn a_hundred_and_first_rule_is_tried_and_warned_of() {
    let mut rules = hosts(100);
    let mut world = world(&with_default(&rules), &[]);
    rules.insert(0, "host first.a.com -> a".to_owned());
    let wanted = stack(&with_default(&rules));
    let plan = world.unchecked_plan(&wanted);
    let findings = elbow_core::plan::lint(&plan, &world.actual, &world.settings);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].severity, Severity::Warning);
    assert_eq!(super::calls(&world, &plan).len(), 2);
    world.apply(&plan, super::choice(1));
    assert!(world.plan(&wanted).is_empty());
    rules.insert(0, "host second.a.com -> a".to_owned());
    let plan = world.unchecked_plan(&stack(&with_default(&rules)));
    assert_eq!(super::calls(&world, &plan), ["create 50"]);
}

#[test]
fn one_weight_changed_is_one_write() {
    let mut rules = hosts(99);
    rules.insert(40, "host split.a.com -> a*1 b*2".to_owned());
    let mut world = world(&with_default(&rules), &[]);
    rules[40] = "host split.a.com -> a*2 b*2".to_owned();
    assert_eq!(change(&mut world, &stack(&with_default(&rules))), ["modify 41"]);
}

#[test]
fn a_path_changed_is_one_write_and_so_are_two_rules_that_swap() {
    let rules = [
        "host a, path /1 -> a",
        "host a, path /2 -> b",
        "host a -> c",
        "-> 404",
    ];
    let mut world = world(&rules, &[]);
    let wanted = [
        "host a, path /3 -> a",
        "host a, path /2 -> b",
        "host a -> c",
        "-> 404",
    ];
    assert_eq!(change(&mut world, &stack(&wanted)), ["modify 1"]);
    let swapped = [
        "host a, path /2 -> b",
        "host a, path /3 -> a",
        "host a -> c",
        "-> 404",
    ];
    let calls = change(&mut world, &stack(&swapped));
    assert_eq!(calls.len(), 1, "{calls:?}");
}

#[test]
fn order_of_conditions_is_no_difference_and_that_of_values_one_write() {
    let mut world = world(&["host a b, path /x /y -> a*1 b*2", "-> 404"], &[]);
    let wanted = stack(&["path /x /y, host a b -> b*2 a*1", "-> 404"]);
    assert!(world.plan(&wanted).is_empty());
    let wanted = stack(&["path /y /x, host b a -> b*2 a*1", "-> 404"]);
    assert_eq!(change(&mut world, &wanted), ["modify 1"]);
}

#[test]
fn at_the_quota_rules_go_and_come_in_turn_and_a_warning_says_so() {
    let mut rules = hosts(100);
    let mut world = world(&with_default(&rules), &[]);
    rules.truncate(97);
    rules.insert(4, "path /one/* -> b".to_owned());
    rules.insert(5, "path /two/* -> b".to_owned());
    let wanted = stack(&with_default(&rules));
    let plan = world.plan(&wanted);
    assert_eq!(plan.problems.len(), 1);
    assert_eq!(plan.problems[0].code, ProblemCode::Limit);
    assert_eq!(plan.problems[0].severity, Severity::Warning);
    let calls = change(&mut world, &wanted);
    assert_eq!(calls.len(), 6, "{calls:?}");
    assert_eq!(calls[0], "delete 100");
    assert!(calls[1].starts_with("create"));
    assert_eq!(calls[2], "delete 99");
    assert!(calls[3].starts_with("create"));
    assert!(calls[4].starts_with("order"));
    assert!(calls[5].starts_with("delete"));
}
