//! The state of account and cluster without accidents: identifiers by owner and resource tag, no times.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::land::{BINDINGS, Land, SERVICES};

const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";
const RECORDS: &str = "/api/v1/configmaps";

/// Fields that depend on when or in which order something was made.
const ACCIDENTS: [&str; 15] = [
    "active_at",
    "created",
    "created_at",
    "default_rule",
    "dns_name",
    "hosted_zone",
    "creationTimestamp",
    "generation",
    "observedGeneration",
    "resourceVersion",
    "uid",
    "elbv2.k8s.aws/checkpoint-timestamp",
    "active",
    "arn",
    "elbv2.k8s.aws/checkpoint",
];

/// What is in the account and in the cluster, one entry each, sorted; a duplicate shows as a second entry.
pub fn state(land: &Land) -> Vec<Value> {
    let account = land.emulator.state_json();
    let names = names(&account);
    let mut entries = Vec::new();
    for (part, kind) in [
        ("elb", "load_balancers"),
        ("elb", "listeners"),
        ("elb", "target_groups"),
        ("ec2", "security_groups"),
    ] {
        for value in items(&account[part][kind]) {
            let mut value = value.clone();
            keep_registered(&mut value);
            rank_rules(&mut value);
            entries.push(json!({kind: clean(&value, &names)}));
        }
    }
    for record in land.cluster.list::<Value>(RECORDS) {
        entries.push(json!({RECORDS: record["metadata"]["name"]}));
    }
    for collection in [SERVICES, INGRESSES, BINDINGS] {
        for value in land.cluster.list::<Value>(collection) {
            entries.push(json!({collection: clean(&value, &names)}));
        }
    }
    entries.sort_by_key(Value::to_string);
    entries
}

/// Of targets only who is registered counts.
fn keep_registered(group: &mut Value) {
    if let Some(Value::Object(targets)) = group.get_mut("targets") {
        targets.retain(|_, target| target["health"]["state"] != "draining");
        targets.values_mut().for_each(|target| *target = Value::Null);
    }
}

/// Of the numbers of rules only the order counts, and their resource tag says where they once stood.
fn rank_rules(listener: &mut Value) {
    let Some(Value::Object(rules)) = listener.get_mut("rules") else {
        return;
    };
    let mut rules: Vec<Value> = rules.values().cloned().collect();
    rules.sort_by_key(|rule| rule["priority"].as_u64());
    for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
        rule.remove("priority");
        if let Some(Value::Object(tags)) = rule.get_mut("tags") {
            tags.remove("ingress.k8s.aws/resource");
        }
    }
    listener["rules"] = Value::Array(rules);
}

fn items(collection: &Value) -> Vec<&Value> {
    match collection {
        Value::Object(map) => map.values().collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    }
}

/// From identifiers to names.
fn names(account: &Value) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (part, kind) in [
        ("elb", "load_balancers"),
        ("elb", "target_groups"),
        ("ec2", "security_groups"),
    ] {
        for value in items(&account[part][kind]) {
            let id = value["arn"].as_str().or(value["id"].as_str()).unwrap();
            names.insert(id.to_owned(), format!("{kind} {}", name(value)));
            if let Some(dns) = value["dns_name"].as_str() {
                names.insert(dns.to_owned(), format!("address of {}", name(value)));
            }
        }
    }
    for value in items(&account["elb"]["listeners"]) {
        let balancer = value["load_balancer"].as_str().unwrap();
        let of = names.get(balancer).cloned().unwrap_or_default();
        let id = value["arn"].as_str().unwrap();
        names.insert(id.to_owned(), format!("listener {} of {of}", value["port"]));
    }
    names
}

fn name(value: &Value) -> String {
    let tag = |key: &str| value["tags"][key].as_str();
    for kind in ["service", "ingress"] {
        let (stack, resource) = (
            format!("{kind}.k8s.aws/stack"),
            format!("{kind}.k8s.aws/resource"),
        );
        if let (Some(stack), Some(resource)) = (tag(&stack), tag(&resource)) {
            return format!("{stack} {resource}");
        }
    }
    format!("untagged {}", value["name"].as_str().unwrap_or_default())
}

fn clean(value: &Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::Object(map) => {
            let rule_id = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("sgr-"));
            let kept = map
                .iter()
                .filter(|(key, value)| !ACCIDENTS.contains(&key.as_str()) && !rule_id(value));
            kept.map(|(key, value)| (text(key, names), clean(value, names)))
                .collect()
        }
        Value::Array(list) => list.iter().map(|value| clean(value, names)).collect(),
        Value::String(string) => Value::String(text(string, names)),
        other => other.clone(),
    }
}

fn text(string: &str, names: &BTreeMap<String, String>) -> String {
    let mut text = string.to_owned();
    for (id, name) in names {
        text = text.replace(id, name);
    }
    text
}
