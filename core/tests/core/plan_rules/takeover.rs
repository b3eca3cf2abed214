//! A load balancer in place of another one, of another scheme.

use std::collections::BTreeSet;

use elbow_core::model::{Scheme, Stack, SubnetMapping};
use elbow_core::plan::render::kind;
use elbow_core::plan::{Action, Plan, StepId};
use elbow_crds::problem::ProblemCode;

use super::kinds;
use crate::plan_shape::{Shape, owner_ref};
use crate::plan_world::World;

fn of(scheme: Scheme) -> Stack {
    Shape {
        scheme,
        ..Shape::default()
    }
    .stack()
}

/// A world at rest with an internal load balancer.
fn internal() -> World {
    World::at_rest(&of(Scheme::Internal))
}

fn names(world: &World) -> Vec<String> {
    let groups = world.actual.target_groups.iter().map(|group| group.name.clone());
    let bindings = world.actual.bindings.iter().map(|binding| binding.name.clone());
    let balancers = world.actual.load_balancers.iter().map(|one| one.name.clone());
    balancers.chain(groups).chain(bindings).collect()
}

fn position(plan: &Plan, name: &str) -> usize {
    kinds(plan).iter().position(|kind| *kind == name).expect(name)
}

#[test]
fn the_second_one_is_made_filled_and_shown_before_the_first_drains_and_goes() {
    let mut world = internal();
    let wanted = of(Scheme::InternetFacing);
    let plan = world.plan(&wanted);
    assert_eq!(
        kinds(&plan),
        [
            "CreateTargetGroup",
            "ModifyTargetGroupAttributes",
            "CreateLoadBalancer",
            "CreateBinding",
            "CreateListener",
            "AwaitActive",
            "AwaitTargets",
            "AwaitHealth",
            "MoveAddress",
            "AwaitDrain",
            "DeleteLoadBalancer",
            "DeleteBinding",
            "DeleteTargetGroup",
        ]
    );
    world.apply(&plan, |ready| ready[0]);
    assert!(world.plan(&wanted).is_empty());
    let group = "k8s-80-instance-TCP-TCP-10-p";
    assert_eq!(names(&world), ["k8s-default-web-internet-facing", group, group]);
}

#[test]
fn second_names_stay_and_the_way_back_leads_to_the_first() {
    let mut world = internal();
    let first = names(&world);
    world.run_to_rest(&of(Scheme::InternetFacing));
    let second = names(&world);
    assert_ne!(first, second);
    let mut edited = Shape {
        scheme: Scheme::InternetFacing,
        ..Shape::default()
    };
    edited.tags.insert("team".to_owned(), "a".to_owned());
    world.run_to_rest(&edited.stack());
    assert_eq!(names(&world), second, "an edit replaces nothing");
    world.run_to_rest(&of(Scheme::Internal));
    assert_eq!(names(&world), first);
}

#[test]
fn every_phase_is_found_again_from_what_there_is_and_what_is_shown() {
    let wanted = of(Scheme::InternetFacing);
    let mut world = internal();
    let plan = world.plan(&wanted);
    world.apply_some(&plan, position(&plan, "MoveAddress"), |ready| ready[0]);
    let waiting = ["AwaitActive", "AwaitTargets", "AwaitHealth", "MoveAddress"];
    let gone = [
        "AwaitDrain",
        "DeleteLoadBalancer",
        "DeleteBinding",
        "DeleteTargetGroup",
    ];
    assert_eq!(kinds(&world.plan(&wanted)), [&waiting[..], &gone[..]].concat());
    let shown = world
        .actual
        .load_balancers
        .iter()
        .find(|one| one.scheme == Scheme::InternetFacing);
    let shown = shown.and_then(|one| one.dns_name.clone());
    let old = std::mem::take(&mut world.published);
    world.published.extend(shown);
    assert_eq!(kinds(&world.plan(&wanted)), gone, "the address has moved");
    world.published.extend(old);
    let half = world.plan(&wanted);
    assert_eq!(
        kinds(&half),
        [&waiting[..], &gone[..]].concat(),
        "one of the owners shows the old name"
    );
    world.published.clear();
    assert_eq!(
        kinds(&world.plan(&wanted)),
        [&waiting[..], &gone[..]].concat(),
        "that nobody shows anything proves nothing"
    );
}

#[test]
fn turning_back_before_the_address_moved_takes_the_second_one_away() {
    let mut world = internal();
    let plan = world.plan(&of(Scheme::InternetFacing));
    world.apply_some(&plan, position(&plan, "MoveAddress"), |ready| ready[0]);
    let back = world.plan(&of(Scheme::Internal));
    assert_eq!(
        kinds(&back),
        [
            "AwaitDrain",
            "DeleteLoadBalancer",
            "DeleteBinding",
            "DeleteTargetGroup"
        ]
    );
}

#[test]
fn while_a_member_is_sick_nothing_moves() {
    let mut world = internal();
    let plan = world.plan(&of(Scheme::InternetFacing));
    world.apply_some(&plan, position(&plan, "MoveAddress"), |ready| ready[0]);
    world.sick = BTreeSet::from([owner_ref()]);
    assert!(world.plan(&of(Scheme::InternetFacing)).is_empty());
    assert!(world.plan(&of(Scheme::Internal)).is_empty());
}

#[test]
fn rules_of_a_shared_security_group_are_closed_once_the_old_one_is_gone() {
    let world = internal();
    let shape = Shape {
        scheme: Scheme::InternetFacing,
        sources: BTreeSet::from([1]),
        ..Shape::default()
    };
    let plan = world.plan(&shape.stack());
    let close = position(&plan, "RevokeSecurityGroupIngress");
    let gone = StepId(position(&plan, "DeleteLoadBalancer"));
    assert!(plan.steps[close].needs.contains(&gone));
    assert!(position(&plan, "AuthorizeSecurityGroupIngress") < position(&plan, "CreateLoadBalancer"));
}

#[test]
fn a_protected_load_balancer_loses_its_address_and_stays() {
    let mut world = internal();
    let attributes = &mut world.actual.load_balancers[0].attributes;
    attributes.insert("deletion_protection.enabled".to_owned(), "true".to_owned());
    let wanted = of(Scheme::InternetFacing);
    let plan = world.plan(&wanted);
    assert!(kinds(&plan).contains(&"MoveAddress") && !kinds(&plan).contains(&"AwaitDrain"));
    assert_eq!(plan.problems[0].code, ProblemCode::Protected);
    world.apply(&plan, |ready| ready[0]);
    assert_eq!(world.actual.load_balancers.len(), 2);
    assert!(world.plan(&wanted).is_empty());
}

/// Both have one explicit name.
fn named(scheme: Scheme, delete_first: bool) -> Stack {
    let mut stack = of(scheme);
    let balancer = &mut stack.load_balancers[0];
    "mine".clone_into(&mut balancer.name);
    balancer.second_name = None;
    balancer.delete_first = delete_first;
    stack
}

/// Both take one address.
fn pinned(scheme: Scheme, delete_first: bool) -> Stack {
    let mut stack = of(scheme);
    let balancer = &mut stack.load_balancers[0];
    balancer.subnets[0] = SubnetMapping {
        allocation_id: Some("eipalloc-1".to_owned()),
        ..balancer.subnets[0].clone()
    };
    balancer.delete_first = delete_first;
    stack
}

#[test]
fn one_that_cannot_be_doubled_keeps_serving_unless_the_owner_lets_it_go_first() {
    for (stack, obstacle) in [
        (named as fn(Scheme, bool) -> Stack, "mine"),
        (pinned, "eipalloc-1"),
    ] {
        let mut world = World::at_rest(&stack(Scheme::Internal, false));
        let plan = world.plan(&stack(Scheme::InternetFacing, false));
        assert!(plan.is_empty());
        let problem = &plan.problems[0];
        assert_eq!(problem.code, ProblemCode::NeedsReplacement);
        for part in [
            obstacle,
            "elbow.dev/replacement-policy: delete-first",
            "internal -> internet-facing",
        ] {
            assert!(problem.message.contains(part), "{problem}");
        }

        let wanted = stack(Scheme::InternetFacing, true);
        let plan = world.plan(&wanted);
        assert_eq!(
            kinds(&plan),
            ["DeleteLoadBalancer", "CreateLoadBalancer", "CreateListener"]
        );
        assert!(
            plan.steps[0].reason.starts_with("outage"),
            "{}",
            plan.steps[0].reason
        );
        world.apply(&plan, |ready| ready[0]);
        assert!(world.plan(&wanted).is_empty());
    }
}

#[test]
fn the_owner_cannot_let_a_protected_one_go_first() {
    let mut world = World::at_rest(&named(Scheme::Internal, false));
    let attributes = &mut world.actual.load_balancers[0].attributes;
    attributes.insert("deletion_protection.enabled".to_owned(), "true".to_owned());
    let plan = world.plan(&named(Scheme::InternetFacing, true));
    assert!(plan.is_empty());
    assert!(plan.problems[0].message.contains("deletion_protection.enabled"));
}

#[test]
fn without_room_for_a_second_one_the_first_keeps_serving() {
    let mut world = internal();
    world.full = true;
    let plan = world.plan(&of(Scheme::InternetFacing));
    assert!(
        plan.is_empty() && plan.problems[0].message.contains("quota"),
        "{:?}",
        plan.problems
    );
    let mut wanted = of(Scheme::InternetFacing);
    wanted.load_balancers[0].delete_first = true;
    let plan = world.plan(&wanted);
    let first = plan
        .steps
        .iter()
        .find(|step| kind(&step.action).contains("LoadBalancer"));
    assert!(matches!(
        first.map(|step| &step.action),
        Some(Action::DeleteLoadBalancer { .. })
    ));
}
