//! The definition of `TargetGroupBinding`: `v1beta1` is stored, `v1alpha1` is served and lacks a few fields.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::schema::{complete_root, refine_condition, refine_selector, remove_fields, tidy};
use crate::target_group_binding::TargetGroupBinding;

/// Fields of the spec that `v1alpha1` does not have.
const SPEC_SINCE_V1BETA1: [&str; 4] = ["ipAddressType", "nodeSelector", "targetGroupProtocol", "vpcID"];
/// Fields of the status that `v1alpha1` does not have.
const STATUS_SINCE_V1BETA1: [&str; 1] = ["conditions"];

const SCHEMA: &str = "/schema/openAPIV3Schema";

/// The definition with both versions, older one first.
pub(super) fn definition() -> Value {
    let mut definition = serde_json::to_value(TargetGroupBinding::crd()).unwrap_or(Value::Null);
    if let Some(names) = definition
        .pointer_mut("/spec/names")
        .and_then(Value::as_object_mut)
    {
        names.insert("listKind".to_owned(), json!("TargetGroupBindingList"));
    }
    if let Some(versions) = definition
        .pointer_mut("/spec/versions")
        .and_then(Value::as_array_mut)
    {
        for version in versions.iter_mut() {
            refine(version);
        }
        let older: Vec<Value> = versions.iter().map(v1alpha1).collect();
        versions.splice(0..0, older);
    }
    definition
}

fn refine(version: &mut Value) {
    let Some(schema) = version.pointer_mut(SCHEMA) else {
        return;
    };
    tidy(schema);
    complete_root(
        schema,
        "TargetGroupBinding binds the endpoints of a Service to an ELBv2 target group.",
    );
    if let Some(selector) = schema.pointer_mut("/properties/spec/properties/nodeSelector") {
        refine_selector(selector);
    }
    if let Some(condition) = schema.pointer_mut("/properties/status/properties/conditions/items") {
        refine_condition(condition);
    }
}

fn v1alpha1(v1beta1: &Value) -> Value {
    let mut version = v1beta1.clone();
    if let Some(fields) = version.as_object_mut() {
        fields.insert("name".to_owned(), json!("v1alpha1"));
        fields.insert("storage".to_owned(), json!(false));
    }
    if let Some(schema) = version.pointer_mut(SCHEMA) {
        remove_fields(schema, "/properties/spec/properties", &SPEC_SINCE_V1BETA1);
        remove_fields(schema, "/properties/status/properties", &STATUS_SINCE_V1BETA1);
    }
    version
}
