//! Steps on the rules of a listener.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::changes::{Call, Numbered};
use super::describe::{describe, describe_conditions};
use super::overlap::apart;
use super::schedule::{Schedule, Task, schedule};
use super::write::{change_tags, create, fresh_groups};
use crate::model::{Action as RuleAction, Listener, Ref, ResourceId, ResourceKind, Rule};
use crate::plan::draft::Draft;
use crate::plan::listener::{NO_OVERLAP, attributes_of};
use crate::plan::listener_drift::{describe_actions, same_actions};
use crate::plan::target_group::{known_groups, target_groups_of};
use crate::plan::{Action, StepId};

/// The rules of one listener that stays, and what becomes of them.
pub(in crate::plan) struct ListenerRules<'a> {
    listener: &'a Listener,
    /// Wanted rules by rank, as they are written and with their references resolved.
    written: Vec<&'a Rule>,
    wanted: Vec<Rule>,
    existing: Vec<&'a Rule>,
    default_changes: bool,
    /// Existing rules that may be a sick member's.
    held: BTreeSet<usize>,
    schedule: Schedule,
    /// Steps of the changes made so far; none where nothing had to be done.
    steps: Vec<Option<StepId>>,
    /// Set where the quota leaves no room for old and new rules side by side: the turn of the listener among
    /// those of its load balancer.
    turn: Option<usize>,
}

/// Wanted rules of a listener in the order of their ranks.
pub(super) fn wanted_of<'a>(draft: &Draft<'a>, id: &ResourceId) -> Vec<&'a Rule> {
    let listener = Ref::pending(ResourceKind::Listener, id);
    let wanted = draft.wanted;
    let mut rules: Vec<&Rule> = wanted
        .rules
        .iter()
        .filter(|rule| rule.listener == listener)
        .collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// Existing rules of a listener in the order of their numbers.
fn existing_of<'a>(draft: &Draft<'a>, arn: &str) -> Vec<&'a Rule> {
    let actual = draft.actual;
    let mut rules: Vec<&Rule> = actual
        .rules
        .iter()
        .filter(|rule| rule.listener.known() == Some(arn) && rule.arn.is_some())
        .collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

/// The groups a rule forwards to.
pub(super) fn groups_of(rule: &Rule) -> impl Iterator<Item = &Ref> {
    rule.actions
        .iter()
        .flat_map(RuleAction::target_groups)
        .map(|tuple| &tuple.target_group)
}

/// The rule with its references resolved.
pub(super) fn resolved(draft: &Draft, rule: &Rule, listener: &Ref) -> Rule {
    let mut rule = rule.clone();
    rule.listener = listener.clone();
    for action in &mut rule.actions {
        for tuple in action.target_groups_mut() {
            tuple.target_group = draft.resolve(&tuple.target_group);
        }
    }
    rule
}

impl<'a> ListenerRules<'a> {
    /// Plans the rules of a listener. `wanted` is what the listener is to become, its references resolved.
    /// `None` if a rule points to something that is not there and is not made.
    pub fn new(draft: &Draft<'a>, wanted: &Listener, actual: &'a Listener) -> Option<Self> {
        let arn = actual.arn.as_deref()?;
        let written = wanted_of(draft, &wanted.id);
        let listener = Ref::Known(arn.to_owned());
        let resolved: Vec<Rule> = written
            .iter()
            .map(|rule| resolved(draft, rule, &listener))
            .collect();
        if !resolved
            .iter()
            .flat_map(groups_of)
            .all(|group| draft.can_resolve(group))
        {
            return None;
        }
        let existing = existing_of(draft, arn);
        let default_changes = !same_actions(&wanted.default_actions, &actual.default_actions);
        let whole = draft.stays_whole(&wanted.id);
        let held: BTreeSet<usize> = (0..)
            .zip(&existing)
            .filter(|(_, rule)| whole || draft.is_held(&rule.actions))
            .map(|(index, _)| index)
            .collect();
        let schedule = schedule(&Task {
            wanted: &resolved,
            existing: &existing,
            default_changes,
            held: &held,
            room: None,
        });
        Some(Self {
            listener: actual,
            written,
            wanted: resolved,
            existing,
            default_changes,
            held,
            schedule,
            steps: Vec::new(),
            turn: None,
        })
    }

    /// Rules that are created, and rules that are deleted.
    pub fn balance(&self) -> (usize, usize) {
        let calls = self.schedule.changes.iter().map(|change| &change.call);
        let created = calls
            .clone()
            .filter(|call| matches!(call, Call::Create { .. }))
            .count();
        (
            created,
            calls.filter(|call| matches!(call, Call::Delete(_))).count(),
        )
    }

    /// The load balancer it listens on.
    pub fn load_balancer(&self) -> &Ref {
        &self.listener.load_balancer
    }

    /// The existing listener.
    pub fn arn(&self) -> Option<&str> {
        self.listener.arn.as_deref()
    }

    /// Wanted rules.
    pub fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// The turn among listeners that wait for each other.
    pub fn turn(&self) -> Option<usize> {
        self.turn
    }

    /// Plans again for a load balancer whose quota leaves room for so many rules only.
    pub fn squeeze(&mut self, turn: usize, room: usize) {
        self.turn = Some(turn);
        self.schedule = schedule(&Task {
            wanted: &self.wanted,
            existing: &self.existing,
            default_changes: self.default_changes,
            held: &self.held,
            room: Some(room),
        });
    }

    /// Who asked for the rules that are created.
    pub fn creators(&self) -> impl Iterator<Item = &'a Rule> {
        self.schedule
            .changes
            .iter()
            .filter_map(|change| match change.call {
                Call::Create { wanted, .. } => self.written.get(wanted).copied(),
                _ => None,
            })
    }

    /// Makes the steps that come before the default action changes; what that change has to wait for.
    /// `before`: steps on other listeners that make room under the quota.
    pub fn open(&mut self, draft: &mut Draft, before: &BTreeSet<StepId>) -> BTreeSet<StepId> {
        draft.held_back |= self.schedule.holds;
        self.run(draft, before, true);
        let position = self.steps.len();
        self.schedule
            .changes
            .get(position)
            .map(|change| self.needs(&change.needs))
            .unwrap_or_default()
    }

    /// Makes the steps that come after the default action changed, in `modified` if it had to; then tags.
    /// All steps on rules of a crowded load balancer are added to `before`.
    pub fn close(&mut self, draft: &mut Draft, modified: Option<StepId>, before: &mut BTreeSet<StepId>) {
        if self.steps.len() < self.schedule.changes.len() {
            self.steps.push(modified);
        }
        self.run(draft, before, false);
        if self.turn.is_some() {
            before.extend(self.steps.iter().flatten());
        }
        for (wanted, existing) in &self.schedule.kept {
            let pair = self.written.get(*wanted).zip(self.existing.get(*existing));
            if let Some((wanted, existing)) = pair {
                change_tags(draft, wanted, existing);
            }
        }
    }

    /// Makes steps up to the change of the default action, or up to the end.
    fn run(&mut self, draft: &mut Draft, before: &BTreeSet<StepId>, to_default: bool) {
        while let Some(change) = self.schedule.changes.get(self.steps.len()) {
            if to_default && change.call == Call::Default {
                return;
            }
            let mut needs = self.needs(&change.needs);
            if self.turn.is_some() {
                needs.extend(before);
            }
            let step = match &change.call {
                Call::Modify { existing, wanted } => self.modify(draft, *existing, *wanted, needs),
                Call::Create { wanted, number } => self.create(draft, *wanted, *number, needs),
                Call::Renumber(moves) => self.renumber(draft, moves, needs),
                Call::Delete(existing) => self.delete(draft, *existing, needs),
                Call::Default => None,
            };
            self.steps.push(step);
        }
    }

    fn needs(&self, positions: &BTreeSet<usize>) -> BTreeSet<StepId> {
        positions
            .iter()
            .filter_map(|position| self.steps.get(*position).copied().flatten())
            .collect()
    }

    fn modify(
        &self,
        draft: &mut Draft,
        existing: usize,
        wanted: usize,
        mut needs: BTreeSet<StepId>,
    ) -> Option<StepId> {
        let (old, new) = (self.existing.get(existing)?, self.wanted.get(wanted)?);
        let written = self.written.get(wanted)?;
        let arn = old.arn.clone()?;
        needs.extend(self.traffic_needs(draft, written, new));
        let mut reason = format!("{} -> {}", describe_old(old, new), describe(new));
        if draft.is_switched(groups_of(written)) {
            let _ = write!(reason, ", {NO_OVERLAP}");
        }
        let rule = Rule {
            arn: Some(arn.clone()),
            priority: old.priority,
            ..new.clone()
        };
        let action = Action::ModifyRule {
            arn: arn.clone(),
            rule,
        };
        let step = draft.push(action, needs, &written.origins, reason);
        draft.ends(&arn, step);
        Some(step)
    }

    fn create(
        &self,
        draft: &mut Draft,
        wanted: usize,
        number: i32,
        mut needs: BTreeSet<StepId>,
    ) -> Option<StepId> {
        let (written, rule) = (self.written.get(wanted)?, self.wanted.get(wanted)?);
        needs.extend(self.traffic_needs(draft, written, rule));
        Some(create(draft, written, rule, number, needs))
    }

    /// What traffic that a rule takes has to wait for: its groups are there, set up, and, if it was served by
    /// other groups so far, their targets are registered.
    fn traffic_needs(&self, draft: &mut Draft, written: &Rule, rule: &Rule) -> BTreeSet<StepId> {
        let mut needs = draft.producers(groups_of(rule));
        needs.extend(attributes_of(draft, groups_of(rule)));
        let served = target_groups_of(self.listener).next().is_some()
            || self
                .existing
                .iter()
                .filter(|other| !apart(&other.conditions, &rule.conditions))
                .any(|other| known_groups(&other.actions).next().is_some());
        if served {
            for id in fresh_groups(draft, written) {
                needs.extend(draft.await_targets(&id, &written.origins));
            }
        }
        needs.extend(draft.health_of(groups_of(written)));
        needs
    }

    fn renumber(
        &self,
        draft: &mut Draft,
        moves: &[(Numbered, i32)],
        needs: BTreeSet<StepId>,
    ) -> Option<StepId> {
        let reference = |rule: &Numbered| match rule {
            Numbered::Existing(index) => self.existing.get(*index)?.arn.clone().map(Ref::Known),
            Numbered::Created(index) => Some(Ref::pending(ResourceKind::Rule, &self.written.get(*index)?.id)),
        };
        let priorities = moves
            .iter()
            .filter_map(|(rule, number)| Some((reference(rule)?, *number)))
            .collect();
        let action = Action::SetRulePriorities {
            listener: Ref::Known(self.listener.arn.clone()?),
            priorities,
        };
        let origins = self
            .written
            .iter()
            .flat_map(|rule| rule.origins.iter().cloned())
            .collect();
        let origins = draft.removal_origins(&origins);
        let reason = format!("port {}: all rules in order at once", self.listener.port);
        Some(draft.push(action, needs, &origins, reason))
    }

    /// Creations and changes asked for by whoever may have asked for an existing rule: should AWS refuse one,
    /// the rule stays.
    fn successors(&self, draft: &Draft, rule: &Rule) -> BTreeSet<StepId> {
        let changes = self.schedule.changes.iter().zip(&self.steps);
        let its = changes.filter_map(|(change, step)| {
            let (Call::Create { wanted, .. } | Call::Modify { wanted, .. }) = change.call else {
                return None;
            };
            let mut origins = self.written.get(wanted)?.origins.iter();
            step.filter(|_| origins.any(|origin| draft.may_be_its(&rule.actions, &origin.object)))
        });
        its.collect()
    }

    fn delete(&self, draft: &mut Draft, existing: usize, mut needs: BTreeSet<StepId>) -> Option<StepId> {
        let rule = self.existing.get(existing)?;
        let arn = rule.arn.clone()?;
        needs.extend(self.successors(draft, rule));
        let origins = draft.removal_origins(&rule.origins);
        let action = Action::DeleteRule { arn: arn.clone() };
        let step = draft.push(action, needs, &origins, describe(rule));
        draft.ends(&arn, step);
        Some(step)
    }
}

/// What changes of a rule: its action, or all of it.
fn describe_old(old: &Rule, new: &Rule) -> String {
    if old.conditions == new.conditions {
        describe_actions(&old.actions)
    } else {
        format!(
            "{} for {}",
            describe_actions(&old.actions),
            describe_conditions(&old.conditions)
        )
    }
}
