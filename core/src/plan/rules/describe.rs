//! Rules for printing.

use crate::model::{Condition, Patterns, QueryPair, Rule};
use crate::plan::listener_drift::describe_actions;

/// `host a.com, path /x /x/* -> forward web`.
pub(super) fn describe(rule: &Rule) -> String {
    format!(
        "{} -> {}",
        describe_conditions(&rule.conditions),
        describe_actions(&rule.actions)
    )
}

/// `host a.com, path /x /x/*`.
pub(super) fn describe_conditions(conditions: &[Condition]) -> String {
    conditions
        .iter()
        .map(describe_condition)
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe_condition(condition: &Condition) -> String {
    match condition {
        Condition::HostHeader(patterns) => format!("host {}", describe_patterns(patterns)),
        Condition::PathPattern(patterns) => format!("path {}", describe_patterns(patterns)),
        Condition::HttpHeader { name, patterns } => format!("header {name} {}", describe_patterns(patterns)),
        Condition::HttpRequestMethod(methods) => format!("method {}", methods.join(" ")),
        Condition::QueryString(pairs) => {
            format!(
                "query {}",
                pairs.iter().map(describe_pair).collect::<Vec<_>>().join(" ")
            )
        }
        Condition::SourceIp(ranges) => format!("source {}", ranges.join(" ")),
    }
}

fn describe_patterns(patterns: &Patterns) -> String {
    match patterns {
        Patterns::Values(values) => values.join(" "),
        Patterns::Regexes(values) => format!("matching {}", values.join(" ")),
    }
}

fn describe_pair(pair: &QueryPair) -> String {
    match &pair.key {
        Some(key) => format!("{key}={}", pair.value),
        None => pair.value.clone(),
    }
}
