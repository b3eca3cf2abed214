//! Laws of plans, over generated pairs of wanted stacks.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{OnOff, Scheme, SecurityGroup, Setting, Stack, TargetType};
use elbow_core::plan::{PlanContext, StepId, plan, render_text};
use elbow_core::record::Record;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::plan_shape::{Check, Groups, Ipv6, Port, Shape, Tls, key};
use crate::plan_world::{World, groups_of, settings};

/// Per law; the twelve laws together run more than 2,000.
const CASES: u32 = 170;

/// Runs a law over generated cases, the same ones each time, and prints how many there were.
fn law<S: Strategy>(name: &str, strategy: &S, check: impl Fn(S::Value)) {
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

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(prop_oneof!["team", "cost", "managed-elsewhere"], "[ab]", 0..3)
}

fn attributes(names: &'static [&'static str]) -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(
        proptest::sample::select(names).prop_map(str::to_owned),
        prop_oneof![Just("true".to_owned()), Just("false".to_owned())],
        0..3,
    )
}

fn tls() -> impl Strategy<Value = Tls> {
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

fn check() -> impl Strategy<Value = Check> {
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

fn port() -> impl Strategy<Value = Port> {
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

fn shape() -> impl Strategy<Value = Shape> {
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
fn pair() -> impl Strategy<Value = (Shape, Shape)> {
    (shape(), shape()).prop_map(|(a, mut b)| {
        if (a.groups == Groups::None) != (b.groups == Groups::None) {
            b.groups = a.groups;
        }
        (a, b)
    })
}

/// What identifies the state reached, without invented ids and without settings nobody manages.
fn canonical(wanted: &Stack, actual: &Stack) -> String {
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

#[test]
fn run_to_rest_ends_where_nothing_is_left_to_do() {
    law("rest", &pair(), |(a, b)| {
        let mut world = World::at_rest(&a.stack());
        let plans = world.run_to_rest(&b.stack());
        assert!(plans <= 1, "one plan is enough, {plans} were needed");
        assert!(world.plan(&b.stack()).is_empty());
    });
}

#[test]
fn a_state_is_its_own_goal() {
    law("fixed point", &shape(), |a| {
        let world = World::at_rest(&a.stack());
        let plan = world.plan(&world.actual);
        assert!(plan.is_empty(), "{}", render_text(&plan));
    });
}

fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for i in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let index = usize::try_from(seed >> 33).expect("31 bits") % (i + 1);
        items.swap(i, index);
    }
}

fn shuffled(stack: &Stack, seed: u64) -> Stack {
    let mut stack = stack.clone();
    shuffle(&mut stack.security_groups, seed);
    shuffle(&mut stack.load_balancers, seed);
    shuffle(&mut stack.target_groups, seed);
    shuffle(&mut stack.listeners, seed);
    shuffle(&mut stack.bindings, seed);
    for group in &mut stack.security_groups {
        shuffle(&mut group.ingress, seed);
    }
    stack
}

#[test]
fn the_order_of_the_input_changes_nothing() {
    law("permutation", &(pair(), any::<u64>()), |((a, b), seed)| {
        let mut world = World::at_rest(&a.stack());
        let wanted = b.stack();
        let plan = world.plan(&wanted);
        world.actual = shuffled(&world.actual, seed);
        assert_eq!(world.plan(&shuffled(&wanted, seed)), plan);
    });
}

/// Takes a step among the ready ones, by a seed.
fn choice(mut seed: u64) -> impl FnMut(&[StepId]) -> StepId {
    move |ready| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ready[usize::try_from(seed >> 33).expect("31 bits") % ready.len()]
    }
}

#[test]
fn any_order_that_keeps_the_dependencies_is_legal_and_ends_the_same() {
    law("order", &(pair(), any::<u64>()), |((a, b), seed)| {
        let mut straight = World::at_rest(&a.stack());
        let mut mixed = World::at_rest(&a.stack());
        let wanted = b.stack();
        straight.run_to_rest(&wanted);
        let plan = mixed.plan(&wanted);
        mixed.apply(&plan, choice(seed));
        assert!(
            mixed.plan(&wanted).is_empty(),
            "{}",
            render_text(&mixed.plan(&wanted))
        );
        assert_eq!(
            canonical(&wanted, &mixed.actual),
            canonical(&wanted, &straight.actual)
        );
    });
}

#[test]
fn any_part_of_a_plan_and_then_a_new_one_end_the_same() {
    let strategy = (pair(), any::<u64>(), 0.0..1.0_f64);
    law("interruption", &strategy, |((a, b), seed, share)| {
        let mut straight = World::at_rest(&a.stack());
        let mut cut = World::at_rest(&a.stack());
        let wanted = b.stack();
        straight.run_to_rest(&wanted);
        let plan = cut.plan(&wanted);
        let length = u32::try_from(plan.steps.len()).expect("short");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = (f64::from(length) * share) as usize;
        cut.apply_some(&plan, count, choice(seed));
        cut.run_to_rest(&wanted);
        assert_eq!(
            canonical(&wanted, &cut.actual),
            canonical(&wanted, &straight.actual)
        );
    });
}

#[test]
fn back_and_forth_and_interrupted_nothing_is_left_behind() {
    let strategy = (pair(), any::<u64>(), 1..20_usize);
    law("turning back", &strategy, |((a, b), seed, count)| {
        let (there, back) = (b.stack(), a.stack());
        let mut world = World::at_rest(&back);
        let plan = world.plan(&there);
        world.apply_some(&plan, count.min(plan.steps.len()), choice(seed));
        world.run_to_rest(&back);
        assert_eq!(
            canonical(&back, &world.actual),
            canonical(&back, &World::at_rest(&back).actual)
        );
    });
}

#[test]
fn at_every_moment_a_port_is_served_by_the_old_groups_or_the_new_ones() {
    law(
        "no moment in between",
        &(pair(), any::<u64>()),
        |((a, b), seed)| {
            let mut world = World::at_rest(&a.stack());
            let before = served(&world.actual);
            let wanted = b.stack();
            let plan = world.plan(&wanted);
            let mut end = World::at_rest(&a.stack());
            end.apply(&plan, choice(seed));
            let after = served(&end.actual);
            let kept: Vec<&i32> = before.keys().filter(|port| after.contains_key(port)).collect();
            world.apply_watched(&plan, plan.steps.len(), choice(seed), |actual| {
                let now = served(actual);
                for port in &kept {
                    let groups = now.get(port).expect("a port that stays is always there");
                    assert!(groups == &before[port] || groups == &after[port], "port {port}");
                }
            });
        },
    );
}

fn served(stack: &Stack) -> BTreeMap<i32, BTreeSet<Option<String>>> {
    stack
        .listeners
        .iter()
        .map(|listener| (listener.port, groups_of(listener)))
        .collect()
}

#[test]
fn deletion_leaves_nothing_and_the_finalizer_goes_last() {
    let strategy = (shape(), any::<u64>(), any::<bool>());
    law("deletion", &strategy, |(a, seed, protected)| {
        let mut world = World::at_rest(&a.stack());
        if protected {
            let key = "deletion_protection.enabled".to_owned();
            world.actual.load_balancers[0]
                .attributes
                .insert(key, "true".to_owned());
        }
        world.owner.gone = true;
        let wanted = Stack::empty(&key());
        let plan = world.plan(&wanted);
        world.apply(&plan, choice(seed));
        assert!(world.actual.is_empty() && !world.owner.has_finalizer);
        assert!(world.plan(&wanted).is_empty());
    });
}

#[test]
fn drift_made_by_hand_is_mended() {
    let strategy = (shape(), vec((0..12_u8, any::<u8>()), 1..4), any::<u64>());
    law("drift", &strategy, |(a, drifts, seed)| {
        let wanted = a.stack();
        let mut world = World::at_rest(&wanted);
        let rest = canonical(&wanted, &world.actual);
        for (kind, index) in drifts {
            drift(&mut world.actual, kind, usize::from(index));
        }
        let plan = world.plan(&wanted);
        world.apply(&plan, choice(seed));
        world.run_to_rest(&wanted);
        assert_eq!(canonical(&wanted, &world.actual), rest);
    });
}

/// What somebody does behind our back.
fn drift(actual: &mut Stack, kind: u8, index: usize) {
    let foreign = ("by-hand".to_owned(), "x".to_owned());
    match kind {
        0 => {
            if let Some(binding) = pick(&mut actual.bindings, index) {
                binding.deleting = true;
            }
        }
        1 => remove(&mut actual.bindings, index),
        2 => {
            if let Some(binding) = pick(&mut actual.bindings, index) {
                binding.labels.extend([foreign]);
                binding.spec.foreign_fields = true;
            }
        }
        3 => delete_target_group(actual, index),
        4 => {
            if let Some(group) = pick(&mut actual.target_groups, index) {
                group.tags.extend([foreign]);
                group.health_check.interval_seconds = 5;
                group.attributes.clear();
            }
        }
        5 => remove(&mut actual.listeners, index),
        6 => {
            if let Some(listener) = pick(&mut actual.listeners, index) {
                listener.port += 1000;
            }
        }
        7 => {
            if let Some(listener) = pick(&mut actual.listeners, index) {
                listener.default_actions.clear();
                listener.ssl_policy = Setting::Set("other".to_owned());
            }
        }
        8 => {
            if let Some(group) = pick(&mut actual.security_groups, index) {
                group.ingress.pop();
                group.tags.extend([foreign]);
            }
        }
        9 => {
            let copy = actual.security_groups.first().map(|group| SecurityGroup {
                group_id: Some("sg-0copy".to_owned()),
                ..group.clone()
            });
            if !actual
                .security_groups
                .iter()
                .any(|g| g.group_id.as_deref() == Some("sg-0copy"))
            {
                actual.security_groups.extend(copy);
            }
        }
        10 => {
            if let Some(balancer) = pick(&mut actual.load_balancers, index) {
                balancer.tags.extend([foreign]);
                balancer.subnets.pop();
                balancer.capacity_units = Setting::Set(7);
            }
        }
        _ => {
            actual.listeners.clear();
            actual.load_balancers.clear();
        }
    }
}

fn pick<T>(items: &mut [T], index: usize) -> Option<&mut T> {
    let length = items.len().max(1);
    items.get_mut(index % length)
}

fn remove<T>(items: &mut Vec<T>, index: usize) {
    if !items.is_empty() {
        let index = index % items.len();
        items.remove(index);
    }
}

/// AWS lets nobody delete a group in use: its listener goes first.
fn delete_target_group(actual: &mut Stack, index: usize) {
    if actual.target_groups.is_empty() {
        return;
    }
    let index = index % actual.target_groups.len();
    let arn = actual.target_groups[index].arn.clone();
    actual
        .listeners
        .retain(|listener| !groups_of(listener).contains(&arn));
    actual.target_groups.remove(index);
}

#[test]
fn tags_of_others_stay_and_tags_by_hand_go() {
    law("tags", &shape(), |a| {
        let wanted = a.stack();
        let mut world = World::at_rest(&wanted);
        let add = |tags: &mut BTreeMap<String, String>| {
            for key in ["managed-elsewhere", "kubernetes.io/service-name", "by-hand"] {
                tags.insert(key.to_owned(), "x".to_owned());
            }
        };
        for balancer in &mut world.actual.load_balancers {
            add(&mut balancer.tags);
        }
        for group in &mut world.actual.target_groups {
            add(&mut group.tags);
        }
        for group in &mut world.actual.security_groups {
            add(&mut group.tags);
        }
        world.run_to_rest(&wanted);
        let stack = &world.actual;
        let all = stack
            .load_balancers
            .iter()
            .map(|b| &b.tags)
            .chain(stack.target_groups.iter().map(|g| &g.tags))
            .chain(stack.security_groups.iter().map(|g| &g.tags));
        for tags in all {
            assert_eq!(tags.get("managed-elsewhere").map(String::as_str), Some("x"));
            assert_eq!(
                tags.get("kubernetes.io/service-name").map(String::as_str),
                Some("x")
            );
            assert_eq!(tags.get("by-hand"), None);
        }
    });
}

#[test]
fn another_scheme_closes_nothing_and_the_old_load_balancer_serves_on() {
    law("frozen", &(pair(), any::<u64>()), |((a, mut b), seed)| {
        b.scheme = Scheme::InternetFacing;
        let mut world = World::at_rest(&a.stack());
        let before = world.actual.clone();
        let wanted = b.stack();
        let plan = world.plan(&wanted);
        assert_eq!(plan.problems.len(), 1, "{:?}", plan.problems);
        world.apply(&plan, choice(seed));
        assert_eq!(world.actual.listeners, before.listeners);
        assert_eq!(world.actual.load_balancers, before.load_balancers);
        assert_eq!(world.actual.target_groups.len(), before.target_groups.len());
        for group in &before.security_groups {
            let now = world
                .actual
                .security_groups
                .iter()
                .find(|g| g.group_id == group.group_id);
            assert!(
                now.expect("stays")
                    .permissions()
                    .is_superset(&group.permissions())
            );
        }
        assert!(world.plan(&wanted).is_empty());
    });
}

#[test]
fn a_record_vouches_for_what_was_applied_and_for_nothing_else() {
    law("record", &(pair(), any::<u8>()), |((a, b), index)| {
        let (wanted, settings) = (a.stack(), settings());
        let world = World::at_rest(&wanted);
        let record = Record::new(&wanted, &world.actual, &settings, None);
        let record = Record::from_json(&record.to_json()).expect("own text");
        let mut listed = world.actual.clone();
        listed.listeners.clear();
        listed.security_groups.clear();
        for balancer in &mut listed.load_balancers {
            balancer.attributes.clear();
        }
        for group in &mut listed.target_groups {
            group.attributes.clear();
        }
        let vouched = record.vouch(&wanted, &listed, &settings).expect("it counts");
        let context = PlanContext {
            settings: &settings,
            owners: &[],
        };
        let rest = plan(&wanted, &vouched, &context);
        assert!(rest.is_empty(), "{}", render_text(&rest));
        if canonical(&wanted, &world.actual) != canonical(&b.stack(), &World::at_rest(&b.stack()).actual) {
            assert_eq!(record.vouch(&b.stack(), &listed, &settings), None, "another wish");
        }
        let mut other = settings.clone();
        other.scope.cluster = "other".to_owned();
        assert_eq!(
            record.vouch(&wanted, &listed, &other),
            None,
            "another configuration"
        );
        remove(&mut listed.target_groups, usize::from(index));
        assert_eq!(record.vouch(&wanted, &listed, &settings), None, "a group is gone");
    });
}
