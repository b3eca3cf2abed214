//! The state of a world without accidents, registered targets included.

use serde_json::{Value, json};

use super::world::{CONFIG_MAPS, World};
use crate::support::canonical;

/// Fields of ours that depend on when or in which order something was made.
const ACCIDENTS: [&str; 3] = [
    "elbv2.k8s.aws/checkpoint",
    "elbv2.k8s.aws/checkpoint-timestamp",
    "lastTransitionTime",
];

/// What is in the account and in the cluster, sorted.
pub fn state(world: &World) -> Vec<Value> {
    let mut entries = canonical::state(&world.land);
    entries.iter_mut().for_each(strip);
    let account = world.land.emulator.state_json();
    let groups = account["elb"]["target_groups"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    for group in groups.values() {
        let mut targets: Vec<String> = targets(group);
        targets.sort();
        entries.push(json!({"targets": targets, "of": group["tags"]}));
    }
    for record in world.list(CONFIG_MAPS) {
        entries.push(json!({"record": record["metadata"]["name"]}));
    }
    entries.sort_by_key(Value::to_string);
    entries
}

/// Registered targets with their health; those that drain are gone already.
fn targets(group: &Value) -> Vec<String> {
    let all = group["targets"].as_object().cloned().unwrap_or_default();
    let shown = all
        .iter()
        .map(|(key, target)| (key, target["health"]["state"].as_str().unwrap_or_default()));
    shown
        .filter(|(_, state)| *state != "draining")
        .map(|(key, state)| format!("{key} {state}"))
        .collect()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !ACCIDENTS.contains(&key.as_str()));
            if let Some(Value::String(name)) = map.get_mut("hostname") {
                *name = without_accident(name);
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The name of a load balancer out of its host name `NAME-ACCIDENT.elb.REGION...`.
fn without_accident(host: &str) -> String {
    let label = host.split('.').next().unwrap_or_default();
    label.rsplit_once('-').map_or(label, |(name, _)| name).to_owned()
}

/// Panics unless two states are the same.
pub fn assert_same(state: &[Value], expected: &[Value], what: &str) {
    let extra: Vec<&Value> = state.iter().filter(|entry| !expected.contains(entry)).collect();
    let missing: Vec<&Value> = expected.iter().filter(|entry| !state.contains(entry)).collect();
    assert!(
        extra.is_empty() && missing.is_empty() && state.len() == expected.len(),
        "{what}\nonly here: {extra:#?}\nonly there: {missing:#?}"
    );
}
