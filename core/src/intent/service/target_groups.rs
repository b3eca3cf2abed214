//! Target groups of a Service: type, port, protocol, family, attributes (upstream
//! `pkg/service/model_build_target_group.go`).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::annotation::{parse_bool, parse_string_list};
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Reader;
use super::health_check;
use super::security;
use crate::intent::wish::{OfService, ServiceTargetGroupWish, SourceRanges};
use crate::model::{IpAddressType, IpFamily, Origins, Protocol, ResourceId, Setting, Tags, TargetType};
use crate::view::{Service, ServicePort};

const TARGET_TYPE: &str = "aws-load-balancer-nlb-target-type";
const TYPE: &str = "aws-load-balancer-type";
const ATTRIBUTES: &str = "aws-load-balancer-target-group-attributes";
const PROXY: &str = "aws-load-balancer-proxy-protocol";
const PROXY_PER_GROUP: &str = "aws-load-balancer-proxy-protocol-per-target-group";
const NODE_LABELS: &str = "aws-load-balancer-target-node-labels";
const MULTI_CLUSTER: &str = "aws-load-balancer-multi-cluster-target-group";

const PROXY_ATTRIBUTE: &str = "proxy_protocol_v2.enabled";
const CLIENT_IP_ATTRIBUTE: &str = "preserve_client_ip.enabled";

/// What one target group is made from.
pub(super) struct GroupSource<'s> {
    /// The Service behind it.
    pub service: &'s Service,
    /// Its port.
    pub port: &'s ServicePort,
    /// Protocol of the group.
    pub protocol: Protocol,
    /// Whether it is an entry of a weighted action.
    pub weighted: bool,
    /// Field that asked.
    pub field: String,
}

impl GroupSource<'_> {
    /// The field at fault: one of the base Service itself, or for a weighted backend the entry that names it.
    fn field_or<'f>(&'f self, own: &'f str) -> &'f str {
        if self.weighted { &self.field } else { own }
    }
}

/// The target groups of a stack, each id once: the first one stays.
pub(super) struct TargetGroups {
    wishes: BTreeMap<ResourceId, ServiceTargetGroupWish>,
    target_type: TargetType,
    ip_address_type: IpAddressType,
    base_sources: SourceRanges,
    annotation_sources: SourceRanges,
    proxy: Option<bool>,
    proxy_ports: Option<BTreeSet<String>>,
    attributes: BTreeMap<String, String>,
    node_labels: Option<BTreeMap<String, String>>,
    multi_cluster: bool,
    tags: Tags,
}

impl TargetGroups {
    /// Reads what all groups have in common. `sources` are the clients of the base Service.
    pub fn new(
        reader: &mut Reader<'_>,
        ip_address_type: IpAddressType,
        sources: SourceRanges,
        tags: &Tags,
    ) -> Self {
        let target_type = target_type(reader);
        let attributes = reader.map(ATTRIBUTES).unwrap_or_default();
        check_client_ip(reader, ATTRIBUTES, &attributes);
        Self {
            wishes: BTreeMap::new(),
            target_type,
            ip_address_type,
            base_sources: sources,
            annotation_sources: security::annotation_sources(reader),
            proxy: proxy(reader),
            proxy_ports: proxy_ports(reader),
            attributes,
            node_labels: node_labels(reader, target_type),
            multi_cluster: reader.bool(MULTI_CLUSTER).unwrap_or(false),
            tags: tags.clone(),
        }
    }

    /// The groups by resource id.
    pub fn into_wishes(self) -> BTreeMap<ResourceId, ServiceTargetGroupWish> {
        self.wishes
    }

    /// Adds the group of a Service port, or finds it.
    pub fn add(&mut self, reader: &mut Reader<'_>, source: &GroupSource<'_>) -> ResourceId {
        let meta = &source.service.meta;
        let id = ResourceId(format!("{}/{}:{}", meta.namespace, meta.name, source.port.port));
        if self.wishes.contains_key(&id) {
            return id;
        }
        if self.target_type == TargetType::Instance {
            check_node_port(reader, source);
        }
        let wish = self.group(reader, source, &id);
        self.wishes.insert(id.clone(), wish);
        id
    }

    fn group(
        &self,
        reader: &mut Reader<'_>,
        source: &GroupSource<'_>,
        id: &ResourceId,
    ) -> ServiceTargetGroupWish {
        let service = source.service;
        let attributes = self.group_attributes(reader, source.port.port);
        let target_port = match self.target_type {
            TargetType::Instance => IntOrString::Int(source.port.node_port),
            TargetType::Ip | TargetType::Alb => source.port.target_port.clone(),
        };
        let sources = if source.weighted {
            security::backend_sources(&service.source_ranges, &self.annotation_sources)
        } else {
            self.base_sources.clone()
        };
        let more = OfService {
            base_uid: source.weighted.then(|| reader.of.meta.uid.clone()),
            preserve_client_ip: attributes
                .get(CLIENT_IP_ATTRIBUTE)
                .and_then(|value| parse_bool(value).ok())
                .unwrap_or(self.target_type == TargetType::Instance),
            sources,
        };
        ServiceTargetGroupWish {
            id: id.clone(),
            namespace: service.meta.namespace.clone(),
            service: service.meta.name.clone(),
            uid: service.meta.uid.clone(),
            service_port: IntOrString::Int(source.port.port),
            port: group_port(reader, source, self.target_type, &target_port),
            target_port,
            target_type: self.target_type,
            protocol: source.protocol,
            protocol_version: Setting::Unmanaged,
            control_port: Setting::Unmanaged,
            family: self.family(reader, source),
            health_check: health_check::read(reader, service, self.target_type),
            attributes,
            node_labels: self.node_labels.clone(),
            multi_cluster: self.multi_cluster,
            tags: self.tags.clone(),
            origins: self.origins(reader, source),
            more,
        }
    }

    fn origins(&self, reader: &Reader<'_>, source: &GroupSource<'_>) -> Origins {
        let own = format!("{ATTRIBUTES}.{}", source.port.port);
        let mut origins = reader.present(&[TARGET_TYPE, ATTRIBUTES, &own, PROXY, PROXY_PER_GROUP]);
        origins.extend(reader.present(&health_check::SUFFIXES));
        if self.target_type == TargetType::Instance {
            origins.extend(reader.present(&[NODE_LABELS]));
        }
        origins.insert(reader.origin(&source.field));
        origins
    }

    /// IPv6 as soon as the Service has an IPv6 address; that needs a dualstack load balancer.
    fn family(&self, reader: &mut Reader<'_>, source: &GroupSource<'_>) -> IpFamily {
        let service = source.service;
        if !service.ip_families.iter().any(|family| family == "IPv6") {
            return IpFamily::Ipv4;
        }
        if self.ip_address_type != IpAddressType::Dualstack {
            let message = format!(
                "the Service {}/{} has the families {}, so its targets are IPv6, but the load balancer is {}; \
                 set service.beta.kubernetes.io/aws-load-balancer-ip-address-type to dualstack",
                service.meta.namespace,
                service.meta.name,
                service.ip_families.join(", "),
                self.ip_address_type.as_str()
            );
            reader.fault(source.field_or("spec.ipFamilies"), ProblemCode::Conflict, message);
        }
        IpFamily::Ipv6
    }

    fn group_attributes(&self, reader: &mut Reader<'_>, port: i32) -> BTreeMap<String, String> {
        let mut attributes = BTreeMap::from([(PROXY_ATTRIBUTE.to_owned(), "false".to_owned())]);
        attributes.extend(self.attributes.clone());
        let suffix = format!("{ATTRIBUTES}.{port}");
        let own = reader.map(&suffix).unwrap_or_default();
        check_client_ip(reader, &suffix, &own);
        attributes.extend(own.into_iter().filter(|(_, value)| !value.is_empty()));
        let listed = self
            .proxy_ports
            .as_ref()
            .map(|ports| ports.contains(&port.to_string()));
        if let Some(proxy) = self.proxy.or(listed) {
            attributes.insert(PROXY_ATTRIBUTE.to_owned(), proxy.to_string());
        }
        if attributes.get(PROXY_ATTRIBUTE).is_some_and(String::is_empty) {
            attributes.remove(PROXY_ATTRIBUTE);
        }
        attributes
    }
}

fn target_type(reader: &mut Reader<'_>) -> TargetType {
    let annotation = reader.string(TARGET_TYPE);
    let wants_ip = match annotation {
        Some(text) => text == "ip",
        None => reader.settings.default_target_type == TargetType::Ip,
    };
    if let Some(text) = annotation
        && !matches!(text, "ip" | "instance")
    {
        let message = format!("the value '{text}' counts as instance; write instance or ip");
        reader.warn_at(TARGET_TYPE, ProblemCode::NotAllowed, message);
    }
    if wants_ip && !reader.settings.gates.enable_ip_target_type {
        let message =
            "the target type ip is switched off by the feature gate EnableIPTargetType; write instance";
        reader.fault_at(TARGET_TYPE, ProblemCode::NotAllowed, message);
    }
    if wants_ip || reader.string(TYPE) == Some("nlb-ip") {
        TargetType::Ip
    } else {
        TargetType::Instance
    }
}

fn check_node_port(reader: &mut Reader<'_>, source: &GroupSource<'_>) {
    let service = source.service;
    let name = format!("{}/{}", service.meta.namespace, service.meta.name);
    let remedy = format!("set {} to ip or", reader.key(TARGET_TYPE));
    if service.type_ == "ClusterIP" {
        let message = format!(
            "the Service {name} is of type ClusterIP and has no node ports for instance targets; {remedy} use \
             type LoadBalancer or NodePort"
        );
        reader.fault(source.field_or("spec.type"), ProblemCode::Conflict, message);
    } else if source.port.node_port == 0 && service.allocate_node_ports == Some(false) {
        let message = format!(
            "port {} of the Service {name} has no node port for instance targets and none is allocated; \
             {remedy} set spec.allocateLoadBalancerNodePorts to true",
            source.port.port
        );
        reader.fault(
            "spec.allocateLoadBalancerNodePorts",
            ProblemCode::Conflict,
            message,
        );
    } else if source.port.node_port == 0 {
        let message = format!(
            "port {} of the Service {name} has no node port yet for instance targets; {remedy} give it a node \
             port",
            source.port.port
        );
        reader.fault(&source.field, ProblemCode::NotFound, message);
    }
}

/// Default port of the group: 1 where the targets listen on a named port.
fn group_port(
    reader: &mut Reader<'_>,
    source: &GroupSource<'_>,
    target_type: TargetType,
    target_port: &IntOrString,
) -> i32 {
    match target_port {
        IntOrString::Int(number) => {
            if *number == 0 && target_type != TargetType::Instance {
                let message = format!(
                    "port {} has the target port 0; give it a number",
                    source.port.port
                );
                reader.fault(&source.field, ProblemCode::NotAllowed, message);
            }
            *number
        }
        IntOrString::String(_) => 1,
    }
}

fn check_client_ip(reader: &mut Reader<'_>, suffix: &str, attributes: &BTreeMap<String, String>) {
    if let Some(value) = attributes.get(CLIENT_IP_ATTRIBUTE)
        && let Err(rule) = parse_bool(value)
    {
        let message = format!("{CLIENT_IP_ATTRIBUTE} has the value '{value}': {rule}");
        reader.fault_at(suffix, ProblemCode::Malformed, message);
    }
}

fn proxy(reader: &mut Reader<'_>) -> Option<bool> {
    reader.word(PROXY, |text| (text == "*").then_some(true), "* or remove it")
}

/// Ports with proxy protocol, as text: `080` is no port 80.
fn proxy_ports(reader: &mut Reader<'_>) -> Option<BTreeSet<String>> {
    let items = parse_string_list(reader.string(PROXY_PER_GROUP)?);
    for item in &items {
        if item.parse::<i64>().is_err() {
            let message = format!("'{item}' is no port number; list port numbers of the Service");
            reader.fault_at(PROXY_PER_GROUP, ProblemCode::Malformed, message);
        } else if !reader.of.ports.iter().any(|port| port.port.to_string() == *item) {
            let message = format!("the Service has no port '{item}'; list its port numbers");
            reader.warn_at(PROXY_PER_GROUP, ProblemCode::Ignored, message);
        }
    }
    Some(items.into_iter().collect())
}

fn node_labels(reader: &mut Reader<'_>, target_type: TargetType) -> Option<BTreeMap<String, String>> {
    if target_type != TargetType::Instance {
        if reader.string(NODE_LABELS).is_some() {
            let message = "it has no effect on ip targets; remove it";
            reader.warn_at(NODE_LABELS, ProblemCode::Ignored, message);
        }
        return None;
    }
    reader.map(NODE_LABELS).filter(|labels| !labels.is_empty())
}
