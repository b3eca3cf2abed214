//! The `TargetGroupBinding` custom resource (`elbv2.k8s.aws/v1beta1`).
//!
//! Field order is part of the contract: upstream's checkpoint hashes the JSON of the spec in this order
//! (upstream `apis/elbv2/v1beta1/targetgroupbinding_types.go`, `pkg/targetgroupbinding/utils.go`).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TargetGroupBinding binds the endpoints of a Service to an ELBv2 target group.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "elbv2.k8s.aws",
    version = "v1beta1",
    kind = "TargetGroupBinding",
    plural = "targetgroupbindings",
    singular = "targetgroupbinding",
    namespaced,
    status = "TargetGroupBindingStatus",
    printcolumn = r#"{"name":"SERVICE-NAME","type":"string","description":"The Kubernetes Service's name","jsonPath":".spec.serviceRef.name"}"#,
    printcolumn = r#"{"name":"SERVICE-PORT","type":"string","description":"The Kubernetes Service's port","jsonPath":".spec.serviceRef.port"}"#,
    printcolumn = r#"{"name":"TARGET-TYPE","type":"string","description":"The target group's target type","jsonPath":".spec.targetType"}"#,
    printcolumn = r#"{"name":"ARN","type":"string","description":"The target group's ARN","jsonPath":".spec.targetGroupARN","priority":1}"#,
    printcolumn = r#"{"name":"NAME","type":"string","description":"The target group's name","jsonPath":".spec.targetGroupName","priority":2}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct TargetGroupBindingSpec {
    /// ARN of the target group; wins over the name.
    #[serde(rename = "targetGroupARN", default, skip_serializing_if = "String::is_empty")]
    pub target_group_arn: String,
    /// Name of the target group, used only when the ARN is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target_group_name: String,
    /// Whether other clusters register targets in the same target group.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multi_cluster_target_group: bool,
    /// `instance` or `ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<TargetType>,
    /// The protocol of the target group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_protocol: Option<TargetGroupProtocol>,
    /// The Service and port whose endpoints become targets; same namespace as the binding.
    pub service_ref: ServiceReference,
    /// Security group rules that let the load balancer reach the targets; absent: rules are not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networking: Option<Networking>,
    /// Nodes that may become instance targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<LabelSelector>,
    /// `ipv4` or `ipv6`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<TargetGroupIpAddressType>,
    /// VPC of the target group.
    #[serde(rename = "vpcID", default, skip_serializing_if = "String::is_empty")]
    pub vpc_id: String,
    /// Role to assume for a target group in another account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub iam_role_arn_to_assume: String,
    /// External id for that role.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub assume_role_external_id: String,
}

/// A Service port in the namespace of the binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReference {
    /// Name of the Service.
    pub name: String,
    /// Port of the Service: a number matches the port, a string its name.
    pub port: IntOrString,
}

/// Target types a binding can register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetType {
    /// Nodes, by instance id and NodePort.
    Instance,
    /// Pods, by address and port.
    Ip,
}

/// Protocols of a target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)] // the names are AWS's own
pub enum TargetGroupProtocol {
    Http,
    Https,
    Tcp,
    Tls,
    Udp,
    TcpUdp,
    Quic,
    TcpQuic,
}

/// Address families of a target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum TargetGroupIpAddressType {
    Ipv4,
    Ipv6,
}

/// Rules wanted on the security groups of the targets.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Networking {
    /// Ingress rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<NetworkingIngressRule>,
}

/// One ingress rule: every peer may reach every port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkingIngressRule {
    /// Sources.
    pub from: Vec<NetworkingPeer>,
    /// Ports.
    pub ports: Vec<NetworkingPort>,
}

/// A source: exactly one of the two fields; `securityGroup` is looked at first.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkingPeer {
    /// A CIDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// A security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group: Option<SecurityGroupPeer>,
}

/// A CIDR as a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IpBlock {
    /// The CIDR, IPv4 or IPv6.
    pub cidr: String,
}

/// A security group as a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecurityGroupPeer {
    /// Security group id.
    #[serde(rename = "groupID")]
    pub group_id: String,
}

/// A port of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NetworkingPort {
    /// `TCP` or `UDP`; absent means TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<NetworkingProtocol>,
    /// Number, name of a container port, or absent for all ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<IntOrString>,
}

/// Protocols of a networking rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum NetworkingProtocol {
    Tcp,
    Udp,
}

/// What the controller reports about a binding.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetGroupBindingStatus {
    /// Generation of the last successful full pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions; upstream writes only `Ready=False/FailedCleanup`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}
