//! `elbow plan` over the same engine.

use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow::assemble::{self, Parts};
use elbow::aws::{Aws, LeaseGuard};
use elbow::cluster::snapshot;
use elbow::config::Process;
use elbow::engine::Engine;
use elbow::planning::report;
use elbow_core::plan::Report;
use elbow_crds::problem::Problem;
use serde_json::json;
use tokio::time::sleep;

use super::objects::{PODS, endpoints, world};
use super::scenarios;
use super::world::World;
use crate::support::land::SERVICES;
use crate::support::{connector, quick_config};

/// An engine of a command: it looks at AWS once.
pub async fn command(world: &World, client: &kube::Client, lease: LeaseGuard) -> Engine {
    let http = connector::fused(&world.land.emulator, &world.land.fuse);
    let parts = Parts {
        client: client.clone(),
        lease,
        namespace: "kube-system".to_owned(),
        process: Process::one_shot(),
    };
    let aws = Aws::with_http_client(quick_config(), http);
    let mut engine = assemble::with(world.land.settings.clone(), aws, world.land.clock, parts);
    engine.planning = true;
    engine.mirror.sweep().await.unwrap();
    engine
}

/// An engine that looks at a world as `elbow plan` does.
async fn planner(world: &World) -> (Engine, Vec<Problem>) {
    let client = world.land.cluster.client(&world.land.fuse);
    let engine = command(world, &client, LeaseGuard::not_held()).await;
    let unread = snapshot::fill(&client, &engine.stores, None, "").await.unwrap();
    (engine, unread)
}

async fn planned(world: &World) -> Report {
    let mark = world.mark();
    let (engine, unread) = planner(world).await;
    let report = Report {
        unread,
        ..report(&engine).await.unwrap()
    };
    let seen = world.since(mark);
    assert!(
        seen.writes().is_empty() && seen.kubernetes.is_empty(),
        "{seen:#?}"
    );
    report
}

/// Nothing is to be done: every part of the text says so.
fn assert_rest(report: &Report, what: &str) {
    assert!(!report.has_changes(), "{what}: {:#}", report.json());
    let text = report.text();
    if text.starts_with("no changes: ") {
        return;
    }
    let (parts, rests): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with(' '));
    assert_eq!(parts.len(), rests.len(), "{what}: {text}");
    assert!(rests.iter().all(|line| *line == "  no changes"), "{what}: {text}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_before_the_controller_ran_lists_rules_and_the_shared_group() {
    let world = world();
    scenarios::ip(&world);
    let report = planned(&world).await;
    let document = report.json();
    let rule = &document["groupRules"][0]["authorise"][0];
    assert_eq!(
        [
            &rule["protocol"],
            &rule["fromPort"],
            &rule["toPort"],
            &rule["sourceType"]
        ],
        [&json!("tcp"), &json!(8080), &json!(8080), &json!("securityGroup")],
        "{document:#}"
    );
    assert_eq!(document["backendGroup"]["change"], "create", "{document:#}");
    let target = json!({"id": "10.0.64.11", "port": 8080, "zone": null, "quicServerId": null});
    assert_eq!(document["bindings"][0]["register"][0], target, "{document:#}");
    assert_eq!(document["changes"], true);
    let text = report.text();
    let expected = [
        "backend-group/vpc-",
        "  create  security group k8s-traffic-c1-",
        "  register   10.0.64.11 port 8080\n",
        "in (k8s-demo-web-",
        "group-rules/vpc-",
        "  authorise tcp 8080 from (k8s-traffic-c1-",
        "  1 to authorise, 0 to revoke\n",
    ];
    for part in expected {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_every_scenario_has_come_to_rest_a_plan_says_no_changes() {
    for scenario in scenarios::ALL {
        let world = world();
        (scenario.before)(&world);
        let mut controller = world.start();
        controller.to_rest().await;
        assert_rest(&planned(&world).await, scenario.name);
        controller.engine.leading.store(false, Ordering::Release);
        drop(controller);
        (scenario.act)(&world);
        let promised = planned(&world).await.rules;
        let promised = promised.iter().any(|rules| !rules.changes.grant.is_empty());
        let mark = world.mark();
        let mut controller = world.start();
        controller.to_rest().await;
        assert_rest(&planned(&world).await, scenario.name);
        let authorised = world
            .since(mark)
            .writes()
            .contains_key("AuthorizeSecurityGroupIngress");
        assert!(authorised || !promised, "{}: rules were promised", scenario.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_a_deletion_takes_back_rules_and_the_shared_group() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    controller.engine.leading.store(false, Ordering::Release);
    drop(controller);
    world.delete(SERVICES, "demo", "web");
    let text = planned(&world).await.text();
    let expected = [
        "  deregister 10.0.64.11 port 8080",
        "  revoke    tcp 8080 from sg-",
        "  0 to authorise, 1 to revoke\n",
        "  delete  security group sg-",
        "waits until nobody has wanted it for a minute",
    ];
    for part in expected {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_parse_stops_no_plan() {
    let world = world();
    scenarios::ip(&world);
    let mut broken = super::objects::service("broken", &[], &scenarios::http());
    broken["spec"]["ports"] = json!("none");
    world.apply(&broken);
    let text = planned(&world).await.text();
    assert!(
        text.starts_with(
            "problem: Service demo/broken: spec.ports: the object does not parse and is left out"
        ),
        "{text}"
    );
    assert!(text.contains("stack/service:demo/web\n"), "{text}");
    assert!(!text.contains("stack/service:demo/broken"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_targets_and_writes_nothing() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let page = report(&controller.engine).await.unwrap().text();
    assert_eq!(page.lines().count(), 8, "{page}");
    assert_eq!(page.matches("  no changes\n").count(), 4, "{page}");
    assert!(page.contains("binding/demo/k8s-demo-web-"), "{page}");

    controller.engine.leading.store(false, Ordering::Release);
    endpoints(&world, "web", &scenarios::http(), &PODS[1..3]);
    sleep(Duration::from_secs(10)).await;
    let mark = world.mark();
    let page = report(&controller.engine).await.unwrap().text();
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
    let page = report(&controller.engine).await.unwrap().text();
    assert!(page.contains("nothing is changed, because"), "{page}");
    assert!(page.contains(":loadbalancer/net/"), "{page}");
}
