//! Plans come to rest, in any order and after any interruption, and serve on the way.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{Action as ListenerAction, Listener, Stack};
use elbow_core::plan::render_text;
use proptest::prelude::*;

use super::{canonical, choice, law, pair, shape};
use crate::plan_world::World;

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

/// The groups that get traffic: of several those with a weight.
fn served(stack: &Stack) -> BTreeMap<i32, BTreeSet<String>> {
    let gets_traffic = |listener: &Listener| {
        let tuples = listener
            .default_actions
            .iter()
            .flat_map(ListenerAction::target_groups);
        let single = tuples.clone().count() == 1;
        tuples
            .filter(|tuple| single || tuple.weight != Some(0))
            .filter_map(|tuple| tuple.target_group.known().map(str::to_owned))
            .collect()
    };
    stack
        .listeners
        .iter()
        .map(|listener| (listener.port, gets_traffic(listener)))
        .collect()
}
