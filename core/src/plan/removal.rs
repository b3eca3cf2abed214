//! What is surplus goes last: load balancers with their listeners, then bindings, target groups, security
//! groups. Nothing goes while something that stays uses it, or while the plan is frozen.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{Problem, ProblemCode};

use super::attributes::DELETION_PROTECTION;
use super::draft::Draft;
use super::pair::Pairs;
use super::takeover::is_protected;
use super::target_group::{known_groups, target_groups_of};
use super::{Action, StepId, binding};
use crate::model::{Action as ListenerAction, Binding, LoadBalancer, Ref, Rule, SecurityGroup, TargetGroup};

/// Deletes load balancers nobody wants. Protection against deletion is taken off only when the owner wants
/// no load balancer at all.
pub(super) fn load_balancers(draft: &mut Draft, pairs: &Pairs<LoadBalancer>) {
    if draft.frozen || draft.holds_back(&pairs.surplus) {
        return;
    }
    for balancer in &pairs.surplus {
        let Some(arn) = balancer.arn.clone() else { continue };
        if draft.end_of(&arn).is_some() {
            continue;
        }
        let protected = is_protected(balancer);
        if protected && !draft.wanted.load_balancers.is_empty() {
            keep_protected(draft, balancer, &arn);
            continue;
        }
        let departure = draft.departures.get(&arn).cloned();
        if departure.is_none() && draft.leaving.contains(&arn) {
            continue;
        }
        let origins = draft.removal_origins(&balancer.origins);
        let mut needs = departure.unwrap_or_default();
        if protected {
            let action = Action::ModifyLoadBalancerAttributes {
                load_balancer: Ref::Known(arn.clone()),
                attributes: BTreeMap::from([(DELETION_PROTECTION.to_owned(), "false".to_owned())]),
            };
            let reason = format!("{DELETION_PROTECTION} true -> false, its owner is gone");
            needs.insert(draft.push(action, needs.clone(), &origins, reason));
        }
        let step = draft.push(
            Action::DeleteLoadBalancer { arn: arn.clone() },
            needs,
            &origins,
            "",
        );
        draft.ends(&arn, step);
    }
}

fn keep_protected(draft: &mut Draft, balancer: &LoadBalancer, arn: &str) {
    draft.protected.insert(arn.to_owned());
    let message = format!(
        "the load balancer {} carries the tags of this object and is not wanted; it is protected against \
         deletion and stays; switch its attribute {DELETION_PROTECTION} off or take the tags away",
        balancer.name
    );
    let object = draft.owner_object();
    draft.problem(Problem::warning(&object, "", ProblemCode::Protected, message));
}

/// Deletes bindings of groups that go, once nothing sends traffic to the group.
pub(super) fn bindings(draft: &mut Draft) {
    if draft.frozen {
        return;
    }
    let actual = draft.actual;
    let surplus: Vec<&Binding> = actual
        .bindings
        .iter()
        .filter(|binding| !draft.is_binding_kept(binding))
        .collect();
    for existing in surplus {
        if draft.is_held_group(&existing.id) {
            draft.held_back = true;
            continue;
        }
        let arn = existing.spec.target_group.known().unwrap_or_default();
        if let Some(mut needs) = last_uses(draft, arn) {
            if draft.wanted.load_balancers.is_empty() {
                needs.extend(draft.steps_where(|a| matches!(a, Action::DeleteLoadBalancer { .. })));
            }
            binding::delete(draft, existing, needs, String::new());
        }
    }
}

/// Steps after which nothing uses a target group any more; `None` if something goes on using it.
fn last_uses(draft: &Draft, arn: &str) -> Option<BTreeSet<StepId>> {
    let wanted = draft
        .wanted
        .listeners
        .iter()
        .map(|listener| &listener.default_actions)
        .chain(draft.wanted.rules.iter().map(|rule| &rule.actions))
        .flatten()
        .flat_map(ListenerAction::target_groups)
        .any(|tuple| draft.resolve(&tuple.target_group).known() == Some(arn));
    if wanted {
        return None;
    }
    let listeners = draft
        .actual
        .listeners
        .iter()
        .filter(|listener| target_groups_of(listener).any(|group| group == arn))
        .map(|listener| {
            let own = listener.arn.as_deref().and_then(|arn| draft.end_of(arn));
            own.or_else(|| listener.load_balancer.known().and_then(|arn| draft.end_of(arn)))
        });
    let rules = draft
        .actual
        .rules
        .iter()
        .filter(|rule| known_groups(&rule.actions).any(|group| group == arn))
        .map(|rule| {
            let own = rule.arn.as_deref().and_then(|arn| draft.end_of(arn));
            own.or_else(|| draft.end_of(balancer_of(draft, rule)?))
        });
    listeners.chain(rules).collect()
}

/// The load balancer whose listener has a rule.
fn balancer_of<'a>(draft: &Draft<'a>, rule: &Rule) -> Option<&'a str> {
    let actual = draft.actual;
    let arn = rule.listener.known()?;
    let listener = actual
        .listeners
        .iter()
        .find(|listener| listener.arn.as_deref() == Some(arn))?;
    listener.load_balancer.known()
}

/// Deletes target groups nobody wants, after their bindings.
pub(super) fn target_groups(draft: &mut Draft, pairs: &Pairs<TargetGroup>) {
    if draft.frozen {
        return;
    }
    for group in &pairs.surplus {
        let Some(arn) = group.arn.clone() else { continue };
        if draft.is_held_group(&group.id) {
            draft.held_back = true;
            continue;
        }
        let held = group.load_balancers.iter().any(|lb| draft.protected.contains(lb));
        let Some(mut needs) = last_uses(draft, &arn).filter(|_| !held) else {
            continue;
        };
        needs.extend(group.load_balancers.iter().filter_map(|lb| draft.end_of(lb)));
        let actual = draft.actual;
        let bound: BTreeSet<(&str, &str)> = actual
            .bindings
            .iter()
            .filter(|binding| binding.spec.target_group.known() == Some(arn.as_str()))
            .map(|binding| (binding.namespace.as_str(), binding.name.as_str()))
            .collect();
        needs.extend(draft.steps_where(|action| {
            matches!(action, Action::DeleteBinding { namespace, name, .. }
                if bound.contains(&(namespace.as_str(), name.as_str())))
        }));
        let origins = draft.removal_origins(&group.origins);
        draft.push(Action::DeleteTargetGroup { arn }, needs, &origins, "");
    }
}

/// Deletes security groups nobody wants, after load balancers and bindings let go of them.
pub(super) fn security_groups(draft: &mut Draft, pairs: &Pairs<SecurityGroup>) {
    if draft.frozen || draft.holds_back(&pairs.surplus) {
        return;
    }
    let held: BTreeSet<&str> = draft
        .actual
        .load_balancers
        .iter()
        .filter(|lb| lb.arn.as_deref().is_some_and(|arn| draft.protected.contains(arn)))
        .flat_map(|balancer| balancer.security_groups.iter().filter_map(Ref::known))
        .collect();
    let needs = draft.steps_where(|action| {
        matches!(
            action,
            Action::SetSecurityGroups { .. }
                | Action::DeleteLoadBalancer { .. }
                | Action::UpdateBinding { .. }
                | Action::DeleteBinding { .. }
        )
    });
    for group in &pairs.surplus {
        let Some(id) = group.group_id.clone().filter(|id| !held.contains(id.as_str())) else {
            continue;
        };
        let origins = draft.removal_origins(&group.origins);
        draft.push(
            Action::DeleteSecurityGroup { group_id: id },
            needs.clone(),
            &origins,
            group.name.clone(),
        );
    }
}
