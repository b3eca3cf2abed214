//! Before something is destroyed, everything is read anew; a plain edit reads nothing.

use std::collections::BTreeMap;

use super::driver::Controller;
use super::objects::{port, service, world};
use super::scenarios::{self, http};
use super::world::World;

const INSTANCE: (&str, &str) = ("nlb-target-type", "instance");
/// Reads that are made for one stack.
const PER_STACK: [&str; 4] = [
    "DescribeLoadBalancerAttributes",
    "DescribeTargetGroupAttributes",
    "DescribeListeners",
    "DescribeListenerAttributes",
];

/// A Service with two ports at rest, and its controller, which has read everything of it.
async fn two_ports() -> (World, Controller) {
    let world = world();
    let ports = [port("http", 80, "TCP"), port("alt", 81, "TCP")];
    world.apply(&service("web", &[INSTANCE], &ports));
    let mut controller = world.start();
    controller.to_rest().await;
    // The first edit reads what until then only the record vouched for.
    let tagged = [INSTANCE, ("additional-resource-tags", "team=0")];
    world.apply(&service("web", &tagged, &ports));
    controller.to_rest().await;
    (world, controller)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_from_a_picture_that_a_hand_has_overtaken() {
    let (world, mut controller) = two_ports().await;
    // Somebody sends the traffic of port 80 to the group of port 81.
    world.land.emulator.with_world(|world, _| {
        let listeners = &mut world.elb.listeners;
        let other = listeners.values().find(|listener| listener.port == 81).unwrap();
        let actions = other.default_actions.clone();
        let first = listeners.values_mut().find(|listener| listener.port == 80);
        first.unwrap().default_actions = actions;
    });
    world.apply(&service("web", &[INSTANCE], &http()));
    let seen = controller.to_rest().await;
    controller.assert_content("edited");
    assert_eq!(seen.refused(), BTreeMap::new(), "the group was still in use");
    let writes: Vec<&str> = seen
        .calls
        .iter()
        .filter(|call| call.mutation && call.operation.contains("Listener"))
        .map(|call| call.operation.as_str())
        .collect();
    assert!(writes.contains(&"ModifyListener"), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replacement_is_planned_from_what_was_just_read() {
    let (world, mut controller) = two_ports().await;
    let ports = [port("http", 80, "UDP"), port("alt", 81, "TCP")];
    let annotations = [
        INSTANCE,
        ("healthcheck-port", "8081"),
        ("healthcheck-protocol", "TCP"),
    ];
    world.apply(&service("web", &annotations, &ports));
    let seen = controller.to_rest().await;
    let position = |operation: &str| {
        let found = seen.calls.iter().position(|call| call.operation == operation);
        found.unwrap_or_else(|| panic!("{operation}: {:?} {:?}", seen.reads(), seen.writes()))
    };
    for read in PER_STACK {
        assert!(position(read) < position("CreateTargetGroup"), "{read}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plain_edit_and_the_deletion_of_the_owner_verify_nothing() {
    let (world, mut controller) = two_ports().await;
    let ports = [port("http", 80, "TCP"), port("alt", 81, "TCP")];
    let tagged = [INSTANCE, ("additional-resource-tags", "team=a")];
    world.apply(&service("web", &tagged, &ports));
    let seen = controller.to_rest().await;
    assert!(!seen.writes().is_empty());
    let reads = |seen: &super::world::Seen| -> Vec<usize> {
        let reads = seen.reads();
        PER_STACK
            .iter()
            .map(|read| reads.get(read).copied().unwrap_or(0))
            .collect()
    };
    assert_eq!(reads(&seen), [0; 4]);

    scenarios::delete(&world);
    let seen = controller.to_rest().await;
    assert!(seen.writes().contains_key("DeleteLoadBalancer"));
    assert_eq!(reads(&seen), [0; 4]);
}
