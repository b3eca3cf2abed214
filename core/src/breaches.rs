//! Fixed limits of AWS that a rule breaks.
//!
//! In: parts of a rule. Out: one sentence for each limit that is broken. The front end warns of them, and the
//! linter stops the step, because AWS would refuse it.

use elbow_crds::ingress::{action, condition, transform};
use elbow_crds::limits::{Limit, alb, rule};

use crate::model::{Action, Condition, Patterns, Transform};

/// Limits that conditions break together and each on its own.
pub(crate) fn of_conditions(conditions: &[Condition]) -> Vec<String> {
    let mut found: Vec<String> = conditions
        .iter()
        .flat_map(|one| condition::Condition::from(one).breaches())
        .collect();
    for field in ["host-header", "path-pattern", "http-request-method", "source-ip"] {
        let count = conditions.iter().filter(|one| one.field() == field).count();
        if !rule::SINGLE_CONDITIONS.allows(count) {
            found.push(format!(
                "a rule takes one condition on {field}, not {count}; put their values into one"
            ));
        }
    }
    let values = conditions.iter().map(count_of_values).sum();
    let globs = conditions.iter().flat_map(globs);
    let wildcards = globs.map(|text| text.matches(['*', '?']).count()).sum();
    for (limit, count) in [(&alb::CONDITION_VALUES, values), (&alb::WILDCARDS, wildcards)] {
        let Limit { what, value, .. } = limit;
        if !limit.allows(count) {
            found.push(format!(
                "{count} {what} are wanted, AWS allows {value}; spread them over several rules"
            ));
        }
    }
    found
}

fn count_of_values(condition: &Condition) -> usize {
    match condition {
        Condition::HostHeader(patterns)
        | Condition::PathPattern(patterns)
        | Condition::HttpHeader { patterns, .. } => texts(patterns).len(),
        Condition::HttpRequestMethod(values) | Condition::SourceIp(values) => values.len(),
        Condition::QueryString(pairs) => pairs.len(),
    }
}

/// Texts in which `*` and `?` are wildcards.
fn globs(condition: &Condition) -> Vec<&str> {
    match condition {
        Condition::HostHeader(Patterns::Values(values))
        | Condition::PathPattern(Patterns::Values(values))
        | Condition::HttpHeader {
            patterns: Patterns::Values(values),
            ..
        } => values.iter().map(String::as_str).collect(),
        Condition::QueryString(pairs) => pairs
            .iter()
            .flat_map(|pair| pair.key.iter().chain([&pair.value]))
            .map(String::as_str)
            .collect(),
        _ => Vec::new(),
    }
}

fn texts(patterns: &Patterns) -> &[String] {
    match patterns {
        Patterns::Values(texts) | Patterns::Regexes(texts) => texts,
    }
}

/// Limits that transforms break.
pub(crate) fn of_transforms(transforms: &[Transform]) -> Vec<String> {
    let written: Vec<transform::Transform> = transforms.iter().map(transform::Transform::from).collect();
    transform::breaches(&written)
}

/// Limits that a redirect or a fixed response breaks.
pub(crate) fn of_answer(action: &Action) -> Vec<String> {
    match action {
        Action::Redirect(redirect) => action::Action::Redirect(redirect.into()).breaches(),
        Action::FixedResponse(response) => action::Action::FixedResponse(response.into()).breaches(),
        Action::Forward(_) | Action::Other(_) => Vec::new(),
    }
}
