//! Listeners of a stack.

use super::inquiry::Inquiry;
use super::{Context, Frame};
use crate::intent::wish::{ActionWish, ForwardWish, GroupWish, ListenerWish};
use crate::model::{
    Action, ForwardAction, Listener, Ref, ResourceId, ResourceKind, Setting, WeightedTargetGroup,
};

/// All listeners, by port. `None` while an answer is missing or after a fault.
pub(super) fn build(
    context: &Context<'_>,
    frame: &Frame<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Listener>> {
    let load_balancer = Ref::pending(ResourceKind::LoadBalancer, &frame.load_balancer.id);
    let listener = |(wish, default_actions): (&ListenerWish, Vec<Action>)| {
        let tls = wish.tls.as_ref();
        let certificates = tls.map(|tls| tls.certificates.clone()).unwrap_or_default();
        let alpn = tls.and_then(|tls| tls.alpn).map(|alpn| alpn.as_str().to_owned());
        let gates = &context.settings.gates;
        let certificate_origins = tls.map(|tls| tls.certificate_origins.clone());
        Listener {
            id: ResourceId(wish.port.to_string()),
            arn: None,
            load_balancer: load_balancer.clone(),
            port: wish.port,
            protocol: wish.protocol,
            default_actions,
            extra_certificates: Setting::from(tls.map(|_| certificates.iter().cloned().collect())),
            certificates,
            certificate_origins: certificate_origins.unwrap_or_default(),
            ssl_policy: Setting::from(tls.map(|tls| tls.policy.clone())),
            alpn_policy: Setting::from(alpn),
            attributes: wish.attributes.clone(),
            tags: Setting::from(gates.listener_rules_tagging.then(|| wish.tags.clone())),
            origins: context.origins(&wish.origins),
        }
    };
    // All of them are lowered before one is given up, so that one round asks everything.
    let lowered: Vec<_> = frame
        .listeners
        .iter()
        .map(|wish| Some((wish, actions(&wish.actions, inquiry)?)))
        .collect();
    let lowered = lowered.into_iter().collect::<Option<Vec<_>>>()?;
    let mut listeners: Vec<Listener> = lowered.into_iter().map(listener).collect();
    listeners.sort_by_key(|listener| listener.port);
    Some(listeners)
}

/// Actions of a listener or rule. `None` while an answer is missing or after a fault.
pub(super) fn actions(wishes: &[ActionWish], inquiry: &mut Inquiry<'_>) -> Option<Vec<Action>> {
    let lowered: Vec<_> = wishes.iter().map(|wish| action(wish, inquiry)).collect();
    lowered.into_iter().collect()
}

fn action(wish: &ActionWish, inquiry: &mut Inquiry<'_>) -> Option<Action> {
    Some(match wish {
        ActionWish::Forward { groups, stickiness } => {
            let target_groups: Vec<_> = groups.iter().map(|group| weighted(group, inquiry)).collect();
            Action::Forward(ForwardAction {
                target_groups: target_groups.into_iter().collect::<Option<_>>()?,
                stickiness: stickiness.clone(),
            })
        }
        ActionWish::Redirect(redirect) => Action::Redirect(redirect.clone()),
        ActionWish::FixedResponse(response) => Action::FixedResponse(response.clone()),
    })
}

fn weighted(wish: &ForwardWish, inquiry: &mut Inquiry<'_>) -> Option<WeightedTargetGroup> {
    let target_group = match &wish.group {
        GroupWish::Own(id) => Ref::pending(ResourceKind::TargetGroup, id),
        GroupWish::Arn(arn) => Ref::Known(arn.clone()),
        GroupWish::Name { name, origin } => Ref::Known(inquiry.target_group(name, origin)?.to_owned()),
    };
    Some(WeightedTargetGroup {
        target_group,
        weight: wish.weight,
    })
}
