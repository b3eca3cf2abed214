//! Ingresses become Application Load Balancers, stay as they are, and go again.

use std::time::Duration;

use serde_json::{Value, json};

use super::objects::{PODS, endpoints, port, world};
use super::world::{CLASSES, INGRESSES, World};
use crate::support::land::SERVICES;

pub const PREFIX: &str = "alb.ingress.kubernetes.io/";

pub fn class(world: &World) {
    world.apply(&json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "alb"}, "spec": {"controller": "ingress.k8s.aws/alb"},
    }));
    assert_eq!(world.list(CLASSES).len(), 1);
}

pub fn backend(world: &World, name: &str) {
    let ports = [port("http", 80, "TCP")];
    endpoints(world, name, &ports, &PODS[..2]);
    world.apply(&json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": name},
        "spec": {"type": "NodePort", "selector": {"app": name}, "ipFamilies": ["IPv4"], "ports": ports},
    }));
}

/// An Ingress with one host and a path for each Service.
pub fn ingress(name: &str, annotations: &[(&str, &str)], services: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| (format!("{PREFIX}{key}"), json!(value)))
        .collect();
    let paths: Vec<Value> = services
        .iter()
        .map(|(path, service)| {
            json!({"path": path, "pathType": "Prefix",
                   "backend": {"service": {"name": service, "port": {"number": 80}}}})
        })
        .collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": "demo", "name": name, "annotations": annotations},
        "spec": {"ingressClassName": "alb",
                 "rules": [{"host": format!("{name}.example.com"), "http": {"paths": paths}}]},
    })
}

pub fn address(world: &World, name: &str) -> String {
    let status = &world.get(INGRESSES, name)["status"]["loadBalancer"]["ingress"][0];
    status["hostname"].as_str().unwrap_or_default().to_owned()
}

fn rules(world: &World) -> Vec<usize> {
    world.land.emulator.with_world(|account, _| {
        let listeners = account.elb.listeners.values();
        listeners.map(|listener| listener.rules.len()).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn an_ingress_gets_a_load_balancer_and_leaves_nothing_behind() {
    let world = world();
    class(&world);
    backend(&world, "web");
    backend(&world, "api");
    let paths = [("/", "web"), ("/api", "api")];
    world.apply(&ingress("shop", &[("target-type", "ip")], &paths));
    let mut controller = world.start();
    let created = controller.to_rest().await;
    controller.assert_content("created");
    assert!(
        address(&world, "shop").starts_with("internal-k8s-demo-shop"),
        "{}",
        address(&world, "shop")
    );
    assert_eq!(rules(&world), [2]);
    assert_eq!(created.writes()["CreateRule"], 2, "{:#?}", created.writes());

    controller.engine.wake_all(None, elbow_core::key::Lane::Resync);
    let again = controller.to_rest().await;
    assert!(
        again.calls.is_empty() && again.kubernetes.is_empty(),
        "{again:#?}"
    );

    drop(controller);
    let mut controller = world.start();
    let restarted = controller.to_rest().await;
    assert!(
        restarted.writes().is_empty() && restarted.kubernetes.is_empty(),
        "{restarted:#?}"
    );

    let more = [("/", "web"), ("/api", "api"), ("/api/v2", "web")];
    world.apply(&ingress("shop", &[("target-type", "ip")], &more));
    let edited = controller.to_rest().await;
    controller.assert_content("edited");
    assert_eq!(rules(&world), [3]);
    assert_eq!(
        edited.writes().values().sum::<usize>(),
        2,
        "{:#?}",
        edited.writes()
    );

    world.delete(INGRESSES, "demo", "shop");
    for name in ["web", "api"] {
        world.delete(SERVICES, "demo", name);
    }
    controller.to_rest().await;
    assert!(world.list(INGRESSES).is_empty());
    world.land.emulator.with_world(|account, _| {
        let elb = &account.elb;
        assert!(elb.load_balancers.is_empty() && elb.target_groups.is_empty());
    });
}

#[tokio::test(start_paused = true)]
async fn members_of_a_group_share_a_load_balancer_and_a_bad_one_harms_no_other() {
    let world = world();
    class(&world);
    backend(&world, "web");
    let group = [("group.name", "shop"), ("target-type", "instance")];
    for name in ["a", "b"] {
        world.apply(&ingress(name, &group, &[("/", "web")]));
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("created");
    assert_eq!(rules(&world), [2]);
    assert_eq!(address(&world, "a"), address(&world, "b"));

    let wrong = [("group.name", "shop"), ("listen-ports", "no JSON")];
    world.apply(&ingress("b", &wrong, &[("/", "web")]));
    world.apply(&ingress("c", &group, &[("/", "web")]));
    controller.run_for(Duration::from_mins(2)).await;
    assert_eq!(rules(&world), [3], "those of b stay, those of c came");
    assert_eq!(address(&world, "c"), address(&world, "a"));
    let (reason, note) = world.events_of("b").pop().unwrap();
    assert_eq!(reason, "FailedBuildModel");
    assert!(note.contains("listen-ports"), "{note}");

    world.apply(&ingress("b", &group, &[("/", "web")]));
    controller.to_rest().await;
    controller.assert_content("mended");
    world.delete(INGRESSES, "demo", "a");
    controller.to_rest().await;
    assert_eq!(rules(&world), [2]);
    assert!(!address(&world, "b").is_empty());
}
