//! A new controller over what an old one left: it reads little and writes nothing.

use std::collections::BTreeMap;

use super::canonical;
use super::converge::assert_idle;
use super::driver::Controller;
use super::ingress;
use super::objects::{PODS, SEED, endpoints, service, world, world_of};
use super::scenarios::{self, http};
use super::world::{CONFIG_MAPS, Seen, World};
use crate::support::land::SERVICES;
use crate::support::quick_config;

const ROOM: &str = "
quotas: {network_load_balancers: 1000, application_load_balancers: 1000, targets_per_network_load_balancer: 10000, rules_per_security_group: 10000}
delays: {provisioning: 1}
";
/// Reads that are made for one stack: none of them may be needed.
const PER_STACK: [&str; 8] = [
    "DescribeLoadBalancerAttributes",
    "DescribeTargetGroupAttributes",
    "DescribeListeners",
    "DescribeRules",
    "DescribeListenerAttributes",
    "DescribeListenerCertificates",
    "DescribeCapacityReservation",
    "DescribeTargetHealth",
];

async fn many(stacks: usize) -> World {
    let world = world_of(&format!("{SEED}{ROOM}"));
    for number in 0..stacks {
        let name = format!("web-{number:03}");
        // In turn in both modes.
        let mode = if number % 2 == 0 { "instance" } else { "ip" };
        endpoints(&world, &name, &http(), &PODS[..2]);
        world.apply(&service(&name, &[("nlb-target-type", mode)], &http()));
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    world
}

/// Ingresses, each with a load balancer, two target groups and two rules.
async fn many_ingresses(stacks: usize) -> World {
    let world = world_of(&format!("{SEED}{ROOM}"));
    ingress::class(&world);
    for name in ["web", "api"] {
        ingress::backend(&world, name);
    }
    for number in 0..stacks {
        let mode = if number % 2 == 0 { "instance" } else { "ip" };
        let paths = [("/", "web"), ("/api", "api")];
        world.apply(&ingress::ingress(
            &format!("shop-{number:03}"),
            &[("target-type", mode)],
            &paths,
        ));
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    world
}

async fn restarted(world: &World, trusted: bool) -> Seen {
    restart(world, trusted).await.1
}

async fn restart(world: &World, trusted: bool) -> (Controller, Seen) {
    let mut controller = world.start_with(quick_config(), trusted);
    let seen = controller.to_rest().await;
    controller.assert_content("restarted");
    (controller, seen)
}

/// Load balancers and target groups on a page; AWS's own pages hold 400.
const PAGE: usize = 40;

/// Restarts over stacks of a load balancer and `groups` target groups each.
async fn restart_costs_the_sweep(world: World, stacks: usize, groups: usize) {
    world
        .land
        .emulator
        .with_world(|account, _| account.page_size = Some(u32::try_from(PAGE).unwrap()));
    let (mut controller, seen) = restart(&world, true).await;
    assert_eq!(seen.writes(), BTreeMap::new());
    assert_eq!(seen.kubernetes, [""; 0]);
    assert_eq!(controller.engine.mirror.stacks().len(), stacks);
    let reads = seen.reads();
    for operation in PER_STACK {
        assert!(!reads.contains_key(operation), "{operation}: {reads:?}");
    }
    // Tags of 20 ARNs at a time.
    let batches = ((1 + groups) * stacks).div_ceil(20);
    let pages = (stacks.div_ceil(PAGE), (groups * stacks).div_ceil(PAGE));
    assert_eq!(
        (reads["DescribeLoadBalancers"], reads["DescribeTargetGroups"]),
        pages
    );
    assert_eq!(reads["DescribeTags"], batches);
    let firewalls = reads["DescribeSecurityGroups"];
    let pages = pages.0 + pages.1;
    let facts = reads.values().sum::<usize>() - pages - batches - firewalls;
    println!(
        "a restart with {stacks} stacks of {groups} target groups: {pages} pages + {batches} tag batches \
         + {firewalls} reads of security groups + {facts} facts: {reads:?}"
    );
    assert!(facts <= 12, "{reads:?}");
    assert_idle(&mut controller, &world).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_50_stacks_costs_the_sweep() {
    restart_costs_the_sweep(many(50).await, 50, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_200_stacks_costs_the_sweep() {
    restart_costs_the_sweep(many(200).await, 200, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_20_ingresses_costs_the_sweep() {
    restart_costs_the_sweep(many_ingresses(20).await, 20, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_100_ingresses_costs_the_sweep() {
    restart_costs_the_sweep(many_ingresses(100).await, 100, 2).await;
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
