//! Creations and tags of rules, and what traffic to their groups has to wait for.

use std::collections::BTreeSet;

use super::describe::{describe, describe_conditions};
use super::steps::{groups_of, resolved, wanted_of};
use crate::model::{Listener, Ref, ResourceAddress, ResourceId, ResourceKind, Rule, Setting, Tags, tracking};
use crate::plan::draft::Draft;
use crate::plan::listener::attributes_of;
use crate::plan::tags::{Legacy, diff_tags};
use crate::plan::target_group::{known_groups, target_groups_of};
use crate::plan::{Action, StepId};

/// Groups of this stack that a rule forwards to and nothing forwards to yet.
pub(super) fn fresh_groups(draft: &Draft, rule: &Rule) -> BTreeSet<ResourceId> {
    let listeners = draft.actual.listeners.iter().flat_map(target_groups_of);
    let rules = draft
        .actual
        .rules
        .iter()
        .flat_map(|rule| known_groups(&rule.actions));
    let used: BTreeSet<&str> = listeners.chain(rules).collect();
    groups_of(rule)
        .filter(|group| draft.resolve(group).known().is_none_or(|arn| !used.contains(arn)))
        .filter_map(|group| match group {
            Ref::Pending(address) if address.kind == ResourceKind::TargetGroup => Some(address.id.clone()),
            _ => None,
        })
        .collect()
}

/// The creation of a rule at a number.
pub(super) fn create(
    draft: &mut Draft,
    written: &Rule,
    rule: &Rule,
    number: i32,
    needs: BTreeSet<StepId>,
) -> StepId {
    let address = ResourceAddress::new(ResourceKind::Rule, &written.id);
    let cluster = &draft.settings.scope.cluster;
    let tags = written.tags.get().map_or_else(Tags::new, |tags| {
        tracking::resource_tags(cluster, &draft.wanted.key, &written.id, tags)
    });
    let action = Action::CreateRule {
        address: address.clone(),
        rule: Rule {
            priority: number,
            ..rule.clone()
        },
        tags,
    };
    draft.create(&address, action, needs, &written.origins, describe(rule))
}

/// The tags of a rule that stays. Its resource id is that of its creation, whatever its rank.
pub(super) fn change_tags(draft: &mut Draft, wanted: &Rule, actual: &Rule) {
    let (Setting::Set(tags), Some(arn)) = (&wanted.tags, &actual.arn) else {
        return;
    };
    let none = Tags::new();
    let old = actual.tags.get().unwrap_or(&none);
    let diff = diff_tags(tags, old, draft.settings, Legacy::Unknown);
    let label = format!("{}: ", describe_conditions(&actual.conditions));
    draft.change_elb_tags(Ref::Known(arn.clone()), &label, diff, old, &wanted.origins);
}

/// Writes the rules of a listener that the plan creates, densely like upstream. No request met the listener
/// before; a rule that AWS refuses holds up no other.
pub(in crate::plan) fn write_new(draft: &mut Draft, listener: &Listener, before: &BTreeSet<StepId>) {
    let reference = Ref::pending(ResourceKind::Listener, &listener.id);
    if !draft.can_resolve(&reference) {
        return;
    }
    for (number, written) in (1..).zip(wanted_of(draft, &listener.id)) {
        let rule = resolved(draft, written, &reference);
        if !groups_of(&rule).all(|group| draft.can_resolve(group)) {
            continue;
        }
        let mut needs = draft.producers(groups_of(&rule).chain([&reference]));
        needs.extend(attributes_of(draft, groups_of(&rule)));
        needs.extend(before);
        create(draft, written, &rule, number, needs);
    }
}
