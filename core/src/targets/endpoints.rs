//! Which endpoints a binding wants as targets.
//!
//! In: the binding's spec, its Service, and slices with pods (IP mode) or nodes (instance mode). Out:
//! endpoints in the order upstream finds them, or why there are none (upstream `pkg/backend`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_crds::target_group_binding::{
    TargetGroupBindingSpec, TargetGroupIpAddressType, TargetGroupProtocol,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use super::selector::Selector;
use super::target::Target;
use crate::view::{self, EndpointSlice, Node, Pod, Service, ServicePort};

/// An endpoint that should be a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// As a target, without zone.
    pub target: Target,
    /// Creation of the pod or node, in Unix milliseconds.
    pub created_ms: i64,
    /// What stands behind it.
    pub backing: Backing,
}

/// What stands behind an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Backing {
    /// A pod.
    Pod(PodRef),
    /// A node, by name.
    Node(String),
}

/// A pod, this very one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodRef {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
}

impl Endpoint {
    /// The endpoint in the checkpoint: identity and creation time.
    pub fn checkpoint_id(&self) -> String {
        format!("{}:{}", self.target.identity(), self.created_ms)
    }

    /// The pod, in IP mode.
    pub fn pod(&self) -> Option<&PodRef> {
        match &self.backing {
            Backing::Pod(pod) => Some(pod),
            Backing::Node(_) => None,
        }
    }
}

/// Why a binding has no endpoints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFailure {
    /// The Service or its port is not there: targets are cleaned up.
    #[error("backend not found: {0}")]
    NotFound(String),
    /// Service or nodes cannot be used as they are: nothing is changed.
    #[error("{0}")]
    Unusable(String),
}

/// Nodes and pods by name, as the stores hold them.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    /// Slices of the Service, any address type, sorted by name. Read in IP mode.
    pub slices: Vec<Arc<EndpointSlice>>,
    /// Pods that the slices or earlier passes name, by namespace and name. Read in IP mode.
    pub pods: BTreeMap<(String, String), Arc<Pod>>,
    /// All nodes by name.
    pub nodes: BTreeMap<String, Arc<Node>>,
}

impl Backends {
    /// A pod, if it is the same one.
    pub fn pod(&self, pod: &PodRef) -> Option<&Pod> {
        let key = (pod.namespace.clone(), pod.name.clone());
        let found = self.pods.get(&key)?;
        (found.meta.uid == pod.uid).then_some(found.as_ref())
    }

    /// Number of pods in the slices that are not terminating, ready or not.
    pub fn living_pods(&self) -> usize {
        let endpoints = self.slices.iter().flat_map(|slice| &slice.endpoints);
        let pods: BTreeSet<_> = endpoints.filter_map(|e| e.pod.as_ref()).collect();
        let living = |key: &&&(String, String)| self.pods.get(**key).is_some_and(|p| !p.meta.deleting);
        pods.iter().filter(living).count()
    }
}

/// Finds the Service's port: a number is the port, a text its name.
pub fn service_port<'a>(
    spec: &TargetGroupBindingSpec,
    namespace: &str,
    service: Option<&'a Service>,
) -> Result<&'a ServicePort, EndpointFailure> {
    let name = &spec.service_ref.name;
    let Some(service) = service else {
        return Err(EndpointFailure::NotFound(format!(
            "services \"{name}\" not found"
        )));
    };
    let found = service.ports.iter().find(|port| match &spec.service_ref.port {
        IntOrString::Int(number) => port.port == *number,
        IntOrString::String(text) => port.name == *text,
    });
    found.ok_or_else(|| {
        let wanted = match &spec.service_ref.port {
            IntOrString::Int(number) => number.to_string(),
            IntOrString::String(text) => text.clone(),
        };
        EndpointFailure::NotFound(format!(
            "unable to find port {wanted} on service {namespace}/{name}"
        ))
    })
}

/// Endpoints in instance mode: every suitable node that is ready, at the Service's NodePort. Pods do not
/// matter. If no node is ready and `fail_open`, those whose readiness is unknown.
pub fn instance_endpoints(
    spec: &TargetGroupBindingSpec,
    namespace: &str,
    service: Option<&Service>,
    backends: &Backends,
    fail_open: bool,
) -> Result<Vec<Endpoint>, EndpointFailure> {
    let selector = node_selector(spec)?;
    let port = service_port(spec, namespace, service)?;
    let kind = service.map(|service| service.type_.as_str()).unwrap_or_default();
    if kind != "NodePort" && kind != "LoadBalancer" {
        return Err(EndpointFailure::Unusable(format!(
            "service type must be either 'NodePort' or 'LoadBalancer': {namespace}/{}",
            spec.service_ref.name
        )));
    }
    let suitable: Vec<_> = backends
        .nodes
        .values()
        .filter(|node| is_suitable(node, &selector))
        .collect();
    let with_status = |status: &str| -> Vec<&Arc<Node>> {
        let nodes = suitable.iter().filter(|node| node.ready == status);
        nodes.copied().collect()
    };
    let mut chosen = with_status("True");
    if chosen.is_empty() && fail_open {
        chosen = with_status("Unknown");
    }
    let endpoints = chosen.into_iter().map(|node| {
        let id = instance_id(node).map_err(EndpointFailure::Unusable)?;
        Ok(Endpoint {
            target: Target::new(&id, port.node_port),
            created_ms: created_ms(&node.meta),
            backing: Backing::Node(node.meta.name.clone()),
        })
    });
    endpoints.collect()
}

fn node_selector(spec: &TargetGroupBindingSpec) -> Result<Selector, EndpointFailure> {
    Selector::parse(spec.node_selector.as_ref())
        .map_err(|message| EndpointFailure::Unusable(format!("spec.nodeSelector cannot be used: {message}")))
}

/// Whether a node may be a target of a binding: labels and taints, not readiness. Also decides which node
/// events concern a binding.
pub fn is_suitable(node: &Node, selector: &Selector) -> bool {
    const EXCLUDING_LABELS: [&str; 3] = [
        "node-role.kubernetes.io/master",
        "node.kubernetes.io/exclude-from-external-load-balancers",
        "alpha.service-controller.kubernetes.io/exclude-balancer",
    ];
    let labels = &node.meta.labels;
    let excluded = EXCLUDING_LABELS.iter().any(|key| labels.contains_key(*key))
        || labels.get(COMPUTE_TYPE).is_some_and(|value| value == "fargate");
    let tainted = node.taints.iter().any(|(key, effect)| {
        key == "ToBeDeletedByClusterAutoscaler" || (key == "karpenter.sh/disrupted" && effect == "NoSchedule")
    });
    !excluded && !tainted && selector.matches(labels)
}

/// Label that tells Fargate and hybrid nodes of EKS.
pub const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// Instance id of a node from its provider id, as a target id (upstream `pkg/k8s/node_utils.go`).
pub fn instance_id(node: &Node) -> Result<String, String> {
    let name = &node.meta.name;
    let provider = &node.provider_id;
    if provider.is_empty() {
        return Err(format!("providerID is not specified for node: {name}"));
    }
    let last = provider.rsplit('/').next().unwrap_or_default();
    if provider.starts_with("eks-hybrid://") {
        return if last.starts_with("mi-") {
            Ok(format!("hybrid-{last}"))
        } else {
            Err(format!(
                "providerID {provider} is invalid for EKS hybrid instances, node: {name}"
            ))
        };
    }
    if last.starts_with("i-") {
        Ok(last.to_owned())
    } else {
        Err(format!(
            "providerID {provider} is invalid for EC2 instances, node: {name}"
        ))
    }
}

/// Endpoints in IP mode. A pod that only waits for its readiness gates counts; one that
/// terminates does where its slice says ready, or where nobody knows of its node.
/// If there is none and `fail_open`, those on nodes whose readiness is unknown.
pub fn pod_endpoints(
    spec: &TargetGroupBindingSpec,
    namespace: &str,
    service: Option<&Service>,
    backends: &Backends,
    fail_open: bool,
) -> Result<Vec<Endpoint>, EndpointFailure> {
    let port = service_port(spec, namespace, service)?;
    let family = match spec.ip_address_type {
        Some(TargetGroupIpAddressType::Ipv6) => "IPv6",
        _ => "IPv4",
    };
    let mut ready = Vec::new();
    let mut unknown = Vec::new();
    for slice in backends.slices.iter().filter(|s| s.address_type == family) {
        for (name, number) in &slice.ports {
            if !port.name.is_empty() && *name != port.name {
                continue;
            }
            for endpoint in &slice.endpoints {
                let Some(pod) = referenced_pod(endpoint, backends) else {
                    continue;
                };
                let made = pod_endpoint(spec, endpoint, pod, *number);
                match readiness(endpoint, pod, backends) {
                    Readiness::Ready => ready.push(made),
                    Readiness::Unknown => unknown.push(made),
                    Readiness::NotReady => {}
                }
            }
        }
    }
    if ready.is_empty() && fail_open {
        return Ok(unknown);
    }
    Ok(ready)
}

enum Readiness {
    Ready,
    Unknown,
    NotReady,
}

fn referenced_pod<'a>(endpoint: &view::Endpoint, backends: &'a Backends) -> Option<&'a Pod> {
    if endpoint.address.is_empty() {
        return None;
    }
    backends
        .pods
        .get(endpoint.pod.as_ref()?)
        .map(std::convert::AsRef::as_ref)
}

fn readiness(endpoint: &view::Endpoint, pod: &Pod, backends: &Backends) -> Readiness {
    if endpoint.ready.unwrap_or(true) {
        return Readiness::Ready;
    }
    if !has_ready_containers(pod) {
        return Readiness::NotReady;
    }
    match backends.nodes.get(&pod.node).map(|node| node.ready.as_str()) {
        Some("True") if !endpoint.terminating.unwrap_or(false) => Readiness::Ready,
        Some("Unknown") => Readiness::Unknown,
        _ => Readiness::NotReady,
    }
}

/// Whether all containers of a pod are ready, whatever its readiness gates say.
pub fn has_ready_containers(pod: &Pod) -> bool {
    let condition = pod.conditions.get("ContainersReady");
    condition.is_some_and(|condition| condition.status == "True")
}

fn pod_endpoint(spec: &TargetGroupBindingSpec, endpoint: &view::Endpoint, pod: &Pod, port: i32) -> Endpoint {
    let quic = is_quic(spec).then(|| pod.quic_server_ids.get(&port).or(pod.quic_server_ids.get(&0)));
    Endpoint {
        target: Target {
            quic_server_id: quic.flatten().cloned(),
            ..Target::new(&endpoint.address, port)
        },
        created_ms: created_ms(&pod.meta),
        backing: Backing::Pod(PodRef {
            namespace: pod.meta.namespace.clone(),
            name: pod.meta.name.clone(),
            uid: pod.meta.uid.clone(),
        }),
    }
}

/// Whether targets of the binding's group carry QUIC server ids.
pub fn is_quic(spec: &TargetGroupBindingSpec) -> bool {
    matches!(
        spec.target_group_protocol,
        Some(TargetGroupProtocol::Quic | TargetGroupProtocol::TcpQuic)
    )
}

/// Creation time in Unix milliseconds; without one, Go's zero time, as upstream hashes it.
fn created_ms(meta: &view::Meta) -> i64 {
    const GO_ZERO_TIME_MS: i64 = -62_135_596_800_000;
    meta.created
        .map_or(GO_ZERO_TIME_MS, jiff::Timestamp::as_millisecond)
}
