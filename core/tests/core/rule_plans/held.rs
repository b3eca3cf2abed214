//! A sick member of which nothing good is known: what may be its own stays.

use elbow_core::model::Stack;
use elbow_core::plan::render::kind;
use elbow_crds::problem::ObjectRef;

use super::{change, choice, stack, world};
use crate::plan_world::World;

fn sick(mut world: World) -> World {
    world.sick.insert(ObjectRef::new("Ingress", "default", "bad"));
    world
}

const RULES: [&str; 5] = [
    "host a -> a",
    "host bad, path /1 -> b",
    "host bad -> c",
    "host z -> a",
    "-> 404",
];

#[test]
fn rules_nobody_wants_stay_in_order_with_their_groups() {
    let mut world = sick(world(&RULES, &[]));
    let wanted = stack(&["host a -> a", "host z -> a", "-> 404"]);
    assert!(world.plan(&wanted).is_empty());
    world.sick.clear();
    let plan = world.plan(&wanted);
    let kinds: Vec<&str> = plan.steps.iter().map(|step| kind(&step.action)).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "DeleteRule").count(), 2);
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "DeleteTargetGroup").count(),
        2
    );
}

#[test]
fn additions_and_changes_of_others_go_on() {
    let mut world = sick(world(&RULES, &[10, 20, 30, 40]));
    let wanted = stack(&["host a -> d", "host new -> a", "host z -> a", "-> 404"]);
    assert_eq!(change(&mut world, &wanted), ["modify 10", "create 35"]);
    let hosts: Vec<String> = world
        .actual
        .rules
        .iter()
        .map(|rule| format!("{:?}", rule.conditions))
        .collect();
    assert_eq!(hosts.len(), 5);
    assert!(hosts[1].contains("bad") && hosts[2].contains("bad") && hosts[3].contains("new"));
}

#[test]
fn held_rules_keep_their_order_when_others_change_theirs() {
    let mut world = sick(world(&RULES, &[]));
    let wanted = stack(&["host z -> a", "host a -> a", "-> 404"]);
    let calls = change(&mut world, &wanted);
    assert_eq!(calls.len(), 1, "{calls:?}");
    let hosts: Vec<String> = world
        .actual
        .rules
        .iter()
        .map(|rule| format!("{:?}", rule.conditions))
        .collect();
    assert!(hosts[0].contains("\"z\"") && hosts[1].contains("\"a\""));
    assert!(hosts[2].contains("/1") && hosts[3].contains("bad"));
}

#[test]
fn the_default_action_changes_only_to_one_that_somebody_asked_for() {
    let mut world = sick(world(&["host a -> a", "-> b"], &[]));
    assert!(world.plan(&stack(&["host a -> a", "-> 404"])).is_empty());
    let wanted = stack(&["host a -> a", "-> redirect other"]);
    assert_eq!(change(&mut world, &wanted), ["ModifyListener"]);
}

#[test]
fn nothing_of_the_load_balancer_goes_and_no_finalizer_either() {
    let mut world = sick(world(&RULES, &[]));
    world.owner.gone = true;
    let key = world.actual.key.clone();
    let plan = world.plan(&Stack::empty(&key));
    assert!(plan.is_empty(), "{}", elbow_core::plan::render_text(&plan));
    world.sick.clear();
    let plan = world.plan(&Stack::empty(&key));
    world.apply(&plan, choice(3));
    assert!(world.actual.is_empty() && !world.owner.has_finalizer);
}

#[test]
fn a_former_member_may_go_when_nothing_is_left_that_could_be_its() {
    let rules = ["host a -> a", "-> 404"];
    let mut world = sick(world(&rules, &[]));
    world.owner.gone = true;
    let plan = world.plan(&stack(&rules));
    assert_eq!(plan.steps.len(), 1, "{plan:?}");
    assert_eq!(kind(&plan.steps[0].action), "RemoveFinalizer");
}
