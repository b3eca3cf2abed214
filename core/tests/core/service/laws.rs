//! Laws that hold for every Service, whatever its annotations.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::build::Built;
use elbow_core::intent::{Shelf, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::model::{Action, BindingPeer, Ref, ResourceAddress, ResourceKind, Stack};
use elbow_core::settings::Settings;
use elbow_crds::annotation::service::{TABLE, Variant};
use elbow_crds::problem::Problem;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::{manifest, world};

/// Values that make sense for some annotation, and some that do for none.
const VALUES: [&str; 34] = [
    "",
    " ",
    "true",
    "false",
    "on",
    "off",
    "ip",
    "instance",
    "external",
    "internal",
    "internet-facing",
    "dualstack",
    "ipv4",
    "80",
    "443",
    "53",
    "http",
    "tcp",
    "https",
    "10",
    "-1",
    "a=b",
    "a=b,c=d",
    "k",
    "sg-a",
    "sg-a,beta",
    "subnet-1,subnet-2",
    "one",
    "192.168.0.15,192.168.32.16",
    "10.1.0.0/8",
    "arn:c1",
    "*",
    "CapacityUnits=7",
    "{\"type\":\"forward\",\"forwardConfig\":{\"targetGroups\":[{\"serviceName\":\"green\",\"servicePort\":81}]}}",
];

fn suffix() -> impl Strategy<Value = String> {
    (
        select(TABLE.to_vec()),
        select(vec!["TCP-80", "TLS-443", "UDP-53", "TCP_UDP-53"]),
        select(vec!["80", "443"]),
    )
        .prop_map(|(row, listener, port)| match row.variant {
            Variant::None => row.suffix.to_owned(),
            Variant::Port => format!("{}.{port}", row.suffix),
            _ => format!("{}.{listener}", row.suffix),
        })
}

fn annotations() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(suffix(), select(VALUES.to_vec()).prop_map(str::to_owned), 0..6)
}

fn ports() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(
        vec![
            "http TCP 80 8080 30080",
            "https TCP 443 8443 30443",
            "dns TCP 53 dns 30053",
            "dns-udp UDP 53 5353 30054",
        ],
        1..=4,
    )
    .prop_shuffle()
}

fn produced(stack: &Stack) -> BTreeSet<ResourceAddress> {
    let mut all = Vec::new();
    all.extend(
        stack
            .security_groups
            .iter()
            .map(|r| (ResourceKind::SecurityGroup, &r.id)),
    );
    all.extend(
        stack
            .load_balancers
            .iter()
            .map(|r| (ResourceKind::LoadBalancer, &r.id)),
    );
    all.extend(
        stack
            .target_groups
            .iter()
            .map(|r| (ResourceKind::TargetGroup, &r.id)),
    );
    all.extend(stack.listeners.iter().map(|r| (ResourceKind::Listener, &r.id)));
    let addresses: BTreeSet<_> = all
        .iter()
        .map(|(kind, id)| ResourceAddress::new(*kind, id))
        .collect();
    assert_eq!(addresses.len(), all.len(), "an id is there twice");
    addresses
}

fn used(stack: &Stack) -> Vec<Ref> {
    let mut refs = Vec::new();
    for balancer in &stack.load_balancers {
        refs.extend(balancer.security_groups.clone());
    }
    for listener in &stack.listeners {
        refs.push(listener.load_balancer.clone());
        let groups = listener.default_actions.iter().flat_map(Action::target_groups);
        refs.extend(groups.map(|tuple| tuple.target_group.clone()));
    }
    for binding in &stack.bindings {
        refs.push(binding.spec.target_group.clone());
        for rule in binding
            .spec
            .networking
            .iter()
            .flat_map(|networking| &networking.ingress)
        {
            for peer in &rule.from {
                if let BindingPeer::SecurityGroup(group) = peer {
                    refs.push(group.clone());
                }
            }
        }
    }
    refs
}

fn check_stack(stack: &Stack) {
    let produced = produced(stack);
    for reference in used(stack) {
        if let Ref::Pending(address) = reference {
            assert!(
                produced.contains(&address),
                "{address} is referred to and not there"
            );
        }
    }
    let groups: Vec<_> = stack
        .target_groups
        .iter()
        .map(|group| (&group.id, &group.name))
        .collect();
    let bindings: Vec<_> = stack
        .bindings
        .iter()
        .map(|binding| (&binding.id, &binding.name))
        .collect();
    assert_eq!(groups, bindings, "each target group has its binding");
    assert!(groups.is_sorted());
    let origins = stack
        .listeners
        .iter()
        .all(|listener| !listener.origins.is_empty())
        && stack.target_groups.iter().all(|group| !group.origins.is_empty())
        && stack
            .load_balancers
            .iter()
            .all(|balancer| !balancer.origins.is_empty());
    assert!(origins, "every resource has an origin");
}

/// The same cases each time.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 600,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_annotations_give_a_closed_stack_or_a_fault(
        annotations in annotations(),
        ports in ports(),
        local in any::<bool>(),
        rotation in 0..2_usize,
    ) {
        let settings = Settings::new("my-cluster", "us-west-2", "vpc-xxx");
        let mut service = manifest::baseline();
        service["spec"]["ports"] = json!(ports.iter().map(|port| manifest::port(port)).collect::<Vec<_>>());
        if local {
            service["spec"]["externalTrafficPolicy"] = json!("Local");
            service["spec"]["healthCheckNodePort"] = json!(31000);
        }
        manifest::annotate(&mut service, &annotations);
        let service = manifest::view(&service);
        let shelf = Shelf::of_services([service, manifest::view(&manifest::green())]);
        let key = StackKey::service("default", "web");
        let intent = read(&key, &shelf, &settings);
        let sick = intent.problems.iter().any(Problem::is_fault);
        prop_assert_eq!(sick, intent.wish == Wish::Sick);

        let world = world::World::baseline();
        let built = world.build(&intent, &settings);
        match &built {
            Built::Stack(stack, problems) => {
                prop_assert!(!sick && !problems.iter().any(Problem::is_fault));
                check_stack(stack);
            }
            Built::Sick(problems) => prop_assert!(problems.iter().any(Problem::is_fault)),
            other => prop_assert!(false, "{:?}", other),
        }

        // AWS lists in any order.
        let mut turned = world.clone();
        turned.subnets.rotate_left(rotation);
        prop_assert_eq!(turned.build(&intent, &settings), built);
    }
}
