//! Kubernetes objects, trimmed to what is read. The shell's stores hold these and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::ingress_class_params::IngressClassParamsSpec;
use elbow_crds::problem::ObjectRef;
use elbow_crds::target_group_binding::{TargetGroupBindingSpec, TargetGroupBindingStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

/// Metadata that every trimmed object keeps.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Meta {
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Resource version, for optimistic locks.
    pub resource_version: String,
    /// Generation of the spec.
    pub generation: i64,
    /// Whether a deletion is under way.
    pub deleting: bool,
    /// Finalizers.
    pub finalizers: BTreeSet<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Creation time.
    pub created: Option<Timestamp>,
}

/// A Service.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// `spec.type`.
    pub type_: String,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<String>,
    /// Whether `spec.externalTrafficPolicy` is `Local`.
    pub local_traffic: bool,
    /// `spec.loadBalancerSourceRanges`.
    pub source_ranges: Vec<String>,
    /// `spec.ipFamilies`.
    pub ip_families: Vec<String>,
    /// `spec.healthCheckNodePort`; 0 when unset.
    pub health_check_node_port: i32,
    /// `spec.allocateLoadBalancerNodePorts`.
    pub allocate_node_ports: Option<bool>,
    /// `spec.selector`.
    pub selector: BTreeMap<String, String>,
    /// `spec.ports`, in order.
    pub ports: Vec<ServicePort>,
    /// `status.loadBalancer.ingress`, in order.
    pub ingress: Vec<IngressPoint>,
}

impl Service {
    /// The Service as an object of problems and events.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new("Service", &self.meta.namespace, &self.meta.name)
    }
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServicePort {
    /// Name; empty when unset.
    pub name: String,
    /// Protocol: `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Port.
    pub port: i32,
    /// Target port; defaults to the port.
    pub target_port: IntOrString,
    /// Node port; 0 when unset.
    pub node_port: i32,
}

/// An Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ingress {
    /// Metadata.
    pub meta: Meta,
    /// `spec.ingressClassName`.
    pub class: Option<String>,
    /// `spec.defaultBackend`.
    pub default_backend: Option<IngressBackend>,
    /// `spec.tls[].hosts`, in order.
    pub tls_hosts: Vec<String>,
    /// `spec.rules` that have `http`, in order.
    pub rules: Vec<IngressRule>,
    /// `status.loadBalancer.ingress`, in order.
    pub ingress: Vec<IngressPoint>,
}

impl Ingress {
    /// The Ingress as an object of problems and events.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new("Ingress", &self.meta.namespace, &self.meta.name)
    }
}

/// An entry of `spec.rules` of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressRule {
    /// Position in `spec.rules`.
    pub index: usize,
    /// Host; empty when unset.
    pub host: String,
    /// `http.paths`, in order.
    pub paths: Vec<IngressPath>,
}

/// An entry of `http.paths` of an Ingress rule.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressPath {
    /// Path; empty when unset.
    pub path: String,
    /// `pathType`; empty when unset.
    pub path_type: String,
    /// Backend.
    pub backend: IngressBackend,
}

/// A backend of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressBackend {
    /// The Service; `None` for a resource backend.
    pub service: Option<IngressServiceBackend>,
}

/// A Service as a backend of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressServiceBackend {
    /// Name of the Service, in the namespace of the Ingress.
    pub name: String,
    /// `port.name`; empty when unset.
    pub port_name: String,
    /// `port.number`; 0 when unset.
    pub port_number: i32,
}

/// An IngressClass.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressClass {
    /// Metadata; the annotation that makes it the default class included.
    pub meta: Meta,
    /// `spec.controller`.
    pub controller: String,
    /// `spec.parameters`.
    pub parameters: Option<ClassParameters>,
}

/// `spec.parameters` of an IngressClass.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassParameters {
    /// `apiGroup`.
    pub api_group: Option<String>,
    /// `kind`.
    pub kind: String,
    /// `name`.
    pub name: String,
}

/// IngressClassParams.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct IngressClassParams {
    /// Metadata.
    pub meta: Meta,
    /// Spec.
    pub spec: IngressClassParamsSpec,
}

impl IngressClassParams {
    /// They as an object of problems and events.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new("IngressClassParams", "", &self.meta.name)
    }
}

/// A Namespace: its labels.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Namespace {
    /// Metadata.
    pub meta: Meta,
}

/// An entry of `status.loadBalancer.ingress`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IngressPoint {
    /// Host name; empty when unset.
    pub hostname: String,
    /// Address; empty when unset.
    pub ip: String,
    /// Ports with their protocol, in order.
    pub ports: Vec<(i32, String)>,
}

/// A Node.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Node {
    /// Metadata.
    pub meta: Meta,
    /// `spec.providerID`; empty when unset.
    pub provider_id: String,
    /// Status of the `Ready` condition: `True`, `False`, `Unknown`, or empty without one.
    pub ready: String,
    /// Taints as key and effect.
    pub taints: Vec<(String, String)>,
    /// First address of type `InternalIP`; empty without one.
    pub internal_ip: String,
}

/// A Pod.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pod {
    /// Metadata; annotations hold only what is read.
    pub meta: Meta,
    /// Node it is bound to; empty before.
    pub node: String,
    /// `status.podIP`; empty before.
    pub ip: String,
    /// Container ports: name (may be empty) and number, of containers and sidecars, in order.
    pub container_ports: Vec<(String, i32)>,
    /// Condition types of its readiness gates.
    pub readiness_gates: Vec<String>,
    /// Conditions by type.
    pub conditions: BTreeMap<String, PodCondition>,
    /// QUIC server ids by container port; key 0 holds the pod's default.
    pub quic_server_ids: BTreeMap<i32, String>,
}

/// A condition of a Pod.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodCondition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Reason; empty when unset.
    pub reason: String,
    /// Message; empty when unset.
    pub message: String,
    /// Last transition.
    pub since: Option<Timestamp>,
}

/// An EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndpointSlice {
    /// Metadata.
    pub meta: Meta,
    /// Service name, from the label `kubernetes.io/service-name`; empty without it.
    pub service: String,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: String,
    /// Ports as name (may be empty) and number (0 when unset).
    pub ports: Vec<(String, i32)>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint of a slice.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Endpoint {
    /// First address; empty without one.
    pub address: String,
    /// Namespace and name of the Pod it refers to; `None` for anything else.
    pub pod: Option<(String, String)>,
    /// `conditions.ready`; `None` counts as true.
    pub ready: Option<bool>,
    /// `conditions.serving`.
    pub serving: Option<bool>,
    /// `conditions.terminating`.
    pub terminating: Option<bool>,
}

/// A TargetGroupBinding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BindingObject {
    /// Metadata.
    pub meta: Meta,
    /// Spec.
    pub spec: TargetGroupBindingSpec,
    /// Status.
    pub status: TargetGroupBindingStatus,
}

impl BindingObject {
    /// The binding as an object of problems and events.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::new("TargetGroupBinding", &self.meta.namespace, &self.meta.name)
    }
}
