//! Laws of plans, over generated pairs of wanted stacks.

mod accidents;
mod rest;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{OnOff, Scheme, Stack, TargetType};
use elbow_core::plan::StepId;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::plan_shape::{Check, Groups, Ipv6, Port, Shape, Tls};
use crate::plan_world::groups_of;

/// Per law; the twelve laws together run more than 2,000.
pub const CASES: u32 = 170;

/// Runs a law over generated cases, the same ones each time, and prints how many there were.
pub fn law<S: Strategy>(name: &str, strategy: &S, check: impl Fn(S::Value)) {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let count = Cell::new(0_u32);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(strategy, |value| {
        count.set(count.get() + 1);
        check(value);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
    println!("{name}: {} cases", count.get());
}

pub fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(prop_oneof!["team", "cost", "managed-elsewhere"], "[ab]", 0..3)
}

pub fn attributes(names: &'static [&'static str]) -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(
        proptest::sample::select(names).prop_map(str::to_owned),
        prop_oneof![Just("true".to_owned()), Just("false".to_owned())],
        0..3,
    )
}

pub fn tls() -> impl Strategy<Value = Tls> {
    (vec(0..4_u8, 1..4), option::of(0..2_u8), option::of(0..3_u8)).prop_map(
        |(mut certificates, policy, alpn)| {
            let mut seen = BTreeSet::new();
            certificates.retain(|n| seen.insert(*n));
            Tls {
                certificates,
                policy,
                alpn,
            }
        },
    )
}

pub fn check() -> impl Strategy<Value = Check> {
    (
        any::<bool>(),
        prop_oneof![Just(10), Just(30)],
        2..4_i32,
        option::of(6..8_i32),
        option::of(Just(9000)),
    )
        .prop_map(|(http, interval, threshold, timeout, fixed_port)| Check {
            http,
            interval,
            threshold,
            timeout,
            fixed_port,
        })
}

pub fn port() -> impl Strategy<Value = Port> {
    (
        option::of(tls()),
        any::<bool>(),
        any::<bool>(),
        check(),
        attributes(&["preserve_client_ip.enabled", "stickiness.enabled"]),
        attributes(&["tcp.idle"]),
        option::of((0..3_i32, 0..3_i32)),
        option::of(any::<bool>()),
    )
        .prop_map(
            |(tls, udp, ip, check, attributes, listener_attributes, weights, sticky)| Port {
                tls: tls.filter(|_| !udp),
                udp,
                target: if ip { TargetType::Ip } else { TargetType::Instance },
                check,
                attributes,
                listener_attributes,
                weights,
                sticky,
            },
        )
}

pub fn shape() -> impl Strategy<Value = Shape> {
    let groups = prop_oneof![
        3 => Just(Groups::Managed),
        1 => (0..2_u8).prop_map(Groups::Given),
        1 => Just(Groups::None),
    ];
    let ipv6 = prop_oneof![
        3 => Just(Ipv6::Off),
        1 => Just(Ipv6::On),
        1 => Just(Ipv6::Addresses),
        1 => Just(Ipv6::SourceNat),
        1 => (1..3_u8).prop_map(Ipv6::Prefixes),
        1 => Just(Ipv6::AutoPrefixes),
    ];
    let flag = option::of(any::<bool>().prop_map(|on| if on { OnOff::On } else { OnOff::Off }));
    (
        (
            groups,
            btree_set(0..4_u8, 1..3),
            btree_set(1..4_u8, 1..3),
            ipv6,
            flag,
        ),
        attributes(&["load_balancing.cross_zone.enabled", "access_logs.s3.enabled"]),
        option::of(prop_oneof![Just(0), Just(100), Just(200)]),
        tags(),
        any::<bool>(),
        btree_map(80..84_i32, port(), 1..4),
    )
        .prop_map(
            |((groups, sources, subnets, ipv6, private_link), attributes, capacity, tags, tagged, ports)| {
                Shape {
                    scheme: Scheme::Internal,
                    groups,
                    sources,
                    subnets,
                    ipv6,
                    private_link,
                    attributes,
                    capacity,
                    tags,
                    listener_tags: tagged,
                    ports,
                }
            },
        )
}

/// Two wishes for one Service. An NLB made without security groups can never get any, and the build never
/// asks for it: both or none have groups.
pub fn pair() -> impl Strategy<Value = (Shape, Shape)> {
    (shape(), shape()).prop_map(|(a, mut b)| {
        if (a.groups == Groups::None) != (b.groups == Groups::None) {
            b.groups = a.groups;
        }
        (a, b)
    })
}

/// What identifies the state reached, without invented ids and without settings nobody manages.
pub fn canonical(wanted: &Stack, actual: &Stack) -> String {
    let mut lines = Vec::new();
    for group in &actual.security_groups {
        lines.push(format!("{} {:?} {:?}", group.id, group.permissions(), group.tags));
    }
    for b in &actual.load_balancers {
        let groups = b.security_groups.len();
        let subnets: BTreeSet<&String> = b.subnets.iter().map(|m| &m.subnet).collect();
        lines.push(format!(
            "{} {:?} {groups} {subnets:?} {:?} {:?}",
            b.id, b.ip_address_type, b.ipv6_source_nat, b.tags
        ));
    }
    for g in &actual.target_groups {
        lines.push(format!(
            "{} {} {:?} {:?}",
            g.id, g.protocol, g.target_type, g.tags
        ));
    }
    for l in &actual.listeners {
        let groups = groups_of(l).len();
        lines.push(format!("{} {} {groups} {:?}", l.port, l.protocol, l.certificates));
    }
    for binding in &actual.bindings {
        lines.push(format!("{} {:?}", binding.id, binding.spec.service_port));
    }
    lines.sort();
    lines.push(format!("{} wanted", wanted.listeners.len()));
    lines.join("\n")
}

/// Takes a step among the ready ones, by a seed.
pub fn choice(mut seed: u64) -> impl FnMut(&[StepId]) -> StepId {
    move |ready| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ready[usize::try_from(seed >> 33).expect("31 bits") % ready.len()]
    }
}
