//! The schema of IngressClassParams, field by field, against upstream's published definition
//! (`config/crd/bases/elbv2.k8s.aws_ingressclassparams.yaml`). Each row: path, type or form, constraints.

use elbow_crds::ingress::words::{IpAddressType, Scheme, TargetType};
use elbow_crds::ingress_class_params::{IngressClassParams, IngressClassParamsSpec};
use serde_json::{Value, json};

use crate::schema_rows::{self, assert_rows};

const FILE: &str = "elbv2.k8s.aws_ingressclassparams.yaml";

fn definition() -> Value {
    schema_rows::definition(FILE)
}

fn version() -> Value {
    schema_rows::version(FILE, "v1beta1")
}

fn expected() -> Vec<(&'static str, Value)> {
    let object = json!({ "type": "object" });
    let array = json!({ "type": "array" });
    let atomic = json!({ "type": "array", "x-kubernetes-list-type": "atomic" });
    let string = json!({ "type": "string" });
    let int32 = json!({ "type": "integer", "format": "int32" });
    let pair = json!({ "type": "object", "required": ["key", "value"] });
    vec![
        ("", object.clone()),
        (".apiVersion", string.clone()),
        (".kind", string.clone()),
        (".metadata", object.clone()),
        (
            ".spec",
            json!({ "type": "object", "x-kubernetes-validations": [{ "rule": "!(has(self.prefixListsIDs) && has(self.PrefixListsIDs))" }] }),
        ),
        (".spec.certificateArn", array.clone()),
        (".spec.certificateArn[]", string.clone()),
        (".spec.inboundCIDRs", array.clone()),
        (".spec.inboundCIDRs[]", string.clone()),
        (".spec.prefixListsIDs", array.clone()),
        (".spec.prefixListsIDs[]", string.clone()),
        (".spec.PrefixListsIDs", array.clone()),
        (".spec.PrefixListsIDs[]", string.clone()),
        (".spec.group", json!({ "type": "object", "required": ["name"] })),
        (".spec.group.name", string.clone()),
        (
            ".spec.ipAddressType",
            json!({ "type": "string", "enum": ["ipv4", "dualstack", "dualstack-without-public-ipv4"] }),
        ),
        (".spec.ipamConfiguration", object.clone()),
        (".spec.ipamConfiguration.ipv4IPAMPoolId", string.clone()),
        (".spec.listeners", array.clone()),
        (".spec.listeners[]", object.clone()),
        (".spec.listeners[].protocol", string.clone()),
        (".spec.listeners[].port", int32.clone()),
        (".spec.listeners[].listenerAttributes", array.clone()),
        (".spec.listeners[].listenerAttributes[]", pair.clone()),
        (".spec.listeners[].listenerAttributes[].key", string.clone()),
        (".spec.listeners[].listenerAttributes[].value", string.clone()),
        (".spec.loadBalancerAttributes", array.clone()),
        (".spec.loadBalancerAttributes[]", pair.clone()),
        (".spec.loadBalancerAttributes[].key", string.clone()),
        (".spec.loadBalancerAttributes[].value", string.clone()),
        (".spec.tags", array.clone()),
        (".spec.tags[]", pair.clone()),
        (".spec.tags[].key", string.clone()),
        (".spec.tags[].value", string.clone()),
        (".spec.loadBalancerName", string.clone()),
        (".spec.sslPolicy", string.clone()),
        (".spec.sslRedirectPort", string.clone()),
        (".spec.wafv2AclArn", string.clone()),
        (".spec.wafv2AclName", string.clone()),
        (
            ".spec.minimumLoadBalancerCapacity",
            json!({ "type": "object", "required": ["capacityUnits"] }),
        ),
        (".spec.minimumLoadBalancerCapacity.capacityUnits", int32),
        (
            ".spec.namespaceSelector",
            json!({ "type": "object", "x-kubernetes-map-type": "atomic" }),
        ),
        (".spec.namespaceSelector.matchExpressions", atomic.clone()),
        (
            ".spec.namespaceSelector.matchExpressions[]",
            json!({ "type": "object", "required": ["key", "operator"] }),
        ),
        (".spec.namespaceSelector.matchExpressions[].key", string.clone()),
        (
            ".spec.namespaceSelector.matchExpressions[].operator",
            string.clone(),
        ),
        (".spec.namespaceSelector.matchExpressions[].values", atomic),
        (
            ".spec.namespaceSelector.matchExpressions[].values[]",
            string.clone(),
        ),
        (
            ".spec.namespaceSelector.matchLabels",
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        ),
        (
            ".spec.scheme",
            json!({ "type": "string", "enum": ["internal", "internet-facing"] }),
        ),
        (".spec.subnets", object.clone()),
        (".spec.subnets.ids", json!({ "type": "array", "minItems": 1 })),
        (
            ".spec.subnets.ids[]",
            json!({ "type": "string", "pattern": "subnet-[0-9a-f]+" }),
        ),
        (
            ".spec.subnets.tags",
            json!({ "type": "object", "additionalProperties": { "type": "array", "items": { "type": "string" } } }),
        ),
        (
            ".spec.targetType",
            json!({ "type": "string", "enum": ["instance", "ip"] }),
        ),
    ]
}

#[test]
fn the_schema_has_upstreams_fields_and_constraints() {
    let mut found = schema_rows::rows(&version());
    // The text a refused object is answered with is our own.
    for (_, row) in &mut found {
        if let Some(rule) = row.pointer_mut("/x-kubernetes-validations/0") {
            let message = rule.as_object_mut().expect("a rule").remove("message");
            assert!(message.is_some_and(|message| message.is_string()));
        }
    }
    assert_rows(&found, &expected());
}

#[test]
fn one_version_is_served_and_stored_without_subresources() {
    let versions = definition()["spec"]["versions"].clone();
    assert_eq!(versions.as_array().expect("versions").len(), 1);
    let version = version();
    assert_eq!(
        (&version["served"], &version["storage"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(version["subresources"], json!({}));
}

#[test]
fn the_columns_are_upstreams() {
    let columns = [
        ("GROUP-NAME", "string", ".spec.group.name", 0),
        ("SCHEME", "string", ".spec.scheme", 0),
        ("IP-ADDRESS-TYPE", "string", ".spec.ipAddressType", 0),
        ("AGE", "date", ".metadata.creationTimestamp", 0),
    ];
    assert_eq!(schema_rows::columns(&version()), columns);
}

#[test]
fn the_names_are_upstreams_and_the_kind_belongs_to_the_cluster() {
    let (plural, singular) = ("ingressclassparams", "ingressclassparam");
    schema_rows::assert_names(&definition(), "Cluster", "IngressClassParams", plural, singular);
}

#[test]
fn an_object_without_a_spec_is_read_as_one_with_an_empty_spec() {
    let mut object = json!({
        "apiVersion": "elbv2.k8s.aws/v1beta1",
        "kind": "IngressClassParams",
        "metadata": { "name": "plain" },
    });
    let params: IngressClassParams = serde_json::from_value(object.clone()).expect("it is readable");
    assert_eq!(params.metadata.name.as_deref(), Some("plain"));
    assert_eq!(params.spec, IngressClassParamsSpec::default());
    object["spec"] = json!({});
    assert_eq!(params, serde_json::from_value(object).expect("it is readable"));
}

#[test]
fn every_field_is_read_from_its_published_spelling() {
    let spec: IngressClassParamsSpec = serde_json::from_value(json!({
        "certificateArn": ["arn:a"],
        "namespaceSelector": { "matchLabels": { "team": "a" } },
        "group": { "name": "g" },
        "scheme": "internet-facing",
        "inboundCIDRs": ["10.0.0.0/8"],
        "sslPolicy": "p",
        "sslRedirectPort": "443",
        "subnets": { "tags": { "Name": ["a", "b"] } },
        "ipAddressType": "dualstack",
        "tags": [{ "key": "k", "value": "v" }],
        "targetType": "ip",
        "loadBalancerAttributes": [{ "key": "la", "value": "1" }],
        "listeners": [
            { "protocol": "HTTPS", "port": 443, "listenerAttributes": [{ "key": "x", "value": "first" }] },
            { "protocol": "HTTPS", "port": 443, "listenerAttributes": [{ "key": "x", "value": "second" }] }
        ],
        "minimumLoadBalancerCapacity": { "capacityUnits": 5 },
        "ipamConfiguration": { "ipv4IPAMPoolId": "ipam-pool-1" },
        "PrefixListsIDs": ["pl-old"],
        "wafv2AclArn": "arn:w",
        "wafv2AclName": "w",
        "loadBalancerName": "n"
    }))
    .expect("readable");
    assert_eq!(spec.scheme, Some(Scheme::InternetFacing));
    assert_eq!(spec.ip_address_type, Some(IpAddressType::Dualstack));
    assert_eq!(spec.target_type, Some(TargetType::Ip));
    assert_eq!(spec.group.as_ref().map(|group| group.name.as_str()), Some("g"));
    assert_eq!(spec.prefix_lists(), ["pl-old"]);
    assert_eq!(spec.listener_attributes("HTTPS", 443)[0].value, "first");
    assert!(spec.listener_attributes("HTTP", 443).is_empty());
    let again = serde_json::to_value(&spec).expect("writable");
    let known: std::collections::BTreeSet<String> =
        again.as_object().expect("object").keys().cloned().collect();
    assert_eq!(known.len(), 19, "every field given is written again: {known:?}");
    assert_eq!(again["ipamConfiguration"]["ipv4IPAMPoolId"], "ipam-pool-1");
    assert_eq!(again["PrefixListsIDs"], json!(["pl-old"]));
    assert_eq!(again["sslRedirectPort"], "443");
}

#[test]
fn the_newer_spelling_of_prefix_lists_wins() {
    let spec: IngressClassParamsSpec =
        serde_json::from_value(json!({ "prefixListsIDs": ["pl-new"], "PrefixListsIDs": ["pl-old"] }))
            .expect("readable");
    assert_eq!(spec.prefix_lists(), ["pl-new"]);
}
