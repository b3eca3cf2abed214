//! Load balancers, target groups, bindings, and the order of steps between them.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{
    HealthCheckPort, IpFamily, OnOff, Protocol, Ref, ResourceAddress, ResourceKind, Setting, Stack,
};
use elbow_core::plan::render::{kind, verb};
use elbow_core::plan::{Action, Outputs, Plan, StepId, apply_step};
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{NONE, after, kinds, nothing, tls_shape};
use crate::plan_shape::{Groups, Ipv6, Port, Shape, group_id, key};
use crate::plan_world::World;

#[test]
fn unreported_source_nat_is_off_and_any_prefix_satisfies_auto_assigned() {
    let unreported = |stack: &mut Stack| stack.load_balancers[0].ipv6_source_nat = Setting::Unmanaged;
    assert_eq!(after(unreported, nothing), NONE);
    for ipv6 in [Ipv6::AutoPrefixes, Ipv6::SourceNat] {
        let shape = Shape {
            ipv6,
            ..Shape::default()
        };
        let mut world = World::at_rest(&shape.stack());
        for mapping in &mut world.actual.load_balancers[0].subnets {
            mapping.source_nat_prefix = Some("2600:1f14:0:1:abcd::/80".to_owned());
        }
        assert!(world.plan(&shape.stack()).is_empty(), "{ipv6:?}");
    }
}

#[test]
fn a_source_nat_prefix_is_the_same_however_it_is_spelled() {
    let shape = Shape {
        ipv6: Ipv6::Prefixes(1),
        ..Shape::default()
    };
    let mut wanted = shape.stack();
    let world = World::at_rest(&wanted);
    for mapping in &mut wanted.load_balancers[0].subnets {
        let prefix = mapping.source_nat_prefix.as_mut().expect("set");
        *prefix = prefix.replace("2600:1f14:0:", "2600:1F14:0000:");
    }
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn addresses_of_subnets_that_stay_are_not_compared() {
    let edit = |stack: &mut Stack| {
        for mapping in &mut stack.load_balancers[0].subnets {
            mapping.allocation_id = Some("eipalloc-1".to_owned());
            mapping.private_ipv4 = Some("10.0.0.9".to_owned());
        }
    };
    assert_eq!(after(nothing, edit), NONE);
}

#[test]
fn private_link_enforcement_of_a_new_load_balancer_is_set_only_if_it_is_off() {
    for (value, expected) in [(OnOff::On, false), (OnOff::Off, true)] {
        let shape = Shape {
            private_link: Some(value),
            ..Shape::default()
        };
        let plan = World::new().plan(&shape.stack());
        assert_eq!(kinds(&plan).contains(&"SetSecurityGroups"), expected, "{value:?}");
    }
}

#[test]
fn security_groups_compare_as_a_set() {
    let reversed = |stack: &mut Stack| stack.load_balancers[0].security_groups.reverse();
    assert_eq!(after(reversed, nothing), NONE);
    let one_less = |stack: &mut Stack| {
        stack.load_balancers[0].security_groups.pop();
    };
    assert_eq!(after(one_less, nothing), ["SetSecurityGroups"]);
}

#[test]
fn the_load_balancer_takes_a_new_group_after_its_rules_and_lets_the_old_one_go_before_its_deletion() {
    let given = Shape {
        groups: Groups::Given(1),
        ..Shape::default()
    };
    let mut world = World::at_rest(&given.stack());
    let plan = world.plan(&Shape::default().stack());
    assert_eq!(
        kinds(&plan),
        [
            "CreateSecurityGroup",
            "AuthorizeSecurityGroupIngress",
            "SetSecurityGroups",
            "UpdateBinding"
        ]
    );
    assert_eq!(plan.steps[2].needs, BTreeSet::from([StepId(0), StepId(1)]));
    world.apply(&plan, |ready| ready[0]);
    let back = world.plan(&given.stack());
    let deletion = back.steps.last().expect("steps");
    assert_eq!(kind(&deletion.action), "DeleteSecurityGroup");
    assert_eq!(deletion.needs, BTreeSet::from([StepId(0), StepId(1)]));
}

#[test]
fn capacity_is_planned_with_the_gate_only_and_zero_equals_none() {
    let reserved = |stack: &mut Stack| stack.load_balancers[0].capacity_units = Setting::Set(0);
    assert_eq!(after(nothing, reserved), NONE);
    let shape = Shape {
        capacity: Some(100),
        ..Shape::default()
    };
    let mut world = World::at_rest(&Shape::default().stack());
    assert_eq!(kinds(&world.plan(&shape.stack())), ["ModifyCapacityReservation"]);
    world.settings.gates.lb_capacity_reservation = false;
    assert!(world.plan(&shape.stack()).is_empty());
}

#[test]
fn fields_of_the_health_check_that_nobody_sets_stay() {
    let reported = |stack: &mut Stack| {
        let check = &mut stack.target_groups[0].health_check;
        check.timeout_seconds = Setting::Set(42);
        check.path = Setting::Set("/by-hand".to_owned());
    };
    let unmanaged = |stack: &mut Stack| {
        stack.target_groups[0].health_check.timeout_seconds = Setting::Unmanaged;
    };
    assert_eq!(after(reported, unmanaged), NONE);
    let fixed = |stack: &mut Stack| {
        stack.target_groups[0].health_check.port = HealthCheckPort::Number(9000);
    };
    assert_eq!(after(reported, fixed), ["ModifyTargetGroup"]);
}

#[test]
fn without_the_gate_a_health_check_of_an_nlb_group_needs_a_new_group() {
    let mut wanted = Shape::default().stack();
    let mut world = World::at_rest(&wanted);
    wanted.target_groups[0].health_check.interval_seconds = 30;
    assert_eq!(kinds(&world.plan(&wanted)), ["ModifyTargetGroup"]);
    world.settings.gates.nlb_health_check_advanced_config = false;
    assert_eq!(
        kinds(&world.plan(&wanted)),
        ["ModifyTargetGroup"],
        "two groups cannot have one name"
    );
    wanted.target_groups[0].name = "k8s-other".to_owned();
    wanted.bindings[0].name = "k8s-other".to_owned();
    let plan = world.plan(&wanted);
    assert_eq!(verb(&plan.steps[0]), "replace");
    wanted.target_groups[0].health_check.interval_seconds = 10;
    wanted.target_groups[0].health_check.healthy_threshold = 5;
    assert_eq!(
        kinds(&world.plan(&wanted)),
        ["ModifyTargetGroup"],
        "thresholds can change"
    );
}

#[test]
fn a_replaced_group_is_bound_filled_switched_to_and_then_the_old_one_goes() {
    let world = World::at_rest(&Shape::default().stack());
    let port = Port {
        udp: true,
        ..Port::default()
    };
    let other = Shape {
        groups: Groups::Managed,
        ports: BTreeMap::from([(80, port)]),
        ..Shape::default()
    };
    let plan = world.plan(&other.stack());
    assert_eq!(
        kinds(&plan),
        [
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
            "CreateTargetGroup",
            "ModifyTargetGroupAttributes",
            "CreateBinding",
            "AwaitTargets",
            "ModifyListener",
            "DeleteBinding",
            "DeleteTargetGroup",
        ]
    );
    assert!(
        plan.steps[6].reason.contains("no overlap"),
        "{}",
        plan.steps[6].reason
    );
    let needs: Vec<bool> = (3..9)
        .map(|i| plan.steps[i].needs.contains(&StepId(i - 1)))
        .collect();
    assert_eq!(
        needs,
        [true, false, true, true, true, true],
        "attributes and binding side by side"
    );
}

#[test]
fn of_two_groups_with_one_id_the_one_in_use_stays() {
    let wanted = Shape::default().stack();
    let mut world = World::at_rest(&wanted);
    let mut copy = world.actual.target_groups[0].clone();
    copy.arn = Some("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/a/0".to_owned());
    copy.load_balancers.clear();
    world.actual.target_groups.insert(0, copy.clone());
    let plan = world.plan(&wanted);
    assert_eq!(kinds(&plan), ["DeleteTargetGroup"]);
    assert_eq!(
        plan.steps[0].action,
        Action::DeleteTargetGroup {
            arn: copy.arn.expect("set")
        }
    );
}

#[test]
fn the_family_of_a_group_is_a_problem_and_not_a_change() {
    let mut wanted = Shape::default().stack();
    let world = World::at_rest(&wanted);
    wanted.target_groups[0].family = IpFamily::Ipv6;
    wanted.bindings[0].spec.family = Some(IpFamily::Ipv6);
    let plan = world.plan(&wanted);
    assert!(plan.is_empty());
    assert_eq!(plan.problems[0].code, ProblemCode::NeedsReplacement);
}

#[test]
fn labels_and_annotations_of_others_on_a_binding_go() {
    let labelled = |stack: &mut Stack| {
        let labels = &mut stack.bindings[0].labels;
        labels.insert("by-hand".to_owned(), "x".to_owned());
    };
    assert_eq!(after(labelled, nothing), ["UpdateBinding"]);
    let foreign = |stack: &mut Stack| stack.bindings[0].spec.foreign_fields = true;
    assert_eq!(after(foreign, nothing), ["UpdateBinding"]);
}

#[test]
fn an_empty_part_of_a_node_selector_equals_an_absent_one() {
    let select = |stack: &mut Stack, labels: Option<BTreeMap<String, String>>| {
        stack.bindings[0].spec.node_selector = Some(LabelSelector {
            match_labels: labels,
            match_expressions: None,
        });
    };
    let absent = |stack: &mut Stack| select(stack, None);
    let empty = |stack: &mut Stack| select(stack, Some(BTreeMap::new()));
    assert_eq!(after(absent, empty), NONE);
    assert_eq!(
        after(nothing, empty),
        ["UpdateBinding"],
        "a selector and none differ"
    );
}

#[test]
fn a_binding_keeps_the_name_it_has() {
    let renamed = |stack: &mut Stack| {
        stack.target_groups[0].name = "k8s-new-name".to_owned();
        stack.bindings[0].name = "k8s-new-name".to_owned();
        stack.bindings[0].spec.multi_cluster = true;
    };
    let mut wanted = Shape::default().stack();
    let world = World::at_rest(&wanted);
    let name = wanted.bindings[0].name.clone();
    renamed(&mut wanted);
    let plan = world.plan(&wanted);
    let Action::UpdateBinding { binding, .. } = &plan.steps[0].action else {
        panic!("{plan:?}");
    };
    assert_eq!(binding.name, name);
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn listeners_beyond_the_quota_go_before_others_come() {
    let with = |ports: std::ops::Range<i32>| Shape {
        ports: ports.map(|port| (port, Port::default())).collect(),
        groups: Groups::Given(1),
        ..Shape::default()
    };
    let world = World::at_rest(&with(1..50).stack());
    let plan = world.plan(&with(2..51).stack());
    let create = plan
        .steps
        .iter()
        .find(|s| kind(&s.action) == "CreateListener")
        .expect("one");
    let deletions = |plan: &Plan, needs: &BTreeSet<StepId>| {
        needs
            .iter()
            .any(|id| kind(&plan.steps[id.0].action) == "DeleteListener")
    };
    assert!(!deletions(&plan, &create.needs), "50 in all are allowed");
    let plan = world.plan(&with(3..52).stack());
    let create = plan
        .steps
        .iter()
        .find(|s| kind(&s.action) == "CreateListener")
        .expect("one");
    assert!(deletions(&plan, &create.needs), "51 in all are not");
}

#[test]
fn an_owner_that_wants_nothing_gets_no_finalizer_and_a_stranger_loses_none() {
    let mut world = World::new();
    assert!(world.plan(&Stack::empty(&key())).is_empty());
    world.owner.gone = true;
    assert!(world.plan(&Stack::empty(&key())).is_empty());
    world.owner.has_finalizer = true;
    assert_eq!(kinds(&world.plan(&Stack::empty(&key()))), ["RemoveFinalizer"]);
    world.owner.gone = false;
    world.owner.has_finalizer = false;
    let all = kinds(&world.plan(&Shape::default().stack()));
    assert_eq!(all[0], "AddFinalizer");
}

#[test]
fn a_step_on_something_that_is_not_there_changes_nothing() {
    let world = World::at_rest(&Shape::default().stack());
    let edit = Shape {
        subnets: BTreeSet::from([3]),
        ..Shape::default()
    };
    let plan = world.plan(&edit.stack());
    let mut empty = Stack::empty(&key());
    for step in &plan.steps {
        apply_step(&mut empty, step, &Outputs::default());
    }
    assert!(empty.is_empty());
}

#[test]
fn a_listener_that_stops_being_secure_loses_certificates_and_policies() {
    let mut world = World::at_rest(&tls_shape(&[1, 2]).stack());
    let mut plain = tls_shape(&[]);
    plain.ports.insert(443, Port::default());
    world.run_to_rest(&plain.stack());
    let listener = &world.actual.listeners[0];
    assert_eq!(listener.protocol, Protocol::Tcp);
    assert!(listener.certificates.is_empty());
    assert_eq!(listener.extra_certificates, Setting::Set(BTreeSet::new()));
    assert_eq!(listener.ssl_policy, Setting::Unmanaged);
}

#[test]
fn outputs_resolve_what_steps_made() {
    let address = ResourceAddress::new(ResourceKind::TargetGroup, &group_id(80, ""));
    let mut outputs = Outputs::default();
    let pending = Ref::Pending(address.clone());
    assert_eq!(outputs.resolve(&pending), None);
    assert_eq!(outputs.settle(&pending), pending);
    outputs.insert(&address, elbow_core::plan::Output::id("arn"));
    assert_eq!(outputs.settle(&pending), Ref::Known("arn".to_owned()));
    assert_eq!(outputs.resolve(&Ref::BackendGroup), None);
}
