//! Scenarios: a world at rest, and something a user does to it.

use serde_json::{Value, json};

use super::driver::World;
use super::objects::{PODS, endpoints, local, port, service};
use crate::support::land::SERVICES;

/// Something a user does to the Service `web`.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// Whether the controller starts only then.
    pub cold: bool,
    /// What is there before; nothing for a create.
    pub before: fn(&World),
    /// What the user does.
    pub act: fn(&World),
}

pub fn nothing(_: &World) {}

pub fn http() -> Vec<Value> {
    vec![port("http", 80, "TCP")]
}

/// IP mode, two pods.
pub fn ip(world: &World) {
    endpoints(world, "web", &http(), &PODS[..2]);
    let annotations = [("nlb-target-type", "ip"), ("scheme", "internet-facing")];
    world.apply(&service("web", &annotations, &http()));
}

/// Instance mode, traffic policy Cluster.
pub fn cluster(world: &World) {
    world.apply(&service("web", &[("nlb-target-type", "instance")], &http()));
}

/// Instance mode, traffic policy Local.
pub fn local_policy(world: &World) {
    world.apply(&local(service(
        "web",
        &[("nlb-target-type", "instance")],
        &http(),
    )));
}

/// TCP and UDP ports, IP mode.
pub fn udp(world: &World) {
    let ports = [port("tcp", 80, "TCP"), port("udp", 53, "UDP")];
    endpoints(world, "web", &ports, &PODS[..2]);
    let annotations = [("nlb-target-type", "ip"), ("healthcheck-port", "8081")];
    world.apply(&service("web", &annotations, &ports));
}

/// Another port, health check, attributes, tags and source ranges.
pub fn edit_ip(world: &World) {
    let ports = [port("http", 80, "TCP"), port("alt", 81, "TCP")];
    endpoints(world, "web", &ports, &PODS[..3]);
    let annotations = [
        ("nlb-target-type", "ip"),
        ("scheme", "internet-facing"),
        ("healthcheck-interval", "20"),
        ("additional-resource-tags", "team=a"),
        ("attributes", "load_balancing.cross_zone.enabled=true"),
    ];
    let mut service = service("web", &annotations, &ports);
    service["spec"]["loadBalancerSourceRanges"] = json!(["192.0.2.0/24"]);
    world.apply(&service);
}

/// A second port in instance mode.
pub fn edit_cluster(world: &World) {
    let ports = [port("http", 80, "TCP"), port("alt", 81, "TCP")];
    world.apply(&service("web", &[("nlb-target-type", "instance")], &ports));
}

/// The same with traffic policy Local.
pub fn edit_local(world: &World) {
    let ports = [port("http", 80, "TCP"), port("alt", 81, "TCP")];
    world.apply(&local(service("web", &[("nlb-target-type", "instance")], &ports)));
}

/// Another UDP port.
pub fn edit_udp(world: &World) {
    let ports = [port("tcp", 80, "TCP"), port("udp", 54, "UDP")];
    endpoints(world, "web", &ports, &PODS[..2]);
    let annotations = [("nlb-target-type", "ip"), ("healthcheck-port", "8081")];
    world.apply(&service("web", &annotations, &ports));
}

pub fn delete(world: &World) {
    world.delete(SERVICES, "demo", "web");
}

/// The class goes, and with it the ownership.
pub fn lose_class(world: &World) {
    world.change_all(SERVICES, |service| {
        service["spec"]["type"] = json!("ClusterIP");
        service["spec"]
            .as_object_mut()
            .unwrap()
            .remove("loadBalancerClass");
    });
}
