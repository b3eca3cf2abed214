//! From derived schemas to the ones upstream publishes: same constraints, nothing more.

use serde_json::{Map, Value, json};

/// Takes out what the derivation adds and upstream does not have: `nullable` and `null` among the values of
/// an enum. Gives int-or-string fields the two alternatives that upstream spells out.
pub(super) fn tidy(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else {
        return;
    };
    node.remove("nullable");
    node.remove("title");
    if let Some(values) = node.get_mut("enum").and_then(Value::as_array_mut) {
        values.retain(|value| !value.is_null());
    }
    if node.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        let either = json!([{ "type": "integer" }, { "type": "string" }]);
        node.insert("anyOf".to_owned(), either);
        return;
    }
    for key in ["items", "additionalProperties"] {
        if let Some(child) = node.get_mut(key) {
            tidy(child);
        }
    }
    if let Some(children) = node.get_mut("properties").and_then(Value::as_object_mut) {
        children.values_mut().for_each(tidy);
    }
}

/// The root of every kind: the usual three fields, and no field required.
pub(super) fn complete_root(schema: &mut Value, description: &str) {
    let Some(root) = schema.as_object_mut() else {
        return;
    };
    root.remove("required");
    root.insert("description".to_owned(), json!(description));
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        let version = "Version of the schema of this object.";
        properties.insert("apiVersion".to_owned(), described("string", version));
        properties.insert("kind".to_owned(), described("string", "Kind of this object."));
        properties.insert("metadata".to_owned(), json!({ "type": "object" }));
    }
}

fn described(kind: &str, description: &str) -> Value {
    json!({ "description": description, "type": kind })
}

/// A label selector as Kubernetes declares it: replaced as a whole by server-side apply.
pub(super) fn refine_selector(selector: &mut Value) {
    let atomic = json!("atomic");
    set(selector, "", "x-kubernetes-map-type", atomic.clone());
    set(
        selector,
        "/properties/matchExpressions",
        "x-kubernetes-list-type",
        atomic.clone(),
    );
    set(
        selector,
        "/properties/matchExpressions/items/properties/values",
        "x-kubernetes-list-type",
        atomic,
    );
}

/// The constraints of `metav1.Condition`, which the derivation does not know.
pub(super) fn refine_condition(condition: &mut Value) {
    let reason = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
    let kind = "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?\
                (([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
    let constraints = [
        ("message", "maxLength", json!(32768)),
        ("observedGeneration", "minimum", json!(0)),
        ("reason", "maxLength", json!(1024)),
        ("reason", "minLength", json!(1)),
        ("reason", "pattern", json!(reason)),
        ("status", "enum", json!(["True", "False", "Unknown"])),
        ("type", "maxLength", json!(316)),
        ("type", "pattern", json!(kind)),
    ];
    for (field, keyword, value) in constraints {
        set(condition, &format!("/properties/{field}"), keyword, value);
    }
}

/// Sets a keyword of the node at a JSON pointer, if the node is there.
pub(super) fn set(root: &mut Value, pointer: &str, keyword: &str, value: Value) {
    if let Some(node) = root.pointer_mut(pointer).and_then(Value::as_object_mut) {
        node.insert(keyword.to_owned(), value);
    }
}

/// Removes fields from the `properties` of the node at a JSON pointer.
pub(super) fn remove_fields(root: &mut Value, pointer: &str, fields: &[&str]) {
    let properties = root.pointer_mut(pointer).and_then(Value::as_object_mut);
    if let Some(properties) = properties {
        for field in fields {
            Map::remove(properties, *field);
        }
    }
}
