//! TargetGroupBindings of a stack, with the rules that let the load balancer reach the targets (upstream
//! `pkg/service/model_build_target_group.go`).

use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::inquiry::Inquiry;
use super::security_groups::{Security, TargetAccess};
use super::{Context, GroupNames};
use crate::intent::ServiceIntent;
use crate::intent::wish::{ServiceTargetGroupWish, TargetGroupWish};
use crate::model::{
    Binding, BindingNetworking, BindingPeer, BindingPort, BindingRule, BindingSpec, HealthCheckPort,
    IpFamily, Protocol, Ref, ResourceKind, Scheme, tracking,
};
use crate::question::Subnet;

/// What decides about access to the targets.
pub(super) struct Access<'a> {
    pub security: &'a Security,
    pub scheme: Scheme,
    /// Subnets of the load balancer, if known.
    pub subnets: Option<&'a [Subnet]>,
}

/// All bindings, by resource id. `None` while an answer is missing.
pub(super) fn build(
    context: &Context<'_>,
    service: &ServiceIntent,
    names: &GroupNames,
    access: &Access<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Binding>> {
    let mut bindings = Vec::new();
    let mut complete = true;
    for wish in service.target_groups.values() {
        match networking(context, wish, access, inquiry) {
            Some(networking) => bindings.push(binding(context, wish, names, networking)),
            None => complete = false,
        }
    }
    complete.then_some(bindings)
}

/// The binding of a target group.
pub(super) fn binding<M>(
    context: &Context<'_>,
    wish: &TargetGroupWish<M>,
    names: &GroupNames,
    networking: Option<BindingNetworking>,
) -> Binding {
    Binding {
        id: wish.id.clone(),
        namespace: wish.namespace.clone(),
        name: names.get(&wish.id).cloned().unwrap_or_default(),
        labels: tracking::binding_labels(context.key),
        annotations: std::collections::BTreeMap::new(),
        spec: BindingSpec {
            target_group: Ref::pending(ResourceKind::TargetGroup, &wish.id),
            target_type: Some(wish.target_type),
            protocol: Some(group_protocol(wish.protocol)),
            service_name: wish.service.clone(),
            service_port: wish.service_port.clone(),
            networking,
            node_selector: wish.node_labels.as_ref().map(|labels| LabelSelector {
                match_labels: Some(labels.clone()),
                match_expressions: None,
            }),
            family: Some(wish.family),
            vpc: context.settings.realm.vpc.clone(),
            multi_cluster: wish.multi_cluster,
            foreign_fields: false,
        },
        uid: None,
        deleting: false,
        origins: context.origins(&wish.origins),
    }
}

fn group_protocol(protocol: Protocol) -> TargetGroupProtocol {
    match protocol {
        Protocol::Http => TargetGroupProtocol::Http,
        Protocol::Https => TargetGroupProtocol::Https,
        Protocol::Tcp => TargetGroupProtocol::Tcp,
        Protocol::Tls => TargetGroupProtocol::Tls,
        Protocol::Udp => TargetGroupProtocol::Udp,
        Protocol::TcpUdp => TargetGroupProtocol::TcpUdp,
        Protocol::Quic => TargetGroupProtocol::Quic,
        Protocol::TcpQuic => TargetGroupProtocol::TcpQuic,
    }
}

/// Rules on the targets: outer `None` while an answer is missing, inner `None` if they are not managed.
#[allow(clippy::option_option)]
fn networking(
    context: &Context<'_>,
    wish: &ServiceTargetGroupWish,
    access: &Access<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Option<BindingNetworking>> {
    match &access.security.access {
        TargetAccess::Unmanaged => Some(None),
        TargetAccess::FromGroup(group) => {
            let ports = if context.settings.disable_restricted_sg_rules {
                all_ports(wish)
            } else {
                restricted_ports(wish)
            };
            let rule = BindingRule {
                from: vec![BindingPeer::SecurityGroup(group.clone())],
                ports,
            };
            Some(Some(BindingNetworking { ingress: vec![rule] }))
        }
        TargetAccess::FromAddresses => from_addresses(wish, access, inquiry).map(Some),
    }
}

fn port(protocol: NetworkingProtocol, port: &IntOrString) -> BindingPort {
    BindingPort {
        protocol,
        port: Some(port.clone()),
    }
}

fn all_ports(wish: &ServiceTargetGroupWish) -> Vec<BindingPort> {
    let any = |protocol| BindingPort { protocol, port: None };
    let mut ports = vec![any(NetworkingProtocol::Tcp)];
    if wish.protocol.carries_udp() {
        ports.push(any(NetworkingProtocol::Udp));
    }
    ports
}

/// Number of a port; 0 for a named one, as upstream counts it.
fn number(port: &IntOrString) -> i32 {
    match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(_) => 0,
    }
}

/// Whether health checks go to the port that carries the traffic.
fn checks_traffic_port(wish: &ServiceTargetGroupWish) -> bool {
    match wish.health_check.port {
        HealthCheckPort::TrafficPort => true,
        HealthCheckPort::Number(checked) => checked == number(&wish.target_port),
    }
}

fn carries_both(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::TcpUdp | Protocol::TcpQuic)
}

fn restricted_ports(wish: &ServiceTargetGroupWish) -> Vec<BindingPort> {
    let target = &wish.target_port;
    let mut ports = Vec::new();
    if wish.protocol.carries_udp() {
        ports.push(port(NetworkingProtocol::Udp, target));
        if carries_both(wish.protocol) || checks_traffic_port(wish) {
            ports.push(port(NetworkingProtocol::Tcp, target));
        }
    } else {
        ports.push(port(NetworkingProtocol::Tcp, target));
    }
    if let HealthCheckPort::Number(checked) = wish.health_check.port
        && checked != number(target)
    {
        ports.push(port(NetworkingProtocol::Tcp, &IntOrString::Int(checked)));
    }
    ports
}

/// Peers of a load balancer without security groups.
struct Clients {
    cidrs: Vec<String>,
    /// Whether they are everybody who can reach the load balancer.
    everybody: bool,
}

fn from_addresses(
    wish: &ServiceTargetGroupWish,
    access: &Access<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<BindingNetworking> {
    let sees_clients = wish.protocol.carries_udp() || wish.more.preserve_client_ip;
    let clients = if sees_clients {
        Some(clients(wish, access.scheme, inquiry)?)
    } else {
        None
    };
    let own = subnet_cidrs(wish.family, access.subnets?);
    let target = &wish.target_port;
    let traffic = if carries_both(wish.protocol) {
        vec![
            port(NetworkingProtocol::Tcp, target),
            port(NetworkingProtocol::Udp, target),
        ]
    } else if wish.protocol.carries_udp() {
        vec![port(NetworkingProtocol::Udp, target)]
    } else {
        vec![port(NetworkingProtocol::Tcp, target)]
    };
    let sources = clients.as_ref().map_or(&own, |clients| &clients.cidrs);
    let mut ingress = vec![rule(sources, traffic)];
    if needs_health_rule(wish, clients.as_ref()) && !own.is_empty() {
        let checked = match wish.health_check.port {
            HealthCheckPort::TrafficPort => target.clone(),
            HealthCheckPort::Number(checked) => IntOrString::Int(checked),
        };
        ingress.push(rule(&own, vec![port(NetworkingProtocol::Tcp, &checked)]));
    }
    Some(BindingNetworking { ingress })
}

fn rule(cidrs: &[String], ports: Vec<BindingPort>) -> BindingRule {
    BindingRule {
        from: cidrs.iter().cloned().map(BindingPeer::IpBlock).collect(),
        ports,
    }
}

/// Whether health checks need a rule of their own. A UDP group always does, QUIC on its traffic port does
/// not (as upstream decides).
fn needs_health_rule(wish: &ServiceTargetGroupWish, clients: Option<&Clients>) -> bool {
    if wish.protocol == Protocol::Udp || !checks_traffic_port(wish) {
        return true;
    }
    wish.more.preserve_client_ip && clients.is_some_and(|clients| !clients.everybody)
}

fn subnet_cidrs(family: IpFamily, subnets: &[Subnet]) -> Vec<String> {
    match family {
        IpFamily::Ipv4 => subnets.iter().map(|subnet| subnet.ipv4_cidr.clone()).collect(),
        IpFamily::Ipv6 => subnets
            .iter()
            .flat_map(|subnet| subnet.ipv6_cidrs.clone())
            .collect(),
    }
}

/// Clients by source ranges; without ranges the whole VPC (internal) or everybody (internet-facing).
fn clients(wish: &ServiceTargetGroupWish, scheme: Scheme, inquiry: &mut Inquiry<'_>) -> Option<Clients> {
    if !wish.more.sources.ranges.is_empty() {
        return ranges(wish, inquiry);
    }
    let cidrs = match (scheme, wish.family) {
        (Scheme::InternetFacing, IpFamily::Ipv4) => vec!["0.0.0.0/0".to_owned()],
        (Scheme::InternetFacing, IpFamily::Ipv6) => vec!["::/0".to_owned()],
        (Scheme::Internal, IpFamily::Ipv4) => inquiry.vpc(&wish.more.sources.origin)?.ipv4_cidrs.clone(),
        (Scheme::Internal, IpFamily::Ipv6) => inquiry.vpc(&wish.more.sources.origin)?.ipv6_cidrs.clone(),
    };
    Some(Clients {
        cidrs,
        everybody: true,
    })
}

fn ranges(wish: &ServiceTargetGroupWish, inquiry: &mut Inquiry<'_>) -> Option<Clients> {
    let cidrs = inquiry.blocks(&wish.more.sources)?;
    Some(Clients {
        everybody: cidrs.iter().any(|(_, cidr)| cidr.is_everything()),
        cidrs: cidrs.into_iter().map(|(text, _)| text).collect(),
    })
}
