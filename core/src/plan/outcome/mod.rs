//! What AWS and Kubernetes hold after a step: the step as a function on stacks.
//!
//! Used by the mirror after its own writes (AWS echoes little) and by the properties. AWS's own settings are
//! filled in where a later comparison looks at them.

mod binding;
mod listener;
mod load_balancer;
mod rule;
mod security_group;
mod target_group;

use std::collections::{BTreeMap, BTreeSet};

use super::target_group::{known_groups, target_groups_of};
use super::{Action, Outputs, Step};
use crate::model::{Ref, Setting, Stack, Tags, tracking};

/// Changes `stack`, an actual one, as the step did when it succeeded. Steps on something that is not in the
/// stack change nothing.
pub fn apply_step(stack: &mut Stack, step: &Step, outputs: &Outputs) {
    match &step.action {
        Action::AddFinalizer { .. }
        | Action::RemoveFinalizer { .. }
        | Action::AwaitTargets { .. }
        | Action::AwaitHealth { .. }
        | Action::AwaitActive { .. }
        | Action::MoveAddress { .. }
        | Action::AwaitDrain { .. } => {}
        Action::CreateSecurityGroup { .. }
        | Action::AuthorizeIngress { .. }
        | Action::RevokeIngress { .. }
        | Action::CreateTags { .. }
        | Action::DeleteTags { .. }
        | Action::DeleteSecurityGroup { .. } => security_group::apply(stack, &step.action, outputs),
        Action::CreateTargetGroup { .. }
        | Action::ModifyTargetGroup { .. }
        | Action::ModifyTargetGroupAttributes { .. }
        | Action::DeleteTargetGroup { .. } => target_group::apply(stack, &step.action, outputs),
        Action::CreateLoadBalancer { .. }
        | Action::ModifyLoadBalancerAttributes { .. }
        | Action::SetSecurityGroups { .. }
        | Action::SetSubnets { .. }
        | Action::SetIpAddressType { .. }
        | Action::ModifyCapacityReservation { .. }
        | Action::DeleteLoadBalancer { .. } => load_balancer::apply(stack, &step.action, outputs),
        Action::CreateListener { .. }
        | Action::ModifyListener { .. }
        | Action::AddListenerCertificate { .. }
        | Action::RemoveListenerCertificate { .. }
        | Action::ModifyListenerAttributes { .. }
        | Action::DeleteListener { .. } => listener::apply(stack, &step.action, outputs),
        Action::CreateRule { .. }
        | Action::ModifyRule { .. }
        | Action::SetRulePriorities { .. }
        | Action::DeleteRule { .. } => rule::apply(stack, &step.action, outputs),
        Action::AddTags { resource, tags } => elb_tags(stack, resource, outputs, &|present| {
            present.extend(without_tracking(tags));
        }),
        Action::RemoveTags { resource, keys } => elb_tags(stack, resource, outputs, &|present| {
            present.retain(|key, _| !keys.contains(key));
        }),
        Action::CreateBinding { .. } | Action::UpdateBinding { .. } | Action::DeleteBinding { .. } => {
            binding::apply(stack, &step.action, outputs);
        }
    }
    link_target_groups(stack);
}

fn elb_tags(stack: &mut Stack, resource: &Ref, outputs: &Outputs, change: &dyn Fn(&mut Tags)) {
    let Some(arn) = outputs.resolve(resource) else {
        return;
    };
    let is = |candidate: &Option<String>| candidate.as_ref() == Some(&arn);
    for balancer in stack.load_balancers.iter_mut().filter(|b| is(&b.arn)) {
        change(&mut balancer.tags);
    }
    for group in stack.target_groups.iter_mut().filter(|g| is(&g.arn)) {
        change(&mut group.tags);
    }
    for listener in stack.listeners.iter_mut().filter(|l| is(&l.arn)) {
        let mut tags = listener.tags.get().cloned().unwrap_or_default();
        change(&mut tags);
        listener.tags = Setting::Set(tags);
    }
    for rule in stack.rules.iter_mut().filter(|r| is(&r.arn)) {
        let mut tags = rule.tags.get().cloned().unwrap_or_default();
        change(&mut tags);
        rule.tags = Setting::Set(tags);
    }
}

/// AWS reports with each target group the load balancers whose listeners use it.
fn link_target_groups(stack: &mut Stack) {
    let own: BTreeSet<&str> = stack
        .load_balancers
        .iter()
        .filter_map(|b| b.arn.as_deref())
        .collect();
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for listener in &stack.listeners {
        let Some(balancer) = listener.load_balancer.known() else {
            continue;
        };
        let of_rules = stack
            .rules
            .iter()
            .filter(|rule| listener.arn.is_some() && rule.listener.known() == listener.arn.as_deref())
            .flat_map(|rule| known_groups(&rule.actions));
        for group in target_groups_of(listener).chain(of_rules) {
            users
                .entry(group.to_owned())
                .or_default()
                .insert(balancer.to_owned());
        }
    }
    for group in &mut stack.target_groups {
        let arn = group.arn.clone().unwrap_or_default();
        let mut linked = users.remove(&arn).unwrap_or_default();
        linked.extend(
            group
                .load_balancers
                .iter()
                .filter(|lb| !own.contains(lb.as_str()))
                .cloned(),
        );
        group.load_balancers = linked.into_iter().collect();
    }
}

fn without_tracking(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(key, _)| !tracking::is_tracking_tag(key) && !key.starts_with("aws:"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn or<T: Clone>(new: &Setting<T>, old: &Setting<T>) -> Setting<T> {
    match new {
        Setting::Set(_) => new.clone(),
        Setting::Unmanaged => old.clone(),
    }
}
