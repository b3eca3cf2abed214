//! A stack as a short JSON value, so that expectations in tables stay readable.

use std::collections::BTreeMap;

use elbow_core::model::{
    Binding, BindingPeer, HealthCheck, IngressPermission, IpFamily, Listener, LoadBalancer, Matcher,
    PermissionSource, Ref, SecurityGroup, Stack, SubnetMapping, TargetGroup, TargetType,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

/// `M` is the managed security group.
fn reference(value: &Ref) -> String {
    match value {
        Ref::Known(id) => id.clone(),
        Ref::BackendGroup => "(backend group)".to_owned(),
        Ref::Pending(address) if address.id.0 == "ManagedLBSecurityGroup" => "M".to_owned(),
        Ref::Pending(address) => address.id.0.clone(),
    }
}

fn by_id<T>(items: &[T], id: impl Fn(&T) -> &str, value: impl Fn(&T) -> Value) -> Value {
    let mut map = Map::new();
    for item in items {
        assert!(
            map.insert(id(item).to_owned(), value(item)).is_none(),
            "{} is there twice",
            id(item)
        );
    }
    Value::Object(map)
}

pub fn of(stack: &Stack) -> Value {
    json!({
        "lb": stack.load_balancers.first().map(load_balancer),
        "groups": by_id(&stack.security_groups, |g| &g.id.0, security_group),
        "listeners": by_id(&stack.listeners, |l| &l.id.0, listener),
        "target_groups": by_id(&stack.target_groups, |g| &g.id.0, target_group),
        "bindings": by_id(&stack.bindings, |b| &b.id.0, binding),
    })
}

fn load_balancer(lb: &LoadBalancer) -> Value {
    json!({
        "id": lb.id.0,
        "type": lb.kind,
        "name": lb.name,
        "scheme": lb.scheme.as_str(),
        "ip": lb.ip_address_type.as_str(),
        "nat": lb.ipv6_source_nat.get().map(|v| v.as_str()),
        "groups": lb.security_groups.iter().map(reference).collect::<Vec<_>>(),
        "mappings": lb.subnets.iter().map(mapping).collect::<Vec<_>>(),
        "attributes": lb.attributes,
        "capacity": lb.capacity_units.get(),
        "private_link": lb.private_link_inbound.get().map(|v| v.as_str()),
        "tags": lb.tags,
    })
}

fn mapping(mapping: &SubnetMapping) -> String {
    let words = [
        Some(&mapping.subnet),
        mapping.allocation_id.as_ref(),
        mapping.private_ipv4.as_ref(),
        mapping.ipv6.as_ref(),
        mapping.source_nat_prefix.as_ref(),
    ];
    words.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

fn security_group(group: &SecurityGroup) -> Value {
    json!({
        "name": group.name,
        "description": group.description,
        "ingress": group.ingress.iter().map(permission).collect::<Vec<_>>(),
        "tags": group.tags,
    })
}

fn permission(rule: &IngressPermission) -> String {
    let source = match &rule.source {
        PermissionSource::Ipv4(text)
        | PermissionSource::Ipv6(text)
        | PermissionSource::PrefixList(text)
        | PermissionSource::Group(text) => text,
    };
    let (from, to) = (rule.from_port.unwrap(), rule.to_port.unwrap());
    if from == to {
        format!("{} {from} {source}", rule.protocol)
    } else {
        format!("{} {from}-{to} {source}", rule.protocol)
    }
}

fn listener(listener: &Listener) -> Value {
    let forward = listener.default_actions[0].as_forward().unwrap();
    let tuples = forward.target_groups.iter().map(|tuple| match tuple.weight {
        Some(weight) => format!("{} {weight}", reference(&tuple.target_group)),
        None => reference(&tuple.target_group),
    });
    json!({
        "protocol": listener.protocol.as_str(),
        "forward": tuples.collect::<Vec<_>>(),
        "sticky": forward.stickiness.get().map(|sticky| sticky.enabled),
        "certificates": listener.certificates,
        "extra": listener.extra_certificates.get(),
        "policy": listener.ssl_policy.get(),
        "alpn": listener.alpn_policy.get(),
        "attributes": listener.attributes,
        "tags": listener.tags.get(),
    })
}

fn target_group(group: &TargetGroup) -> Value {
    json!({
        "name": group.name,
        "type": group.target_type.as_str(),
        "port": group.port,
        "protocol": group.protocol.as_str(),
        "family": group.family.as_str(),
        "health": health(&group.health_check),
        "attributes": group.attributes,
        "tags": group.tags,
    })
}

/// `HTTP 31000 /healthz 200-399 10/6/2/2`: interval, timeout, healthy and unhealthy threshold.
fn health(check: &HealthCheck) -> String {
    let mut words = vec![check.protocol.as_str().to_owned(), check.port.wire()];
    words.extend(check.path.get().cloned());
    if let Some(Matcher::Http(codes) | Matcher::Grpc(codes)) = check.matcher.get() {
        words.push(codes.clone());
    }
    words.push(format!(
        "{}/{}/{}/{}",
        check.interval_seconds,
        check.timeout_seconds.get().unwrap(),
        check.healthy_threshold,
        check.unhealthy_threshold
    ));
    words.join(" ")
}

fn text(port: &IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

fn binding(binding: &Binding) -> Value {
    let spec = &binding.spec;
    let rules = spec.networking.as_ref().map(|networking| {
        let rules = networking.ingress.iter().map(|rule| {
            let from: Vec<String> = rule
                .from
                .iter()
                .map(|peer| match peer {
                    BindingPeer::IpBlock(cidr) => cidr.clone(),
                    BindingPeer::SecurityGroup(group) => reference(group),
                })
                .collect();
            let ports: Vec<String> = rule
                .ports
                .iter()
                .map(|port| {
                    let number = port.port.as_ref().map_or_else(|| "*".to_owned(), text);
                    format!("{} {number}", format!("{:?}", port.protocol).to_uppercase())
                        .to_uppercase()
                        .replace("HTTP", "http")
                })
                .collect();
            format!("{}: {}", from.join(", "), ports.join(", "))
        });
        rules.collect::<Vec<_>>()
    });
    let nodes: Option<BTreeMap<String, String>> = spec
        .node_selector
        .as_ref()
        .and_then(|selector| selector.match_labels.clone());
    json!({
        "namespace": binding.namespace,
        "name": binding.name,
        "labels": binding.labels,
        "service": format!("{}:{}", spec.service_name, text(&spec.service_port)),
        "target_group": reference(&spec.target_group),
        "type": spec.target_type.map(TargetType::as_str),
        "protocol": spec.protocol,
        "networking": rules,
        "nodes": nodes,
        "multi": spec.multi_cluster,
        "family": spec.family.map(IpFamily::as_str),
        "vpc": spec.vpc,
    })
}
