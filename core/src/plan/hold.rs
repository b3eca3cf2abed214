//! What a stack keeps for the sake of a sick member of which nothing good is known: it may be what that member
//! asked for when it was well. Additions go on; what a healthy member asks for explains itself.

use std::collections::BTreeSet;

use elbow_crds::problem::ObjectRef;

use super::draft::Draft;
use super::listener_drift::{drift, same_actions};
use super::tags::TagDiff;
use super::target_group::known_groups;
use super::{Action, PlanContext, StepId};
use crate::model::{
    Action as ListenerAction, Listener, Protocol, Ref, ResourceId, ResourceKind, Setting, Tags,
};

/// Status of the answer where nobody asked for a default backend.
const NOT_FOUND: &str = "404";

/// Sick members that may have something in AWS: one that never got the finalizer has nothing there.
pub(super) fn holders<'a>(context: &PlanContext<'a>) -> BTreeSet<&'a ObjectRef> {
    let unmarked = |object: &&ObjectRef| {
        let mut owners = context.owners.iter();
        owners.any(|owner| owner.object == **object && !owner.has_finalizer)
    };
    context.sick.iter().filter(|object| !unmarked(object)).collect()
}

/// Whether a target group may be an Ingress's own: resource ids begin with its namespace and name.
fn may_be_of(id: &ResourceId, object: &ObjectRef) -> bool {
    let own = format!("{}/{}-", object.namespace, object.name);
    id.0.starts_with(&own)
}

impl Draft<'_> {
    /// Whether a target group may be a sick member's.
    pub fn is_held_group(&self, id: &ResourceId) -> bool {
        self.sick.iter().any(|object| may_be_of(id, object))
    }

    /// Whether what has these actions may be a sick member's: it forwards to a group of such a member, or to
    /// none of the stack's, so that nothing tells whose it is.
    pub fn is_held(&self, actions: &[ListenerAction]) -> bool {
        self.hold && self.may_serve(actions, |id| self.is_held_group(id))
    }

    /// Whether actions may be those of an object.
    pub fn may_be_its(&self, actions: &[ListenerAction], object: &ObjectRef) -> bool {
        self.may_serve(actions, |id| may_be_of(id, object))
    }

    /// Whether nothing is wanted of a listener but that it is there: what it has stays, whoever asked for it.
    pub fn stays_whole(&self, id: &ResourceId) -> bool {
        let reference = Ref::pending(ResourceKind::Listener, id);
        let silent = |listener: &Listener| listener.id == *id && is_not_found(&listener.default_actions);
        self.hold
            && self.wanted.listeners.iter().any(silent)
            && self.wanted.rules.iter().all(|rule| rule.listener != reference)
    }

    fn may_serve(&self, actions: &[ListenerAction], is_its: impl Fn(&ResourceId) -> bool) -> bool {
        let mut ids = known_groups(actions)
            .filter_map(|arn| self.group_id(arn))
            .peekable();
        ids.peek().is_none() || ids.any(is_its)
    }

    fn group_id(&self, arn: &str) -> Option<&ResourceId> {
        let groups = &self.actual.target_groups;
        let found = groups.iter().find(|group| group.arn.as_deref() == Some(arn))?;
        Some(&found.id)
    }

    /// Planned deletions of target groups and bindings that may be an object's own.
    pub fn removals_of(&self, object: &ObjectRef) -> BTreeSet<StepId> {
        let is_its = |arn: &str| self.group_id(arn).is_some_and(|id| may_be_of(id, object));
        self.steps_where(|action| match action {
            Action::DeleteTargetGroup { arn } => is_its(arn),
            Action::DeleteBinding { namespace, name, .. } => {
                let is_it = |binding: &&crate::model::Binding| {
                    (&binding.namespace, &binding.name) == (namespace, name)
                };
                let bound = self.actual.bindings.iter().find(is_it);
                bound
                    .and_then(|binding| binding.spec.target_group.known())
                    .is_some_and(is_its)
            }
            _ => false,
        })
    }

    /// The listener as it is to become: on hold its settings stay, certificates only come, and the default
    /// action changes only to one that somebody asked for.
    pub fn held_listener(&mut self, wanted: &Listener, actual: &Listener) -> Listener {
        if !self.hold {
            return wanted.clone();
        }
        let explained = !self.stays_whole(&wanted.id) && !self.is_held(&actual.default_actions);
        let asked = !is_not_found(&wanted.default_actions) || explained;
        let default_actions = if asked {
            wanted.default_actions.clone()
        } else {
            actual.default_actions.clone()
        };
        let held = Listener {
            protocol: actual.protocol,
            default_actions,
            certificates: actual.certificates.clone(),
            extra_certificates: certificates(wanted, actual),
            ssl_policy: Setting::Unmanaged,
            alpn_policy: Setting::Unmanaged,
            attributes: actual.attributes.clone(),
            tags: tags(&wanted.tags, &actual.tags),
            ..wanted.clone()
        };
        let resolved = self.resolve_listener(wanted);
        let kept = self.resolve_listener(&held);
        let enhanced = self.settings.gates.enhanced_default_behavior;
        self.held_back |= drift(&resolved, actual, enhanced).reasons
            != drift(&kept, actual, enhanced).reasons
            || !same_actions(&resolved.default_actions, &kept.default_actions) && !asked
            || has_others(wanted, actual);
        held
    }

    /// On hold tags only come.
    pub fn held_tags(&mut self, mut diff: TagDiff, actual: &Tags) -> TagDiff {
        if self.hold {
            diff.add.retain(|key, _| !actual.contains_key(key));
            diff.remove.clear();
        }
        diff
    }

    /// Whether surplus resources stay, since the stack is on hold.
    pub fn holds_back<T>(&mut self, surplus: &[T]) -> bool {
        self.held_back |= self.hold && !surplus.is_empty();
        self.hold
    }
}

fn is_not_found(actions: &[ListenerAction]) -> bool {
    matches!(actions, [ListenerAction::FixedResponse(response)]
        if response.status == NOT_FOUND && response.body.as_deref().unwrap_or_default().is_empty())
}

/// Whether the listener has certificates that nobody asks for.
fn has_others(wanted: &Listener, actual: &Listener) -> bool {
    let wanted: BTreeSet<&String> = wanted
        .certificates
        .iter()
        .chain(wanted.extra_certificates.get().into_iter().flatten())
        .collect();
    let mut there = actual
        .certificates
        .iter()
        .chain(actual.extra_certificates.get().into_iter().flatten());
    there.any(|certificate| !wanted.contains(certificate))
}

fn certificates(wanted: &Listener, actual: &Listener) -> Setting<BTreeSet<String>> {
    if !matches!(actual.protocol, Protocol::Https | Protocol::Tls) {
        return Setting::Unmanaged;
    }
    let mut all = actual.extra_certificates.get().cloned().unwrap_or_default();
    all.extend(wanted.extra_certificates.get().into_iter().flatten().cloned());
    let missing = wanted
        .certificates
        .iter()
        .filter(|one| !actual.certificates.contains(one));
    all.extend(missing.cloned());
    Setting::Set(all)
}

fn tags(wanted: &Setting<Tags>, actual: &Setting<Tags>) -> Setting<Tags> {
    let Setting::Set(wanted) = wanted else {
        return Setting::Unmanaged;
    };
    let mut all = wanted.clone();
    all.extend(actual.get().cloned().unwrap_or_default());
    Setting::Set(all)
}
