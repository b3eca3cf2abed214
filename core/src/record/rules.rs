//! Rules in a record: AWS keeps their numbers apart from their rank, so both are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::model::{Ref, ResourceId, ResourceKind, Rule, Setting, Stack};

/// What AWS assigned to a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedRule {
    /// ARN.
    pub arn: String,
    /// Its number.
    pub priority: i32,
    /// Value of its resource tag.
    pub id: ResourceId,
}

/// The rules of an actual stack by the port of their listener, in the order of their numbers.
pub(super) fn recorded(actual: &Stack) -> BTreeMap<String, Vec<RecordedRule>> {
    let mut rules: Vec<&Rule> = actual.rules.iter().collect();
    rules.sort_by_key(|rule| rule.priority);
    let mut recorded: BTreeMap<String, Vec<RecordedRule>> = BTreeMap::new();
    for rule in rules {
        let listener = actual
            .listeners
            .iter()
            .find(|listener| listener.arn.is_some() && listener.arn.as_deref() == rule.listener.known());
        if let (Some(listener), Some(arn)) = (listener, &rule.arn) {
            recorded
                .entry(listener.port.to_string())
                .or_default()
                .push(RecordedRule {
                    arn: arn.clone(),
                    priority: rule.priority,
                    id: rule.id.clone(),
                });
        }
    }
    recorded
}

impl Record {
    /// The rules as applied, with what AWS assigned; `None` if there are more or fewer than wanted.
    pub(super) fn rules(&self, wanted: &Stack) -> Option<Vec<Rule>> {
        let mut ranked: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &wanted.rules {
            let Ref::Pending(listener) = &rule.listener else {
                return None;
            };
            ranked.entry(listener.id.0.as_str()).or_default().push(rule);
        }
        if ranked.len() != self.rules.len() {
            return None;
        }
        let mut rules = Vec::with_capacity(wanted.rules.len());
        for (port, mut wanted) in ranked {
            let recorded = self.rules.get(port).filter(|known| known.len() == wanted.len())?;
            let listener = self.id(ResourceKind::Listener, &ResourceId::from(port))?;
            wanted.sort_by_key(|rule| rule.priority);
            for (rule, known) in wanted.into_iter().zip(recorded) {
                rules.push(self.rule(rule, known, &listener)?);
            }
        }
        Some(rules)
    }

    fn rule(&self, wanted: &Rule, known: &RecordedRule, listener: &str) -> Option<Rule> {
        let mut rule = wanted.clone();
        rule.id = known.id.clone();
        rule.arn = Some(known.arn.clone());
        rule.priority = known.priority;
        rule.listener = Ref::Known(listener.to_owned());
        self.settle(&mut rule.actions)?;
        if rule.tags == Setting::Unmanaged {
            rule.tags = Setting::Set(BTreeMap::new());
        }
        Some(rule)
    }
}
