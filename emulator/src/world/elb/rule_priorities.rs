//! SetRulePriorities: all priorities of a call at once, or none.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{self, Rule};
use crate::world::{ApiError, World};

/// SetRulePriorities: rules not named keep theirs, and only the outcome must be free of conflicts, so rules may
/// swap. Answers the rules named, by priority.
///
/// # Errors
/// `ValidationError` (none or one twice, out of range), `RuleNotFound`, `OperationNotPermitted` (default rule),
/// `PriorityInUse`.
pub fn set(world: &mut World, wanted: &[(String, i64)]) -> Result<Vec<Rule>, ApiError> {
    if wanted.is_empty() {
        return Err(ApiError::validation(
            "At least one rule priority must be specified",
        ));
    }
    let mut moved: BTreeMap<&str, u32> = BTreeMap::new();
    let mut listeners = BTreeSet::new();
    for (arn, priority) in wanted {
        let (listener, _) = rule::changeable(&world.elb, arn)?;
        listeners.insert(listener.arn.clone());
        if moved.insert(arn, rule::checked_priority(*priority)?).is_some() {
            let message = format!("The rule '{arn}' was specified more than once");
            return Err(ApiError::validation(message));
        }
    }
    let mut outcomes = Vec::new();
    for arn in listeners {
        let outcome = reordered(&world.elb.listener(&arn)?.rules, &moved)?;
        outcomes.push((arn, outcome));
    }
    let mut named = Vec::new();
    for (listener, rules) in outcomes {
        let touched = rules
            .values()
            .filter(|rule| moved.contains_key(rule.arn.as_str()));
        named.extend(touched.cloned());
        world.elb.listener_mut(&listener)?.rules = rules;
    }
    Ok(named)
}

fn reordered(
    rules: &BTreeMap<u32, Rule>,
    moved: &BTreeMap<&str, u32>,
) -> Result<BTreeMap<u32, Rule>, ApiError> {
    let mut next = BTreeMap::new();
    for rule in rules.values() {
        let priority = moved.get(rule.arn.as_str()).copied().unwrap_or(rule.priority);
        let rule = Rule {
            priority,
            ..rule.clone()
        };
        if next.insert(priority, rule).is_some() {
            return Err(ApiError::new(
                "PriorityInUse",
                format!("Priority '{priority}' is currently in use"),
            ));
        }
    }
    Ok(next)
}
