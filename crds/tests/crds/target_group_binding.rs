//! The schema of TargetGroupBinding, field by field, against upstream's published definition
//! (`config/crd/bases/elbv2.k8s.aws_targetgroupbindings.yaml`). Each row: path, type or form, constraints.

use serde_json::{Value, json};

use crate::schema_rows::{self, assert_rows};

const FILE: &str = "elbv2.k8s.aws_targetgroupbindings.yaml";

fn definition() -> Value {
    schema_rows::definition(FILE)
}

fn version(name: &str) -> Value {
    schema_rows::version(FILE, name)
}

fn rows(name: &str) -> Vec<(String, Value)> {
    schema_rows::rows(&version(name))
}

fn expected() -> Vec<(&'static str, Value)> {
    let object = json!({ "type": "object" });
    let array = json!({ "type": "array" });
    let string = json!({ "type": "string" });
    let either = json!({
        "anyOf": [{ "type": "integer" }, { "type": "string" }],
        "x-kubernetes-int-or-string": true
    });
    let protocols = [
        "HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC",
    ];
    let kind = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
    vec![
        ("", object.clone()),
        (".apiVersion", string.clone()),
        (".kind", string.clone()),
        (".metadata", object.clone()),
        (".spec", json!({ "type": "object", "required": ["serviceRef"] })),
        (".spec.assumeRoleExternalId", string.clone()),
        (".spec.iamRoleArnToAssume", string.clone()),
        (
            ".spec.ipAddressType",
            json!({ "type": "string", "enum": ["ipv4", "ipv6"] }),
        ),
        (".spec.multiClusterTargetGroup", json!({ "type": "boolean" })),
        (".spec.networking", object.clone()),
        (".spec.networking.ingress", array.clone()),
        (
            ".spec.networking.ingress[]",
            json!({ "type": "object", "required": ["from", "ports"] }),
        ),
        (".spec.networking.ingress[].from", array.clone()),
        (".spec.networking.ingress[].from[]", object.clone()),
        (
            ".spec.networking.ingress[].from[].ipBlock",
            json!({ "type": "object", "required": ["cidr"] }),
        ),
        (".spec.networking.ingress[].from[].ipBlock.cidr", string.clone()),
        (
            ".spec.networking.ingress[].from[].securityGroup",
            json!({ "type": "object", "required": ["groupID"] }),
        ),
        (
            ".spec.networking.ingress[].from[].securityGroup.groupID",
            string.clone(),
        ),
        (".spec.networking.ingress[].ports", array.clone()),
        (".spec.networking.ingress[].ports[]", object.clone()),
        (".spec.networking.ingress[].ports[].port", either.clone()),
        (
            ".spec.networking.ingress[].ports[].protocol",
            json!({ "type": "string", "enum": ["TCP", "UDP"] }),
        ),
        (
            ".spec.nodeSelector",
            json!({ "type": "object", "x-kubernetes-map-type": "atomic" }),
        ),
        (
            ".spec.nodeSelector.matchExpressions",
            json!({ "type": "array", "x-kubernetes-list-type": "atomic" }),
        ),
        (
            ".spec.nodeSelector.matchExpressions[]",
            json!({ "type": "object", "required": ["key", "operator"] }),
        ),
        (".spec.nodeSelector.matchExpressions[].key", string.clone()),
        (".spec.nodeSelector.matchExpressions[].operator", string.clone()),
        (
            ".spec.nodeSelector.matchExpressions[].values",
            json!({ "type": "array", "x-kubernetes-list-type": "atomic" }),
        ),
        (".spec.nodeSelector.matchExpressions[].values[]", string.clone()),
        (
            ".spec.nodeSelector.matchLabels",
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        ),
        (
            ".spec.serviceRef",
            json!({ "type": "object", "required": ["name", "port"] }),
        ),
        (".spec.serviceRef.name", string.clone()),
        (".spec.serviceRef.port", either),
        (".spec.targetGroupARN", string.clone()),
        (".spec.targetGroupName", string.clone()),
        (
            ".spec.targetGroupProtocol",
            json!({ "type": "string", "enum": protocols }),
        ),
        (
            ".spec.targetType",
            json!({ "type": "string", "enum": ["instance", "ip"] }),
        ),
        (".spec.vpcID", string.clone()),
        (".status", object),
        (".status.conditions", array),
        (
            ".status.conditions[]",
            json!({
                "type": "object",
                "required": ["lastTransitionTime", "message", "reason", "status", "type"]
            }),
        ),
        (
            ".status.conditions[].lastTransitionTime",
            json!({ "type": "string", "format": "date-time" }),
        ),
        (
            ".status.conditions[].message",
            json!({ "type": "string", "maxLength": 32768 }),
        ),
        (
            ".status.conditions[].observedGeneration",
            json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        ),
        (
            ".status.conditions[].reason",
            json!({
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
            }),
        ),
        (
            ".status.conditions[].status",
            json!({ "type": "string", "enum": ["True", "False", "Unknown"] }),
        ),
        (
            ".status.conditions[].type",
            json!({ "type": "string", "maxLength": 316, "pattern": kind }),
        ),
        (
            ".status.observedGeneration",
            json!({ "type": "integer", "format": "int64" }),
        ),
    ]
}

#[test]
fn v1beta1_has_upstreams_fields_and_constraints() {
    assert_rows(&rows("v1beta1"), &expected());
}

#[test]
fn v1alpha1_lacks_what_came_with_v1beta1_and_nothing_else() {
    let later = [
        ".spec.targetGroupProtocol",
        ".spec.nodeSelector",
        ".spec.ipAddressType",
        ".spec.vpcID",
        ".status.conditions",
    ];
    let mut expected = expected();
    expected.retain(|(path, _)| !later.iter().any(|field| path.starts_with(field)));
    assert_rows(&rows("v1alpha1"), &expected);
}

#[test]
fn both_versions_are_served_and_v1beta1_is_stored() {
    let served: Vec<(Value, Value, Value)> = definition()["spec"]["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|v| (v["name"].clone(), v["served"].clone(), v["storage"].clone()))
        .collect();
    assert_eq!(
        served,
        [
            (json!("v1alpha1"), json!(true), json!(false)),
            (json!("v1beta1"), json!(true), json!(true)),
        ]
    );
}

#[test]
fn both_versions_have_a_status_subresource_and_upstreams_columns() {
    let columns = [
        ("SERVICE-NAME", "string", ".spec.serviceRef.name", 0),
        ("SERVICE-PORT", "string", ".spec.serviceRef.port", 0),
        ("TARGET-TYPE", "string", ".spec.targetType", 0),
        ("ARN", "string", ".spec.targetGroupARN", 1),
        ("NAME", "string", ".spec.targetGroupName", 2),
        ("AGE", "date", ".metadata.creationTimestamp", 0),
    ];
    for name in ["v1alpha1", "v1beta1"] {
        let version = version(name);
        assert_eq!(version["subresources"], json!({ "status": {} }), "{name}");
        assert_eq!(schema_rows::columns(&version), columns, "{name}");
    }
}

#[test]
fn the_names_are_upstreams() {
    let definition = definition();
    let (plural, singular) = ("targetgroupbindings", "targetgroupbinding");
    schema_rows::assert_names(&definition, "Namespaced", "TargetGroupBinding", plural, singular);
    assert_eq!(definition["spec"].get("conversion"), None);
}
