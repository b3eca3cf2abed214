//! Traffic that is switched to another target group although something is in the way.

use std::collections::BTreeSet;
use std::time::Duration;

use elbow_emulator::{Fault, FaultRule};

use super::driver::Controller;
use super::ingress;
use super::objects::world;
use super::overlap::{assert_rest, script, used, web};
use super::world::World;

/// A Service or an Ingress in instance mode at rest, and the target groups it uses.
async fn serving_nodes(
    apply: fn(&World, &[(&str, &str)]),
    key: &str,
) -> (World, Controller, BTreeSet<String>) {
    let world = world();
    apply(&world, &[(key, "instance")]);
    let mut controller = world.start();
    controller.to_rest().await;
    let groups = world.land.emulator.with_world(|account, _| used(account));
    (world, controller, groups)
}

#[tokio::test(start_paused = true)]
async fn where_aws_refuses_both_groups_in_one_action_traffic_is_switched_by_one_call() {
    let (world, mut controller, before) = serving_nodes(web, "nlb-target-type").await;
    let emulator = &world.land.emulator;
    emulator.add_fault(FaultRule::once("ModifyListener", Fault::AccessDenied));
    web(&world, &[("nlb-target-type", "ip")]);
    controller.run_for(Duration::from_mins(4)).await;
    let after = world.land.emulator.with_world(|account, _| used(account));
    assert!(
        before.is_disjoint(&after) && !after.is_empty(),
        "{before:?}, {after:?}"
    );
    assert_rest(&world, controller, "switched").await;
}

/// Ten minutes are the bound of the wait; a switch that is cut then is made again within minutes.
async fn waited_for_once(apply: fn(&World, &[(&str, &str)]), key: &str, cut: FaultRule) {
    let (world, mut controller, old) = serving_nodes(apply, key).await;
    script(&world, "*", "initial");
    for group in &old {
        script(&world, group, "healthy");
    }
    apply(&world, &[(key, "ip")]);
    controller.run_for(Duration::from_secs(570)).await;
    let serving = world.land.emulator.with_world(|account, _| used(account));
    assert!(
        old.is_subset(&serving) && serving.len() > old.len(),
        "{serving:?}"
    );
    world.land.emulator.add_fault(cut);
    let seen = controller.run_for(Duration::from_mins(4)).await;
    assert_eq!(seen.calls.iter().filter(|call| call.fault.is_some()).count(), 1);
    let serving = world.land.emulator.with_world(|account, _| used(account));
    assert!(serving.is_disjoint(&old), "{serving:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_never_becomes_healthy_is_waited_for_once() {
    let cut = FaultRule::once("ModifyListener", Fault::CutBefore);
    waited_for_once(web, "nlb-target-type", cut).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_two_rules_lead_to_is_waited_for_once() {
    let twice = |world: &World, annotations: &[(&str, &str)]| {
        ingress::class(world);
        ingress::backend(world, "front");
        let paths = [("/", "front"), ("/api", "front")];
        world.apply(&ingress::ingress("shop", annotations, &paths));
    };
    let second = FaultRule {
        after: 1,
        ..FaultRule::once("ModifyRule", Fault::CutBefore)
    };
    waited_for_once(twice, "target-type", second).await;
}
