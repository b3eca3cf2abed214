//! An account without what differs from run to run: ids, names with hashes, times, addresses, node ports.

use serde_json::{Value, json};

/// Times, and what AWS chooses by itself.
const VOLATILE: [&str; 6] = [
    "created",
    "created_at",
    "active_at",
    "default_rule",
    "dns_name",
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
    let stack = |one: &Value| text(&one["tags"]["service.k8s.aws/stack"]);
    let mut found = Vec::new();
    for (arn, one) in entries(&state["elb"]["listeners"]) {
        let owner = &state["elb"]["load_balancers"][text(&one["load_balancer"])];
        found.push((arn, format!("listener of {} port {}", stack(owner), one["port"])));
    }
    for kind in ["load_balancers", "target_groups"] {
        for (arn, one) in entries(&state["elb"][kind]) {
            let resource = text(&one["tags"]["service.k8s.aws/resource"]);
            let symbol = format!("{kind} of {} {resource}", stack(one));
            found.push((arn, symbol.clone()));
            found.push((text(&one["name"]), symbol));
        }
    }
    for (id, one) in entries(&state["ec2"]["security_groups"]) {
        let resource = text(&one["tags"]["service.k8s.aws/resource"]);
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
            let kept = fields.iter().filter(|(key, _)| !VOLATILE.contains(&key.as_str()));
            kept.map(|(key, field)| match key.as_str() {
                "targets" => (key.clone(), states(field)),
                _ => (replaced(key, names), walk(field, names)),
            })
            .collect()
        }
        other => other.clone(),
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
