//! A target group in place of another one: beside it with weight 0 first, wherever an action can hold both.

use std::collections::BTreeMap;

use elbow_core::model::{
    Action as ListenerAction, Protocol, Ref, ResourceKind, Setting, Stack, Stickiness, TargetType,
    WeightedTargetGroup,
};
use elbow_core::plan::render::kind;
use elbow_core::plan::{Action, Plan};

use super::kinds;
use crate::plan_shape::{Port, Shape};
use crate::plan_world::World;

fn shape(target: TargetType, weights: Option<(i32, i32)>) -> Shape {
    let port = Port {
        target,
        weights,
        ..Port::default()
    };
    Shape {
        ports: BTreeMap::from([(80, port)]),
        ..Shape::default()
    }
}

/// The forward actions of listeners and rules that a plan writes, as `name*weight`, in order.
fn written(plan: &Plan) -> Vec<String> {
    let actions = |step: &Action| match step {
        Action::ModifyListener { listener, .. } => Some(listener.default_actions.clone()),
        Action::ModifyRule { rule, .. } => Some(rule.actions.clone()),
        _ => None,
    };
    let steps = plan.steps.iter().filter_map(|step| actions(&step.action));
    steps
        .map(|actions| {
            let tuples = actions.iter().flat_map(ListenerAction::target_groups);
            let tuple = |weight: Option<i32>| weight.map_or("-".to_owned(), |weight| weight.to_string());
            tuples.map(|one| tuple(one.weight)).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn switches_at_once(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| step.reason.contains("no overlap"))
}

#[test]
fn traffic_moves_in_two_calls_with_a_wait_between_them() {
    let mut world = World::at_rest(&shape(TargetType::Instance, None).stack());
    let wanted = shape(TargetType::Ip, None).stack();
    let plan = world.plan(&wanted);
    assert_eq!(
        kinds(&plan),
        [
            "CreateTargetGroup",
            "ModifyTargetGroupAttributes",
            "CreateBinding",
            "ModifyListener",
            "AwaitTargets",
            "AwaitHealth",
            "ModifyListener",
            "DeleteBinding",
            "DeleteTargetGroup",
        ]
    );
    assert_eq!(written(&plan), ["1 0", "-"]);
    assert!(!switches_at_once(&plan));
    // Whatever was done already, the next plan goes on from there.
    world.apply_some(&plan, 6, |ready| ready[0]);
    let rest = world.plan(&wanted);
    assert_eq!(
        kinds(&rest),
        [
            "AwaitTargets",
            "AwaitHealth",
            "ModifyListener",
            "DeleteBinding",
            "DeleteTargetGroup"
        ]
    );
    world.apply(&rest, |ready| ready[0]);
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn turning_back_half_way_keeps_the_old_group() {
    let old = shape(TargetType::Instance, None).stack();
    let mut world = World::at_rest(&old);
    let plan = world.plan(&shape(TargetType::Ip, None).stack());
    world.apply_some(&plan, 6, |ready| ready[0]);
    let back = world.plan(&old);
    assert_eq!(
        kinds(&back),
        ["ModifyListener", "DeleteBinding", "DeleteTargetGroup"]
    );
    assert_eq!(written(&back), ["-"]);
}

#[test]
fn shares_of_other_groups_stay_while_one_is_replaced() {
    let world = World::at_rest(&shape(TargetType::Instance, Some((1, 3))).stack());
    let plan = world.plan(&shape(TargetType::Ip, Some((2, 3))).stack());
    assert_eq!(written(&plan), ["1 3 0 0", "2 3"]);
}

#[test]
fn one_call_switches_where_no_action_can_hold_both() {
    let instance = shape(TargetType::Instance, None).stack();
    let ip = shape(TargetType::Ip, None).stack();
    let sticky = |stack: &mut Stack| {
        let attributes = &mut stack.target_groups[0].attributes;
        attributes.insert("stickiness.enabled".to_owned(), "true".to_owned());
    };
    let mut gate = World::at_rest(&instance);
    gate.settings.gates.weighted_target_groups = false;
    assert!(switches_at_once(&gate.plan(&ip)), "the gate is off");

    let mut udp = ip.clone();
    udp.listeners[0].protocol = Protocol::Udp;
    udp.target_groups[0].protocol = Protocol::Udp;
    let plan = World::at_rest(&instance).plan(&udp);
    assert!(switches_at_once(&plan), "the protocols do not fit");
    assert_eq!(written(&plan), ["-"]);

    let mut with_cookie = ip.clone();
    sticky(&mut with_cookie);
    let plan = World::at_rest(&instance).plan(&with_cookie);
    assert!(switches_at_once(&plan), "a sticky group beside another one");
    let mut stays = instance.clone();
    for action in &mut stays.listeners[0].default_actions {
        if let ListenerAction::Forward(forward) = action {
            let stickiness = Stickiness {
                enabled: true,
                seconds: None,
            };
            forward.stickiness = Setting::Set(stickiness);
        }
    }
    with_cookie.listeners.clone_from(&stays.listeners);
    let plan = World::at_rest(&stays).plan(&with_cookie);
    assert!(!switches_at_once(&plan), "the action is sticky");
}

#[test]
fn five_groups_leave_no_room_for_a_sixth() {
    let five = |target| {
        let mut stack = shape(target, None).stack();
        let (group, binding) = (stack.target_groups[0].clone(), stack.bindings[0].clone());
        for number in 1..5 {
            let (mut group, mut binding) = (group.clone(), binding.clone());
            group.id.0 = format!("default/web:80-{number}");
            group.name = format!("same-{number}");
            group.target_type = TargetType::Instance;
            binding.id = group.id.clone();
            binding.name.clone_from(&group.name);
            binding.spec.target_type = Some(TargetType::Instance);
            let reference = Ref::pending(ResourceKind::TargetGroup, &group.id);
            binding.spec.target_group = reference.clone();
            if let ListenerAction::Forward(forward) = &mut stack.listeners[0].default_actions[0] {
                forward.target_groups.push(WeightedTargetGroup {
                    target_group: reference,
                    weight: Some(1),
                });
                forward.target_groups[0].weight = Some(1);
            }
            stack.target_groups.push(group);
            stack.bindings.push(binding);
        }
        stack
    };
    let plan = World::at_rest(&five(TargetType::Instance)).plan(&five(TargetType::Ip));
    assert!(switches_at_once(&plan));
    assert_eq!(written(&plan), ["1 1 1 1 1"]);
    assert!(!plan.steps.iter().any(|step| kind(&step.action) == "AwaitHealth"));
}
