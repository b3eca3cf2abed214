//! Rules as upstream's controller expects them, so that it takes over without a write of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::Key;
use crate::model::{Origins, Ref, ResourceId, Rule, Stack, Tags, tracking};
use crate::plan::{Action, Plan, Step, StepId};
use crate::settings::Settings;

/// The steps that give the rules of each listener upstream's numbers 1, 2, 3, ... in their present order, by
/// one SetRulePriorities per listener, and the resource id `port:number` in their tags (upstream compares
/// both). Empty if upstream would find nothing to do.
///
/// Made for an actual stack at rest. Tags are left alone where the gate ListenerRulesTagging is off.
pub fn handover(actual: &Stack, settings: &Settings) -> Plan {
    let mut plan = Plan {
        key: Key::Stack(actual.key.clone()),
        steps: Vec::new(),
        problems: Vec::new(),
    };
    let mut listeners: Vec<_> = actual.listeners.iter().collect();
    listeners.sort_by_key(|listener| listener.port);
    for listener in listeners {
        let Some(arn) = &listener.arn else { continue };
        let mut rules: Vec<&Rule> = actual
            .rules
            .iter()
            .filter(|rule| rule.listener.known() == Some(arn))
            .collect();
        rules.sort_by_key(|rule| rule.priority);
        let ranked: Vec<(i32, &Rule)> = (1..).zip(rules).collect();
        let numbered = renumber(&mut plan, arn, &ranked);
        if settings.gates.listener_rules_tagging {
            for (rank, rule) in ranked {
                let id = ResourceId(format!("{}:{rank}", listener.port));
                tag(&mut plan, &actual.key, settings, rule, &id, &numbered);
            }
        }
    }
    plan
}

fn renumber(plan: &mut Plan, listener: &str, ranked: &[(i32, &Rule)]) -> BTreeSet<StepId> {
    let priorities: Vec<(Ref, i32)> = ranked
        .iter()
        .filter(|(rank, rule)| rule.priority != *rank)
        .filter_map(|(rank, rule)| Some((Ref::Known(rule.arn.clone()?), *rank)))
        .collect();
    if priorities.is_empty() {
        return BTreeSet::new();
    }
    let action = Action::SetRulePriorities {
        listener: Ref::Known(listener.to_owned()),
        priorities,
    };
    BTreeSet::from([push(
        plan,
        action,
        BTreeSet::new(),
        "numbered like upstream".to_owned(),
    )])
}

/// The number changes first: a handover that stops in between leaves the tags of a creation, which nobody
/// compares but upstream.
fn tag(
    plan: &mut Plan,
    key: &crate::key::StackKey,
    settings: &Settings,
    rule: &Rule,
    id: &ResourceId,
    needs: &BTreeSet<StepId>,
) {
    let (Some(arn), false) = (&rule.arn, rule.id == *id) else {
        return;
    };
    let tags: Tags = tracking::resource_tags(&settings.scope.cluster, key, id, &BTreeMap::new());
    let reason = format!("resource id {} -> {id}", rule.id);
    let action = Action::AddTags {
        resource: Ref::Known(arn.clone()),
        tags,
    };
    push(plan, action, needs.clone(), reason);
}

fn push(plan: &mut Plan, action: Action, needs: BTreeSet<StepId>, reason: String) -> StepId {
    let id = StepId(plan.steps.len());
    plan.steps.push(Step {
        id,
        action,
        needs,
        origins: Origins::new(),
        reason,
    });
    id
}
