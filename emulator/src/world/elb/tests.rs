//! An account to test with: a VPC with a public and a private subnet in each of three zones, two instances, one
//! security group and one certificate; and short forms of the operations.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    action::{Action, Does, Forward},
    listener::{self, Listener},
    listener_settings::ListenerSettings,
    load_balancer::{self, CreateLoadBalancer, LoadBalancer},
    registration,
    target::{self, Described},
    target_group::{self, CreateTargetGroup, TargetGroup},
    words::{LoadBalancerType, Protocol, Scheme, TargetType},
    zones::SubnetMapping,
};
use crate::world::{ApiError, World, ec2};

pub const CERTIFICATE: &str = "arn:aws:acm:us-west-2:123456789012:certificate/one";

/// `seconds` after the start.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

pub fn world() -> World {
    let mut world = World {
        account: "123456789012".into(),
        region: "us-west-2".into(),
        ..World::default()
    };
    for vpc in ["vpc-1", "vpc-2"] {
        world.ec2.vpcs.insert(vpc.into(), empty_vpc(vpc));
    }
    for (index, zone) in ["a", "b", "c"].into_iter().enumerate() {
        add_subnet(
            &mut world,
            "vpc-1",
            &format!("public-{zone}"),
            zone,
            &format!("10.0.{index}.0/24"),
        );
        add_subnet(
            &mut world,
            "vpc-1",
            &format!("private-{zone}"),
            zone,
            &format!("10.0.{}.0/24", 100 + index),
        );
        add_instance(&mut world, zone, index);
    }
    add_subnet(&mut world, "vpc-1", "tiny-c", "c", "10.0.200.0/29");
    add_subnet(&mut world, "vpc-2", "other-a", "a", "10.1.0.0/24");
    let routes = vec![ec2::Route {
        destination: "0.0.0.0/0".into(),
        gateway: "igw-1".into(),
    }];
    let table = ec2::RouteTable {
        id: "rtb-1".into(),
        vpc_id: "vpc-1".into(),
        main: true,
        subnets: Vec::new(),
        routes,
        tags: BTreeMap::default(),
    };
    world.ec2.route_tables.insert("rtb-1".into(), table);
    for (id, vpc) in [("sg-1", "vpc-1"), ("sg-2", "vpc-1"), ("sg-3", "vpc-2")] {
        let group = ec2::SecurityGroup {
            id: id.into(),
            name: if id == "sg-1" { "default" } else { id }.into(),
            description: String::new(),
            vpc_id: vpc.into(),
            ingress: BTreeMap::default(),
            egress: BTreeMap::default(),
            tags: BTreeMap::default(),
            created_at: None,
        };
        world.ec2.security_groups.insert(id.into(), group);
    }
    world.certificates.insert(CERTIFICATE);
    world
}

fn empty_vpc(id: &str) -> ec2::Vpc {
    let cidr = if id == "vpc-1" {
        "10.0.0.0/16"
    } else {
        "10.1.0.0/16"
    };
    ec2::Vpc {
        id: id.into(),
        cidrs: vec![cidr.parse().unwrap()],
        ipv6_cidrs: Vec::new(),
        default: false,
        tags: BTreeMap::default(),
    }
}

fn add_subnet(world: &mut World, vpc: &str, id: &str, zone: &str, cidr: &str) {
    let name = format!("us-west-2{zone}");
    let zone = ec2::Zone {
        name: name.clone(),
        id: format!("usw2-az-{zone}"),
        kind: "availability-zone".into(),
    };
    let subnet = ec2::Subnet {
        id: format!("subnet-{id}"),
        vpc_id: vpc.into(),
        zone: name.clone(),
        zone_id: zone.id.clone(),
        cidr: cidr.parse().unwrap(),
        ipv6_cidr: None,
        public_addresses: false,
        outpost_arn: None,
        tags: BTreeMap::default(),
    };
    world.ec2.zones.insert(name, zone);
    world.ec2.subnets.insert(subnet.id.clone(), subnet);
}

fn add_instance(world: &mut World, zone: &str, index: usize) {
    let instance = ec2::Instance {
        id: format!("i-{zone}"),
        kind: "m5.large".into(),
        state: "running".into(),
        zone: format!("us-west-2{zone}"),
        vpc_id: "vpc-1".into(),
        subnet_id: format!("subnet-private-{zone}"),
        address: format!("10.0.{}.10", 100 + index).parse().unwrap(),
        tags: BTreeMap::default(),
    };
    world.ec2.instances.insert(instance.id.clone(), instance);
}

pub fn subnets(ids: &[&str]) -> Vec<SubnetMapping> {
    let mapping = |id: &&str| SubnetMapping {
        subnet: format!("subnet-{id}"),
        ..SubnetMapping::default()
    };
    ids.iter().map(mapping).collect()
}

/// A network load balancer in zones a and b.
pub fn network(name: &str) -> CreateLoadBalancer {
    CreateLoadBalancer {
        name: name.into(),
        kind: Some(LoadBalancerType::Network),
        scheme: Some(Scheme::Internal),
        subnets: subnets(&["private-a", "private-b"]),
        ..CreateLoadBalancer::default()
    }
}

/// An application load balancer in zones a and b.
pub fn application(name: &str) -> CreateLoadBalancer {
    CreateLoadBalancer {
        kind: Some(LoadBalancerType::Application),
        ..network(name)
    }
}

/// A TCP group of addresses, port 80.
pub fn tcp(name: &str) -> CreateTargetGroup {
    CreateTargetGroup {
        name: name.into(),
        protocol: Some(Protocol::Tcp),
        port: Some(80),
        vpc: Some("vpc-1".into()),
        target_type: Some(TargetType::Ip),
        ..CreateTargetGroup::default()
    }
}

pub fn create_network(world: &mut World, name: &str) -> LoadBalancer {
    load_balancer::create(world, at(0), &network(name)).unwrap()
}

pub fn create_application(world: &mut World, name: &str) -> LoadBalancer {
    load_balancer::create(world, at(0), &application(name)).unwrap()
}

pub fn create_group(world: &mut World, request: &CreateTargetGroup) -> TargetGroup {
    target_group::create(world, at(0), request).unwrap()
}

pub fn forward(groups: &[(&str, i64)]) -> Vec<Action> {
    let groups = groups
        .iter()
        .map(|(arn, weight)| ((*arn).to_owned(), *weight))
        .collect();
    vec![Action {
        order: None,
        does: Does::Forward(Forward {
            groups,
            stickiness: None,
        }),
    }]
}

pub fn settings(protocol: Protocol, port: i64, actions: Vec<Action>) -> ListenerSettings {
    ListenerSettings {
        port: Some(port),
        protocol: Some(protocol),
        default_actions: Some(actions),
        ..ListenerSettings::default()
    }
}

/// A listener that forwards to one group.
pub fn listen(
    world: &mut World,
    owner: &LoadBalancer,
    protocol: Protocol,
    port: i64,
    group: &str,
) -> Result<Listener, ApiError> {
    listener::create(
        world,
        at(0),
        &owner.arn,
        &settings(protocol, port, forward(&[(group, 1)])),
        &[],
    )
}

pub fn described(ids: &[&str]) -> Vec<Described> {
    ids.iter()
        .map(|id| Described {
            id: (*id).into(),
            ..Described::default()
        })
        .collect()
}

pub fn register(world: &mut World, now: i64, group: &str, ids: &[&str]) -> Result<(), ApiError> {
    registration::register(world, at(now), group, &described(ids))?;
    settle(world, now);
    Ok(())
}

/// What a mutation is followed by when it comes over the wire.
pub fn settle(world: &mut World, now: i64) {
    world.elb.touch();
    super::advance(world, at(now));
}

/// `state` or `state/reason` of each target, by id, then port.
pub fn health(world: &mut World, now: i64, group: &str) -> Vec<String> {
    world.advance(at(now));
    let shown = target::describe_health(&world.elb, group, &[]).unwrap();
    shown
        .into_iter()
        .map(|shown| match shown.health.reason {
            Some(reason) => format!("{}/{reason}", shown.health.state),
            None => shown.health.state.to_string(),
        })
        .collect()
}

/// An active load balancer with a listener and a group: its ARN and that of the group.
pub fn serving(world: &mut World, network: bool) -> (LoadBalancer, String) {
    let owner = if network {
        create_network(world, "web")
    } else {
        create_application(world, "web")
    };
    let (protocol, request) = if network {
        (Protocol::Tcp, tcp("web"))
    } else {
        (
            Protocol::Http,
            CreateTargetGroup {
                protocol: Some(Protocol::Http),
                ..tcp("web")
            },
        )
    };
    let group = create_group(world, &request);
    listen(world, &owner, protocol, 80, &group.arn).unwrap();
    settle(world, 0);
    (owner, group.arn)
}
