//! One test per rule of comparison and ordering.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{
    Action as ListenerAction, HealthCheckPort, IngressPermission, IpFamily, OnOff, PermissionSource,
    Protocol, Ref, ResourceAddress, ResourceKind, Scheme, Setting, Stack, Stickiness, WeightedTargetGroup,
};
use elbow_core::plan::render::{kind, verb};
use elbow_core::plan::{Action, Outputs, Plan, StepId, apply_step};
use elbow_crds::problem::{ProblemCode, Severity};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::plan_shape::{Groups, Ipv6, Port, Shape, Tls, group_id, key};
use crate::plan_world::World;

fn kinds(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| kind(&step.action)).collect()
}

/// Kinds of the steps that `wanted` needs in a world at rest for `Shape::default()`, changed by `drift`.
fn after(drift: impl Fn(&mut Stack), edit: impl Fn(&mut Stack)) -> Vec<&'static str> {
    let mut wanted = Shape::default().stack();
    let mut world = World::at_rest(&wanted);
    drift(&mut world.actual);
    edit(&mut wanted);
    kinds(&world.plan(&wanted))
}

fn nothing(_: &mut Stack) {}

const NONE: [&str; 0] = [];

fn tls_shape(certificates: &[u8]) -> Shape {
    let tls = Tls {
        certificates: certificates.to_vec(),
        policy: Some(1),
        alpn: None,
    };
    let port = Port {
        tls: Some(tls),
        ..Port::default()
    };
    Shape {
        ports: BTreeMap::from([(443, port)]),
        ..Shape::default()
    }
}

#[test]
fn attributes_nobody_lists_stay_and_values_compare_as_text() {
    let extra = |stack: &mut Stack| {
        let attributes = &mut stack.load_balancers[0].attributes;
        attributes.insert("by.hand".to_owned(), "1".to_owned());
    };
    assert_eq!(after(extra, nothing), NONE);
    let other_text = |stack: &mut Stack| {
        let attributes = &mut stack.target_groups[0].attributes;
        attributes.insert("proxy_protocol_v2.enabled".to_owned(), "False".to_owned());
    };
    assert_eq!(after(other_text, nothing), ["ModifyTargetGroupAttributes"]);
}

#[test]
fn names_ports_and_descriptions_are_never_changed() {
    let renamed = |stack: &mut Stack| {
        stack.load_balancers[0].name = "old-name".to_owned();
        stack.target_groups[0].name = "old-name".to_owned();
        stack.target_groups[0].port = 1;
        stack.security_groups[0].name = "old-name".to_owned();
        stack.security_groups[0].description = "old".to_owned();
    };
    assert_eq!(after(renamed, nothing), NONE);
}

#[test]
fn tags_of_aws_and_of_tracking_are_left_alone() {
    let tagged = |stack: &mut Stack| {
        for key in ["aws:cloudformation:stack-name", "elbv2.k8s.aws/cluster"] {
            let tags = &mut stack.load_balancers[0].tags;
            tags.insert(key.to_owned(), "x".to_owned());
        }
    };
    assert_eq!(after(tagged, nothing), NONE);
    assert_eq!(
        after(nothing, tagged),
        NONE,
        "nor are they set when somebody wants them"
    );
}

#[test]
fn legacy_tags_are_left_alone_on_everything_but_listeners() {
    let legacy = |tags: &mut BTreeMap<String, String>| {
        tags.insert("kubernetes.io/cluster/demo".to_owned(), "owned".to_owned());
    };
    let on_group = |stack: &mut Stack| legacy(&mut stack.target_groups[0].tags);
    assert_eq!(after(on_group, nothing), NONE);
    let on_listener = |stack: &mut Stack| {
        let mut tags = stack.listeners[0].tags.get().cloned().unwrap_or_default();
        legacy(&mut tags);
        stack.listeners[0].tags = Setting::Set(tags);
    };
    assert_eq!(after(on_listener, nothing), ["RemoveTags"]);
}

#[test]
fn tags_of_listeners_are_not_compared_without_the_gate() {
    let tagged = |stack: &mut Stack| {
        stack.listeners[0].tags = Setting::Set(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
    };
    let unmanaged = |stack: &mut Stack| stack.listeners[0].tags = Setting::Unmanaged;
    assert_eq!(after(tagged, unmanaged), NONE);
}

fn forward(stack: &mut Stack) -> &mut elbow_core::model::ForwardAction {
    match &mut stack.listeners[0].default_actions[0] {
        ListenerAction::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_weight_of_a_single_group_and_unmanaged_stickiness_are_not_compared() {
    let reported = |stack: &mut Stack| {
        forward(stack).target_groups[0].weight = Some(7);
        forward(stack).stickiness = Setting::Set(Stickiness {
            enabled: true,
            seconds: None,
        });
    };
    assert_eq!(after(reported, nothing), NONE);
    let managed = |stack: &mut Stack| forward(stack).stickiness = Setting::Set(Stickiness::OFF);
    assert_eq!(after(reported, managed), ["ModifyListener"]);
}

#[test]
fn the_order_of_groups_is_not_compared_and_their_weights_are() {
    let shape = Shape {
        ports: BTreeMap::from([(
            80,
            Port {
                weights: Some((1, 2)),
                ..Port::default()
            },
        )]),
        ..Shape::default()
    };
    let mut wanted = shape.stack();
    let mut world = World::at_rest(&wanted);
    forward(&mut world.actual).target_groups.reverse();
    assert!(world.plan(&wanted).is_empty());
    forward(&mut wanted).target_groups[0].weight = None;
    assert!(
        world.plan(&wanted).is_empty(),
        "AWS gives 1 to a group without weight"
    );
    forward(&mut wanted).target_groups[0].weight = Some(2);
    assert_eq!(kinds(&world.plan(&wanted)), ["ModifyListener"]);
}

#[test]
fn a_group_named_by_its_arn_is_compared_by_it() {
    let foreign = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/foreign/1";
    let add = |stack: &mut Stack| {
        forward(stack).target_groups.push(WeightedTargetGroup {
            target_group: Ref::Known(foreign.to_owned()),
            weight: Some(1),
        });
    };
    assert_eq!(
        after(nothing, add),
        ["ModifyListener"],
        "no wait for targets of others"
    );
}

#[test]
fn a_removed_tls_policy_or_alpn_policy_is_not_noticed_unless_asked_for() {
    let wanted = tls_shape(&[1]).stack();
    let mut world = World::at_rest(&wanted);
    world.actual.listeners[0].alpn_policy = Setting::Set("HTTP2Only".to_owned());
    let mut without = wanted.clone();
    without.listeners[0].ssl_policy = Setting::Unmanaged;
    assert!(world.plan(&without).is_empty());
    world.settings.gates.enhanced_default_behavior = true;
    let plan = world.plan(&without);
    assert_eq!(kinds(&plan), ["ModifyListener"]);
    let Action::ModifyListener { listener, .. } = &plan.steps[0].action else {
        panic!("{plan:?}");
    };
    assert_eq!(listener.alpn_policy, Setting::Set("None".to_owned()));
}

#[test]
fn an_alpn_policy_of_none_equals_no_policy() {
    let mut wanted = tls_shape(&[1]).stack();
    let world = World::at_rest(&wanted);
    wanted.listeners[0].alpn_policy = Setting::Set("None".to_owned());
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn certificates_come_before_others_go_and_one_per_call() {
    let world = World::at_rest(&tls_shape(&[1, 2]).stack());
    let plan = world.plan(&tls_shape(&[3, 4]).stack());
    let added: BTreeSet<StepId> = [StepId(0), StepId(1)].into();
    assert_eq!(
        kinds(&plan),
        [
            "AddListenerCertificates",
            "AddListenerCertificates",
            "ModifyListener",
            "RemoveListenerCertificates",
            "RemoveListenerCertificates",
        ]
    );
    assert!(plan.steps[3].needs.is_superset(&added) && plan.steps[4].needs.is_superset(&added));
}

#[test]
fn certificates_beyond_the_quota_make_room_first() {
    let (old, new): (Vec<u8>, Vec<u8>) = ((1..=20).collect(), (11..=30).collect());
    let world = World::at_rest(&tls_shape(&old).stack());
    let plan = world.plan(&tls_shape(&new).stack());
    let last_removal = plan
        .steps
        .iter()
        .rposition(|s| kind(&s.action) == "RemoveListenerCertificates");
    let first_addition = plan
        .steps
        .iter()
        .position(|s| kind(&s.action) == "AddListenerCertificates");
    assert!(last_removal < first_addition, "{:?}", kinds(&plan));
}

#[test]
fn rules_open_before_others_close() {
    let world = World::at_rest(&Shape::default().stack());
    let other = Shape {
        sources: BTreeSet::from([9]),
        ..Shape::default()
    };
    let plan = world.plan(&other.stack());
    assert_eq!(
        kinds(&plan),
        ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]
    );
    assert_eq!(plan.steps[1].needs, BTreeSet::from([StepId(0)]));
}

#[test]
fn rules_beyond_the_quota_close_first() {
    let with = |sources: std::ops::Range<u8>| Shape {
        sources: sources.collect(),
        ..Shape::default()
    };
    let world = World::at_rest(&with(0..40).stack());
    let plan = world.plan(&with(40..80).stack());
    assert_eq!(
        kinds(&plan),
        ["RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"]
    );
    assert!(plan.steps[0].reason.contains("no overlap"));
    assert_eq!(plan.steps[1].needs, BTreeSet::from([StepId(0)]));
}

#[test]
fn a_rule_is_the_same_however_its_cidr_is_spelled() {
    let respelled = |stack: &mut Stack| {
        let rule = |source| IngressPermission {
            protocol: "tcp".to_owned(),
            from_port: Some(80),
            to_port: Some(80),
            source,
        };
        stack.security_groups[0].ingress = vec![
            rule(PermissionSource::Ipv4("10.0.9.9/16".to_owned())),
            rule(PermissionSource::Ipv4("10.0.0.0/16".to_owned())),
            rule(PermissionSource::Ipv6("2600:1F14:0:0::/56".to_owned())),
        ];
    };
    let mut wanted = Shape::default().stack();
    respelled(&mut wanted);
    let world = World::at_rest(&wanted);
    assert_eq!(world.actual.security_groups[0].ingress.len(), 2, "one rule each");
    assert!(world.plan(&wanted).is_empty());
}

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
fn a_new_load_balancer_next_to_one_of_another_scheme_is_not_planned() {
    let world = World::at_rest(&Shape::default().stack());
    let other = Shape {
        scheme: Scheme::InternetFacing,
        ..Shape::default()
    };
    let plan = world.plan(&other.stack());
    assert!(plan.is_empty());
    let problem = &plan.problems[0];
    assert_eq!(
        (problem.code, problem.severity),
        (ProblemCode::NeedsReplacement, Severity::Fault)
    );
    assert!(problem.message.contains("internal") && problem.message.contains("internet-facing"));
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
