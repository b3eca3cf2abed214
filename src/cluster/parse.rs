//! Objects out of JSON. In: an object as the API server or a file has it. Out: its type, or the field that is
//! wrong.

use std::fmt::Write;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why an object does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unparsed {
    /// Path of the field, `spec.ports[0].port`; empty for the whole object.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads an object.
pub fn parse<K: DeserializeOwned>(object: &Value) -> Result<K, Unparsed> {
    K::deserialize(object).map_err(|error| {
        let reason = error.to_string();
        Unparsed {
            field: culprit(object, &|candidate| {
                K::deserialize(candidate).err().map(|error| error.to_string())
            }),
            reason,
        }
    })
}

/// The deepest field without which the error is not the same: serde does not say where it stopped.
fn culprit(object: &Value, error: &dyn Fn(&Value) -> Option<String>) -> String {
    let (first, mut path) = (error(object), Vec::new());
    loop {
        let node = object.pointer(&pointer(&path)).unwrap_or(&Value::Null);
        let blamed = children(node).into_iter().find(|child| {
            let mut candidate = object.clone();
            if let Some(parent) = candidate.pointer_mut(&pointer(&path)) {
                remove(parent, child);
            }
            error(&candidate) != first
        });
        match blamed {
            Some(child) => path.push(child),
            None => return text(&path),
        }
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Debug)]
enum Part {
    Key(String),
    Index(usize),
}

fn children(value: &Value) -> Vec<Part> {
    match value {
        Value::Object(fields) => fields.keys().cloned().map(Part::Key).collect(),
        Value::Array(items) => (0..items.len()).map(Part::Index).collect(),
        _ => Vec::new(),
    }
}

fn remove(parent: &mut Value, child: &Part) {
    match (parent, child) {
        (Value::Object(fields), Part::Key(key)) => drop(fields.remove(key)),
        (Value::Array(items), Part::Index(index)) => drop(items.remove(*index)),
        _ => {}
    }
}

/// The path as a JSON pointer (RFC 6901).
fn pointer(path: &[Part]) -> String {
    let parts = path.iter().map(|part| match part {
        Part::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Part::Index(index) => format!("/{index}"),
    });
    parts.collect()
}

/// The path as Kubernetes writes it.
fn text(path: &[Part]) -> String {
    let mut text = String::new();
    for part in path {
        let _ = match part {
            Part::Index(index) => write!(text, "[{index}]"),
            Part::Key(key) if key.contains(['.', '/']) => write!(text, "[{key}]"),
            Part::Key(key) if text.is_empty() => write!(text, "{key}"),
            Part::Key(key) => write!(text, ".{key}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use elbow_crds::target_group_binding::TargetGroupBinding;
    use k8s_openapi::api::core::v1::Service;
    use serde_json::json;

    use super::*;

    fn field(service: &Value) -> Unparsed {
        parse::<Service>(service).unwrap_err()
    }

    #[test]
    fn the_deepest_field_that_is_wrong_is_named() {
        let wrong = field(&json!({"spec": {"type": "LoadBalancer", "ports": "none"}}));
        assert_eq!(wrong.field, "spec.ports");
        assert!(wrong.reason.contains("expected a sequence"), "{}", wrong.reason);
        let wrong = field(&json!({"spec": {"ports": [{"port": 80}, {"port": "http"}]}}));
        assert_eq!(wrong.field, "spec.ports[1].port");
        let wrong = field(&json!({"metadata": {"annotations": {"a.b/c": 1}}, "spec": {}}));
        assert_eq!(wrong.field, "metadata.annotations[a.b/c]");
    }

    #[test]
    fn of_several_wrong_fields_one_is_named() {
        let wrong = field(&json!({"spec": {"ports": "none", "selector": 1}}));
        assert!(
            ["spec.ports", "spec.selector"].contains(&wrong.field.as_str()),
            "{}",
            wrong.field
        );
    }

    #[test]
    fn a_missing_field_is_told_at_the_object_that_lacks_it() {
        let object = json!({"metadata": {"name": "a"}, "spec": {"serviceRef": {"name": "web"}}});
        let wrong = parse::<TargetGroupBinding>(&object).unwrap_err();
        assert!(wrong.reason.contains("port"), "{wrong:?}");
        assert!(wrong.field.starts_with("spec"), "{wrong:?}");
    }
}
