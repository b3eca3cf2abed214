//! A sick member of which nothing good is known: what may be its own stays.

use elbow_core::model::Stack;
use elbow_core::plan::render::kind;
use elbow_crds::problem::ObjectRef;

use super::{calls, change, choice, stack, world};
use crate::plan_world::World;

fn sick(mut world: World) -> World {
    world.sick.insert(ObjectRef::new("Ingress", "default", "bad"));
    world
}

const RULES: [&str; 5] = [
    "host a -> a",
    "host bad, path /1 -> bad-1",
    "host bad -> bad-2",
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
    let mut world = sick(world(&["host a -> a", "-> bad-1"], &[]));
    assert!(world.plan(&stack(&["host a -> a", "-> 404"])).is_empty());
    let wanted = stack(&["host a -> a", "-> redirect other"]);
    assert_eq!(change(&mut world, &wanted), ["ModifyListener"]);
}

/// What a plan deletes, rules by their numbers.
fn deletions(world: &World, wanted: &Stack) -> Vec<String> {
    let plan = world.plan(wanted);
    let mut found = calls(world, &plan);
    let others = plan.steps.iter().map(|step| kind(&step.action));
    found.extend(
        others
            .filter(|kind| kind.starts_with("Delete") && *kind != "DeleteRule")
            .map(str::to_owned),
    );
    found
}

#[test]
fn rules_of_others_come_and_go_as_if_nobody_were_sick() {
    let world = sick(world(&RULES, &[10, 20, 30, 40]));
    let without = stack(&["host a -> a", "-> 404"]);
    assert_eq!(deletions(&world, &without), ["delete 40"]);
    let without = stack(&["host z -> d", "-> 404"]);
    let expected = ["modify 40", "delete 10", "DeleteBinding", "DeleteTargetGroup"];
    assert_eq!(deletions(&world, &without), expected);
    let moved = stack(&["host b -> a", "host z -> a", "-> 404"]);
    assert_eq!(calls(&world, &world.plan(&moved)), ["create 35", "delete 10"]);
}

#[test]
fn what_answers_by_itself_may_be_anybodys_and_stays() {
    let rules = ["host a -> a", "host r -> redirect other", "-> 404"];
    let mut world = sick(world(&rules, &[]));
    let wanted = stack(&["host a -> a", "-> 404"]);
    assert!(world.plan(&wanted).is_empty());
    world.sick.clear();
    assert_eq!(calls(&world, &world.plan(&wanted)), ["delete 2"]);
}

#[test]
fn with_everybody_else_sick_a_former_member_takes_its_own_away_and_nothing_else() {
    let mut world = sick(world(&RULES, &[]));
    world.owner.gone = true;
    let key = world.actual.key.clone();
    let nothing = Stack::empty(&key);
    let expected = ["delete 4", "delete 1", "DeleteBinding", "DeleteTargetGroup"];
    assert_eq!(deletions(&world, &nothing), expected);
    let plan = world.plan(&nothing);
    assert!(
        plan.steps
            .iter()
            .all(|step| kind(&step.action) != "RemoveFinalizer")
    );
    world.apply(&plan, choice(3));
    assert!(world.plan(&nothing).is_empty());
    world.sick.clear();
    let plan = world.plan(&nothing);
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
