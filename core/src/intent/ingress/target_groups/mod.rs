//! Target groups of a group of Ingresses: one per Ingress, Service and port as the Ingress refers to it (upstream
//! `pkg/ingress/model_build_target_group.go`).

mod health_check;

use std::collections::BTreeMap;
use std::sync::Arc;

use elbow_crds::annotation::{parse_bool, parse_int32};
use elbow_crds::ingress::words::{self, BackendProtocol, ProtocolVersion};
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::backend::BackendAnnotations;
use super::member::Member;
use super::tags;
use super::wish::{IngressTargetGroupWish, OfIngress};
use crate::intent::wish::port_text;
use crate::model::{IpAddressType, IpFamily, Protocol, ResourceId, Setting, TargetType};
use crate::view::{Service, ServicePort};

const TARGET_TYPE: &str = "target-type";
const PROTOCOL: &str = "backend-protocol";
const VERSION: &str = "backend-protocol-version";
const ATTRIBUTES: &str = "target-group-attributes";
const NODE_LABELS: &str = "target-node-labels";
const MULTI_CLUSTER: &str = "multi-cluster-target-group";
const CONTROL_PORT: &str = "target-control-port";
const FIELDS: [&str; 6] = [
    TARGET_TYPE,
    PROTOCOL,
    VERSION,
    ATTRIBUTES,
    NODE_LABELS,
    MULTI_CLUSTER,
];

/// The target groups of one build, each id once, and the Services as they were when first looked at.
pub struct TargetGroups {
    wishes: BTreeMap<ResourceId, IngressTargetGroupWish>,
    services: BTreeMap<(String, String), Option<Arc<Service>>>,
    ip_address_type: IpAddressType,
}

impl TargetGroups {
    /// No groups yet, behind a load balancer with these address families.
    pub fn new(ip_address_type: IpAddressType) -> Self {
        Self {
            wishes: BTreeMap::new(),
            services: BTreeMap::new(),
            ip_address_type,
        }
    }

    /// The groups by resource id, those of members with a fault included.
    pub fn into_wishes(self) -> BTreeMap<ResourceId, IngressTargetGroupWish> {
        self.wishes
    }

    /// A Service of the member's namespace: the same one for the whole build.
    pub(super) fn service(&mut self, member: &Member<'_>, name: &str) -> Option<Arc<Service>> {
        let namespace = &member.of.ingress.meta.namespace;
        self.services
            .entry((namespace.clone(), name.to_owned()))
            .or_insert_with(|| member.objects.service(namespace, name))
            .clone()
    }

    /// Adds the group of a Service port, or finds it. `None` if there is no such port, which is a fault of the
    /// member like whatever else is wrong with the group.
    pub(super) fn add(
        &mut self,
        member: &mut Member<'_>,
        service: &Service,
        port: &IntOrString,
        field: &str,
    ) -> Option<ResourceId> {
        let ingress = &member.of.ingress.meta;
        let id = ResourceId(format!(
            "{}/{}-{}:{}",
            ingress.namespace,
            ingress.name,
            service.meta.name,
            port_text(port)
        ));
        let origin = member.origin(field);
        if let Some(wish) = self.wishes.get_mut(&id) {
            wish.origins.insert(origin);
            return Some(id);
        }
        let source = Source {
            service,
            reference: port,
            port: service_port(member, service, port, field)?,
            field,
        };
        let mut wish = source.read(member, &id, self.ip_address_type);
        wish.origins.insert(origin);
        self.wishes.insert(id.clone(), wish);
        Some(id)
    }
}

fn service_port<'s>(
    member: &mut Member<'_>,
    service: &'s Service,
    port: &IntOrString,
    field: &str,
) -> Option<&'s ServicePort> {
    let wanted = |one: &&ServicePort| match port {
        IntOrString::Int(number) => one.port == *number,
        IntOrString::String(name) => one.name == *name,
    };
    let found = service.ports.iter().find(wanted);
    if found.is_none() {
        let known: Vec<String> = service.ports.iter().map(described).collect();
        let message = format!(
            "the Service {} has no port '{}', it has {}; name one of its ports",
            service.meta.name,
            port_text(port),
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        );
        member.fault(field, ProblemCode::NotFound, message);
    }
    found
}

fn described(port: &ServicePort) -> String {
    if port.name.is_empty() {
        port.port.to_string()
    } else {
        format!("{} ({})", port.port, port.name)
    }
}

/// What one target group is made from.
struct Source<'s> {
    service: &'s Service,
    reference: &'s IntOrString,
    port: &'s ServicePort,
    field: &'s str,
}

impl Source<'_> {
    fn read(
        &self,
        member: &mut Member<'_>,
        id: &ResourceId,
        ip_address_type: IpAddressType,
    ) -> IngressTargetGroupWish {
        let annotations = BackendAnnotations::new(member, self.service, self.field);
        let target_type = target_type(member, &annotations);
        let protocol = protocol(member, &annotations, PROTOCOL).unwrap_or(Protocol::Http);
        let version = annotations.parsed(member, VERSION, ProtocolVersion::parse);
        let version = version.unwrap_or(ProtocolVersion::Http1);
        let health_check =
            health_check::read(member, &annotations, self.service, target_type, protocol, version);
        let control_suffix = format!(
            "{CONTROL_PORT}.{}.{}",
            self.service.meta.name,
            port_text(self.reference)
        );
        IngressTargetGroupWish {
            id: id.clone(),
            namespace: self.service.meta.namespace.clone(),
            service: self.service.meta.name.clone(),
            uid: self.service.meta.uid.clone(),
            service_port: self.reference.clone(),
            target_port: self.target_port(target_type),
            port: self.group_port(member, target_type),
            target_type,
            protocol,
            protocol_version: Setting::Set(version.as_str().to_owned()),
            control_port: control_port(member, &annotations, target_type, &control_suffix).into(),
            family: self.family(member, ip_address_type),
            health_check,
            attributes: annotations.map(member, ATTRIBUTES).unwrap_or_default(),
            node_labels: node_labels(member, &annotations, target_type),
            multi_cluster: self.multi_cluster(member, &annotations),
            tags: tags::of_target_group(member, &annotations, self.service),
            origins: annotations
                .present(member, &FIELDS)
                .into_iter()
                .chain(annotations.present(member, &health_check::SUFFIXES))
                .chain(annotations.present(member, &[&control_suffix]))
                .collect(),
            more: OfIngress {
                namespace: member.of.ingress.meta.namespace.clone(),
                name: member.of.ingress.meta.name.clone(),
            },
        }
    }

    fn target_port(&self, target_type: TargetType) -> IntOrString {
        if target_type == TargetType::Instance {
            IntOrString::Int(self.port.node_port)
        } else {
            self.port.target_port.clone()
        }
    }

    /// Default port of the group: 1 where the targets listen on a named port.
    fn group_port(&self, member: &mut Member<'_>, target_type: TargetType) -> i32 {
        let port = match self.target_port(target_type) {
            IntOrString::Int(number) => number,
            IntOrString::String(_) => 1,
        };
        if port == 0 {
            let service = &self.service.meta.name;
            let message = if target_type == TargetType::Instance {
                format!(
                    "port {} of the Service {service} (type {}) has no node port for instance targets; set {} to \
                     ip or use a Service of type NodePort or LoadBalancer",
                    self.port.port,
                    self.service.type_,
                    member.key(TARGET_TYPE)
                )
            } else {
                format!(
                    "port {} of the Service {service} has the target port 0; give it a number",
                    self.port.port
                )
            };
            member.fault(self.field, ProblemCode::Conflict, message);
        }
        port
    }

    /// IPv6 as soon as the Service has an IPv6 address; that needs a dualstack load balancer.
    fn family(&self, member: &mut Member<'_>, ip_address_type: IpAddressType) -> IpFamily {
        let families = &self.service.ip_families;
        if !families.iter().any(|family| family == "IPv6") {
            return IpFamily::Ipv4;
        }
        if ip_address_type == IpAddressType::Ipv4 {
            let message = format!(
                "the Service {} has the families {}, so its targets are IPv6, but the load balancer is ipv4; set \
                 {} to dualstack",
                self.service.meta.name,
                families.join(", "),
                member.key("ip-address-type")
            );
            member.fault(self.field, ProblemCode::Conflict, message);
        }
        IpFamily::Ipv6
    }

    /// `true` on the Ingress counts; otherwise the Service decides.
    fn multi_cluster(&self, member: &mut Member<'_>, annotations: &BackendAnnotations<'_>) -> bool {
        if member.bool(MULTI_CLUSTER) == Some(true) {
            return true;
        }
        let key = member.key(MULTI_CLUSTER);
        self.service.meta.annotations.contains_key(&key)
            && annotations.parsed(member, MULTI_CLUSTER, parse_bool) == Some(true)
    }
}

/// The class's parameters win over the annotations.
fn target_type(member: &mut Member<'_>, annotations: &BackendAnnotations<'_>) -> TargetType {
    let params = member.of.params.and_then(|params| params.target_type);
    let written = params.or_else(|| annotations.parsed(member, TARGET_TYPE, words::TargetType::parse));
    let target_type = match written {
        Some(words::TargetType::Instance) => TargetType::Instance,
        Some(words::TargetType::Ip) => TargetType::Ip,
        None => member.settings.default_target_type,
    };
    if target_type == TargetType::Ip && !member.settings.gates.enable_ip_target_type {
        let message =
            "the target type ip is switched off by the feature gate EnableIPTargetType; write instance";
        annotations.fault(member, TARGET_TYPE, ProblemCode::NotAllowed, message);
    }
    target_type
}

/// A protocol of `suffix`, in capitals.
fn protocol(member: &mut Member<'_>, annotations: &BackendAnnotations<'_>, suffix: &str) -> Option<Protocol> {
    let written = annotations.parsed(member, suffix, BackendProtocol::parse)?;
    Some(match written {
        BackendProtocol::Http => Protocol::Http,
        BackendProtocol::Https => Protocol::Https,
    })
}

fn control_port(
    member: &mut Member<'_>,
    annotations: &BackendAnnotations<'_>,
    target_type: TargetType,
    suffix: &str,
) -> Option<i32> {
    let port = annotations.parsed(member, suffix, parse_int32)?;
    if target_type == TargetType::Instance {
        let message = "target control works with ip targets only; remove it or set target-type to ip";
        annotations.fault(member, suffix, ProblemCode::Conflict, message);
    }
    Some(port)
}

fn node_labels(
    member: &mut Member<'_>,
    annotations: &BackendAnnotations<'_>,
    target_type: TargetType,
) -> Option<BTreeMap<String, String>> {
    if target_type != TargetType::Instance {
        return None;
    }
    let labels = annotations.map(member, NODE_LABELS)?;
    (!labels.is_empty()).then_some(labels)
}
