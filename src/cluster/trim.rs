//! Kubernetes objects, cut down to what is read. In: the API's types. Out: `elbow_core::view`.

use std::collections::BTreeMap;

use base64::Engine as _;
use elbow_core::view::{
    BindingObject, Endpoint, EndpointSlice, IngressPoint, Meta, Node, Pod, PodCondition, Service, ServicePort,
};
use elbow_crds::target_group_binding::TargetGroupBinding;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Annotation by which a pod asks for QUIC server ids.
const QUIC_CONTAINERS: &str = "service.beta.kubernetes.io/aws-load-balancer-quic-enabled-containers";
/// Annotation in which the VPC resource controller names the pod's own network interfaces.
const POD_ENI: &str = "vpc.amazonaws.com/pod-eni";
/// Container restart policy that makes an init container a sidecar.
const ALWAYS: &str = "Always";

/// Metadata without managed fields and owners.
pub fn meta(meta: ObjectMeta) -> Meta {
    Meta {
        namespace: meta.namespace.unwrap_or_default(),
        name: meta.name.unwrap_or_default(),
        uid: meta.uid.unwrap_or_default(),
        resource_version: meta.resource_version.unwrap_or_default(),
        generation: meta.generation.unwrap_or_default(),
        deleting: meta.deletion_timestamp.is_some(),
        finalizers: meta.finalizers.unwrap_or_default().into_iter().collect(),
        labels: meta.labels.unwrap_or_default(),
        annotations: meta.annotations.unwrap_or_default(),
        created: meta.creation_timestamp.map(|time| time.0),
    }
}

/// A Service.
pub fn service(service: core::Service) -> Service {
    let spec = service.spec.unwrap_or_default();
    let ingress = service
        .status
        .and_then(|s| s.load_balancer)
        .and_then(|l| l.ingress)
        .unwrap_or_default();
    Service {
        meta: meta(service.metadata),
        type_: spec.type_.unwrap_or_default(),
        load_balancer_class: spec.load_balancer_class,
        local_traffic: spec.external_traffic_policy.as_deref() == Some("Local"),
        source_ranges: spec.load_balancer_source_ranges.unwrap_or_default(),
        ip_families: spec.ip_families.unwrap_or_default(),
        health_check_node_port: spec.health_check_node_port.unwrap_or_default(),
        allocate_node_ports: spec.allocate_load_balancer_node_ports,
        selector: spec.selector.unwrap_or_default(),
        ports: spec
            .ports
            .unwrap_or_default()
            .into_iter()
            .map(service_port)
            .collect(),
        ingress: ingress.into_iter().map(ingress_point).collect(),
    }
}

fn service_port(port: core::ServicePort) -> ServicePort {
    ServicePort {
        name: port.name.unwrap_or_default(),
        protocol: port.protocol.unwrap_or_else(|| "TCP".to_owned()),
        target_port: port.target_port.unwrap_or(IntOrString::Int(port.port)),
        port: port.port,
        node_port: port.node_port.unwrap_or_default(),
    }
}

fn ingress_point(ingress: core::LoadBalancerIngress) -> IngressPoint {
    IngressPoint {
        hostname: ingress.hostname.unwrap_or_default(),
        ip: ingress.ip.unwrap_or_default(),
        ports: ingress
            .ports
            .unwrap_or_default()
            .into_iter()
            .map(|p| (p.port, p.protocol))
            .collect(),
    }
}

/// A Node.
pub fn node(node: core::Node) -> Node {
    let spec = node.spec.unwrap_or_default();
    let status = node.status.unwrap_or_default();
    let mut meta = meta(node.metadata);
    // Heartbeats move the resource version every few seconds; nobody locks a node on it.
    meta.resource_version.clear();
    meta.annotations.clear();
    Node {
        meta,
        provider_id: spec.provider_id.unwrap_or_default(),
        ready: condition_status(status.conditions.as_deref().unwrap_or_default(), "Ready"),
        taints: spec
            .taints
            .unwrap_or_default()
            .into_iter()
            .map(|t| (t.key, t.effect))
            .collect(),
        internal_ip: status
            .addresses
            .unwrap_or_default()
            .into_iter()
            .find(|a| a.type_ == "InternalIP")
            .map(|a| a.address)
            .unwrap_or_default(),
    }
}

fn condition_status(conditions: &[core::NodeCondition], type_: &str) -> String {
    conditions
        .iter()
        .find(|c| c.type_ == type_)
        .map(|c| c.status.clone())
        .unwrap_or_default()
}

/// A Pod; `quic_variable` names the environment variable that carries a QUIC server id.
pub fn pod(pod: core::Pod, quic_variable: &str) -> Pod {
    let spec = pod.spec.unwrap_or_default();
    let status = pod.status.unwrap_or_default();
    let quic = pod
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|a| a.contains_key(QUIC_CONTAINERS));
    let mut meta = meta(pod.metadata);
    meta.annotations.retain(|key, _| key == POD_ENI);
    meta.finalizers.clear();
    meta.resource_version.clear();
    let containers: Vec<core::Container> =
        sidecars_last(spec.containers, spec.init_containers.unwrap_or_default());
    Pod {
        meta,
        node: spec.node_name.unwrap_or_default(),
        ip: status.pod_ip.unwrap_or_default(),
        container_ports: container_ports(&containers),
        readiness_gates: spec
            .readiness_gates
            .unwrap_or_default()
            .into_iter()
            .map(|g| g.condition_type)
            .collect(),
        conditions: status
            .conditions
            .unwrap_or_default()
            .into_iter()
            .map(pod_condition)
            .collect(),
        quic_server_ids: if quic {
            quic_server_ids(&containers, quic_variable)
        } else {
            BTreeMap::new()
        },
    }
}

fn sidecars_last(mut containers: Vec<core::Container>, init: Vec<core::Container>) -> Vec<core::Container> {
    containers.extend(
        init.into_iter()
            .filter(|c| c.restart_policy.as_deref() == Some(ALWAYS)),
    );
    containers
}

fn container_ports(containers: &[core::Container]) -> Vec<(String, i32)> {
    containers
        .iter()
        .flat_map(|c| c.ports.iter().flatten())
        .map(|p| (p.name.clone().unwrap_or_default(), p.container_port))
        .collect()
}

fn pod_condition(condition: core::PodCondition) -> (String, PodCondition) {
    let value = PodCondition {
        status: condition.status,
        reason: condition.reason.unwrap_or_default(),
        message: condition.message.unwrap_or_default(),
        since: condition.last_transition_time.map(|time| time.0),
    };
    (condition.type_, value)
}

/// Server ids by container port; key 0 is the pod's default, the first one found (upstream
/// `pkg/k8s/pod_info.go`).
fn quic_server_ids(containers: &[core::Container], variable: &str) -> BTreeMap<i32, String> {
    let mut ids = BTreeMap::new();
    for container in containers {
        let value = container
            .env
            .iter()
            .flatten()
            .find(|e| e.name == variable)
            .and_then(|e| e.value.as_deref());
        let Some(id) = value.and_then(decode_server_id) else {
            continue;
        };
        ids.entry(0).or_insert_with(|| id.clone());
        for port in container.ports.iter().flatten() {
            ids.insert(port.container_port, id.clone());
        }
    }
    ids
}

fn decode_server_id(value: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(value).ok()?;
    Some(
        bytes
            .iter()
            .fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    )
}

/// An EndpointSlice.
pub fn endpoint_slice(slice: discovery::EndpointSlice) -> EndpointSlice {
    let mut meta = meta(slice.metadata);
    meta.resource_version.clear();
    meta.annotations.clear();
    let service = meta
        .labels
        .get("kubernetes.io/service-name")
        .cloned()
        .unwrap_or_default();
    let namespace = meta.namespace.clone();
    EndpointSlice {
        meta,
        service,
        address_type: slice.address_type,
        ports: slice
            .ports
            .unwrap_or_default()
            .into_iter()
            .map(|p| (p.name.unwrap_or_default(), p.port.unwrap_or_default()))
            .collect(),
        endpoints: slice
            .endpoints
            .unwrap_or_default()
            .into_iter()
            .map(|one| endpoint(one, &namespace))
            .collect(),
    }
}

/// An endpoint that names a pod without its namespace means that of its slice.
fn endpoint(endpoint: discovery::Endpoint, namespace: &str) -> Endpoint {
    let conditions = endpoint.conditions.unwrap_or_default();
    let pod = endpoint
        .target_ref
        .filter(|target| target.kind.as_deref() == Some("Pod"));
    Endpoint {
        address: endpoint.addresses.into_iter().next().unwrap_or_default(),
        pod: pod.map(|target| {
            (
                target.namespace.unwrap_or_else(|| namespace.to_owned()),
                target.name.unwrap_or_default(),
            )
        }),
        ready: conditions.ready,
        serving: conditions.serving,
        terminating: conditions.terminating,
    }
}

/// A TargetGroupBinding.
pub fn binding(binding: TargetGroupBinding) -> BindingObject {
    BindingObject {
        meta: meta(binding.metadata),
        spec: binding.spec,
        status: binding.status.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_service_port_without_target_port_targets_itself() {
        let text = r#"{"metadata":{"name":"web","namespace":"default"},
            "spec":{"externalTrafficPolicy":"Local","ports":[{"port":80}]}}"#;
        let trimmed = service(serde_json::from_str(text).unwrap());
        assert!(trimmed.local_traffic);
        let port = trimmed.ports.first().unwrap();
        assert_eq!(
            (port.target_port.clone(), port.protocol.as_str()),
            (IntOrString::Int(80), "TCP")
        );
    }

    #[test]
    fn an_endpoint_names_its_pod_in_the_namespace_of_its_slice() {
        let text = r#"{"metadata":{"name":"web-1","namespace":"demo"},"addressType":"IPv4",
            "endpoints":[{"addresses":["10.0.0.1"],"targetRef":{"kind":"Pod","name":"web-0"}}]}"#;
        let trimmed = endpoint_slice(serde_json::from_str(text).unwrap());
        let pod = trimmed.endpoints.first().and_then(|one| one.pod.clone());
        assert_eq!(pod, Some(("demo".to_owned(), "web-0".to_owned())));
    }

    #[test]
    fn a_heartbeat_does_not_change_a_node() {
        let text = |version: &str| {
            format!(
                r#"{{"metadata":{{"name":"a","resourceVersion":"{version}"}},"status":{{"conditions":[
                {{"type":"Ready","status":"True","lastHeartbeatTime":"2026-01-01T00:00:0{version}Z"}}]}}}}"#
            )
        };
        let trimmed = |version| node(serde_json::from_str(&text(version)).unwrap());
        assert_eq!(trimmed("1"), trimmed("2"));
    }

    #[test]
    fn server_ids_are_shown_as_hexadecimal() {
        assert_eq!(
            decode_server_id("ASNFZ4mrze8=").as_deref(),
            Some("0x0123456789abcdef")
        );
        assert_eq!(decode_server_id("*"), None);
    }
}
