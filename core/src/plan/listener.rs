//! Listeners: matched by load balancer and port; everything else changes in place.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::limits::nlb;

use super::attributes::{describe_attributes, diff_attributes};
use super::draft::Draft;
use super::listener_certificates::{CertificateDiff, add_certificate};
use super::listener_drift::{ListenerDrift, describe_actions, drift};
use super::load_balancer::describe_ref;
use super::pair::{Pairs, pair};
use super::rules::{self, ListenerRules};
use super::tags::{Legacy, diff_tags};
use super::target_group::target_groups_of;
use super::{Action, StepId};
use crate::model::{
    Action as ListenerAction, Listener, LoadBalancer, Protocol, Ref, ResourceAddress, ResourceId,
    ResourceKind, Setting, Tags, tracking,
};

/// Printed where traffic goes from one group to another in one call.
pub(super) const NO_OVERLAP: &str = "no overlap: one call switches all traffic";

/// Deletes, creates and changes listeners, each in the order of their ports.
pub(super) fn change_all(draft: &mut Draft, balancers: &Pairs<LoadBalancer>) {
    let (wanted, actual) = (draft.wanted, draft.actual);
    let pairs = pair(
        &wanted.listeners,
        &actual.listeners,
        |listener| (listener.port, draft.resolve(&listener.load_balancer)),
        |_, _| true,
        |_, listener| listener.arn.clone(),
    );
    let kept: BTreeSet<&str> = balancers
        .kept
        .iter()
        .filter_map(|(_, balancer)| balancer.arn.as_deref())
        .collect();
    let mut deletions = BTreeSet::new();
    if !draft.frozen && draft.holds_back(&pairs.surplus) {
        clear(draft, &pairs.surplus);
    } else if !draft.frozen {
        for listener in &pairs.surplus {
            if listener
                .load_balancer
                .known()
                .is_some_and(|arn| kept.contains(arn))
            {
                deletions.extend(delete(draft, listener));
            }
        }
    }
    let crowded = !nlb::LISTENERS.allows(pairs.missing.len() + actual.listeners.len());
    let before = if crowded {
        deletions.clone()
    } else {
        BTreeSet::new()
    };
    for (listener, _) in &pairs.missing {
        create(draft, listener, &before);
    }
    change_kept(draft, &pairs, deletions);
}

/// Takes away rules of listeners that stay although nobody wants them: those of members that are not sick.
fn clear<'a>(draft: &mut Draft<'a>, listeners: &[&'a Listener]) {
    for listener in listeners {
        if let Some(mut rules) = ListenerRules::new(draft, listener, listener) {
            let mut before = BTreeSet::new();
            rules.open(draft, &before);
            rules.close(draft, None, &mut before);
        }
    }
}

/// A listener that stays.
struct Staying<'a> {
    /// What it is to become.
    wanted: Listener,
    actual: &'a Listener,
    rules: Option<ListenerRules<'a>>,
}

/// Changes listeners that stay with their rules, then writes the rules of new ones. `before`: deletions of
/// listeners, which make room for rules.
fn change_kept<'a>(draft: &mut Draft<'a>, pairs: &Pairs<'a, Listener>, mut before: BTreeSet<StepId>) {
    let mut staying = Vec::new();
    for (wanted, actual) in &pairs.kept {
        let wanted = draft.held_listener(wanted, actual);
        let resolved = draft.resolve_listener(&wanted);
        let rules = ListenerRules::new(draft, &resolved, actual);
        staying.push(Staying {
            wanted,
            actual,
            rules,
        });
    }
    let new: Vec<(&Listener, Ref)> = pairs
        .missing
        .iter()
        .map(|(new, _)| (*new, draft.resolve(&new.load_balancer)))
        .collect();
    let mut rules: Vec<&mut ListenerRules<'a>> =
        staying.iter_mut().filter_map(|one| one.rules.as_mut()).collect();
    let crowded = rules::fit(draft, &mut rules, &new);
    if !crowded {
        before.clear();
    }
    staying.sort_by_key(|one| one.rules.as_ref().and_then(ListenerRules::turn));
    for one in &mut staying {
        change(draft, one, &mut before);
    }
    for (listener, _) in new {
        rules::write_new(draft, listener, &before);
    }
}

fn delete(draft: &mut Draft, listener: &Listener) -> Option<StepId> {
    let arn = listener.arn.clone()?;
    let origins = draft.removal_origins(&listener.origins);
    let reason = name(listener);
    let step = draft.push(
        Action::DeleteListener { arn: arn.clone() },
        BTreeSet::new(),
        &origins,
        reason,
    );
    draft.ends(&arn, step);
    let actual = draft.actual;
    for rule in actual
        .rules
        .iter()
        .filter(|rule| rule.listener.known() == Some(arn.as_str()))
    {
        draft.ends(rule.arn.as_deref().unwrap_or_default(), step);
    }
    Some(step)
}

fn create(draft: &mut Draft, wanted: &Listener, before: &BTreeSet<StepId>) {
    let listener = draft.resolve_listener(wanted);
    let references: Vec<Ref> = references(&listener).cloned().collect();
    if !references.iter().all(|reference| draft.can_resolve(reference)) {
        return;
    }
    let mut needs = draft.producers(&references);
    needs.extend(draft.settled_by(&wanted.load_balancer));
    needs.extend(attributes_of(draft, references.iter()));
    needs.extend(before);
    let address = ResourceAddress::new(ResourceKind::Listener, &wanted.id);
    let cluster = &draft.settings.scope.cluster;
    let tags = wanted.tags.get().map_or_else(Tags::new, |tags| {
        tracking::resource_tags(cluster, &draft.wanted.key, &wanted.id, tags)
    });
    let reason = describe_default(&listener);
    let action = Action::CreateListener {
        address: address.clone(),
        listener,
        tags,
    };
    let created = BTreeSet::from([draft.create(&address, action, needs, &wanted.origins, reason)]);
    let reference = Ref::Pending(address);
    if is_secure(wanted) {
        for certificate in wanted.extra_certificates.get().into_iter().flatten() {
            add_certificate(draft, wanted, &reference, certificate, created.clone());
        }
    }
    if wanted.protocol != Protocol::Tls && !wanted.attributes.is_empty() {
        let changes = describe_attributes(&wanted.attributes, &BTreeMap::new());
        let reason = format!("{}: {changes}", name(wanted));
        let action = Action::ModifyListenerAttributes {
            listener: reference,
            attributes: wanted.attributes.clone(),
        };
        draft.push(action, created, &wanted.origins, reason);
    }
}

/// References of a listener: load balancer and target groups.
fn references(listener: &Listener) -> impl Iterator<Item = &Ref> {
    listener
        .default_actions
        .iter()
        .flat_map(ListenerAction::target_groups)
        .map(|tuple| &tuple.target_group)
        .chain([&listener.load_balancer])
}

/// Where requests go that no rule takes.
fn describe_default(listener: &Listener) -> String {
    let groups: Vec<String> = listener
        .default_actions
        .iter()
        .flat_map(ListenerAction::target_groups)
        .map(|tuple| describe_ref(&tuple.target_group))
        .collect();
    if groups.is_empty() {
        return describe_actions(&listener.default_actions);
    }
    format!("forward to {}", groups.join(" "))
}

/// `TLS 443` for printing.
pub(super) fn name(listener: &Listener) -> String {
    format!("{} {}", listener.protocol, listener.port)
}

/// Whether a listener has certificates.
pub(super) fn is_secure(listener: &Listener) -> bool {
    listener.ssl_policy.get().is_some() || matches!(listener.protocol, Protocol::Tls | Protocol::Https)
}

fn change(draft: &mut Draft, staying: &mut Staying<'_>, before: &mut BTreeSet<StepId>) {
    let Staying {
        wanted,
        actual,
        rules,
    } = staying;
    let Some(arn) = actual.arn.clone() else { return };
    let resolved = draft.resolve_listener(wanted);
    if !references(&resolved).all(|reference| draft.can_resolve(reference)) {
        return;
    }
    let reference = Ref::Known(arn.clone());
    if let Setting::Set(tags) = &wanted.tags {
        let none = Tags::new();
        let old = actual.tags.get().unwrap_or(&none);
        let diff = diff_tags(tags, old, draft.settings, Legacy::Unknown);
        let label = format!("{}: ", name(wanted));
        draft.change_elb_tags(reference.clone(), &label, diff, old, &wanted.origins);
    }
    let certificates = CertificateDiff::new(wanted, actual);
    let mut opened = BTreeSet::new();
    if certificates.before_settings {
        opened = certificates.open(draft, wanted, &reference, BTreeSet::new());
    }
    let mut needs = opened.clone();
    needs.extend(
        rules
            .as_mut()
            .map(|rules| rules.open(draft, before))
            .unwrap_or_default(),
    );
    let modified = modify(draft, wanted, actual, resolved, needs);
    if let Some(rules) = rules {
        rules.close(draft, modified, before);
    }
    if !certificates.before_settings {
        opened = certificates.open(draft, wanted, &reference, modified.into_iter().collect());
    }
    opened.extend(modified);
    certificates.close(draft, wanted, &reference, &opened);
    if wanted.protocol != Protocol::Tls {
        change_attributes(draft, wanted, actual, reference, modified);
    }
}

/// ModifyListener if any setting drifts. Traffic moves to a group only after its targets are registered.
fn modify(
    draft: &mut Draft,
    wanted: &Listener,
    actual: &Listener,
    resolved: Listener,
    mut needs: BTreeSet<StepId>,
) -> Option<StepId> {
    let enhanced = draft.settings.gates.enhanced_default_behavior;
    let ListenerDrift {
        mut reasons,
        alpn_policy,
    } = drift(&resolved, actual, enhanced);
    if reasons.is_empty() {
        return None;
    }
    needs.extend(draft.producers(references(&resolved)));
    needs.extend(draft.settled_by(&wanted.load_balancer));
    needs.extend(attributes_of(draft, references(&resolved)));
    if target_groups_of(actual).next().is_some() {
        for id in fresh_groups(draft, wanted, actual) {
            needs.extend(draft.await_targets(&id, &wanted.origins));
        }
        let health = draft.health_of(references(wanted));
        let moves = health.is_empty() && !shares_groups(&resolved, actual);
        if moves || draft.is_switched(references(wanted)) {
            reasons.push(NO_OVERLAP.to_owned());
        }
        needs.extend(health);
    }
    let arn = actual.arn.clone()?;
    let listener = Listener {
        arn: Some(arn.clone()),
        alpn_policy,
        ..resolved
    };
    let action = Action::ModifyListener {
        arn: arn.clone(),
        listener,
    };
    let step = draft.push(action, needs, &wanted.origins, reasons.join(", "));
    draft.ends(&arn, step);
    Some(step)
}

/// Steps that set the attributes of new groups: traffic comes only after them.
pub(super) fn attributes_of<'r>(
    draft: &Draft,
    references: impl Iterator<Item = &'r Ref>,
) -> BTreeSet<StepId> {
    let groups: BTreeSet<&Ref> = references.collect();
    draft.steps_where(|action| {
        matches!(action, Action::ModifyTargetGroupAttributes { group: group @ Ref::Pending(_), .. }
            if groups.contains(group))
    })
}

/// Whether the new actions keep one of the groups that traffic goes to now.
fn shares_groups(wanted: &Listener, actual: &Listener) -> bool {
    let kept: BTreeSet<&str> = target_groups_of(wanted).collect();
    target_groups_of(actual).any(|arn| kept.contains(arn))
}

/// Groups of this stack that the wanted listener forwards to and the existing one does not.
fn fresh_groups(draft: &Draft, wanted: &Listener, actual: &Listener) -> BTreeSet<ResourceId> {
    let used: BTreeSet<&str> = target_groups_of(actual).collect();
    references(wanted)
        .filter(|reference| {
            draft
                .resolve(reference)
                .known()
                .is_none_or(|arn| !used.contains(arn))
        })
        .filter_map(|reference| match reference {
            Ref::Pending(address) if address.kind == ResourceKind::TargetGroup => Some(address.id.clone()),
            _ => None,
        })
        .collect()
}

fn change_attributes(
    draft: &mut Draft,
    wanted: &Listener,
    actual: &Listener,
    listener: Ref,
    modified: Option<StepId>,
) {
    let attributes = diff_attributes(&wanted.attributes, &actual.attributes);
    if attributes.is_empty() {
        return;
    }
    let changes = describe_attributes(&attributes, &actual.attributes);
    let reason = format!("{}: {changes}", name(wanted));
    let action = Action::ModifyListenerAttributes { listener, attributes };
    draft.push(action, modified.into_iter().collect(), &wanted.origins, reason);
}
