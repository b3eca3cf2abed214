//! Scenarios: a stack at rest, and something a user does to it.

use elbow_core::key::StackKey;
use serde_json::{Value, json};

use crate::support::land::{GIVEN_GROUP, Land, SERVICES};

/// Something a user does.
pub struct Scenario {
    pub name: &'static str,
    /// What is there before; nothing for a create.
    pub before: fn(&Land),
    /// What the user does.
    pub act: fn(&Land),
}

/// The stack of all scenarios.
pub fn key() -> StackKey {
    StackKey::service("demo", "web")
}

/// The scenario of that name.
pub fn named(name: &str) -> &'static Scenario {
    ALL.iter().find(|scenario| scenario.name == name).unwrap()
}

fn port(name: &str, port: i32, protocol: &str) -> Value {
    json!({"name": name, "port": port, "targetPort": 8080, "nodePort": 30000 + port, "protocol": protocol})
}

fn http() -> Value {
    json!([port("http", 80, "TCP")])
}

const IP: &[(&str, &str)] = &[("nlb-target-type", "ip"), ("scheme", "internet-facing")];
const INSTANCE: &[(&str, &str)] = &[("nlb-target-type", "instance")];
const CERTIFICATES: &str = "arn:aws:acm:us-west-2:000000000000:certificate/one,\
                            arn:aws:acm:us-west-2:000000000000:certificate/two";
const TLS: &[(&str, &str)] = &[
    ("nlb-target-type", "ip"),
    ("ssl-cert", CERTIFICATES),
    ("attributes", "load_balancing.cross_zone.enabled=true"),
    ("additional-resource-tags", "team=a"),
    (
        "target-group-attributes",
        "deregistration_delay.timeout_seconds=30",
    ),
];

fn nothing(_: &Land) {}

fn ip(land: &Land) {
    land.service("web", IP, &http());
}

fn instance(land: &Land) {
    land.service("web", INSTANCE, &http());
}

fn tls(land: &Land) {
    land.service(
        "web",
        TLS,
        &json!([port("https", 443, "TCP"), port("http", 80, "TCP")]),
    );
}

fn delete(land: &Land) {
    land.delete_service(&key());
}

fn with(annotations: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [IP, annotations].concat()
}

/// All scenarios.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "create in IP mode",
        before: nothing,
        act: ip,
    },
    Scenario {
        name: "create in instance mode",
        before: nothing,
        act: instance,
    },
    Scenario {
        name: "create with TLS, attributes and tags",
        before: nothing,
        act: tls,
    },
    Scenario {
        name: "create with TCP and UDP ports",
        before: nothing,
        act: |land| {
            let annotations = with(&[("healthcheck-port", "8081")]);
            let ports = json!([port("tcp", 80, "TCP"), port("udp", 53, "UDP")]);
            land.service("web", &annotations, &ports);
        },
    },
    Scenario {
        name: "edit ports, health check, tags and source ranges",
        before: ip,
        act: |land| {
            let annotations = with(&[
                ("healthcheck-interval", "20"),
                ("additional-resource-tags", "team=b"),
                ("/load-balancer-source-ranges", "10.0.0.0/8, 192.168.0.0/16"),
            ]);
            land.service(
                "web",
                &annotations,
                &json!([port("alt", 81, "TCP"), port("http", 80, "TCP")]),
            );
        },
    },
    Scenario {
        name: "edit from IP to instance mode",
        before: ip,
        act: |land| {
            land.service(
                "web",
                &[("nlb-target-type", "instance"), ("scheme", "internet-facing")],
                &http(),
            );
        },
    },
    Scenario {
        name: "edit TLS off and attributes",
        before: tls,
        act: |land| {
            land.service(
                "web",
                &[
                    ("nlb-target-type", "ip"),
                    ("attributes", "load_balancing.cross_zone.enabled=false"),
                ],
                &http(),
            );
        },
    },
    Scenario {
        name: "edit from a managed to a given security group",
        before: ip,
        act: |land| {
            let annotations = with(&[
                ("security-groups", GIVEN_GROUP),
                ("manage-backend-security-group-rules", "true"),
            ]);
            land.service("web", &annotations, &http());
        },
    },
    Scenario {
        name: "delete in IP mode",
        before: ip,
        act: delete,
    },
    Scenario {
        name: "delete in instance mode",
        before: instance,
        act: delete,
    },
    Scenario {
        name: "delete with TLS",
        before: tls,
        act: delete,
    },
    Scenario {
        name: "give up ownership",
        before: instance,
        act: |land| {
            land.cluster.change_all(SERVICES, |service| {
                service["spec"]["type"] = json!("ClusterIP");
                service["spec"]
                    .as_object_mut()
                    .unwrap()
                    .remove("loadBalancerClass");
            });
        },
    },
];
