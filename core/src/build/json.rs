//! A stack as JSON in upstream's exact shape (`pkg/deploy/stack_marshaller.go` and the `json` tags of
//! `pkg/model`), to be compared with upstream's own.
//!
//! In: a [`Stack`]. Out: one line of text, or the same as a value (whose objects lose their order).

use std::collections::BTreeMap;

use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::model::{
    Action, Binding, BindingNetworking, BindingPeer, HealthCheck, HealthCheckPort, IngressPermission,
    Listener, LoadBalancer, Matcher, PermissionSource, Ref, ResourceKind, SecurityGroup, Stack,
    SubnetMapping, Tags, TargetGroup, tracking,
};

/// The stack as upstream logs it: compact, fields in upstream's order, `<`, `>` and `&` escaped like Go does.
pub fn stack_text(stack: &Stack) -> String {
    let text = serde_json::to_string(&Root::of(stack)).unwrap_or_default();
    // Inside JSON these characters occur in strings only.
    [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ]
    .into_iter()
    .fold(text, |text, (character, escaped)| {
        text.replace(character, escaped)
    })
}

/// The stack as a JSON value.
pub fn stack_json(stack: &Stack) -> Value {
    serde_json::to_value(Root::of(stack)).unwrap_or_default()
}

#[derive(Serialize)]
struct Root<'a> {
    id: String,
    resources: BTreeMap<&'static str, BTreeMap<&'a str, Resource<'a>>>,
}

#[derive(Serialize)]
struct Resource<'a> {
    spec: Spec<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Spec<'a> {
    SecurityGroup(GroupSpec<'a>),
    LoadBalancer(LoadBalancerSpec<'a>),
    TargetGroup(TargetGroupSpec<'a>),
    Listener(ListenerSpec<'a>),
    Binding(BindingTemplate<'a>),
}

impl<'a> Root<'a> {
    fn of(stack: &'a Stack) -> Self {
        let mut root = Self {
            id: stack.key.stack_id(),
            resources: BTreeMap::new(),
        };
        for group in &stack.security_groups {
            root.add(
                ResourceKind::SecurityGroup,
                &group.id.0,
                Spec::SecurityGroup(group.into()),
            );
        }
        for balancer in &stack.load_balancers {
            root.add(
                ResourceKind::LoadBalancer,
                &balancer.id.0,
                Spec::LoadBalancer(balancer.into()),
            );
        }
        for group in &stack.target_groups {
            root.add(
                ResourceKind::TargetGroup,
                &group.id.0,
                Spec::TargetGroup(group.into()),
            );
        }
        for listener in &stack.listeners {
            root.add(
                ResourceKind::Listener,
                &listener.id.0,
                Spec::Listener(listener.into()),
            );
        }
        for binding in &stack.bindings {
            let template = BindingTemplate::of(stack, binding);
            root.add(ResourceKind::Binding, &binding.id.0, Spec::Binding(template));
        }
        root
    }

    fn add(&mut self, kind: ResourceKind, id: &'a str, spec: Spec<'a>) {
        self.resources
            .entry(kind.type_string())
            .or_default()
            .entry(id)
            .or_insert(Resource { spec });
    }
}

/// A token: a text, or a reference to a status field of another resource.
#[derive(Serialize)]
#[serde(untagged)]
enum Token<'a> {
    Text(&'a str),
    Reference {
        #[serde(rename = "$ref")]
        reference: String,
    },
}

impl<'a> From<&'a Ref> for Token<'a> {
    fn from(value: &'a Ref) -> Self {
        match value {
            Ref::Known(text) => Self::Text(text),
            // Upstream creates the group while building, so its model always knows the id.
            Ref::BackendGroup => Self::Text("(backend security group)"),
            Ref::Pending(address) => {
                let field = match address.kind {
                    ResourceKind::SecurityGroup => "groupID",
                    ResourceKind::LoadBalancer => "loadBalancerARN",
                    ResourceKind::TargetGroup => "targetGroupARN",
                    ResourceKind::Listener => "listenerARN",
                    ResourceKind::Binding => "targetGroupBindingRef",
                };
                Self::Reference {
                    reference: format!(
                        "#/resources/{}/{}/status/{field}",
                        address.kind.type_string(),
                        address.id
                    ),
                }
            }
        }
    }
}

fn tags(tags: &Tags) -> Option<&Tags> {
    (!tags.is_empty()).then_some(tags)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupSpec<'a> {
    group_name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ingress: Vec<PermissionSpec<'a>>,
}

impl<'a> From<&'a SecurityGroup> for GroupSpec<'a> {
    fn from(group: &'a SecurityGroup) -> Self {
        Self {
            group_name: &group.name,
            description: &group.description,
            tags: tags(&group.tags),
            ingress: group.ingress.iter().map(PermissionSpec::from).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionSpec<'a> {
    ip_protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_port: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_ranges: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(rename = "ipv6Ranges", skip_serializing_if = "Option::is_none")]
    ipv6_ranges: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(rename = "userIDGroupPairs", skip_serializing_if = "Option::is_none")]
    group_pairs: Option<[BTreeMap<&'static str, &'a str>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix_lists: Option<[BTreeMap<&'static str, &'a str>; 1]>,
}

impl<'a> From<&'a IngressPermission> for PermissionSpec<'a> {
    fn from(rule: &'a IngressPermission) -> Self {
        let only = |key, value: &'a str| Some([BTreeMap::from([(key, value)])]);
        let mut spec = Self {
            ip_protocol: &rule.protocol,
            from_port: rule.from_port,
            to_port: rule.to_port,
            ip_ranges: None,
            ipv6_ranges: None,
            group_pairs: None,
            prefix_lists: None,
        };
        match &rule.source {
            PermissionSource::Ipv4(cidr) => spec.ip_ranges = only("cidrIP", cidr),
            PermissionSource::Ipv6(cidr) => spec.ipv6_ranges = only("cidrIPv6", cidr),
            PermissionSource::Group(id) => spec.group_pairs = only("groupID", id),
            PermissionSource::PrefixList(id) => spec.prefix_lists = only("listID", id),
        }
        spec
    }
}

/// An attribute of a load balancer or target group.
#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: &'a str,
}

fn attributes(map: &BTreeMap<String, String>) -> Vec<Attribute<'_>> {
    map.iter().map(|(key, value)| Attribute { key, value }).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancerSpec<'a> {
    name: &'a str,
    r#type: crate::model::LoadBalancerType,
    scheme: &'static str,
    ip_address_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_prefix_for_ipv6_source_nat: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnet_mapping: Vec<MappingSpec<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    security_groups: Vec<Token<'a>>,
    #[serde(
        rename = "securityGroupsInboundRulesOnPrivateLink",
        skip_serializing_if = "Option::is_none"
    )]
    private_link: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    load_balancer_attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_load_balancer_capacity: Option<CapacitySpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CapacitySpec {
    capacity_units: i32,
}

impl<'a> From<&'a LoadBalancer> for LoadBalancerSpec<'a> {
    fn from(balancer: &'a LoadBalancer) -> Self {
        let capacity = balancer.capacity_units.get().copied();
        Self {
            name: &balancer.name,
            r#type: balancer.kind,
            scheme: balancer.scheme.as_str(),
            ip_address_type: balancer.ip_address_type.as_str(),
            enable_prefix_for_ipv6_source_nat: balancer.ipv6_source_nat.get().map(|value| value.as_str()),
            subnet_mapping: balancer.subnets.iter().map(MappingSpec::from).collect(),
            security_groups: balancer.security_groups.iter().map(Token::from).collect(),
            private_link: balancer.private_link_inbound.get().map(|value| value.as_str()),
            load_balancer_attributes: attributes(&balancer.attributes),
            minimum_load_balancer_capacity: capacity.map(|capacity_units| CapacitySpec { capacity_units }),
            tags: tags(&balancer.tags),
        }
    }
}

#[derive(Serialize)]
struct MappingSpec<'a> {
    #[serde(rename = "allocationID", skip_serializing_if = "Option::is_none")]
    allocation_id: Option<&'a str>,
    #[serde(rename = "privateIPv4Address", skip_serializing_if = "Option::is_none")]
    private_ipv4: Option<&'a str>,
    #[serde(rename = "ipv6Address", skip_serializing_if = "Option::is_none")]
    ipv6: Option<&'a str>,
    #[serde(rename = "sourceNatIpv6Prefix", skip_serializing_if = "Option::is_none")]
    source_nat_prefix: Option<&'a str>,
    #[serde(rename = "subnetID")]
    subnet: &'a str,
}

impl<'a> From<&'a SubnetMapping> for MappingSpec<'a> {
    fn from(mapping: &'a SubnetMapping) -> Self {
        Self {
            allocation_id: mapping.allocation_id.as_deref(),
            private_ipv4: mapping.private_ipv4.as_deref(),
            ipv6: mapping.ipv6.as_deref(),
            source_nat_prefix: mapping.source_nat_prefix.as_deref(),
            subnet: &mapping.subnet,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetGroupSpec<'a> {
    name: &'a str,
    target_type: &'static str,
    port: i32,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_version: Option<&'a str>,
    ip_address_type: &'static str,
    health_check_config: HealthCheckSpec<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    target_group_attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
}

impl<'a> From<&'a TargetGroup> for TargetGroupSpec<'a> {
    fn from(group: &'a TargetGroup) -> Self {
        Self {
            name: &group.name,
            target_type: group.target_type.as_str(),
            port: group.port,
            protocol: group.protocol.as_str(),
            protocol_version: group.protocol_version.get().map(String::as_str),
            ip_address_type: group.family.as_str(),
            health_check_config: HealthCheckSpec::from(&group.health_check),
            target_group_attributes: attributes(&group.attributes),
            tags: tags(&group.tags),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthCheckSpec<'a> {
    #[serde(serialize_with = "health_check_port")]
    port: HealthCheckPort,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher: Option<BTreeMap<&'static str, &'a str>>,
    interval_seconds: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<i32>,
    healthy_threshold_count: i32,
    unhealthy_threshold_count: i32,
}

fn health_check_port<S: Serializer>(port: &HealthCheckPort, serializer: S) -> Result<S::Ok, S::Error> {
    match port {
        HealthCheckPort::TrafficPort => serializer.serialize_str("traffic-port"),
        HealthCheckPort::Number(number) => serializer.serialize_i32(*number),
    }
}

impl<'a> From<&'a HealthCheck> for HealthCheckSpec<'a> {
    fn from(check: &'a HealthCheck) -> Self {
        let matcher = check.matcher.get().map(|matcher| match matcher {
            Matcher::Http(codes) => BTreeMap::from([("httpCode", codes.as_str())]),
            Matcher::Grpc(codes) => BTreeMap::from([("grpcCode", codes.as_str())]),
        });
        Self {
            port: check.port,
            protocol: check.protocol.as_str(),
            path: check.path.get().map(String::as_str),
            matcher,
            interval_seconds: check.interval_seconds,
            timeout_seconds: check.timeout_seconds.get().copied(),
            healthy_threshold_count: check.healthy_threshold,
            unhealthy_threshold_count: check.unhealthy_threshold,
        }
    }
}

/// An attribute of a listener, whose keys upstream writes in capitals.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListenerAttribute<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListenerSpec<'a> {
    #[serde(rename = "loadBalancerARN")]
    load_balancer: Token<'a>,
    port: i32,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    default_actions: Vec<ActionSpec<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<CertificateSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl_policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alpn_policy: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listener_attributes: Vec<ListenerAttribute<'a>>,
}

#[derive(Serialize)]
struct CertificateSpec {
    #[serde(rename = "certificateARN")]
    arn: Token<'static>,
}

impl CertificateSpec {
    /// Upstream models a certificate known by ARN as a resource without type and id.
    fn nameless() -> Self {
        Self {
            arn: Token::Reference {
                reference: "#/resources///status/certificateARN".to_owned(),
            },
        }
    }
}

impl<'a> From<&'a Listener> for ListenerSpec<'a> {
    fn from(listener: &'a Listener) -> Self {
        let attribute = |(key, value): (&'a String, &'a String)| ListenerAttribute { key, value };
        Self {
            load_balancer: Token::from(&listener.load_balancer),
            port: listener.port,
            protocol: listener.protocol.as_str(),
            default_actions: listener.default_actions.iter().map(ActionSpec::from).collect(),
            certificates: listener
                .certificates
                .iter()
                .map(|_| CertificateSpec::nameless())
                .collect(),
            ssl_policy: listener.ssl_policy.get().map(String::as_str),
            alpn_policy: listener
                .alpn_policy
                .get()
                .map(String::as_str)
                .into_iter()
                .collect(),
            tags: listener.tags.get().and_then(tags),
            listener_attributes: listener.attributes.iter().map(attribute).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionSpec<'a> {
    r#type: &'static str,
    forward_config: ForwardSpec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForwardSpec<'a> {
    target_groups: Vec<TupleSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_stickiness_config: Option<StickinessSpec>,
}

#[derive(Serialize)]
struct TupleSpec<'a> {
    #[serde(rename = "targetGroupARN")]
    target_group: Token<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<i32>,
}

#[derive(Serialize)]
struct StickinessSpec {
    enabled: bool,
}

impl<'a> From<&'a Action> for ActionSpec<'a> {
    fn from(action: &'a Action) -> Self {
        let Action::Forward(forward) = action;
        let tuples = forward.target_groups.iter().map(|tuple| TupleSpec {
            target_group: Token::from(&tuple.target_group),
            weight: tuple.weight,
        });
        let enabled = forward.stickiness.get().copied();
        Self {
            r#type: "forward",
            forward_config: ForwardSpec {
                target_groups: tuples.collect(),
                target_group_stickiness_config: enabled.map(|enabled| StickinessSpec { enabled }),
            },
        }
    }
}

#[derive(Serialize)]
struct BindingTemplate<'a> {
    template: Template<'a>,
}

#[derive(Serialize)]
struct Template<'a> {
    metadata: Metadata<'a>,
    spec: BindingSpec<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingSpec<'a> {
    #[serde(rename = "targetGroupARN")]
    target_group: Token<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_type: Option<&'static str>,
    service_ref: ServiceRef<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    networking: Option<NetworkingSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_selector: Option<&'a LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address_type: Option<&'static str>,
    #[serde(rename = "vpcID", skip_serializing_if = "str::is_empty")]
    vpc: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    multi_cluster_target_group: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_protocol: Option<TargetGroupProtocol>,
}

#[derive(Serialize)]
struct ServiceRef<'a> {
    name: &'a str,
    port: &'a IntOrString,
}

impl<'a> BindingTemplate<'a> {
    /// Tracking labels are put on at deploy time and are no part of the model.
    fn of(stack: &Stack, binding: &'a Binding) -> Self {
        let tracking = tracking::binding_labels(&stack.key);
        let labels = binding
            .labels
            .iter()
            .filter(|(key, _)| !tracking.contains_key(*key))
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let spec = &binding.spec;
        Self {
            template: Template {
                metadata: Metadata {
                    name: &binding.name,
                    namespace: &binding.namespace,
                    labels: labels.collect(),
                    annotations: &binding.annotations,
                },
                spec: BindingSpec {
                    target_group: Token::from(&spec.target_group),
                    target_type: spec.target_type.map(crate::model::TargetType::as_str),
                    service_ref: ServiceRef {
                        name: &spec.service_name,
                        port: &spec.service_port,
                    },
                    networking: spec.networking.as_ref().map(NetworkingSpec::from),
                    node_selector: spec.node_selector.as_ref(),
                    ip_address_type: spec.family.map(crate::model::IpFamily::as_str),
                    vpc: &spec.vpc,
                    multi_cluster_target_group: spec.multi_cluster,
                    target_group_protocol: spec.protocol,
                },
            },
        }
    }
}

#[derive(Serialize)]
struct NetworkingSpec<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ingress: Vec<RuleSpec<'a>>,
}

#[derive(Serialize)]
struct RuleSpec<'a> {
    from: Vec<PeerSpec<'a>>,
    ports: Vec<PortSpec<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PeerSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_block: Option<IpBlockSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_group: Option<PeerGroupSpec<'a>>,
}

#[derive(Serialize)]
struct IpBlockSpec<'a> {
    cidr: &'a str,
}

#[derive(Serialize)]
struct PeerGroupSpec<'a> {
    #[serde(rename = "groupID")]
    group_id: Token<'a>,
}

#[derive(Serialize)]
struct PortSpec<'a> {
    protocol: NetworkingProtocol,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<&'a IntOrString>,
}

impl<'a> From<&'a BindingPeer> for PeerSpec<'a> {
    fn from(peer: &'a BindingPeer) -> Self {
        match peer {
            BindingPeer::IpBlock(cidr) => Self {
                ip_block: Some(IpBlockSpec { cidr }),
                security_group: None,
            },
            BindingPeer::SecurityGroup(group) => Self {
                ip_block: None,
                security_group: Some(PeerGroupSpec {
                    group_id: Token::from(group),
                }),
            },
        }
    }
}

impl<'a> From<&'a BindingNetworking> for NetworkingSpec<'a> {
    fn from(networking: &'a BindingNetworking) -> Self {
        let rules = networking.ingress.iter().map(|rule| RuleSpec {
            from: rule.from.iter().map(PeerSpec::from).collect(),
            ports: rule
                .ports
                .iter()
                .map(|port| PortSpec {
                    protocol: port.protocol,
                    port: port.port.as_ref(),
                })
                .collect(),
        });
        Self {
            ingress: rules.collect(),
        }
    }
}
