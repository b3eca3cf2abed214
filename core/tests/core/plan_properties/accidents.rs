//! Deletion, changes by hand, tags of others, another scheme, records.

use std::collections::BTreeMap;

use elbow_core::model::{Listener, Scheme, SecurityGroup, Setting, Stack};
use elbow_core::plan::{PlanContext, plan, render_text};
use elbow_core::record::Record;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{canonical, choice, law, pair, shape};
use crate::plan_shape::{Ipv6, key};
use crate::plan_world::{World, groups_of, settings};

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
fn with_another_scheme_the_old_load_balancer_or_the_new_one_serves_at_every_moment() {
    law("another scheme", &(pair(), any::<u64>()), |((a, mut b), seed)| {
        b.scheme = Scheme::InternetFacing;
        if b.ipv6 == Ipv6::Addresses {
            // Two load balancers cannot have the same addresses.
            b.ipv6 = Ipv6::On;
        }
        let mut world = World::at_rest(&a.stack());
        let before = world.actual.clone();
        let old = before.load_balancers[0].arn.clone();
        let wanted = b.stack();
        let ports: Vec<i32> = wanted.listeners.iter().map(|listener| listener.port).collect();
        let plan = world.plan(&wanted);
        assert!(plan.problems.is_empty(), "{:?}", plan.problems);
        world.apply_watched(&plan, plan.steps.len(), choice(seed), |actual| {
            let is_whole = |listener: &Listener| actual.listeners.contains(listener);
            let serves = before.listeners.iter().all(is_whole)
                && before
                    .bindings
                    .iter()
                    .all(|binding| actual.bindings.contains(binding));
            let takes_over = ports.iter().all(|port| {
                let mut listeners = actual.listeners.iter();
                listeners.any(|one| one.port == *port && one.load_balancer.known() != old.as_deref())
            });
            assert!(serves || takes_over, "{}", render_text(&plan));
            for group in before.security_groups.iter().filter(|_| serves) {
                let now = actual
                    .security_groups
                    .iter()
                    .find(|now| now.group_id == group.group_id);
                assert!(
                    now.expect("stays")
                        .permissions()
                        .is_superset(&group.permissions())
                );
            }
        });
        assert!(
            world.plan(&wanted).is_empty(),
            "{}",
            render_text(&world.plan(&wanted))
        );
        assert_eq!(world.actual.load_balancers.len(), 1);
        let mut straight = World::at_rest(&a.stack());
        straight.run_to_rest(&wanted);
        assert_eq!(
            canonical(&wanted, &world.actual),
            canonical(&wanted, &straight.actual)
        );
    });
}

#[test]
fn back_and_forth_between_schemes_and_interrupted_nothing_is_left_behind() {
    let strategy = (pair(), any::<u64>(), 1..40_usize, any::<bool>());
    law(
        "turning back to a scheme",
        &strategy,
        |((a, mut b), seed, count, back)| {
            b.scheme = Scheme::InternetFacing;
            let (there, here) = (b.stack(), a.stack());
            let mut world = World::at_rest(&here);
            let plan = world.plan(&there);
            world.apply_some(&plan, count.min(plan.steps.len()), choice(seed));
            let mut straight = World::at_rest(&here);
            let wanted = if back { here } else { there };
            straight.run_to_rest(&wanted);
            world.run_to_rest(&wanted);
            assert_eq!(
                canonical(&wanted, &world.actual),
                canonical(&wanted, &straight.actual)
            );
        },
    );
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
            sick: &std::collections::BTreeSet::new(),
            published: &std::collections::BTreeSet::new(),
            full: false,
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
