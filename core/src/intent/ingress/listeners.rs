//! What one member asks of the listeners it uses (upstream `pkg/ingress/model_build_listener.go`).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::annotation::Annotations;
use elbow_crds::annotation::ingress::PREFIX;
use elbow_crds::arn::Arn;
use elbow_crds::ingress::listen_ports::{ListenPorts, ListenerProtocol, parse_listen_ports};
use elbow_crds::ingress::mutual_tls::{MutualTls, parse_mutual_tls};
use elbow_crds::ingress::values::{InboundCidrs, inbound_cidrs, parse_inbound_cidrs, parse_listener_key};
use elbow_crds::ingress_class_params::IngressClassParamsSpec;
use elbow_crds::problem::ProblemCode;

use super::class::CLASS_FIELD;
use super::member::Member;
use super::votes::pairs;
use crate::intent::wish::Asked;
use crate::model::{Origin, Origins, Protocol};
use crate::view::Ingress;

pub(super) const INBOUND_CIDRS: &str = "inbound-cidrs";
pub(super) const PREFIX_LISTS: &str = "security-group-prefix-lists";
const LISTEN_PORTS: &str = "listen-ports";
const CERTIFICATES: &str = "certificate-arn";
const POLICY: &str = "ssl-policy";
const ATTRIBUTES: &str = "listener-attributes";
const MUTUAL_TLS: &str = "mutual-authentication";

/// What one member asks of one port.
#[derive(Clone, Debug)]
pub(super) struct PortVote {
    pub protocol: Asked<Protocol>,
    pub cidrs: Option<Asked<InboundCidrs>>,
    pub prefix_lists: Option<Asked<Vec<String>>>,
    /// Certificates; none for HTTP.
    pub certificates: Vec<String>,
    /// Where they stand.
    pub certificates_origin: Option<Origin>,
    pub policy: Option<Asked<String>>,
    pub attributes: BTreeMap<String, Asked<String>>,
    /// Attributes of the class; only those of the first member on this port count.
    pub class_attributes: BTreeMap<String, String>,
    pub origins: Origins,
}

/// What holds for all ports of a member.
struct Shared {
    cidrs: Option<Asked<InboundCidrs>>,
    prefix_lists: Option<Asked<Vec<String>>>,
    certificates: Option<Asked<Vec<String>>>,
    policy: Option<Asked<String>>,
    ports_origin: Origin,
}

/// Reads all ports of a member.
pub(super) fn read(member: &mut Member<'_>) -> BTreeMap<i32, PortVote> {
    let cidrs = cidrs(member);
    let mutual_tls = member.checked(MUTUAL_TLS, parse_mutual_tls).unwrap_or_default();
    let certificates = certificates(member);
    let annotation = member.string(LISTEN_PORTS).is_some();
    let ports: ListenPorts = if annotation {
        member
            .checked(LISTEN_PORTS, parse_listen_ports)
            .unwrap_or_default()
    } else {
        default_ports(certificates.is_some())
    };
    check_certificates(member, &ports, certificates.is_some());
    refuse_mutual_tls(member, &ports, &mutual_tls);
    let shared = Shared {
        cidrs,
        prefix_lists: prefix_lists(member),
        policy: policy(member),
        ports_origin: match &certificates {
            _ if annotation => member.origin_at(LISTEN_PORTS),
            Some(certificates) => certificates.origin.clone(),
            None => member.origin("spec.rules"),
        },
        certificates,
    };
    warn_unused_attributes(member, &ports);
    ports
        .into_iter()
        .map(|(port, protocol)| (port, port_vote(member, port, protocol, &shared)))
        .collect()
}

/// Ports on which an Ingress wants HTTPS listeners, whatever else is wrong with it; `None` where that cannot be read.
/// `class_certificates`: whether its class may name certificates.
pub(super) fn https_as_written(ingress: &Ingress, class_certificates: bool) -> Option<BTreeSet<i32>> {
    let annotations = Annotations::new(&ingress.meta.annotations, PREFIX);
    let listed = annotations.parsed(LISTEN_PORTS, parse_listen_ports).ok()?;
    let own = annotations.string_list(CERTIFICATES).unwrap_or_default();
    let certificates = class_certificates || !own.is_empty();
    let ports = listed.map_or_else(|| default_ports(certificates), |listed| listed.value);
    let https = ports
        .into_iter()
        .filter(|(_, protocol)| *protocol == ListenerProtocol::Https);
    Some(https.map(|(port, _)| port).collect())
}

/// Listeners of an Ingress that names none.
fn default_ports(certificates: bool) -> ListenPorts {
    if certificates {
        BTreeMap::from([(443, ListenerProtocol::Https)])
    } else {
        BTreeMap::from([(80, ListenerProtocol::Http)])
    }
}

fn of_class<T>(member: &Member<'_>, value: T) -> Asked<T> {
    Asked {
        value,
        origin: member.origin(CLASS_FIELD),
    }
}

fn cidrs(member: &mut Member<'_>) -> Option<Asked<InboundCidrs>> {
    let of_params = member.of.params.map(|params| params.inbound_cidrs.as_slice());
    let asked = if let Some(blocks) = of_params.filter(|blocks| !blocks.is_empty()) {
        match inbound_cidrs(blocks) {
            Ok(parsed) => of_class(member, parsed.value),
            Err(rule) => {
                let message = format!("inboundCIDRs of its class cannot be used: {rule}");
                member.fault(CLASS_FIELD, ProblemCode::Malformed, message);
                return None;
            }
        }
    } else {
        let cidrs = member.checked(INBOUND_CIDRS, parse_inbound_cidrs)?;
        member.asked(INBOUND_CIDRS, cidrs)
    };
    let none = asked.value.v4.is_empty() && asked.value.v6.is_empty();
    (!none).then_some(asked)
}

fn prefix_lists(member: &Member<'_>) -> Option<Asked<Vec<String>>> {
    let of_params = member.of.params.map(IngressClassParamsSpec::prefix_lists);
    let asked = match of_params.filter(|lists| !lists.is_empty()) {
        Some(lists) => of_class(member, lists.to_vec()),
        None => member.asked(PREFIX_LISTS, member.list(PREFIX_LISTS)?),
    };
    (!asked.value.is_empty()).then_some(asked)
}

fn policy(member: &Member<'_>) -> Option<Asked<String>> {
    let of_params = member.of.params.map(|params| params.ssl_policy.as_str());
    match of_params.filter(|policy| !policy.is_empty()) {
        Some(policy) => Some(of_class(member, policy.to_owned())),
        None => Some(member.asked(POLICY, member.string(POLICY)?.to_owned())),
    }
}

/// Explicit certificates; `None` if there are none.
fn certificates(member: &mut Member<'_>) -> Option<Asked<Vec<String>>> {
    let of_params = member.of.params.map(|params| params.certificate_arn.as_slice());
    let asked = match of_params.filter(|list| !list.is_empty()) {
        Some(list) => of_class(member, list.to_vec()),
        None => member.asked(CERTIFICATES, member.list(CERTIFICATES)?),
    };
    for certificate in &asked.value {
        if Arn::parse(certificate).is_none() {
            let message = format!("'{certificate}' does not look like a certificate ARN; AWS may refuse it");
            member.warn(&asked.origin.field, ProblemCode::Malformed, message);
        }
    }
    (!asked.value.is_empty()).then_some(asked)
}

fn check_certificates(member: &mut Member<'_>, ports: &ListenPorts, has_certificates: bool) {
    let https = ports
        .iter()
        .find(|(_, protocol)| **protocol == ListenerProtocol::Https);
    if let Some((port, _)) = https
        && !has_certificates
    {
        let message = format!(
            "the HTTPS listener on port {port} has no certificate, and certificates are not looked up by host yet; \
             name certificate ARNs here"
        );
        member.fault_at(CERTIFICATES, ProblemCode::NotFound, message);
    }
}

/// Letting everybody in where client certificates are asked for would be wrong.
fn refuse_mutual_tls(member: &mut Member<'_>, ports: &ListenPorts, settings: &BTreeMap<i32, MutualTls>) {
    for (port, setting) in settings {
        if ports.get(port) == Some(&ListenerProtocol::Https) && *setting != MutualTls::Off {
            let message = format!(
                "client certificates on port {port} (mode {}) are not supported yet; set the mode to off, or \
                 remove the entry",
                setting.mode()
            );
            member.fault_at(MUTUAL_TLS, ProblemCode::NotAllowed, message);
        }
    }
}

fn attributes_suffix(protocol: ListenerProtocol, port: i32) -> String {
    format!("{ATTRIBUTES}.{protocol}-{port}")
}

fn warn_unused_attributes(member: &mut Member<'_>, ports: &ListenPorts) {
    let prefix = format!("{ATTRIBUTES}.");
    for suffix in member.annotations.suffixes() {
        let Some(variant) = suffix.strip_prefix(&prefix) else {
            continue;
        };
        let message = match parse_listener_key(variant) {
            Err(rule) => rule,
            Ok((protocol, port)) if ports.get(&port) == Some(&protocol) => continue,
            Ok(_) => format!("this Ingress has no listener {variant}; it has no effect"),
        };
        member.warn_at(suffix, ProblemCode::Ignored, message);
    }
}

fn port_vote(member: &mut Member<'_>, port: i32, protocol: ListenerProtocol, shared: &Shared) -> PortVote {
    let secure = protocol == ListenerProtocol::Https;
    let suffix = attributes_suffix(protocol, port);
    let attributes = member.map(&suffix).unwrap_or_default();
    let class = member
        .of
        .params
        .map(|params| params.listener_attributes(protocol.as_str(), port));
    let certificates = shared.certificates.as_ref().filter(|_| secure);
    let policy = shared.policy.clone().filter(|_| secure);
    let mut origins = member.present(&[&suffix]);
    origins.insert(shared.ports_origin.clone());
    origins.extend(certificates.map(|asked| asked.origin.clone()));
    origins.extend(policy.as_ref().map(|asked| asked.origin.clone()));
    PortVote {
        protocol: Asked {
            value: if secure { Protocol::Https } else { Protocol::Http },
            origin: shared.ports_origin.clone(),
        },
        cidrs: shared.cidrs.clone(),
        prefix_lists: shared.prefix_lists.clone(),
        certificates: certificates.map(|asked| asked.value.clone()).unwrap_or_default(),
        certificates_origin: certificates.map(|asked| asked.origin.clone()),
        policy,
        attributes: attributes
            .into_iter()
            .map(|(key, value)| (key, member.asked(&suffix, value)))
            .collect(),
        class_attributes: pairs(class.unwrap_or_default()),
        origins,
    }
}
