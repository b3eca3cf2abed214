//! When two rules do the same (upstream `pkg/equality/elbv2/compare_option_for_rule*.go`).

use crate::model::{Condition, Patterns, Rule, Transform};
use crate::plan::listener_drift::same_actions;

/// Conditions in one order, their values as sets: AWS evaluates them as such.
pub(in crate::plan) fn normal(conditions: &[Condition]) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = conditions.iter().map(normal_condition).collect();
    conditions.sort();
    conditions
}

fn normal_condition(condition: &Condition) -> Condition {
    match condition {
        Condition::HostHeader(patterns) => Condition::HostHeader(normal_patterns(patterns)),
        Condition::PathPattern(patterns) => Condition::PathPattern(normal_patterns(patterns)),
        Condition::HttpHeader { name, patterns } => Condition::HttpHeader {
            name: name.clone(),
            patterns: normal_patterns(patterns),
        },
        Condition::HttpRequestMethod(methods) => Condition::HttpRequestMethod(set(methods)),
        Condition::QueryString(pairs) => Condition::QueryString(set(pairs)),
        Condition::SourceIp(ranges) => Condition::SourceIp(set(ranges)),
    }
}

fn normal_patterns(patterns: &Patterns) -> Patterns {
    match patterns {
        Patterns::Values(values) => Patterns::Values(set(values)),
        Patterns::Regexes(values) => Patterns::Regexes(set(values)),
    }
}

fn set<T: Ord + Clone>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort();
    values.dedup();
    values
}

/// Whether a request that meets both rules is treated alike: same actions, same transforms. The wanted rule
/// has its references resolved.
pub(super) fn same_outcome(wanted: &Rule, actual: &Rule) -> bool {
    same_actions(&wanted.actions, &actual.actions)
        && by_kind(&wanted.transforms) == by_kind(&actual.transforms)
}

fn by_kind(transforms: &[Transform]) -> Vec<&Transform> {
    let mut transforms: Vec<&Transform> = transforms.iter().collect();
    transforms.sort_by_key(|transform| transform.kind);
    transforms
}
