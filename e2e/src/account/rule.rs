//! Rules of an Application Load Balancer's listener, as the emulator writes them, and in words.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;

/// A rule other than the default one.
#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    /// ARN.
    pub arn: String,
    /// All must be met.
    pub conditions: Vec<Condition>,
    /// A list of actions in order.
    pub actions: Value,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Condition {
    /// `host-header`, `path-pattern`, ...
    pub field: String,
    /// One of them must match: a list of texts for hosts and paths.
    pub values: Value,
}

impl Rule {
    /// Whether it asks for exactly this: the condition fields with their values, in any order.
    pub fn asks(&self, wanted: &[(&str, Vec<String>)]) -> bool {
        let met = |(field, values): &(&str, Vec<String>)| {
            let found = self.conditions.iter().find(|one| one.field == *field);
            found.is_some_and(|one| one.values == Value::from(values.clone()))
        };
        self.conditions.len() == wanted.len() && wanted.iter().all(met)
    }

    /// `host-header a.example.com, path-pattern /x | /x/*`
    pub fn conditions_in_words(&self) -> String {
        let words = |one: &Condition| format!("{} {}", one.field, values_in_words(&one.values));
        let all: Vec<String> = self.conditions.iter().map(words).collect();
        all.join(", ")
    }
}

fn values_in_words(values: &Value) -> String {
    match values {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(values_in_words).collect::<Vec<_>>().join(" | "),
        other => other.to_string(),
    }
}

/// The kinds of the actions in order: `forward`, `redirect`, `fixed-response`, ...
pub fn kinds(actions: &Value) -> Vec<&str> {
    let fields = actions
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten();
    fields
        .map(|(key, _)| key.as_str())
        .filter(|key| *key != "order")
        .collect()
}

/// Actions in one line. Groups that are forwarded to are not named.
pub fn in_words(actions: &Value) -> String {
    let mut text = String::new();
    for action in actions.as_array().into_iter().flatten() {
        for kind in kinds(&Value::from(vec![action.clone()])) {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{separator}{kind}{}", details(kind, action.get(kind)));
        }
    }
    text
}

fn details(kind: &str, what: Option<&Value>) -> String {
    let part = |name: &str| what.and_then(|what| what.get(name)?.as_str()).unwrap_or_default();
    match kind {
        "redirect" => format!(
            " {} {}://{}:{}{}?{}",
            part("status"),
            part("protocol"),
            part("host"),
            part("port"),
            part("path"),
            part("query")
        ),
        "fixed-response" => format!(" {}", part("status")),
        _ => String::new(),
    }
}

/// The target groups that actions name.
pub fn group_arns(actions: &Value) -> BTreeSet<String> {
    let mut arns = BTreeSet::new();
    collect_target_groups(actions, &mut arns);
    arns
}

/// Actions name target groups by ARN, at different depths.
fn collect_target_groups(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains(":targetgroup/") => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_target_groups(item, found)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect_target_groups(field, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_is_found_by_its_conditions_and_told_in_words() {
        let rule: Rule = serde_json::from_value(json!({
            "arn": "r",
            "conditions": [
                { "field": "host-header", "values": ["a.example.com"] },
                { "field": "path-pattern", "values": ["/x", "/x/*"] },
            ],
            "actions": [{ "order": 1, "redirect": {
                "protocol": "HTTPS", "port": "443", "host": "#{host}", "path": "/y", "query": "#{query}",
                "status": "HTTP_302",
            } }],
        }))
        .unwrap();
        let host = ("host-header", vec!["a.example.com".to_owned()]);
        let path = ("path-pattern", vec!["/x".to_owned(), "/x/*".to_owned()]);
        assert!(rule.asks(&[path, host.clone()]));
        assert!(!rule.asks(&[host]));
        assert_eq!(
            rule.conditions_in_words(),
            "host-header a.example.com, path-pattern /x | /x/*"
        );
        assert_eq!(kinds(&rule.actions), ["redirect"]);
        assert_eq!(
            in_words(&rule.actions),
            "redirect HTTP_302 HTTPS://#{host}:443/y?#{query}"
        );
    }
}
