//! Wishes for the wire tests: a load balancer, a target group, a listener.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{
    Action, ForwardAction, HealthCheck, HealthCheckPort, IngressPermission, IpAddressType, IpFamily,
    Listener, LoadBalancer, LoadBalancerType, Matcher, PermissionSource, Protocol, Ref, ResourceId, Scheme,
    Setting, SubnetMapping, Tags, TargetGroup, TargetType, WeightedTargetGroup,
};
use elbow_core::targets::GroupRule;
use elbow_emulator::{CallFilter, Emulator};

/// Two instances and two certificates.
pub const SEED: &str = "
instances:
  - {id: i-0aaa, address: 10.0.128.10, interface: {prefixes: [10.0.129.0/28]}}
  - {id: i-0bbb, address: 10.0.144.10, interface: {secondary_addresses: [10.0.144.11]}}
certificates:
  - arn:aws:acm:us-west-2:000000000000:certificate/one
  - arn:aws:acm:us-west-2:000000000000:certificate/two
";

pub fn certificate(name: &str) -> String {
    format!("arn:aws:acm:us-west-2:000000000000:certificate/{name}")
}

pub fn strings<const N: usize>(items: [&str; N]) -> Vec<String> {
    items.into_iter().map(str::to_owned).collect()
}

pub fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

pub fn load_balancer(name: &str) -> LoadBalancer {
    let subnet = |id: &str| SubnetMapping {
        subnet: id.to_owned(),
        ..SubnetMapping::default()
    };
    LoadBalancer {
        id: ResourceId("LoadBalancer".to_owned()),
        arn: None,
        dns_name: None,
        state: None,
        name: name.to_owned(),
        second_name: None,
        delete_first: false,
        kind: LoadBalancerType::Network,
        scheme: Scheme::Internal,
        ip_address_type: IpAddressType::Ipv4,
        ipv6_source_nat: Setting::Unmanaged,
        subnets: vec![
            subnet("subnet-0e1b000000000001a"),
            subnet("subnet-0e1b000000000001b"),
        ],
        security_groups: Vec::new(),
        private_link_inbound: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: Tags::new(),
        origins: BTreeSet::new(),
    }
}

pub fn target_group(name: &str) -> TargetGroup {
    TargetGroup {
        id: ResourceId("default/web:80".to_owned()),
        arn: None,
        name: name.to_owned(),
        second_name: None,
        target_type: TargetType::Ip,
        port: 8080,
        protocol: Protocol::Tcp,
        protocol_version: Setting::Unmanaged,
        control_port: Setting::Unmanaged,
        family: IpFamily::Ipv4,
        health_check: HealthCheck {
            protocol: Protocol::Http,
            port: HealthCheckPort::Number(8081),
            path: Setting::Set("/healthz".to_owned()),
            matcher: Setting::Set(Matcher::Http("200-399".to_owned())),
            interval_seconds: 10,
            timeout_seconds: Setting::Set(6),
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        },
        attributes: BTreeMap::new(),
        tags: Tags::new(),
        load_balancers: Vec::new(),
        origins: BTreeSet::new(),
    }
}

pub fn listener(load_balancer: &str, group: &str) -> Listener {
    Listener {
        id: ResourceId("443".to_owned()),
        arn: None,
        load_balancer: Ref::Known(load_balancer.to_owned()),
        port: 443,
        protocol: Protocol::Tls,
        default_actions: vec![Action::Forward(ForwardAction {
            target_groups: vec![WeightedTargetGroup {
                target_group: Ref::Known(group.to_owned()),
                weight: None,
            }],
            stickiness: Setting::Unmanaged,
        })],
        certificates: vec![certificate("one")],
        extra_certificates: Setting::Unmanaged,
        certificate_origins: BTreeMap::new(),
        ssl_policy: Setting::Set("ELBSecurityPolicy-2016-08".to_owned()),
        alpn_policy: Setting::Set("HTTP2Preferred".to_owned()),
        attributes: BTreeMap::new(),
        tags: Setting::Unmanaged,
        origins: BTreeSet::new(),
    }
}

pub fn rule(protocol: &str, port: Option<i32>, source: PermissionSource, description: &str) -> GroupRule {
    GroupRule {
        permission: IngressPermission {
            protocol: protocol.to_owned(),
            from_port: port,
            to_port: port,
            source,
        },
        description: description.to_owned(),
    }
}

/// How often an operation was called.
pub fn calls(emulator: &Emulator, operation: &str) -> usize {
    let filter = CallFilter {
        operation: Some(operation.to_owned()),
        ..CallFilter::default()
    };
    emulator.calls(&filter).len()
}
