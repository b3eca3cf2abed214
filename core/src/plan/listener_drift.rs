//! Which settings of a listener differ (upstream `pkg/deploy/elbv2/listener_manager.go`,
//! `pkg/equality/elbv2`).

use super::load_balancer::describe_ref;
use super::target_group::change;
use crate::model::{
    Action as ListenerAction, FixedResponseAction, ForwardAction, Listener, RedirectAction, Ref, Setting,
    Stickiness,
};

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
    wanted.len() == actual.len() && wanted.iter().zip(actual).all(|(new, old)| same_action(new, old))
}

fn same_action(wanted: &ListenerAction, actual: &ListenerAction) -> bool {
    match (wanted, actual) {
        (ListenerAction::Forward(new), ListenerAction::Forward(old)) => same_forward(new, old),
        (ListenerAction::Redirect(new), ListenerAction::Redirect(old)) => same_redirect(new, old),
        (ListenerAction::FixedResponse(new), ListenerAction::FixedResponse(old)) => same_response(new, old),
        _ => false,
    }
}

/// A part that is left out is AWS's placeholder for the part of the request.
fn same_redirect(wanted: &RedirectAction, actual: &RedirectAction) -> bool {
    let parts = |action: &RedirectAction| {
        let part = |value: &Option<String>, placeholder: &str| {
            value.clone().unwrap_or_else(|| placeholder.to_owned())
        };
        [
            part(&action.protocol, "#{protocol}"),
            part(&action.port, "#{port}"),
            part(&action.host, "#{host}"),
            part(&action.path, "/#{path}"),
            part(&action.query, "#{query}"),
            action.status.clone(),
        ]
    };
    parts(wanted) == parts(actual)
}

/// AWS reports an absent body or content type as empty.
fn same_response(wanted: &FixedResponseAction, actual: &FixedResponseAction) -> bool {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    wanted.status == actual.status
        && text(&wanted.content_type) == text(&actual.content_type)
        && text(&wanted.body) == text(&actual.body)
}

fn same_forward(wanted: &ForwardAction, actual: &ForwardAction) -> bool {
    let known = wanted
        .target_groups
        .iter()
        .all(|tuple| matches!(tuple.target_group, Ref::Known(_)));
    known && tuples(wanted) == tuples(actual) && same_stickiness(wanted, actual)
}

/// AWS reports a forward action without stickiness as one with stickiness off, and may fill in a duration.
fn same_stickiness(wanted: &ForwardAction, actual: &ForwardAction) -> bool {
    let Some(new) = wanted.stickiness.get() else {
        return true;
    };
    let old = actual.stickiness.get().unwrap_or(&Stickiness::OFF);
    new.enabled == old.enabled && (!new.enabled || new.seconds.is_none() || new.seconds == old.seconds)
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

/// Actions for printing: `forward web*1 api*3 sticky`, `redirect HTTPS:443 HTTP_301`, `respond 404`.
pub(super) fn describe_actions(actions: &[ListenerAction]) -> String {
    if actions.is_empty() {
        return "(none)".to_owned();
    }
    actions.iter().map(describe_action).collect::<Vec<_>>().join(", ")
}

fn describe_action(action: &ListenerAction) -> String {
    match action {
        ListenerAction::Forward(forward) => describe_forward(forward),
        ListenerAction::Redirect(redirect) => {
            let part = |value: &Option<String>, placeholder: &str| {
                value.clone().unwrap_or_else(|| placeholder.to_owned())
            };
            format!(
                "redirect {}://{}:{}{}?{} {}",
                part(&redirect.protocol, "#{protocol}"),
                part(&redirect.host, "#{host}"),
                part(&redirect.port, "#{port}"),
                part(&redirect.path, "/#{path}"),
                part(&redirect.query, "#{query}"),
                redirect.status
            )
        }
        ListenerAction::FixedResponse(response) => format!("respond {}", response.status),
        ListenerAction::Other(what) => what.clone(),
    }
}

fn describe_forward(forward: &ForwardAction) -> String {
    let single = forward.target_groups.len() == 1;
    let groups: Vec<String> = forward
        .target_groups
        .iter()
        .map(|tuple| match tuple.weight {
            Some(weight) if !single => format!("{}*{weight}", describe_ref(&tuple.target_group)),
            _ => describe_ref(&tuple.target_group),
        })
        .collect();
    let sticky = if forward.stickiness.get().is_some_and(|sticky| sticky.enabled) {
        " sticky"
    } else {
        ""
    };
    format!("forward {}{sticky}", groups.join(" "))
}
