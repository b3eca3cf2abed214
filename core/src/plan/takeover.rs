//! A load balancer that takes the place of another one, because AWS cannot change its scheme or type.
//!
//! The second one is made beside the first, with target groups of its own (a group serves one load balancer
//! only). Once it is active and its groups are as healthy as those of the first, the address moves: the owners
//! show the new name. The first serves on for a while, for clients that still know the old name, and goes.
//! Every phase can be told from what there is and from what the owners show.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::annotation::own::{DELETE_FIRST, REPLACEMENT_POLICY};
use elbow_crds::problem::{Problem, ProblemCode};

use super::attributes::DELETION_PROTECTION;
use super::draft::Draft;
use super::load_balancer::{describe_kind, matches};
use super::pair::Pairs;
use super::target_group::{known_groups, target_groups_of};
use super::{Action, StepId};
use crate::model::{LoadBalancer, Origins, Ref, ResourceAddress, ResourceKind, SubnetMapping, TargetGroup};

/// How the field is called that asks for a scheme, at its end.
const SCHEME: &str = "scheme";

/// Finds load balancers whose place is taken, and decides how: beside each other, or, where that is impossible and
/// the owner allows it, one after the other. Otherwise the plan is frozen and the old one keeps serving.
pub(super) fn decide(draft: &mut Draft, pairs: &Pairs<LoadBalancer>) {
    for (wanted, replaced) in &pairs.missing {
        let Some(old) = replaced.first() else { continue };
        let arns = || replaced.iter().filter_map(|old| old.arn.clone());
        match obstacle(draft, wanted, replaced) {
            None => draft.leaving.extend(arns()),
            Some(_) if wanted.delete_first && !replaced.iter().any(|old| is_protected(old)) => {
                draft.outage.extend(arns());
            }
            Some(obstacle) => {
                draft.frozen = true;
                report(draft, wanted, old, &obstacle);
            }
        }
    }
    if draft.hold {
        return;
    }
    for (wanted, _) in &pairs.kept {
        let of_this = pairs.surplus.iter().filter(|other| other.id == wanted.id);
        let replaced = of_this.filter(|other| !matches(wanted, other));
        draft.leaving.extend(replaced.filter_map(|old| old.arn.clone()));
    }
}

pub(super) fn is_protected(balancer: &LoadBalancer) -> bool {
    balancer.attributes.get(DELETION_PROTECTION).map(String::as_str) == Some("true")
}

/// Why a second load balancer cannot stand beside the first. Otherwise its name is noted.
fn obstacle(draft: &mut Draft, wanted: &LoadBalancer, replaced: &[&LoadBalancer]) -> Option<String> {
    let pinned = replaced.iter().find_map(|old| shared_address(wanted, old));
    if let Some(address) = pinned {
        return Some(format!("the old one holds its address {address}"));
    }
    let actual = draft.actual;
    let taken = |name: &str| actual.load_balancers.iter().any(|there| there.name == name);
    let mut names = std::iter::once(&wanted.name).chain(&wanted.second_name);
    let Some(name) = names.find(|name| !taken(name)) else {
        return Some(format!("the old one has its name {}", wanted.name));
    };
    let address = ResourceAddress::new(ResourceKind::LoadBalancer, &wanted.id);
    draft.names.insert(address, name.clone());
    draft
        .full
        .then(|| "AWS refuses another load balancer, the quota of the account is used up".to_owned())
}

/// An address that both take.
fn shared_address<'a>(wanted: &'a LoadBalancer, old: &LoadBalancer) -> Option<&'a String> {
    fn addresses(mapping: &SubnetMapping) -> impl Iterator<Item = &String> {
        let SubnetMapping {
            allocation_id,
            private_ipv4,
            ipv6,
            ..
        } = mapping;
        [allocation_id, private_ipv4, ipv6].into_iter().flatten()
    }
    let held: BTreeSet<&String> = old.subnets.iter().flat_map(addresses).collect();
    wanted
        .subnets
        .iter()
        .flat_map(addresses)
        .find(|address| held.contains(address))
}

/// `scheme internal -> internet-facing`.
pub(super) fn difference(wanted: &LoadBalancer, old: &LoadBalancer) -> String {
    if wanted.kind == old.kind {
        format!("scheme {} -> {}", old.scheme.as_str(), wanted.scheme.as_str())
    } else {
        format!(
            "type {} -> {}",
            describe_kind(old.kind),
            describe_kind(wanted.kind)
        )
    }
}

fn report(draft: &mut Draft, wanted: &LoadBalancer, old: &LoadBalancer, obstacle: &str) {
    let (name, difference) = (&old.name, difference(wanted, old));
    let remedy = if wanted.delete_first {
        format!("it is protected against deletion: switch its attribute {DELETION_PROTECTION} off")
    } else {
        format!(
            "to have it deleted before the new one is made, with an outage, set {REPLACEMENT_POLICY}: {DELETE_FIRST}"
        )
    };
    let message = format!(
        "the load balancer {name} would have to be replaced ({difference}), and a new one cannot be made beside it: \
         {obstacle}; it keeps serving as it is; {remedy}"
    );
    let at = wanted
        .origins
        .iter()
        .find(|origin| origin.field.ends_with(SCHEME));
    match at {
        Some(at) => draft.problem(Problem::fault(
            &at.object,
            &at.field,
            ProblemCode::NeedsReplacement,
            message,
        )),
        None => draft.fault(&wanted.origins, ProblemCode::NeedsReplacement, message),
    }
}

/// Deletes load balancers that go before the new one comes, after all else that the new one needs. Gives the steps.
pub(super) fn make_room(
    draft: &mut Draft,
    wanted: &LoadBalancer,
    replaced: &[&LoadBalancer],
) -> BTreeSet<StepId> {
    let needs = draft.steps_where(Action::is_creation);
    let mut steps = BTreeSet::new();
    for old in replaced {
        let Some(arn) = old.arn.clone().filter(|arn| draft.outage.contains(arn)) else {
            continue;
        };
        let reason = format!(
            "outage: it goes before the new one comes, {}",
            difference(wanted, old)
        );
        let action = Action::DeleteLoadBalancer { arn: arn.clone() };
        let step = draft.push(action, needs.clone(), &wanted.origins, reason);
        draft.ends(&arn, step);
        steps.insert(step);
    }
    steps
}

/// Moves the address away from load balancers whose place is taken, and lets them serve on for a while.
pub(super) fn move_address(draft: &mut Draft) {
    let (wanted, actual) = (draft.wanted, draft.actual);
    for balancer in &wanted.load_balancers {
        let new = draft.handle(ResourceKind::LoadBalancer, &balancer.id);
        if !draft.can_resolve(&new) {
            continue;
        }
        for old in actual.load_balancers.iter().filter(|old| old.id == balancer.id) {
            let Some(arn) = old.arn.as_ref().filter(|arn| draft.leaving.contains(*arn)) else {
                continue;
            };
            let needs = leave(draft, balancer, &new, old);
            draft.departures.insert(arn.clone(), needs);
        }
    }
}

/// What the deletion of the old load balancer comes after.
fn leave(draft: &mut Draft, wanted: &LoadBalancer, new: &Ref, old: &LoadBalancer) -> BTreeSet<StepId> {
    let arn = old.arn.clone().unwrap_or_default();
    // Owners that show nothing prove nothing: clients may know the old name all the same.
    let is_shown = |old: &LoadBalancer| {
        let name = old.dns_name.as_ref().map(|name| name.to_lowercase());
        draft.published.is_empty() || name.is_some_and(|name| draft.published.contains(&name))
    };
    let mut needs = if is_shown(old) {
        let made = draft.steps_where(|action| !action.is_deletion());
        BTreeSet::from([hand_over(draft, wanted, new, &arn, made)])
    } else {
        draft.steps_where(Action::is_creation)
    };
    let serves = draft
        .actual
        .listeners
        .iter()
        .any(|listener| listener.load_balancer.known() == Some(arn.as_str()));
    if serves && !is_protected(old) {
        let action = Action::AwaitDrain { load_balancer: arn };
        let reason = "clients may still know its name only";
        needs = BTreeSet::from([draft.push(action, needs, &wanted.origins, reason)]);
    }
    needs
}

/// The step that moves the address, after everything the new load balancer needs is made and serves as well.
fn hand_over(
    draft: &mut Draft,
    wanted: &LoadBalancer,
    new: &Ref,
    old: &str,
    made: BTreeSet<StepId>,
) -> StepId {
    let action = Action::AwaitActive {
        load_balancer: new.clone(),
    };
    let reason = "the address moves to a load balancer that is active";
    let active = BTreeSet::from([draft.push(action, made, &wanted.origins, reason)]);
    let mut needs = active.clone();
    let groups = groups_of(draft, old);
    let wanted_groups = &draft.wanted.target_groups;
    for group in wanted_groups {
        let Some(old) = groups.get(&group.id.0) else {
            continue;
        };
        needs.insert(draft.await_health(group, old.clone(), &active));
    }
    let action = Action::MoveAddress {
        from: old.to_owned(),
        to: new.clone(),
    };
    let reason = "its owners show the new name";
    draft.push(action, needs, &origins_of(draft, wanted), reason)
}

fn origins_of(draft: &Draft, wanted: &LoadBalancer) -> Origins {
    draft.removal_origins(&wanted.origins)
}

/// ARNs of the groups that a load balancer uses, by resource id.
fn groups_of(draft: &Draft, balancer: &str) -> BTreeMap<String, Vec<String>> {
    let used = used_by(draft, |arn| arn == balancer);
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let ours = draft.actual.target_groups.iter();
    let arn = |group: &TargetGroup| group.arn.clone().filter(|arn| used.contains(arn.as_str()));
    for (id, arn) in ours.filter_map(|group| Some((&group.id.0, arn(group)?))) {
        groups.entry(id.clone()).or_default().push(arn);
    }
    groups
}

/// ARNs of the groups that listeners and rules of some load balancers lead to.
pub(super) fn used_by<'a>(draft: &Draft<'a>, of: impl Fn(&str) -> bool) -> BTreeSet<&'a str> {
    let actual = draft.actual;
    let mut listeners = BTreeSet::new();
    let mut used = BTreeSet::new();
    for listener in &actual.listeners {
        if listener.load_balancer.known().is_some_and(&of) {
            listeners.extend(listener.arn.as_deref());
            used.extend(target_groups_of(listener));
        }
    }
    for rule in &actual.rules {
        if rule.listener.known().is_some_and(|arn| listeners.contains(arn)) {
            used.extend(known_groups(&rule.actions));
        }
    }
    used
}
