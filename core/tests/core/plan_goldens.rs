//! Plans as a person reads them. `INSTA_UPDATE=always cargo test -p elbow-core --test core goldens` accepts
//! changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use elbow_core::model::{OnOff, Scheme, SecurityGroup, Stack, TargetType};
use elbow_core::plan::{render_json, render_text};

use crate::plan_shape::{Groups, Ipv6, Port, Shape, Tls, key};
use crate::plan_world::World;

fn text(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn tls(certificates: &[u8]) -> Tls {
    Tls {
        certificates: certificates.to_vec(),
        policy: Some(1),
        alpn: None,
    }
}

/// A Service with two ports, one of them TLS.
fn base() -> Shape {
    Shape {
        attributes: text(&[("load_balancing.cross_zone.enabled", "true")]),
        tags: text(&[("team", "a")]),
        ports: BTreeMap::from([
            (80, Port::default()),
            (
                443,
                Port {
                    tls: Some(tls(&[1, 2])),
                    ..Port::default()
                },
            ),
        ]),
        ..Shape::default()
    }
}

fn port(shape: &mut Shape, number: i32) -> &mut Port {
    shape.ports.get_mut(&number).expect("the base has it")
}

/// The plan of an edit of the base, as text.
fn edited(edit: impl Fn(&mut Shape)) -> String {
    let world = World::at_rest(&base().stack());
    let mut shape = base();
    edit(&mut shape);
    render_text(&world.plan(&shape.stack()))
}

#[test]
fn creation_from_nothing() {
    let plan = World::new().plan(&base().stack());
    insta::assert_snapshot!(render_text(&plan));
}

#[test]
fn nothing_to_do() {
    let plan = World::at_rest(&base().stack()).plan(&base().stack());
    insta::assert_snapshot!(render_text(&plan), @r"
    stack/service:default/web
      no changes
    ");
    let json = render_json(&plan);
    assert_eq!(json["steps"], serde_json::json!([]));
    assert_eq!(json["problems"], serde_json::json!([]));
}

#[test]
fn deletion() {
    let mut world = World::at_rest(&base().stack());
    world.owner.gone = true;
    insta::assert_snapshot!(render_text(&world.plan(&Stack::empty(&key()))));
}

#[test]
fn deletion_of_a_protected_load_balancer() {
    let mut world = World::at_rest(&base().stack());
    world.owner.gone = true;
    world.actual.load_balancers[0]
        .attributes
        .insert("deletion_protection.enabled".to_owned(), "true".to_owned());
    insta::assert_snapshot!(render_text(&world.plan(&Stack::empty(&key()))));
}

#[test]
fn replacement_of_a_target_group() {
    insta::assert_snapshot!(edited(|shape| port(shape, 80).target = TargetType::Ip));
}

#[test]
fn another_scheme() {
    insta::assert_snapshot!(edited(|shape| {
        shape.scheme = Scheme::InternetFacing;
        shape.sources = BTreeSet::from([1]);
        port(shape, 80).check.interval = 30;
        shape.ports.insert(81, Port::default());
    }));
}

#[test]
fn edits_of_the_load_balancer() {
    type Edit = (&'static str, fn(&mut Shape));
    let edits: [Edit; 12] = [
        ("sources", |shape| shape.sources = BTreeSet::from([1, 2])),
        ("given security groups", |shape| shape.groups = Groups::Given(1)),
        ("subnets", |shape| shape.subnets = BTreeSet::from([2, 3])),
        ("dualstack", |shape| shape.ipv6 = Ipv6::On),
        ("IPv6 addresses", |shape| shape.ipv6 = Ipv6::Addresses),
        ("source NAT prefixes", |shape| shape.ipv6 = Ipv6::Prefixes(1)),
        ("PrivateLink", |shape| shape.private_link = Some(OnOff::Off)),
        ("attributes", |shape| {
            shape.attributes = text(&[("load_balancing.cross_zone.enabled", "false")]);
        }),
        ("removed attribute", |shape| shape.attributes.clear()),
        ("capacity", |shape| shape.capacity = Some(100)),
        ("tags", |shape| shape.tags = text(&[("team", "b"), ("cost", "1")])),
        ("no tags", |shape| shape.tags.clear()),
    ];
    let mut all = String::new();
    for (name, edit) in edits {
        let _ = writeln!(all, "# {name}\n{}", edited(edit));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn edits_of_ports() {
    type Edit = (&'static str, fn(&mut Shape));
    let edits: [Edit; 11] = [
        ("health check", |shape| {
            let check = &mut port(shape, 80).check;
            (check.http, check.interval, check.threshold, check.timeout) = (true, 30, 2, Some(6));
        }),
        ("target group attributes", |shape| {
            port(shape, 80).attributes = text(&[("proxy_protocol_v2.enabled", "true")]);
        }),
        ("listener attributes", |shape| {
            port(shape, 80).listener_attributes = text(&[("tcp.idle_timeout.seconds", "400")]);
        }),
        ("certificates", |shape| port(shape, 443).tls = Some(tls(&[3, 1]))),
        ("tls policy and ALPN", |shape| {
            port(shape, 443).tls = Some(Tls {
                policy: Some(2),
                alpn: Some(1),
                ..tls(&[1, 2])
            });
        }),
        ("from TLS to TCP", |shape| port(shape, 443).tls = None),
        ("from TCP to TLS", |shape| port(shape, 80).tls = Some(tls(&[1]))),
        ("from TCP to UDP", |shape| port(shape, 80).udp = true),
        ("another port", |shape| {
            let port = shape.ports.remove(&80).expect("there");
            shape.ports.insert(8080, port);
        }),
        ("a second group", |shape| port(shape, 80).weights = Some((1, 3))),
        ("stickiness", |shape| port(shape, 80).sticky = Some(true)),
    ];
    let mut all = String::new();
    for (name, edit) in edits {
        let _ = writeln!(all, "# {name}\n{}", edited(edit));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn things_done_by_hand() {
    type Drift = (&'static str, fn(&mut Stack));
    let drifts: [Drift; 6] = [
        ("a target group and its listener are gone", |actual| {
            let arn = actual.target_groups.remove(0).arn;
            actual
                .listeners
                .retain(|l| !crate::plan_world::groups_of(l).contains(&arn));
        }),
        ("a binding is going away", |actual| {
            actual.bindings[0].deleting = true;
        }),
        ("a binding is bound twice", |actual| {
            let mut copy = actual.bindings[0].clone();
            copy.name = "copy".to_owned();
            actual.bindings.push(copy);
        }),
        ("a security group was copied", |actual| {
            let copy = SecurityGroup {
                group_id: Some("sg-0copy".to_owned()),
                ..actual.security_groups[0].clone()
            };
            actual.security_groups.push(copy);
        }),
        ("a protected load balancer was copied", |actual| {
            let mut copy = actual.load_balancers[0].clone();
            let arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/copy/9";
            copy.arn = Some(arn.to_owned());
            copy.name = "copy".to_owned();
            copy.attributes = text(&[("deletion_protection.enabled", "true")]);
            actual.load_balancers.push(copy);
        }),
        ("the load balancer is gone", |actual| {
            actual.load_balancers.clear();
            actual.listeners.clear();
        }),
    ];
    let mut all = String::new();
    for (name, drift) in drifts {
        let mut world = World::at_rest(&base().stack());
        drift(&mut world.actual);
        let _ = writeln!(all, "# {name}\n{}", render_text(&world.plan(&base().stack())));
    }
    insta::assert_snapshot!(all);
}
