//! When two rules do the same (upstream `pkg/equality/elbv2/compare_option_for_rule*.go`).

use std::collections::BTreeSet;

use crate::model::{Condition, Patterns, Rule, Transform};
use crate::plan::listener_drift::same_actions;

/// Conditions in one order, their values as sets: AWS evaluates them as such.
pub(in crate::plan) fn normal(conditions: &[Condition]) -> Vec<Condition> {
    let mut conditions = reduced(conditions, Order::Any);
    conditions.sort();
    conditions
}

/// What the order of values means.
#[derive(Clone, Copy)]
enum Order {
    Any,
    AsWritten,
}

fn reduced(conditions: &[Condition], order: Order) -> Vec<Condition> {
    let conditions = conditions.iter().map(|condition| match condition {
        Condition::HostHeader(patterns) => Condition::HostHeader(order.patterns(patterns)),
        Condition::PathPattern(patterns) => Condition::PathPattern(order.patterns(patterns)),
        Condition::HttpHeader { name, patterns } => Condition::HttpHeader {
            name: name.clone(),
            patterns: order.patterns(patterns),
        },
        Condition::HttpRequestMethod(methods) => Condition::HttpRequestMethod(order.once(methods)),
        Condition::QueryString(pairs) => Condition::QueryString(order.once(pairs)),
        Condition::SourceIp(ranges) => Condition::SourceIp(order.once(ranges)),
    });
    conditions.collect()
}

impl Order {
    fn patterns(self, patterns: &Patterns) -> Patterns {
        match patterns {
            Patterns::Values(values) => Patterns::Values(self.once(values)),
            Patterns::Regexes(values) => Patterns::Regexes(self.once(values)),
        }
    }

    /// Each value once.
    fn once<T: Ord + Clone>(self, values: &[T]) -> Vec<T> {
        let mut seen = BTreeSet::new();
        let first = values.iter().filter(|value| seen.insert(*value));
        let mut values: Vec<T> = first.cloned().collect();
        if matches!(self, Self::Any) {
            values.sort();
        }
        values
    }
}

/// Whether conditions of equal meaning are also written alike. Upstream writes a rule whose values stand in another
/// order; so do we, or it would have to when it takes over.
pub(super) fn same_text(wanted: &Rule, actual: &Rule) -> bool {
    by_field(&wanted.conditions) == by_field(&actual.conditions)
}

fn by_field(conditions: &[Condition]) -> Vec<Condition> {
    let mut conditions = reduced(conditions, Order::AsWritten);
    conditions.sort_by_key(Condition::field);
    conditions
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
