//! Wishes that only Ingresses have: rules, and target groups by protocol version.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::intent::wish::ActionWish;
use crate::model::{
    Condition, HealthCheck, IpFamily, Origins, Protocol, ResourceId, Tags, TargetType, Transform,
};

/// A rule of a listener; its place among the rules of its listener is its rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleWish {
    /// Port of the listener.
    pub port: i32,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Actions in order.
    pub actions: Vec<ActionWish>,
    /// Changes to the request before it is forwarded.
    pub transforms: Vec<Transform>,
    /// Tags, `--default-tags` included.
    pub tags: Tags,
    /// Who asked for it.
    pub origins: Origins,
}

/// A target group of an Ingress with its binding.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressTargetGroupWish {
    /// Resource id, `namespace/ingress-service:port`.
    pub id: ResourceId,
    /// Namespace of the Ingress.
    pub ingress_namespace: String,
    /// Name of the Ingress.
    pub ingress_name: String,
    /// Namespace of the Service.
    pub namespace: String,
    /// Name of the Service.
    pub service: String,
    /// UID of the Service.
    pub uid: String,
    /// Port of the Service as the Ingress refers to it: a number or a name.
    pub service_port: IntOrString,
    /// Port at the target: node port, or target port, which may be a name.
    pub target_port: IntOrString,
    /// Default port of the group; 1 where targets listen on a named port.
    pub port: i32,
    /// Target type.
    pub target_type: TargetType,
    /// `HTTP` or `HTTPS`.
    pub protocol: Protocol,
    /// `HTTP1`, `HTTP2` or `GRPC`.
    pub protocol_version: String,
    /// Port of the target control agent.
    pub control_port: Option<i32>,
    /// Address family.
    pub family: IpFamily,
    /// Health check.
    pub health_check: HealthCheck,
    /// Attributes to set.
    pub attributes: BTreeMap<String, String>,
    /// Labels of nodes that may become targets; `None` for all.
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Whether other clusters register targets too.
    pub multi_cluster: bool,
    /// Tags, `--default-tags` included.
    pub tags: Tags,
    /// Who asked for it: at least one field of the Ingress.
    pub origins: Origins,
}
