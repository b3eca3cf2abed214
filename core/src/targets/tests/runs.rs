//! Worked examples of the reference page (section 20), and what the binding does in between.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::world::{BINDING, World, binding, node, pod, time};
use crate::targets::decide::{BindingDecision, FINALIZER};
use crate::targets::input::{RulesState, RunFacts};
use crate::targets::{Target, TargetState};
use std::sync::Arc;

fn ip_world(gated: bool) -> World {
    let mut world = World::new(binding("ip", json!({})));
    let mut a = pod("a", "10.0.0.5", gated);
    if gated {
        a.conditions.insert(
            format!("target-health.elbv2.k8s.aws/{BINDING}"),
            super::world::condition("True"),
        );
    }
    world.add_pod(a);
    world.add_target("10.0.0.5", 8080, TargetState::Healthy);
    world.run();
    world.take_calls();
    world
}

#[test]
fn a_rolling_update_with_gates_follows_the_worked_example() {
    let mut world = ip_world(true);
    assert!(!world.checkpoint().is_empty());
    world.add_pod(pod("b", "10.0.1.9", true));
    let wake = world.run();
    assert_eq!(world.take_calls(), ["register 10.0.1.9:8080"]);
    assert_eq!(world.checkpoint(), "");
    let gate = world.gate_of("b").unwrap();
    assert_eq!(
        (gate.status.as_str(), gate.reason.as_str(), gate.message.as_str()),
        (
            "False",
            "Elb.RegistrationInProgress",
            "Target registration is in progress"
        )
    );
    assert_eq!(wake, Some(world.now + Duration::from_secs(15)));

    world.pass(15);
    world.run();
    assert_eq!(world.take_calls(), ["describe 10.0.1.9:8080"]);
    assert_eq!(world.gate_of("b").unwrap().reason, "Elb.InitialHealthChecking");

    world.add_target("10.0.1.9", 8080, TargetState::Healthy);
    world.pass(15);
    world.run();
    assert_eq!(world.take_calls(), ["describe 10.0.1.9:8080"]);
    let gate = world.gate_of("b").unwrap();
    assert_eq!((gate.status.as_str(), gate.reason.as_str()), ("True", ""));
    assert!(!world.checkpoint().is_empty());

    world.pods.get_mut("a").unwrap().meta.deleting = true;
    world.run();
    assert_eq!(world.take_calls(), ["deregister 10.0.0.5:8080"]);
    assert!(!world.checkpoint().is_empty());
}

#[test]
fn a_run_caused_by_its_own_writes_reads_nothing() {
    let mut world = ip_world(true);
    world.add_pod(pod("b", "10.0.1.9", true));
    world.run();
    world.take_calls();
    world.pass(1);
    world.run();
    assert_eq!(world.take_calls(), Vec::<String>::new());
}

#[test]
fn an_equal_checkpoint_costs_no_call_after_a_restart() {
    let mut world = ip_world(false);
    world.restart();
    let wake = world.run().unwrap();
    assert_eq!(world.take_calls(), Vec::<String>::new());
    assert!(wake <= world.now + world.settings.sync_period);
}

#[test]
fn what_was_changed_out_of_band_is_mended_within_the_sync_period() {
    let mut world = ip_world(false);
    world.restart();
    let wake = world.run().unwrap();
    world.group.clear();
    world.now = wake;
    world.run();
    assert_eq!(world.take_calls(), ["describe all", "register 10.0.0.5:8080"]);
    let checkpoint = world.checkpoint().to_owned();
    assert!(!checkpoint.is_empty());
    assert!(world.memory.verify_at > world.now);
}

#[test]
fn a_vanished_backend_empties_the_group_once_and_its_return_fills_it() {
    let mut world = ip_world(true);
    world.service = None;
    world.run();
    assert_eq!(world.take_calls(), ["describe all", "deregister 10.0.0.5:8080"]);
    assert_eq!(world.checkpoint(), "");
    let gate = world.gate_of("a").unwrap();
    assert_eq!(gate.message, "Target Group Binding is deleted");
    world.run();
    assert_eq!(world.take_calls(), Vec::<String>::new());
    world.service = Some(super::world::service());
    world.pass(15);
    world.run();
    let calls = world.take_calls();
    assert_eq!(calls.last().unwrap(), "register 10.0.0.5:8080");
}

#[test]
fn the_backend_that_is_missing_is_named_in_upstreams_words() {
    let mut world = World::new(binding(
        "ip",
        json!({"serviceRef": {"name": "web", "port": "http"}}),
    ));
    world.run();
    assert_eq!(
        world.memory.cleaned_for.as_deref(),
        Some("backend not found: unable to find port http on service default/web")
    );
    world.service = None;
    world.run();
    assert_eq!(
        world.memory.cleaned_for.as_deref(),
        Some("backend not found: services \"web\" not found")
    );
}

#[test]
fn new_targets_are_registered_before_old_ones_are_deregistered() {
    let mut world = World::new(binding("instance", json!({})));
    world.add_target("i-gone", 31223, TargetState::Healthy);
    world.run();
    assert_eq!(
        world.take_calls(),
        [
            "describe all",
            "register i-node-1:31223",
            "deregister i-gone:31223"
        ]
    );
}

#[test]
fn a_target_that_is_draining_is_registered_again() {
    let mut world = World::new(binding("instance", json!({})));
    world.add_target("i-node-1", 31223, TargetState::Draining);
    world.run();
    assert_eq!(world.take_calls(), ["describe all", "register i-node-1:31223"]);
}

#[test]
fn the_limit_counts_draining_targets_and_never_goes_below_zero() {
    let mut world = World::new(binding("instance", json!({})));
    world.settings.max_targets_per_target_group = 2;
    for name in ["node-2", "node-3"] {
        world.nodes.insert(name.to_owned(), Arc::new(node(name, "True")));
    }
    world.add_target("i-old", 31223, TargetState::Draining);
    let wake = world.run();
    assert_eq!(world.take_calls(), ["describe all", "register i-node-1:31223"]);
    assert_eq!(wake, Some(world.now + Duration::from_secs(15)));
    for id in ["i-x", "i-y", "i-z"] {
        world.add_target(id, 31223, TargetState::Draining);
    }
    world.restart();
    world.run();
    assert_eq!(world.take_calls(), ["describe all"]);
}

#[test]
fn an_old_target_stays_until_as_many_new_ones_are_healthy() {
    let mut world = ip_world(false);
    world.add_pod(pod("green", "10.0.0.6", false));
    world.selected = Some(BTreeSet::from(["green".to_owned()]));
    world.run();
    assert_eq!(world.take_calls(), ["register 10.0.0.6:8080"]);
    world.pass(15);
    world.run();
    assert_eq!(world.take_calls(), ["describe 10.0.0.6:8080"]);
    world.add_target("10.0.0.6", 8080, TargetState::Healthy);
    world.pass(15);
    world.run();
    assert_eq!(
        world.take_calls(),
        ["describe 10.0.0.6:8080", "deregister 10.0.0.5:8080"]
    );
}

#[test]
fn an_old_target_stays_ten_minutes_at_most() {
    let mut world = ip_world(false);
    world.selected = Some(BTreeSet::new());
    let wake = world.run().unwrap();
    assert!(wake <= world.now + Duration::from_secs(15));
    assert_eq!(world.take_calls(), Vec::<String>::new());
    world.pass(599);
    world.run();
    assert!(
        !world
            .take_calls()
            .iter()
            .any(|call| call.starts_with("deregister"))
    );
    world.pass(1);
    world.run();
    assert_eq!(world.take_calls(), ["deregister 10.0.0.5:8080"]);
}

#[test]
fn an_old_target_goes_at_once_when_its_pod_is_not_what_it_was() {
    type Change = fn(&mut World);
    let changes: [(&str, Change); 5] = [
        ("terminating", |w| {
            w.pods.get_mut("a").unwrap().meta.deleting = true;
        }),
        ("unready", |w| {
            let unready = super::world::condition("False");
            let conditions = &mut w.pods.get_mut("a").unwrap().conditions;
            conditions.insert("ContainersReady".to_owned(), unready);
        }),
        ("gone", |w| {
            w.pods.remove("a");
        }),
        ("another", |w| {
            w.pods.get_mut("a").unwrap().meta.uid = "uid-other".to_owned();
        }),
        ("moved", |w| {
            w.pods.get_mut("a").unwrap().ip = "10.0.0.7".to_owned();
        }),
    ];
    for (name, change) in changes {
        let mut world = ip_world(false);
        world.selected = Some(BTreeSet::new());
        change(&mut world);
        world.run();
        assert_eq!(world.take_calls(), ["deregister 10.0.0.5:8080"], "{name}");
    }
}

#[test]
fn a_refused_registration_is_reported_and_does_not_stop_deregistration() {
    let mut world = ip_world(true);
    world.add_pod(pod("b", "10.0.1.9", true));
    world.pods.get_mut("a").unwrap().meta.deleting = true;
    world.refusal = Some("the target is not valid".to_owned());
    world.run();
    assert_eq!(
        world.take_calls(),
        ["register 10.0.1.9:8080", "deregister 10.0.0.5:8080"]
    );
    assert!(world.gate_of("b").is_none());
    assert_eq!(world.checkpoint(), "");
    assert_eq!(world.events.last().unwrap().reason, "FailedReconcile");
}

#[test]
fn a_deleted_binding_deregisters_everything_and_opens_the_gates() {
    let mut world = ip_world(true);
    world.add_target("10.0.0.9", 8080, TargetState::Draining);
    world.binding.meta.deleting = true;
    world.run();
    assert_eq!(
        world.take_calls(),
        ["describe all", "deregister 10.0.0.5:8080 10.0.0.9:8080"]
    );
    assert!(world.released);
    assert_eq!(
        world.gate_of("a").unwrap().message,
        "Target Group Binding is deleted"
    );
}

#[test]
fn a_deleted_binding_waits_a_minute_at_most_for_its_rules() {
    let mut world = World::new(binding("instance", json!({"networking": {"ingress": []}})));
    world.memory.contribution_of = Some("x".to_owned());
    world.rules = RulesState::Granted;
    world.binding.meta.deleting = true;
    let wake = world.run().unwrap();
    assert_eq!(wake, world.now + Duration::from_mins(1));
    assert!(!world.released);
    world.now = wake;
    world.run();
    assert!(world.released);
    assert_eq!(world.take_calls(), ["describe all"]);
}

#[test]
fn instance_targets_wait_for_rules_and_ip_targets_do_not() {
    let networking = json!({"networking": {"ingress": []}});
    let mut instance = World::new(binding("instance", networking.clone()));
    instance.rules = RulesState::Waiting;
    instance.run();
    assert_eq!(instance.take_calls(), ["describe all"]);
    let mut ip = World::new(binding("ip", networking));
    ip.add_pod(pod("a", "10.0.0.5", false));
    ip.rules = RulesState::Failed("denied".to_owned());
    let wake = ip.run();
    assert_eq!(ip.take_calls(), ["describe all", "register 10.0.0.5:8080"]);
    assert_eq!(ip.checkpoint(), "");
    assert_eq!(ip.events.last().unwrap().reason, "FailedNetworkReconcile");
    assert_eq!(wake, Some(ip.now + Duration::from_secs(15)));
    ip.rules = RulesState::Settled;
    ip.run();
    assert!(!ip.checkpoint().is_empty());
}

#[test]
fn the_checkpoint_is_stored_only_when_rules_are_settled_or_a_minute_has_passed() {
    let mut world = World::new(binding("ip", json!({"networking": {"ingress": []}})));
    world.rules = RulesState::Granted;
    world.run();
    assert_eq!(world.checkpoint(), "");
    world.pass(60);
    world.run();
    assert!(!world.checkpoint().is_empty());
}

#[test]
fn a_spec_that_cannot_be_used_is_a_problem_and_changes_nothing() {
    let rows = [
        (
            json!({"targetType": null}),
            "spec.targetType",
            "targetType is not specified: default/",
        ),
        (
            json!({"targetGroupARN": ""}),
            "spec.targetGroupARN",
            "there is no target group ARN",
        ),
        (
            json!({"targetGroupARN": "", "targetGroupName": "web"}),
            "spec.targetGroupARN",
            "spec.targetGroupName 'web' alone is not looked up yet",
        ),
        (
            json!({"iamRoleArnToAssume": "arn:aws:iam::1:role/x"}),
            "spec.iamRoleArnToAssume",
            "account",
        ),
    ];
    for (more, field, text) in rows {
        let world = World::new(binding("ip", more));
        let BindingDecision::Failed(problem) = world.decide_once(&RunFacts::default()) else {
            panic!("{field}");
        };
        assert_eq!(problem.field, field);
        assert!(problem.message.contains(text), "{}", problem.message);
    }
}

#[test]
fn the_finalizer_comes_first() {
    let mut world = World::new(binding("ip", json!({})));
    world.binding.meta.finalizers.remove(FINALIZER);
    assert_eq!(
        world.decide_once(&RunFacts::default()),
        BindingDecision::AddFinalizer
    );
    world.binding.meta.deleting = true;
    assert!(matches!(
        world.decide_once(&RunFacts::default()),
        BindingDecision::Rest { wake_at: None, .. }
    ));
}

#[test]
fn an_address_outside_the_vpc_is_registered_in_all_zones() {
    let mut world = World::new(binding("ip", json!({})));
    world.add_pod(pod("far", "192.168.0.5", false));
    world.run();
    let registered = &world.group[&("192.168.0.5".to_owned(), 8080)];
    assert_eq!(
        registered.target,
        Target {
            availability_zone: Some("all".to_owned()),
            ..Target::new("192.168.0.5", 8080)
        }
    );
}

#[test]
fn quic_targets_without_server_id_are_left_out_and_their_gate_waits() {
    let mut world = World::new(binding("ip", json!({"targetGroupProtocol": "QUIC"})));
    let mut with = pod("with", "10.0.0.5", true);
    with.quic_server_ids.insert(8080, "0x01".to_owned());
    world.add_pod(with);
    world.add_pod(pod("without", "10.0.0.6", true));
    world.run();
    assert_eq!(
        world.take_calls(),
        ["describe all", "register 10.0.0.5:8080:0x01"]
    );
    assert_eq!(time(0), world.now);
}
