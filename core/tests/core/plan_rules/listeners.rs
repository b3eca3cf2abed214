//! Attributes, tags, listeners with their certificates, and the rules of security groups.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{
    Action as ListenerAction, IngressPermission, PermissionSource, Ref, Setting, Stack, Stickiness,
    WeightedTargetGroup,
};
use elbow_core::plan::render::kind;
use elbow_core::plan::{Action, StepId};

use super::{NONE, after, kinds, nothing, tls_shape};
use crate::plan_shape::{Port, Shape};
use crate::plan_world::World;

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
