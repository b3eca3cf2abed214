//! Rest and restart with many stacks: what an idle process and a new one cost.

use std::collections::BTreeMap;

use elbow_emulator::CallFilter;
use serde_json::json;

use crate::support::engine;
use crate::support::land::Land;

/// A land with so many stacks at rest, quotas raised.
async fn at_rest(count: usize) -> Land {
    let land = Land::populated();
    land.emulator.with_world(|world, _| {
        world.quotas.network_load_balancers = 10_000;
        world.quotas.rules_per_security_group = 10_000;
    });
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]);
    for number in 0..count {
        let name = format!("web-{number:03}");
        land.endpoints(&name);
        land.service(&name, &[("nlb-target-type", "ip")], &ports);
    }
    let (_, problems) = engine::run(&land).await;
    assert_eq!(problems, []);
    land
}

/// Calls since one, by operation.
fn calls(land: &Land, since: u64) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in land.emulator.calls(&CallFilter::default()) {
        if call.seq > since {
            *counts.entry(call.operation).or_default() += 1;
        }
    }
    counts
}

async fn a_restart_costs_lists_only(count: usize) {
    let land = at_rest(count).await;
    land.emulator.with_world(|world, _| world.page_size = Some(40));
    land.fuse.set(None);
    let before = land.emulator.last_call();
    let (process, problems) = engine::run(&land).await;
    let reads = calls(&land, before);
    println!("restart with {count} stacks, pages of 40: {reads:?}");
    assert_eq!((problems, land.fuse.writes()), (Vec::new(), Vec::new()));
    assert_eq!(process.mirror.stacks().len(), count);
    let pages = count.div_ceil(40);
    assert_eq!(reads["DescribeLoadBalancers"], pages);
    assert_eq!(reads["DescribeTargetGroups"], pages);
    assert_eq!(reads["DescribeTags"], (2 * count).div_ceil(20));
    for operation in [
        "DescribeListeners",
        "DescribeLoadBalancerAttributes",
        "DescribeTargetGroupAttributes",
        "DescribeTargetHealth",
    ] {
        assert!(
            !reads.contains_key(operation),
            "{operation} is a read per stack: {reads:?}"
        );
    }
    let idle = land.emulator.last_call();
    for _ in 0..10 {
        assert_eq!(engine::to_rest(&land, &process).await, []);
    }
    assert_eq!(
        calls(&land, idle),
        BTreeMap::new(),
        "an idle process asks nothing"
    );
    assert_eq!(land.fuse.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_50_stacks_writes_nothing_and_reads_lists_only() {
    a_restart_costs_lists_only(50).await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_200_stacks_writes_nothing_and_reads_lists_only() {
    a_restart_costs_lists_only(200).await;
}
