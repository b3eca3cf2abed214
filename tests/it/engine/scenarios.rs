//! Scenarios: a world at rest, and something a user does to it.

use serde_json::{Value, json};

use super::objects::{PODS, endpoints, local, port, service};
use super::world::World;
use super::{examples, ingress, ingress_examples};
use crate::support::land::{GIVEN_GROUP, SERVICES};

/// Something a user does.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// What is there before; nothing for a create.
    pub before: fn(&World),
    /// What the user does.
    pub act: fn(&World),
}

const fn scenario(name: &'static str, before: fn(&World), act: fn(&World)) -> Scenario {
    Scenario { name, before, act }
}

/// All scenarios: the life of every example, and what the examples do not show.
pub const ALL: &[Scenario] = &[
    scenario("create instance-cluster.yaml", nothing, |w| {
        examples::create(w, "instance-cluster");
    }),
    scenario(
        "edit instance-cluster.yaml",
        |w| examples::create(w, "instance-cluster"),
        |w| examples::edit(w, "instance-cluster"),
    ),
    scenario(
        "delete instance-cluster.yaml",
        |w| examples::create(w, "instance-cluster"),
        |w| examples::delete(w, "instance-cluster"),
    ),
    scenario("create instance-local.yaml", nothing, |w| {
        examples::create(w, "instance-local");
    }),
    scenario(
        "edit instance-local.yaml",
        |w| examples::create(w, "instance-local"),
        |w| examples::edit(w, "instance-local"),
    ),
    scenario(
        "delete instance-local.yaml",
        |w| examples::create(w, "instance-local"),
        |w| examples::delete(w, "instance-local"),
    ),
    scenario("create ip.yaml", nothing, |w| examples::create(w, "ip")),
    scenario(
        "edit ip.yaml",
        |w| examples::create(w, "ip"),
        |w| examples::edit(w, "ip"),
    ),
    scenario(
        "delete ip.yaml",
        |w| examples::create(w, "ip"),
        |w| examples::delete(w, "ip"),
    ),
    scenario("create tcp-udp.yaml", nothing, |w| examples::create(w, "tcp-udp")),
    scenario(
        "edit tcp-udp.yaml",
        |w| examples::create(w, "tcp-udp"),
        |w| examples::edit(w, "tcp-udp"),
    ),
    scenario(
        "delete tcp-udp.yaml",
        |w| examples::create(w, "tcp-udp"),
        |w| examples::delete(w, "tcp-udp"),
    ),
    scenario("create with TLS, attributes and tags", nothing, tls),
    scenario("edit ports, health check, tags and source ranges", ip, edit_ip),
    scenario("edit from IP to instance mode", ip, to_instance),
    scenario("edit TLS off and attributes", tls, without_tls),
    scenario(
        "edit from a managed to a given security group",
        ip_beside_a_group,
        to_given_group,
    ),
    scenario("change the scheme of a Service", ip, to_internal),
    scenario("change the scheme of an Ingress", internal_shop, public_shop),
    scenario(
        "edit an Ingress from instance to IP mode",
        instance_shop,
        internal_shop,
    ),
    scenario("delete with TLS", tls, delete),
    scenario("give up ownership", cluster, lose_class),
    scenario("create ingress-ip.yaml", nothing, |w| {
        ingress_examples::create(w, "ingress-ip");
    }),
    scenario(
        "edit ingress-ip.yaml",
        |w| ingress_examples::create(w, "ingress-ip"),
        ingress_examples::edit_alone,
    ),
    scenario(
        "delete ingress-ip.yaml",
        |w| ingress_examples::create(w, "ingress-ip"),
        ingress_examples::delete_all,
    ),
    scenario("create ingress-group.yaml", nothing, |w| {
        ingress_examples::create(w, "ingress-group");
    }),
    scenario(
        "edit ingress-group.yaml",
        |w| ingress_examples::create(w, "ingress-group"),
        ingress_examples::edit_group,
    ),
    scenario(
        "leave ingress-group.yaml",
        |w| ingress_examples::create(w, "ingress-group"),
        ingress_examples::leave_group,
    ),
    scenario(
        "delete ingress-group.yaml",
        |w| ingress_examples::create(w, "ingress-group"),
        ingress_examples::delete_all,
    ),
];

/// The scenario of that name.
pub fn named(name: &str) -> Scenario {
    *ALL.iter().find(|scenario| scenario.name == name).unwrap()
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

const CERTIFICATES: &str = "arn:aws:acm:us-west-2:000000000000:certificate/one,\
                            arn:aws:acm:us-west-2:000000000000:certificate/two";

/// TLS and TCP, attributes and tags.
pub fn tls(world: &World) {
    let ports = [port("https", 443, "TCP"), port("http", 80, "TCP")];
    endpoints(world, "web", &ports, &PODS[..2]);
    let annotations = [
        ("nlb-target-type", "ip"),
        ("ssl-cert", CERTIFICATES),
        ("attributes", "load_balancing.cross_zone.enabled=true"),
        ("additional-resource-tags", "team=a"),
        (
            "target-group-attributes",
            "deregistration_delay.timeout_seconds=30",
        ),
    ];
    world.apply(&service("web", &annotations, &ports));
}

/// One port, no TLS, other attributes.
pub fn without_tls(world: &World) {
    endpoints(world, "web", &http(), &PODS[..2]);
    let annotations = [
        ("nlb-target-type", "ip"),
        ("attributes", "load_balancing.cross_zone.enabled=false"),
    ];
    world.apply(&service("web", &annotations, &http()));
}

/// Instance mode instead of IP mode.
pub fn to_instance(world: &World) {
    let annotations = [("nlb-target-type", "instance"), ("scheme", "internet-facing")];
    world.apply(&service("web", &annotations, &http()));
}

/// The other scheme.
pub fn to_internal(world: &World) {
    let annotations = [("nlb-target-type", "ip"), ("scheme", "internal")];
    world.apply(&service("web", &annotations, &http()));
}

/// An Ingress with two backends, with annotations under the usual prefix.
pub fn shop(world: &World, annotations: &[(&str, &str)]) {
    ingress::class(world);
    for name in ["front", "api"] {
        ingress::backend(world, name);
    }
    let paths = [("/", "front"), ("/api", "api")];
    world.apply(&ingress::ingress("shop", annotations, &paths));
}

/// Internal, IP mode.
pub fn internal_shop(world: &World) {
    shop(world, &[("target-type", "ip")]);
}

/// Internal, instance mode.
pub fn instance_shop(world: &World) {
    shop(world, &[("target-type", "instance")]);
}

/// Internet-facing, IP mode.
pub fn public_shop(world: &World) {
    shop(world, &[("target-type", "ip"), ("scheme", "internet-facing")]);
}

/// IP mode, and a security group that somebody else made.
pub fn ip_beside_a_group(world: &World) {
    world.land.make_group(GIVEN_GROUP, "given", &[]);
    ip(world);
}

/// The given security group instead of a managed one.
pub fn to_given_group(world: &World) {
    let annotations = [
        ("nlb-target-type", "ip"),
        ("scheme", "internet-facing"),
        ("security-groups", GIVEN_GROUP),
        ("manage-backend-security-group-rules", "true"),
    ];
    world.apply(&service("web", &annotations, &http()));
}
