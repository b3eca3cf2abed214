//! Who forwards to what: target groups outlive their users, and rules stay with their listener.

use super::super::target_group::{known_groups, target_groups_of};
use super::super::{Action, Step, StepId};
use super::rules::{Context, finding};
use super::{LintFinding, Rule};
use crate::model::{Listener, Ref, Rule as ListenerRule};

impl Context<'_> {
    /// A target group is deleted only after every listener and rule that forwards to it was changed or
    /// deleted, and none of the plan forwards to it.
    pub fn deleted_target(&self, step: &Step) -> Option<LintFinding> {
        let Action::DeleteTargetGroup { arn } = &step.action else {
            return None;
        };
        let forwards = |listener: &Listener| target_groups_of(listener).any(|group| group == arn);
        let leads = |rule: &ListenerRule| known_groups(&rule.actions).any(|group| group == arn);
        let pointing = self.plan.steps.iter().any(|other| match &other.action {
            Action::CreateListener { listener, .. } => forwards(listener),
            Action::CreateRule { rule, .. } => leads(rule),
            Action::ModifyListener { arn, listener } => {
                forwards(listener) && !self.is_modified_later(other.id, arn, step)
            }
            Action::ModifyRule { arn, rule } => leads(rule) && !self.is_modified_later(other.id, arn, step),
            _ => false,
        });
        let listeners = self.actual.listeners.iter().filter(|listener| forwards(listener));
        let left = listeners
            .clone()
            .any(|listener| !self.is_listener_changed(listener, step))
            || self
                .actual
                .rules
                .iter()
                .filter(|rule| leads(rule))
                .any(|rule| !self.is_rule_changed(rule, step));
        let message = format!("a listener or rule still forwards to the target group {arn}");
        (pointing || left).then(|| finding(step, Rule::DeletedTarget, message))
    }

    /// Whether a listener or rule is changed or deleted once more after one step and before another.
    fn is_modified_later(&self, after: StepId, arn: &str, before: &Step) -> bool {
        self.before(before).iter().any(|id| {
            let later = self.plan.steps.get(id.0).filter(|step| step.id > after);
            later.is_some_and(|step| match &step.action {
                Action::ModifyListener { arn: other, .. }
                | Action::ModifyRule { arn: other, .. }
                | Action::DeleteListener { arn: other }
                | Action::DeleteRule { arn: other } => other == arn,
                _ => false,
            })
        })
    }

    /// Whether a step that comes before satisfies a predicate.
    fn earlier(&self, step: &Step, predicate: impl Fn(&Action) -> bool) -> bool {
        let before = self.before(step);
        let is_earlier = |id: &StepId| before.contains(id);
        self.plan
            .steps
            .iter()
            .any(|other| is_earlier(&other.id) && predicate(&other.action))
    }

    fn is_listener_changed(&self, listener: &Listener, step: &Step) -> bool {
        let own = listener.arn.as_ref();
        self.earlier(step, |action| match action {
            Action::ModifyListener { arn, .. } | Action::DeleteListener { arn } => own == Some(arn),
            Action::DeleteLoadBalancer { arn } => listener.load_balancer.known() == Some(arn),
            _ => false,
        })
    }

    fn is_rule_changed(&self, rule: &ListenerRule, step: &Step) -> bool {
        let listener = rule.listener.known();
        let mut listeners = self.actual.listeners.iter();
        let on = listeners.find(|other| listener.is_some() && other.arn.as_deref() == listener);
        let balancer = on.and_then(|listener| listener.load_balancer.known());
        self.earlier(step, |action| match action {
            Action::ModifyRule { arn, .. } | Action::DeleteRule { arn } => rule.arn.as_ref() == Some(arn),
            Action::DeleteListener { arn } => listener == Some(arn),
            Action::DeleteLoadBalancer { arn } => balancer == Some(arn),
            _ => false,
        })
    }

    /// Rules stay on their listener, and one renumbering concerns one listener.
    pub fn same_listener(&self, step: &Step) -> Option<LintFinding> {
        let on = |arn: &str| {
            let mut rules = self.actual.rules.iter();
            rules
                .find(|rule| rule.arn.as_deref() == Some(arn))
                .map(|rule| rule.listener.clone())
        };
        let of = |rule: &Ref| match rule {
            Ref::Known(arn) => on(arn),
            Ref::Pending(address) => {
                let producer = self
                    .producers
                    .get(address)
                    .and_then(|id| self.plan.steps.get(id.0));
                producer.and_then(|step| match &step.action {
                    Action::CreateRule { rule, .. } => Some(rule.listener.clone()),
                    _ => None,
                })
            }
            Ref::BackendGroup => None,
        };
        let strays = match &step.action {
            Action::SetRulePriorities { listener, priorities } => priorities
                .iter()
                .any(|(rule, _)| of(rule).is_none_or(|on| on != *listener)),
            Action::ModifyRule { arn, rule } => on(arn).is_none_or(|on| on != rule.listener),
            _ => false,
        };
        let message = "a rule of another listener is named".to_owned();
        strays.then(|| finding(step, Rule::Listener, message))
    }
}
