//! Steps on listeners.

use std::collections::{BTreeMap, BTreeSet};

use super::super::listener_drift::DEFAULT_WEIGHT;
use super::super::{Action, Outputs};
use super::{or, without_tracking};
use crate::model::{Action as ListenerAction, Listener, Protocol, Ref, Setting, Stack, Stickiness};

/// TLS policy of a listener that was created without one
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html).
const SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let find = |stack: &mut Stack, reference: &Ref, change: &dyn Fn(&mut Listener)| {
        let arn = outputs.resolve(reference);
        let listener = stack.listeners.iter_mut().find(|l| arn.is_some() && l.arn == arn);
        if let Some(listener) = listener {
            change(listener);
        }
    };
    match action {
        Action::CreateListener {
            address,
            listener,
            tags,
        } => {
            let created = Listener {
                arn: outputs.get(address).map(|output| output.id.clone()),
                extra_certificates: Setting::Set(BTreeSet::new()),
                attributes: BTreeMap::new(),
                tags: Setting::Set(without_tracking(tags)),
                ..settled_listener(listener, None, outputs)
            };
            stack.listeners.retain(|l| l.arn != created.arn);
            stack.listeners.push(created);
            stack
                .listeners
                .sort_by(|a, b| (a.port, &a.arn).cmp(&(b.port, &b.arn)));
        }
        Action::ModifyListener { arn, listener } => {
            find(stack, &Ref::Known(arn.clone()), &|existing| {
                *existing = settled_listener(listener, Some(existing), outputs);
            });
        }
        Action::AddListenerCertificate {
            listener,
            certificate,
        } => find(stack, listener, &|existing| {
            let mut extra = existing.extra_certificates.get().cloned().unwrap_or_default();
            extra.insert(certificate.clone());
            existing.extra_certificates = Setting::Set(extra);
        }),
        Action::RemoveListenerCertificate {
            listener,
            certificate,
        } => find(stack, listener, &|existing| {
            let mut extra = existing.extra_certificates.get().cloned().unwrap_or_default();
            extra.remove(certificate);
            existing.extra_certificates = Setting::Set(extra);
        }),
        Action::ModifyListenerAttributes { listener, attributes } => find(stack, listener, &|existing| {
            existing.attributes.extend(attributes.clone());
        }),
        Action::DeleteListener { arn } => {
            stack.listeners.retain(|l| l.arn.as_ref() != Some(arn));
            stack.rules.retain(|rule| rule.listener.known() != Some(arn));
        }
        _ => {}
    }
}

/// A listener as AWS reports it after it was sent: references known, what was left out kept or filled in.
/// A listener that is not secure has neither certificates nor policies.
fn settled_listener(sent: &Listener, old: Option<&Listener>, outputs: &Outputs) -> Listener {
    let mut listener = sent.clone();
    listener.load_balancer = outputs.settle(&listener.load_balancer);
    settle_actions(&mut listener.default_actions, outputs);
    let secure = matches!(listener.protocol, Protocol::Tls | Protocol::Https);
    if let Some(old) = old {
        listener.arn.clone_from(&old.arn);
        listener.extra_certificates = old.extra_certificates.clone();
        listener.attributes.clone_from(&old.attributes);
        listener.tags = old.tags.clone();
        listener.ssl_policy = or(&listener.ssl_policy, &old.ssl_policy);
        listener.alpn_policy = or(&listener.alpn_policy, &old.alpn_policy);
    }
    if secure {
        listener.certificates.truncate(1);
        listener.ssl_policy = or(&listener.ssl_policy, &Setting::Set(SSL_POLICY.to_owned()));
    } else {
        listener.certificates.clear();
        listener.extra_certificates = Setting::Set(BTreeSet::new());
        listener.ssl_policy = Setting::Unmanaged;
        listener.alpn_policy = Setting::Unmanaged;
    }
    listener
}

/// Actions as AWS reports them: references known, weights of several groups and stickiness filled in.
pub(super) fn settle_actions(actions: &mut [ListenerAction], outputs: &Outputs) {
    for action in actions {
        let ListenerAction::Forward(forward) = action else {
            continue;
        };
        let single = forward.target_groups.len() == 1;
        for tuple in &mut forward.target_groups {
            tuple.target_group = outputs.settle(&tuple.target_group);
            if !single {
                tuple.weight.get_or_insert(DEFAULT_WEIGHT);
            }
        }
        forward.stickiness = or(&forward.stickiness, &Setting::Set(Stickiness::OFF));
    }
}
