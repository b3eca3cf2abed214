//! Fingerprints of stacks and settings: SHA-256 of canonical JSON.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::Stack;
use crate::settings::Settings;

/// Fields of resources that do not change what is deployed, or that AWS and Kubernetes assign.
const VOLATILE: [&str; 8] = [
    "origins",
    "certificate_origins",
    "arn",
    "dns_name",
    "state",
    "group_id",
    "uid",
    "deleting",
];
/// Settings that no build of a stack reads.
const NOT_BUILT_FROM: [&str; 4] = [
    "max_targets_per_target_group",
    "service_target_eni_security_group_tags",
    "sync_period",
    "target_group_binding_requeue",
];

/// Hex digits of SHA-256.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Fingerprint of a wanted stack: equal for stacks that ask for the same resources, whatever their order and
/// whoever asked.
pub fn stack_hash(stack: &Stack) -> String {
    let mut value = serde_json::to_value(stack).unwrap_or(Value::Null);
    if let Some(lists) = value.as_object_mut() {
        for list in lists.values_mut().filter_map(Value::as_array_mut) {
            for resource in list.iter_mut().filter_map(Value::as_object_mut) {
                for field in VOLATILE {
                    Map::remove(resource, field);
                }
            }
            list.sort_by_cached_key(|resource| canonical(resource).to_string());
        }
    }
    sha256_hex(canonical(&value).to_string().as_bytes())
}

/// Fingerprint of the settings that builds and plans read.
pub fn configuration_hash(settings: &Settings) -> String {
    let mut value = serde_json::to_value(settings).unwrap_or(Value::Null);
    if let Some(fields) = value.as_object_mut() {
        for field in NOT_BUILT_FROM {
            Map::remove(fields, field);
        }
    }
    sha256_hex(canonical(&value).to_string().as_bytes())
}

/// The same value with the keys of all objects sorted, whatever map type `serde_json` was built with.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| *key);
            Value::Object(
                sorted
                    .into_iter()
                    .map(|(key, value)| (key.clone(), canonical(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        _ => value.clone(),
    }
}
