//! TargetGroupBindings as resources of a stack.

use std::collections::BTreeMap;

use elbow_crds::target_group_binding::{NetworkingProtocol, TargetGroupProtocol};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use super::{IpFamily, Origins, Ref, ResourceId, TargetType};

/// A TargetGroupBinding of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Resource id: that of its target group. In an actual stack the target group's ARN decides matching.
    pub id: ResourceId,
    /// Namespace.
    pub namespace: String,
    /// Name: the wanted target group's name.
    pub name: String,
    /// Labels, the tracking labels included.
    pub labels: BTreeMap<String, String>,
    /// Annotations without the checkpoint ones.
    pub annotations: BTreeMap<String, String>,
    /// Spec.
    pub spec: BindingSpec,
    /// UID, assigned by Kubernetes.
    pub uid: Option<String>,
    /// Whether a deletion is under way.
    pub deleting: bool,
    /// Who asked for it.
    pub origins: Origins,
}

/// Spec of a binding, references unresolved. A hand-written field that upstream's model does not have
/// (`targetGroupName`, roles) shows as `foreign_fields` in an actual binding and is cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BindingSpec {
    /// The target group.
    pub target_group: Ref,
    /// Target type; `None` where a hand-made binding says nothing.
    pub target_type: Option<TargetType>,
    /// Protocol of the group.
    pub protocol: Option<TargetGroupProtocol>,
    /// Service name.
    pub service_name: String,
    /// Service port: a number for generated bindings.
    pub service_port: IntOrString,
    /// Rules on the targets' security groups; `None`: not managed.
    pub networking: Option<BindingNetworking>,
    /// Nodes that may become targets.
    pub node_selector: Option<LabelSelector>,
    /// Address family.
    pub family: Option<IpFamily>,
    /// VPC id.
    pub vpc: String,
    /// Shared with other clusters.
    pub multi_cluster: bool,
    /// Whether fields are set that a generated binding never has.
    pub foreign_fields: bool,
}

/// Ingress rules wanted on the targets' security groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingNetworking {
    /// Rules in order.
    pub ingress: Vec<BindingRule>,
}

/// Every peer may reach every port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingRule {
    /// Sources.
    pub from: Vec<BindingPeer>,
    /// Ports.
    pub ports: Vec<BindingPort>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingPeer {
    /// A CIDR.
    IpBlock(String),
    /// A security group.
    SecurityGroup(Ref),
}

/// A port: number, name of a container port, or `None` for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingPort {
    /// Protocol.
    pub protocol: NetworkingProtocol,
    /// Port.
    pub port: Option<IntOrString>,
}
