//! What a stack keeps for the sake of a sick member of which nothing good is known: it may be what that member
//! asked for when it was well. Additions go on; what a healthy member asks for explains itself.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::listener_drift::{drift, same_actions};
use super::tags::TagDiff;
use crate::model::{Action as ListenerAction, Listener, Protocol, Setting, Tags};

/// Status of the answer where nobody asked for a default backend.
const NOT_FOUND: &str = "404";

impl Draft<'_> {
    /// The listener as it is to become: on hold its settings stay, certificates only come, and the default
    /// action changes only to one that somebody asked for.
    pub fn held_listener(&mut self, wanted: &Listener, actual: &Listener) -> Listener {
        if !self.hold {
            return wanted.clone();
        }
        let asked = !is_not_found(&wanted.default_actions);
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
