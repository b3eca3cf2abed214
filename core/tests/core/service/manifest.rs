//! Manifests: from the JSON of a Service to the trimmed view of it.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::view::{Meta, Service, ServicePort};
use k8s_openapi::api::core::v1 as api;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

pub const UID: &str = "aaaaaaaa-1111-2222-3333-444444444444";
pub const GREEN_UID: &str = "bbbbbbbb-1111-2222-3333-444444444444";
const PREFIX: &str = "service.beta.kubernetes.io/";

/// The baseline Service of the vectors.
pub fn baseline() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "default", "name": "web", "uid": UID, "annotations": {}},
        "spec": {
            "type": "LoadBalancer",
            "loadBalancerClass": "service.k8s.aws/nlb",
            "externalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": [port("http TCP 80 8080 30080")],
        },
    })
}

/// The backend Service of the weighted vectors.
pub fn green() -> Value {
    let mut green = baseline();
    merge(
        &mut green,
        &json!({
            "metadata": {"name": "green", "uid": GREEN_UID},
            "spec": {"ports": [port("http TCP 81 9090 30081")]},
        }),
    );
    green
}

/// A port written as `name protocol port targetPort nodePort`.
pub fn port(text: &str) -> Value {
    let words: Vec<&str> = text.split(' ').collect();
    let target = words[3]
        .parse::<i32>()
        .map_or_else(|_| json!(words[3]), |number| json!(number));
    json!({
        "name": words[0],
        "protocol": words[1],
        "port": words[2].parse::<i32>().unwrap(),
        "targetPort": target,
        "nodePort": words[4].parse::<i32>().unwrap(),
    })
}

/// Adds annotations by suffix; a key with a slash or `actions.` prefix is understood too.
pub fn annotate(manifest: &mut Value, annotations: &BTreeMap<String, String>) {
    for (suffix, value) in annotations {
        manifest["metadata"]["annotations"][format!("{PREFIX}{suffix}")] = json!(value);
    }
}

/// JSON merge patch (RFC 7396).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

/// The trimmed view of a manifest, defaulted like the API server does.
pub fn view(manifest: &Value) -> Service {
    let object: api::Service = serde_json::from_value(manifest.clone()).unwrap();
    let meta = object.metadata;
    let spec = object.spec.unwrap_or_default();
    Service {
        meta: Meta {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            uid: meta.uid.unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
            finalizers: meta.finalizers.into_iter().flatten().collect::<BTreeSet<_>>(),
            annotations: meta.annotations.unwrap_or_default(),
            ..Meta::default()
        },
        type_: spec.type_.unwrap_or_else(|| "ClusterIP".to_owned()),
        load_balancer_class: spec.load_balancer_class,
        local_traffic: spec.external_traffic_policy.as_deref() == Some("Local"),
        source_ranges: spec.load_balancer_source_ranges.unwrap_or_default(),
        ip_families: spec.ip_families.unwrap_or_default(),
        health_check_node_port: spec.health_check_node_port.unwrap_or(0),
        allocate_node_ports: spec.allocate_load_balancer_node_ports,
        selector: spec.selector.unwrap_or_default(),
        ports: spec.ports.into_iter().flatten().map(view_port).collect(),
        ingress: Vec::new(),
    }
}

fn view_port(port: api::ServicePort) -> ServicePort {
    ServicePort {
        name: port.name.unwrap_or_default(),
        protocol: port.protocol.unwrap_or_else(|| "TCP".to_owned()),
        port: port.port,
        target_port: port.target_port.unwrap_or(IntOrString::Int(port.port)),
        node_port: port.node_port.unwrap_or(0),
    }
}
