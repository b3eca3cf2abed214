//! The definition of `IngressClassParams`: one version, no status.

use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::schema::{complete_root, refine_selector, set, tidy};
use crate::ingress_class_params::Definition;

const SPEC: &str = "/properties/spec";

/// The definition.
pub(super) fn definition() -> Value {
    let mut definition = serde_json::to_value(Definition::crd()).unwrap_or(Value::Null);
    set(
        &mut definition,
        "/spec/names",
        "listKind",
        json!("IngressClassParamsList"),
    );
    set(&mut definition, "/spec/versions/0", "subresources", json!({}));
    if let Some(schema) = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        refine(schema);
    }
    definition
}

fn refine(schema: &mut Value) {
    tidy(schema);
    complete_root(
        schema,
        "IngressClassParams holds settings for all Ingresses of an IngressClass.",
    );
    if let Some(selector) = schema.pointer_mut("/properties/spec/properties/namespaceSelector") {
        refine_selector(selector);
    }
    let ids = "/properties/spec/properties/subnets/properties/ids";
    set(schema, ids, "minItems", json!(1));
    set(
        schema,
        &format!("{ids}/items"),
        "pattern",
        json!("subnet-[0-9a-f]+"),
    );
    let one_spelling = json!([{
        "message": "prefixListsIDs and PrefixListsIDs exclude each other",
        "rule": "!(has(self.prefixListsIDs) && has(self.PrefixListsIDs))"
    }]);
    set(schema, SPEC, "x-kubernetes-validations", one_spelling);
}
