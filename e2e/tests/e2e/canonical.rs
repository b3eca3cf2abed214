//! An account without what differs from run to run: ids, names with hashes, times, addresses, node ports.

use serde_json::{Value, json};

/// Times, and what AWS chooses by itself; a rule's number, of which only the order counts.
const VOLATILE: [&str; 7] = [
    "created",
    "created_at",
    "active_at",
    "default_rule",
    "dns_name",
    "priority",
    "zones",
];
/// Node ports are given by chance.
const NODE_PORTS: std::ops::Range<u64> = 30_000..32_768;

/// What the controller made, ids replaced by what they stand for, `namespace` by `NAMESPACE`. Two accounts in
/// which it made the same have equal texts; a second load balancer of one Service shows as a second entry.
pub fn canonical(state: &Value, namespace: &str) -> String {
    let mut names = symbols(state);
    names.push((namespace.to_owned(), "NAMESPACE".to_owned()));
    let ours = json!({ "elb": state["elb"], "security_groups": state["ec2"]["security_groups"] });
    format!("{:#}", walk(&ours, &names))
}

/// Ids, ARNs and names with what they stand for.
fn symbols(state: &Value) -> Vec<(String, String)> {
    let stack = |one: &Value| tag(one, "stack");
    let mut found = Vec::new();
    for (arn, one) in entries(&state["elb"]["listeners"]) {
        let owner = &state["elb"]["load_balancers"][text(&one["load_balancer"])];
        let symbol = format!("listener of {} port {}", stack(owner), one["port"]);
        for (rank, (_, rule)) in ranked(&one["rules"]).iter().enumerate() {
            found.push((text(&rule["arn"]), format!("rule {rank} of {symbol}")));
        }
        found.push((arn, symbol));
    }
    for kind in ["load_balancers", "target_groups"] {
        for (arn, one) in entries(&state["elb"][kind]) {
            let symbol = format!("{kind} of {} {}", stack(one), tag(one, "resource"));
            found.push((arn, symbol.clone()));
            found.push((text(&one["name"]), symbol));
        }
    }
    for (id, one) in entries(&state["ec2"]["security_groups"]) {
        let resource = tag(one, "resource");
        let shared = text(&one["tags"]["elbv2.k8s.aws/resource"]);
        if !resource.is_empty() || !shared.is_empty() {
            let symbol = format!("group of {} {resource}{shared}", stack(one));
            found.push((id, symbol.clone()));
            found.push((text(&one["name"]), symbol));
        }
    }
    found
}

fn entries(map: &Value) -> Vec<(String, &Value)> {
    let fields = map.as_object().into_iter().flatten();
    fields.map(|(key, value)| (key.clone(), value)).collect()
}

/// A tag of a Service's or an Ingress's stack.
fn tag(one: &Value, name: &str) -> String {
    let keys = [
        format!("service.k8s.aws/{name}"),
        format!("ingress.k8s.aws/{name}"),
    ];
    let found = keys.iter().find_map(|key| one["tags"][key.as_str()].as_str());
    found.unwrap_or_default().to_owned()
}

/// Rules in the order of their priorities.
fn ranked(rules: &Value) -> Vec<(String, &Value)> {
    let mut ranked = entries(rules);
    ranked.sort_by_key(|(priority, _)| priority.parse::<u32>().unwrap_or_default());
    ranked
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn walk(value: &Value, names: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => json!(replaced(text, names)),
        Value::Number(number) if number.as_u64().is_some_and(|one| NODE_PORTS.contains(&one)) => {
            json!("node port")
        }
        Value::Array(items) => sorted(items.iter().map(|item| walk(item, names)).collect()),
        Value::Object(fields) => {
            let mut walked = serde_json::Map::new();
            for (key, field) in fields.iter().filter(|(key, _)| !VOLATILE.contains(&key.as_str())) {
                let (mut name, field) = entry(key, field, names);
                while walked.contains_key(&name) {
                    name.push_str(" once more");
                }
                walked.insert(name, field);
            }
            Value::Object(walked)
        }
        other => other.clone(),
    }
}

fn entry(key: &str, field: &Value, names: &[(String, String)]) -> (String, Value) {
    match key {
        "targets" => (key.to_owned(), states(field)),
        "rules" => {
            let rules = ranked(field).into_iter().map(|(_, rule)| walk(rule, names));
            (key.to_owned(), rules.collect())
        }
        _ => (replaced(key, names), walk(field, names)),
    }
}

fn replaced(text: &str, names: &[(String, String)]) -> String {
    if text.starts_with("sgr-") || text.starts_with("eni-") {
        return "id".to_owned();
    }
    let whole = names.iter().filter(|(name, _)| !name.is_empty());
    whole.fold(text.to_owned(), |text, (name, symbol)| text.replace(name, symbol))
}

/// The health of targets, without their ids; those that drain are on their way out.
fn states(targets: &Value) -> Value {
    let states = entries(targets)
        .into_iter()
        .map(|(_, target)| target["health"]["state"].clone())
        .filter(|state| !text(state).ends_with("draining"));
    sorted(states.collect())
}

fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_key(Value::to_string);
    json!(items)
}
