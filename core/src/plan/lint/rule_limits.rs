//! The quota of rules per load balancer.

use elbow_crds::limits::alb;

use super::super::{Action, Plan};
use super::limits::Found;
use crate::model::{Ref, Rule, Stack};

impl Found<'_> {
    /// Rules of the load balancer once this one is there and those are gone that the plan deletes before it.
    pub(super) fn rules(&mut self, rule: &Rule, plan: &Plan, actual: &Stack) {
        let balancer = balancer_of(&rule.listener, plan, actual);
        let mut count = actual
            .rules
            .iter()
            .filter(|other| balancer_of(&other.listener, plan, actual) == balancer)
            .count();
        for step in plan.steps.iter().take_while(|step| step.id <= self.step.id) {
            match &step.action {
                Action::CreateRule { rule: other, .. }
                    if balancer_of(&other.listener, plan, actual) == balancer =>
                {
                    count += 1;
                }
                Action::DeleteRule { arn } => {
                    let own = actual.rules.iter().find(|other| other.arn.as_ref() == Some(arn));
                    let own = own.filter(|other| balancer_of(&other.listener, plan, actual) == balancer);
                    count = count.saturating_sub(usize::from(own.is_some()));
                }
                Action::DeleteListener { arn } => {
                    let own = actual
                        .rules
                        .iter()
                        .filter(|other| other.listener.known() == Some(arn));
                    let own = own.filter(|other| balancer_of(&other.listener, plan, actual) == balancer);
                    count = count.saturating_sub(own.count());
                }
                _ => {}
            }
        }
        self.count(&alb::RULES, count);
    }
}

/// The load balancer of a listener that is there or is created.
fn balancer_of(listener: &Ref, plan: &Plan, actual: &Stack) -> Option<Ref> {
    match listener {
        Ref::Known(arn) => {
            let mut listeners = actual.listeners.iter();
            let found = listeners.find(|other| other.arn.as_ref() == Some(arn));
            found.map(|listener| listener.load_balancer.clone())
        }
        Ref::Pending(wanted) => plan.steps.iter().find_map(|step| match &step.action {
            Action::CreateListener {
                address, listener, ..
            } if address == wanted => Some(listener.load_balancer.clone()),
            _ => None,
        }),
        Ref::BackendGroup => None,
    }
}
