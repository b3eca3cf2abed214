//! A stack of an Ingress group as a short JSON value, so that expectations in tables stay readable.

use elbow_core::model::{
    Action, Condition, IngressPermission, Listener, LoadBalancer, Patterns, PermissionSource, Ref, Rule,
    Stack,
};
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

pub fn of(stack: &Stack) -> Value {
    let listeners: Map<String, Value> = stack
        .listeners
        .iter()
        .map(|one| (one.id.0.clone(), listener(one)))
        .collect();
    let target_groups: Map<String, Value> = stack
        .target_groups
        .iter()
        .map(|group| (group.id.0.clone(), json!(group.name)))
        .collect();
    let networking: Vec<bool> = stack
        .bindings
        .iter()
        .map(|binding| binding.spec.networking.is_some())
        .collect();
    json!({
        "lb": stack.load_balancers.first().map(load_balancer),
        "group": stack.security_groups.first().map(|group| json!({
            "name": group.name,
            "inbound": group.ingress.iter().map(permission).collect::<Vec<_>>(),
            "tags": group.tags,
        })),
        "listeners": listeners,
        "rules": stack.rules.iter().map(rule).collect::<Vec<_>>(),
        "target_groups": target_groups,
        "networking": networking,
    })
}

fn load_balancer(lb: &LoadBalancer) -> Value {
    let subnets: Vec<&str> = lb.subnets.iter().map(|mapping| mapping.subnet.as_str()).collect();
    json!({
        "type": lb.kind,
        "name": lb.name,
        "scheme": lb.scheme.as_str(),
        "ip": lb.ip_address_type.as_str(),
        "groups": lb.security_groups.iter().map(reference).collect::<Vec<_>>(),
        "subnets": subnets,
        "attributes": lb.attributes,
        "tags": lb.tags,
    })
}

fn permission(permission: &IngressPermission) -> String {
    let source = match &permission.source {
        PermissionSource::Ipv4(text)
        | PermissionSource::Ipv6(text)
        | PermissionSource::PrefixList(text)
        | PermissionSource::Group(text) => text,
    };
    assert_eq!(permission.from_port, permission.to_port);
    format!(
        "{} {} {source}",
        permission.protocol,
        permission.from_port.unwrap()
    )
}

fn listener(listener: &Listener) -> Value {
    json!({
        "protocol": listener.protocol.as_str(),
        "default": actions(&listener.default_actions),
        "certificates": listener.certificates,
        "extra": listener.extra_certificates.get(),
        "policy": listener.ssl_policy.get(),
        "attributes": listener.attributes,
        "tags": listener.tags.get(),
    })
}

fn actions(actions: &[Action]) -> String {
    let one = |action: &Action| match action {
        Action::Forward(forward) => {
            let groups: Vec<String> = forward
                .target_groups
                .iter()
                .map(|group| reference(&group.target_group))
                .collect();
            groups.join(" ")
        }
        Action::Redirect(redirect) => {
            let parts = [&redirect.protocol, &redirect.port, &redirect.host, &redirect.path];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            format!("redirect {} {}", parts.join(" "), redirect.status)
        }
        Action::FixedResponse(response) => {
            let parts = [&response.content_type, &response.body];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            format!("{} {}", response.status, parts.join(" "))
        }
        Action::Other(text) => text.clone(),
    };
    actions.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn patterns(patterns: &Patterns) -> String {
    match patterns {
        Patterns::Values(list) => format!("[{}]", list.join(",")),
        Patterns::Regexes(list) => format!("~[{}]", list.join(",")),
    }
}

fn condition(condition: &Condition) -> String {
    let field = condition.field();
    match condition {
        Condition::HostHeader(list) | Condition::PathPattern(list) => format!("{field}{}", patterns(list)),
        other => format!("{other:?}"),
    }
}

fn rule(rule: &Rule) -> String {
    let conditions: Vec<String> = rule.conditions.iter().map(condition).collect();
    assert_eq!(rule.id.0.split_once(':').unwrap().1, rule.priority.to_string());
    format!(
        "{} {} -> {}",
        rule.id.0,
        conditions.join(" AND "),
        actions(&rule.actions)
    )
}
