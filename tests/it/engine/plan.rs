//! `elbow plan` over the same engine.

use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow::cli::PlanOutput;
use elbow::planning::pages;
use tokio::time::sleep;

use super::objects::{PODS, endpoints, world};
use super::scenarios;

#[tokio::test(start_paused = true)]
async fn a_plan_shows_targets_and_writes_nothing() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let page = pages(&controller.engine, PlanOutput::Text).await.unwrap();
    assert_eq!(page.matches("  no changes\n").count(), 2, "{page}");
    assert!(page.contains("binding/demo/k8s-demo-web-"), "{page}");

    controller.engine.leading.store(false, Ordering::Release);
    endpoints(&world, "web", &scenarios::http(), &PODS[1..3]);
    sleep(Duration::from_secs(10)).await;
    let mark = world.mark();
    let page = pages(&controller.engine, PlanOutput::Text).await.unwrap();
    assert!(
        page.contains(&format!("  register   {} port 8080\n", PODS[2])),
        "{page}"
    );
    assert!(
        page.contains(&format!("  deregister {} port 8080 zone us-west-2a\n", PODS[0])),
        "{page}"
    );
    let seen = world.since(mark);
    assert!(
        seen.writes().is_empty() && seen.kubernetes.is_empty(),
        "{seen:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_tells_what_keeps_a_stack_as_it_is() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    controller.engine.leading.store(false, Ordering::Release);
    world.land.emulator.with_world(|account, _| {
        for balancer in account.elb.load_balancers.values_mut() {
            balancer.tags.remove("service.k8s.aws/resource");
        }
    });
    controller.engine.mirror.sweep().await.unwrap();
    let page = pages(&controller.engine, PlanOutput::Text).await.unwrap();
    assert!(page.contains("nothing is changed, because"), "{page}");
    assert!(page.contains(":loadbalancer/net/"), "{page}");
}
