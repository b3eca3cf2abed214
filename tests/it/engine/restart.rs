//! A new controller over what an old one left: it reads little and writes nothing.

use std::collections::BTreeMap;

use super::canonical;
use super::driver::{CONFIG_MAPS, Seen, World};
use super::objects::{SEED, service, world, world_of};
use super::scenarios::{self, http};
use crate::support::land::SERVICES;
use crate::support::quick_config;

const ROOM: &str = "
quotas: {network_load_balancers: 1000, targets_per_network_load_balancer: 10000}
delays: {provisioning: 1}
";
/// Reads that are made for one stack: none of them may be needed.
const PER_STACK: [&str; 7] = [
    "DescribeLoadBalancerAttributes",
    "DescribeTargetGroupAttributes",
    "DescribeListeners",
    "DescribeListenerAttributes",
    "DescribeListenerCertificates",
    "DescribeCapacityReservation",
    "DescribeTargetHealth",
];

async fn many(stacks: usize) -> World {
    let world = world_of(&format!("{SEED}{ROOM}"));
    for number in 0..stacks {
        let name = format!("web-{number:03}");
        world.apply(&service(&name, &[("nlb-target-type", "instance")], &http()));
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    world
}

async fn restarted(world: &World, trusted: bool) -> Seen {
    let mut controller = world.start_with(quick_config(), trusted);
    let seen = controller.to_rest().await;
    controller.assert_content("restarted");
    seen
}

async fn restart_costs_the_sweep(stacks: usize) {
    let world = many(stacks).await;
    let seen = restarted(&world, true).await;
    assert_eq!(seen.writes(), BTreeMap::new());
    assert_eq!(seen.kubernetes, [""; 0]);
    let reads = seen.reads();
    println!("{stacks} stacks: {reads:?}");
    for operation in PER_STACK {
        assert!(!reads.contains_key(operation), "{operation}: {reads:?}");
    }
    // Pages of 400 load balancers and of 400 target groups; tags of 20 ARNs at a time.
    let page = |items: usize| items.div_ceil(400).max(1);
    assert_eq!(reads["DescribeLoadBalancers"], page(stacks));
    assert_eq!(reads["DescribeTargetGroups"], page(stacks));
    assert_eq!(reads["DescribeTags"], (2 * stacks).div_ceil(20));
    let facts: usize = reads.values().sum::<usize>() - page(stacks) * 2 - (2 * stacks).div_ceil(20);
    println!(
        "{stacks} stacks: {} pages + {} tag batches + {facts} facts",
        page(stacks) * 2,
        (2 * stacks).div_ceil(20)
    );
    assert!(facts <= 12, "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_50_stacks_costs_the_sweep() {
    restart_costs_the_sweep(50).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_200_stacks_costs_the_sweep() {
    restart_costs_the_sweep(200).await;
}

async fn one_of_each() -> World {
    let world = world();
    scenarios::ip(&world);
    world.apply(&service("inst", &[("nlb-target-type", "instance")], &http()));
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    world
}

#[tokio::test(start_paused = true)]
async fn resources_without_a_record_are_adopted_without_a_write() {
    let world = one_of_each().await;
    for record in world.list(CONFIG_MAPS) {
        let name = record["metadata"]["name"].as_str().unwrap();
        world.delete(CONFIG_MAPS, "kube-system", name);
    }
    let before = canonical::state(&world);
    let seen = restarted(&world, true).await;
    assert_eq!(seen.writes(), BTreeMap::new());
    assert!(
        seen.kubernetes.iter().all(|write| write.contains("configmaps")),
        "{:?}",
        seen.kubernetes
    );
    assert_eq!(world.list(CONFIG_MAPS).len(), 2);
    assert!(seen.reads().contains_key("DescribeListeners"));
    assert_ne!(canonical::state(&world), before);
}

#[tokio::test(start_paused = true)]
async fn records_do_not_count_if_somebody_else_held_the_lease() {
    let world = one_of_each().await;
    let before = canonical::state(&world);
    let seen = restarted(&world, false).await;
    assert_eq!(seen.writes(), BTreeMap::new());
    assert_eq!(seen.kubernetes, [""; 0]);
    for operation in [
        "DescribeListeners",
        "DescribeLoadBalancerAttributes",
        "DescribeTargetGroupAttributes",
    ] {
        assert_eq!(seen.reads()[operation], 2, "{operation}");
    }
    canonical::assert_same(&canonical::state(&world), &before, "after the restart");
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_service_is_gone_goes_with_the_next_start() {
    let world = one_of_each().await;
    let record = world.list(CONFIG_MAPS).into_iter().next().unwrap();
    scenarios::delete(&world);
    world.delete(SERVICES, "demo", "inst");
    let mut controller = world.start();
    controller.to_rest().await;
    assert_eq!(world.list(CONFIG_MAPS), [serde_json::Value::Null; 0]);
    drop(controller);
    world.apply(&record);
    let seen = restarted(&world, true).await;
    assert_eq!(seen.kubernetes.len(), 1, "{:?}", seen.kubernetes);
    assert_eq!(world.list(CONFIG_MAPS), [serde_json::Value::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_hour_costs_sweeps_and_facts_only() {
    let world = one_of_each().await;
    let mut controller = world.start();
    controller.to_rest().await;
    let seen = controller.run_for(std::time::Duration::from_hours(1)).await;
    println!("an idle hour: {:?}", seen.reads());
    assert_eq!(
        (seen.writes().len(), seen.refused().len(), seen.kubernetes.len()),
        (0, 0, 0)
    );
    for operation in PER_STACK {
        assert!(
            !seen.reads().contains_key(operation),
            "{operation}: {:?}",
            seen.reads()
        );
    }
    assert!(
        (5..=6).contains(&seen.reads()["DescribeLoadBalancers"]),
        "{:?}",
        seen.reads()
    );
}
