//! Which settings of a listener differ (upstream `pkg/deploy/elbv2/listener_manager.go`,
//! `pkg/equality/elbv2`).

use super::load_balancer::describe_ref;
use super::target_group::change;
use crate::model::{Action as ListenerAction, ForwardAction, Listener, Ref, Setting};

/// ALPN policy that means none.
const NO_ALPN: &str = "None";
/// Weight AWS gives a group that was sent without one.
pub(super) const DEFAULT_WEIGHT: i32 = 1;

/// What differs, and the ALPN policy to send if anything does.
pub(super) struct ListenerDrift {
    /// `name old -> new` each; empty if nothing differs.
    pub reasons: Vec<String>,
    /// Wanted policy, or `None` spelled out where a policy has to be removed.
    pub alpn_policy: Setting<String>,
}

/// Compares a wanted listener, its references resolved, with an existing one. `enhanced`: the gate
/// EnhancedDefaultBehavior, which detects a removed ALPN policy.
pub(super) fn drift(wanted: &Listener, actual: &Listener, enhanced: bool) -> ListenerDrift {
    let mut reasons = Vec::new();
    if wanted.port != actual.port {
        reasons.push(format!("port {} -> {}", actual.port, wanted.port));
    }
    if wanted.protocol != actual.protocol {
        reasons.push(format!("protocol {} -> {}", actual.protocol, wanted.protocol));
    }
    if !same_actions(&wanted.default_actions, &actual.default_actions) {
        let (old, new) = (
            describe_actions(&actual.default_actions),
            describe_actions(&wanted.default_actions),
        );
        reasons.push(format!("default action {old} -> {new}"));
    }
    let (old, new) = (actual.certificates.first(), wanted.certificates.first());
    if old != new {
        reasons.push(change("default certificate", old, new));
    }
    if wanted.ssl_policy.differs(&actual.ssl_policy) {
        reasons.push(change(
            "ssl policy",
            actual.ssl_policy.get(),
            wanted.ssl_policy.get(),
        ));
    }
    let alpn_policy = alpn(wanted, actual, enhanced, &mut reasons);
    ListenerDrift { reasons, alpn_policy }
}

fn alpn(wanted: &Listener, actual: &Listener, enhanced: bool, reasons: &mut Vec<String>) -> Setting<String> {
    let some = |setting: &Setting<String>| {
        setting
            .get()
            .filter(|policy| !policy.is_empty() && *policy != NO_ALPN)
            .cloned()
    };
    let (old, new) = (some(&actual.alpn_policy), some(&wanted.alpn_policy));
    let asked = wanted.alpn_policy.get().is_some_and(|policy| !policy.is_empty());
    if old == new || !(asked || enhanced) {
        return wanted.alpn_policy.clone();
    }
    reasons.push(change("ALPN policy", old.as_ref(), new.as_ref()));
    Setting::Set(new.unwrap_or_else(|| NO_ALPN.to_owned()))
}

/// Same actions in order: groups sorted by ARN, the weight of a single group and unmanaged stickiness
/// ignored. A reference that is not known yet makes a difference.
pub(super) fn same_actions(wanted: &[ListenerAction], actual: &[ListenerAction]) -> bool {
    wanted.len() == actual.len()
        && wanted
            .iter()
            .zip(actual)
            .all(|(ListenerAction::Forward(new), ListenerAction::Forward(old))| same_forward(new, old))
}

fn same_forward(wanted: &ForwardAction, actual: &ForwardAction) -> bool {
    let known = wanted
        .target_groups
        .iter()
        .all(|tuple| matches!(tuple.target_group, Ref::Known(_)));
    known && tuples(wanted) == tuples(actual) && !wanted.stickiness.differs(&stickiness_of(actual))
}

/// AWS reports a forward action without stickiness as one with stickiness off.
fn stickiness_of(actual: &ForwardAction) -> Setting<bool> {
    Setting::Set(*actual.stickiness.get().unwrap_or(&false))
}

fn tuples(forward: &ForwardAction) -> Vec<(Ref, i32)> {
    let single = forward.target_groups.len() == 1;
    let mut tuples: Vec<(Ref, i32)> = forward
        .target_groups
        .iter()
        .map(|tuple| {
            let weight = if single {
                DEFAULT_WEIGHT
            } else {
                tuple.weight.unwrap_or(DEFAULT_WEIGHT)
            };
            (tuple.target_group.clone(), weight)
        })
        .collect();
    tuples.sort();
    tuples
}

fn describe_actions(actions: &[ListenerAction]) -> String {
    let text = |ListenerAction::Forward(forward): &ListenerAction| {
        let single = forward.target_groups.len() == 1;
        let groups: Vec<String> = forward
            .target_groups
            .iter()
            .map(|tuple| match tuple.weight {
                Some(weight) if !single => format!("{}*{weight}", describe_ref(&tuple.target_group)),
                _ => describe_ref(&tuple.target_group),
            })
            .collect();
        let sticky = if forward.stickiness.get() == Some(&true) {
            " sticky"
        } else {
            ""
        };
        format!("forward {}{sticky}", groups.join(" "))
    };
    if actions.is_empty() {
        return "(none)".to_owned();
    }
    actions.iter().map(text).collect::<Vec<_>>().join(", ")
}
