//! Listeners of a Service: which ports, which protocol, TLS and QUIC (upstream
//! `pkg/service/model_build_listener.go`).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::arn::Arn;
use elbow_crds::problem::ProblemCode;

use super::Reader;
use super::actions;
use super::target_groups::TargetGroups;
use crate::intent::wish::{AlpnPolicy, ListenerWish, ServiceTargetGroupWish, SourceRanges, TlsWish};
use crate::model::{IpAddressType, Protocol, ResourceId, Tags};
use crate::view::ServicePort;

const TCP_UDP: &str = "aws-load-balancer-enable-tcp-udp-listener";
const QUIC_PORTS: &str = "aws-load-balancer-quic-enabled-ports";
const CERTIFICATES: &str = "aws-load-balancer-ssl-cert";
const SSL_PORTS: &str = "aws-load-balancer-ssl-ports";
const SSL_POLICY: &str = "aws-load-balancer-ssl-negotiation-policy";
const BACKEND_PROTOCOL: &str = "aws-load-balancer-backend-protocol";
const ALPN: &str = "aws-load-balancer-alpn-policy";

/// What the ports of a Service become.
pub(super) struct Lowered {
    /// Listeners, each port once.
    pub listeners: Vec<ListenerWish>,
    /// Target groups by resource id.
    pub target_groups: BTreeMap<ResourceId, ServiceTargetGroupWish>,
    /// `PROTOCOL-port` of every port, those included that lost their listener to an earlier port.
    pub variants: BTreeSet<String>,
}

/// A port, or a TCP and a UDP port of one number.
struct PortGroup<'a> {
    /// The port that supplies node port, target port and name.
    port: &'a ServicePort,
    /// Position in `spec.ports`.
    index: usize,
    protocol: Protocol,
}

/// Settings of all TLS listeners.
struct TlsSettings {
    certificates: Vec<String>,
    ports: BTreeSet<String>,
}

/// Reads all listeners with their target groups.
pub(super) fn read(
    reader: &mut Reader<'_>,
    ip_address_type: IpAddressType,
    sources: &SourceRanges,
    tags: &Tags,
) -> Lowered {
    let groups = if merges(reader) {
        merged_ports(reader)
    } else {
        single_ports(reader)
    };
    let tls = TlsSettings {
        certificates: certificates(reader),
        ports: ssl_ports(reader),
    };
    let quic = quic_ports(reader);
    let mut target_groups = TargetGroups::new(reader, ip_address_type, sources.clone(), tags);
    let mut listeners: Vec<ListenerWish> = Vec::new();
    let mut variants = BTreeSet::new();
    for group in groups {
        let listener = listener(reader, &group, &tls, &quic, tags, &mut target_groups);
        variants.insert(format!("{}-{}", listener.protocol, listener.port));
        if listeners.iter().any(|earlier| earlier.port == listener.port) {
            warn_lost_port(reader, &group);
        } else {
            listeners.push(listener);
        }
    }
    Lowered {
        listeners,
        target_groups: target_groups.into_wishes(),
        variants,
    }
}

fn warn_lost_port(reader: &mut Reader<'_>, group: &PortGroup<'_>) {
    let message = format!(
        "{} port {} gets no listener because an earlier port has the same number; set {} to true for one \
         TCP_UDP listener, or use another number",
        group.port.protocol,
        group.port.port,
        reader.key(TCP_UDP)
    );
    reader.warn(
        &format!("spec.ports[{}]", group.index),
        ProblemCode::Ignored,
        message,
    );
}

/// Whether TCP and UDP ports of one number become one listener. An unreadable annotation counts as absent.
fn merges(reader: &mut Reader<'_>) -> bool {
    let gate = reader.settings.gates.enable_tcp_udp_listener;
    match reader.annotations.bool(TCP_UDP) {
        Ok(value) => value.unwrap_or(gate),
        Err(error) => {
            let message = format!(
                "the value '{}' counts as absent: {}; the feature gate EnableTCPUDPListener decides ({gate})",
                error.value, error.rule
            );
            reader.warn_at(TCP_UDP, ProblemCode::Ignored, message);
            gate
        }
    }
}

fn single_ports<'a>(reader: &mut Reader<'a>) -> Vec<PortGroup<'a>> {
    let service = reader.of;
    let mut groups = Vec::new();
    for (index, port) in service.ports.iter().enumerate() {
        if let Some(protocol) = port_protocol(reader, index, port) {
            groups.push(PortGroup {
                port,
                index,
                protocol,
            });
        }
    }
    groups
}

fn port_protocol(reader: &mut Reader<'_>, index: usize, port: &ServicePort) -> Option<Protocol> {
    let protocol = match port.protocol.as_str() {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        _ => None,
    };
    if protocol.is_none() {
        let message = format!(
            "the protocol '{}' of port {} is not supported by a Network Load Balancer; write TCP or UDP",
            port.protocol, port.port
        );
        reader.fault(
            &format!("spec.ports[{index}].protocol"),
            ProblemCode::NotAllowed,
            message,
        );
    }
    protocol
}

/// Ports by number, in the order of their first appearance.
fn merged_ports<'a>(reader: &mut Reader<'a>) -> Vec<PortGroup<'a>> {
    let service = reader.of;
    let mut by_number: Vec<Vec<(usize, &ServicePort)>> = Vec::new();
    for (index, port) in service.ports.iter().enumerate() {
        let same = by_number
            .iter_mut()
            .find(|group| group.iter().any(|(_, other)| other.port == port.port));
        match same {
            Some(group) => group.push((index, port)),
            None => by_number.push(vec![(index, port)]),
        }
    }
    let mut groups = Vec::new();
    for ports in by_number {
        let Some((index, port)) = ports.first().copied() else {
            continue;
        };
        let protocol = if ports.len() == 1 {
            port_protocol(reader, index, port)
        } else {
            pair_protocol(reader, &ports)
        };
        if let Some(protocol) = protocol {
            groups.push(PortGroup {
                port,
                index,
                protocol,
            });
        }
    }
    groups
}

fn pair_protocol(reader: &mut Reader<'_>, ports: &[(usize, &ServicePort)]) -> Option<Protocol> {
    let mut protocols: Vec<&str> = ports.iter().map(|(_, port)| port.protocol.as_str()).collect();
    protocols.sort_unstable();
    if protocols == ["TCP", "UDP"] {
        return Some(Protocol::TcpUdp);
    }
    let number = ports.first().map_or(0, |(_, port)| port.port);
    let message = format!(
        "port {number} is used {} times with the protocols {}; one TCP and one UDP port may share a number",
        ports.len(),
        protocols.join(", ")
    );
    reader.fault("spec.ports", ProblemCode::Conflict, message);
    None
}

/// Whether a list of port names and numbers names a port.
fn names(list: &BTreeSet<String>, port: &ServicePort) -> bool {
    list.contains(&port.port.to_string()) || (!port.name.is_empty() && list.contains(&port.name))
}

fn certificates(reader: &mut Reader<'_>) -> Vec<String> {
    let certificates = reader.list(CERTIFICATES).unwrap_or_default();
    for certificate in &certificates {
        if Arn::parse(certificate).is_none() {
            let message = format!("'{certificate}' does not look like a certificate ARN; AWS may refuse it");
            reader.warn_at(CERTIFICATES, ProblemCode::Malformed, message);
        }
    }
    certificates
}

/// Entries that no port of the Service answers to.
fn unmatched(reader: &Reader<'_>, entries: &BTreeSet<String>) -> Vec<String> {
    let ports = &reader.of.ports;
    entries
        .iter()
        .filter(|entry| {
            !ports
                .iter()
                .any(|port| port.name == **entry || port.port.to_string() == **entry)
        })
        .cloned()
        .collect()
}

fn ssl_ports(reader: &mut Reader<'_>) -> BTreeSet<String> {
    let ports: BTreeSet<String> = reader.list(SSL_PORTS).unwrap_or_default().into_iter().collect();
    for entry in unmatched(reader, &ports) {
        let message = format!(
            "'{entry}' is neither the name nor the number of a port of the Service; name one of its ports or \
             remove it"
        );
        reader.fault_at(SSL_PORTS, ProblemCode::NotFound, message);
    }
    ports
}

fn quic_ports(reader: &mut Reader<'_>) -> BTreeSet<String> {
    let ports: BTreeSet<String> = reader.list(QUIC_PORTS).unwrap_or_default().into_iter().collect();
    for entry in unmatched(reader, &ports) {
        let message =
            format!("'{entry}' is neither the name nor the number of a port of the Service; remove it");
        reader.warn_at(QUIC_PORTS, ProblemCode::Ignored, message);
    }
    ports
}

fn listener(
    reader: &mut Reader<'_>,
    group: &PortGroup<'_>,
    tls: &TlsSettings,
    quic: &BTreeSet<String>,
    tags: &Tags,
    target_groups: &mut TargetGroups,
) -> ListenerWish {
    let (protocol, group_protocol) = protocols(reader, group, tls, quic);
    let port = group.port.port;
    let tls_wish = (protocol == Protocol::Tls).then(|| TlsWish {
        certificate_origins: BTreeMap::new(),
        certificates: tls.certificates.clone(),
        policy: reader
            .string(SSL_POLICY)
            .unwrap_or(&reader.settings.default_ssl_policy)
            .to_owned(),
        alpn: reader.word(
            ALPN,
            AlpnPolicy::parse,
            "one of None, HTTP1Only, HTTP2Only, HTTP2Optional, HTTP2Preferred",
        ),
    });
    let attributes = attributes(reader, protocol, port);
    let forward = actions::forward(
        reader,
        group.port,
        group.index,
        protocol,
        group_protocol,
        target_groups,
    );
    let mut origins = reader.present(&[
        &format!("actions.{protocol}-{port}"),
        &attributes_suffix(protocol, port),
    ]);
    if protocol == Protocol::Tls {
        origins.extend(reader.present(&[CERTIFICATES, SSL_PORTS, SSL_POLICY, ALPN]));
    }
    origins.insert(reader.origin(&format!("spec.ports[{}]", group.index)));
    ListenerWish {
        port,
        protocol,
        tls: tls_wish,
        attributes,
        actions: vec![forward],
        tags: tags.clone(),
        origins,
    }
}

/// Protocol of the listener and of its target group.
fn protocols(
    reader: &mut Reader<'_>,
    group: &PortGroup<'_>,
    tls: &TlsSettings,
    quic: &BTreeSet<String>,
) -> (Protocol, Protocol) {
    let mut listener = group.protocol;
    let mut target = group.protocol;
    let selected = tls.ports.is_empty() || names(&tls.ports, group.port);
    if target == Protocol::Tcp && !tls.certificates.is_empty() && selected {
        listener = Protocol::Tls;
        if reader.string(BACKEND_PROTOCOL) == Some("ssl") {
            target = Protocol::Tls;
        }
    }
    if names(quic, group.port) {
        match listener {
            Protocol::Udp => (listener, target) = (Protocol::Quic, Protocol::Quic),
            Protocol::TcpUdp => (listener, target) = (Protocol::TcpQuic, Protocol::TcpQuic),
            other => {
                let message = format!(
                    "port {} is a {other} port; QUIC needs a UDP port, so name the UDP port or remove it",
                    group.port.port
                );
                reader.fault_at(QUIC_PORTS, ProblemCode::Conflict, message);
            }
        }
    }
    (listener, target)
}

fn attributes_suffix(protocol: Protocol, port: i32) -> String {
    format!("aws-load-balancer-listener-attributes.{protocol}-{port}")
}

/// Listener attributes. Those of a TLS listener are part of the model but are never applied: AWS has none for
/// TLS listeners of a Network Load Balancer.
fn attributes(reader: &mut Reader<'_>, protocol: Protocol, port: i32) -> BTreeMap<String, String> {
    let suffix = attributes_suffix(protocol, port);
    let attributes = reader.map(&suffix).unwrap_or_default();
    if protocol == Protocol::Tls && !attributes.is_empty() {
        let message = "attributes of TLS listeners are not applied; remove it";
        reader.warn_at(&suffix, ProblemCode::Ignored, message);
    }
    attributes
}
