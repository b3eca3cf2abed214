//! TargetGroupBindings in the stack JSON.

use std::collections::BTreeMap;

use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;

use super::Token;
use crate::model::{Binding, BindingNetworking, BindingPeer, IpFamily, Stack, TargetType, tracking};

#[derive(Serialize)]
pub(super) struct BindingTemplate<'a> {
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
    pub(super) fn of(stack: &Stack, binding: &'a Binding) -> Self {
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
                    target_type: spec.target_type.map(TargetType::as_str),
                    service_ref: ServiceRef {
                        name: &spec.service_name,
                        port: &spec.service_port,
                    },
                    networking: spec.networking.as_ref().map(NetworkingSpec::from),
                    node_selector: spec.node_selector.as_ref(),
                    ip_address_type: spec.family.map(IpFamily::as_str),
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
