//! Listeners of a stack.

use super::{Context, Frame};
use crate::intent::wish::{ActionWish, ForwardWish, GroupWish, ListenerWish};
use crate::model::{
    Action, ForwardAction, Listener, Ref, ResourceId, ResourceKind, Setting, WeightedTargetGroup,
};

/// All listeners, by port.
pub(super) fn build(context: &Context<'_>, frame: &Frame<'_>) -> Vec<Listener> {
    let load_balancer = Ref::pending(ResourceKind::LoadBalancer, &frame.load_balancer.id);
    let listener = |wish: &ListenerWish| {
        let tls = wish.tls.as_ref();
        let certificates = tls.map(|tls| tls.certificates.clone()).unwrap_or_default();
        let alpn = tls.and_then(|tls| tls.alpn).map(|alpn| alpn.as_str().to_owned());
        let gates = &context.settings.gates;
        Listener {
            id: ResourceId(wish.port.to_string()),
            arn: None,
            load_balancer: load_balancer.clone(),
            port: wish.port,
            protocol: wish.protocol,
            default_actions: actions(&wish.actions),
            extra_certificates: Setting::from(tls.map(|_| certificates.iter().cloned().collect())),
            certificates,
            ssl_policy: Setting::from(tls.map(|tls| tls.policy.clone())),
            alpn_policy: Setting::from(alpn),
            attributes: wish.attributes.clone(),
            tags: Setting::from(gates.listener_rules_tagging.then(|| wish.tags.clone())),
            origins: context.origins(&wish.origins),
        }
    };
    let mut listeners: Vec<Listener> = frame.listeners.iter().map(listener).collect();
    listeners.sort_by_key(|listener| listener.port);
    listeners
}

/// Actions of a listener or rule.
pub(super) fn actions(wishes: &[ActionWish]) -> Vec<Action> {
    let action = |wish: &ActionWish| match wish {
        ActionWish::Forward { groups, stickiness } => Action::Forward(ForwardAction {
            target_groups: groups.iter().map(weighted).collect(),
            stickiness: stickiness.clone(),
        }),
        ActionWish::Redirect(redirect) => Action::Redirect(redirect.clone()),
        ActionWish::FixedResponse(response) => Action::FixedResponse(response.clone()),
    };
    wishes.iter().map(action).collect()
}

fn weighted(wish: &ForwardWish) -> WeightedTargetGroup {
    WeightedTargetGroup {
        target_group: match &wish.group {
            GroupWish::Own(id) => Ref::pending(ResourceKind::TargetGroup, id),
            GroupWish::Arn(arn) => Ref::Known(arn.clone()),
        },
        weight: wish.weight,
    }
}
