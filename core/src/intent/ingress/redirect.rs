//! Where the HTTP listeners of a group send their clients (`ssl-redirect`; upstream `pkg/ingress/model_builder.go`).
//!
//! In: what the members agree on, and what members at fault wrote. Out: what HTTP listeners do. A redirect to a
//! listener that only a member at fault asks for makes nobody else sick: the listeners stay as they are.

use std::collections::BTreeSet;

use elbow_crds::problem::{ObjectRef, ProblemCode};

use super::group::Group;
use super::listeners;
use super::lower::Voter;
use super::merge::Agreed;
use super::votes::Redirect;
use crate::model::Protocol;

/// What HTTP listeners of a group do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpListeners {
    /// They have rules and default actions of their own.
    Serve,
    /// They send everybody to the HTTPS listener on this port.
    Redirect(i32),
    /// They stay as they are: the HTTPS listener may be that of a member at fault.
    Stay,
}

/// A member that is left out, with the ports on which it wants HTTPS listeners; `None` where they cannot be read.
pub(super) struct LeftOut {
    object: ObjectRef,
    https: Option<BTreeSet<i32>>,
}

impl LeftOut {
    fn may_listen(&self, port: i32) -> bool {
        self.https.as_ref().is_none_or(|ports| ports.contains(&port))
    }
}

/// Those of the group that are at fault. Where their class is not known, it may hold certificates.
pub(super) fn left_out(group: &Group, is_sick: impl Fn(&ObjectRef) -> bool) -> Vec<LeftOut> {
    let members = group.members.iter().map(|found| {
        let params = found.params.as_ref();
        let certificates = params.is_some_and(|params| !params.spec.certificate_arn.is_empty());
        (&found.ingress, certificates)
    });
    let unclear = group.unclear.iter().map(|(ingress, _)| (ingress, true));
    let leaving = group.leaving.iter().map(|ingress| (ingress, true));
    members
        .chain(unclear)
        .chain(leaving)
        .filter(|(ingress, _)| is_sick(&ingress.object()))
        .map(|(ingress, certificates)| LeftOut {
            object: ingress.object(),
            https: listeners::https_as_written(ingress, certificates),
        })
        .collect()
}

/// Decides for the whole group. Those who ask for a port without an HTTPS listener are at fault.
pub(super) fn decide(agreed: &Agreed, left_out: &[LeftOut], voters: &mut [Voter<'_>]) -> HttpListeners {
    let Some(Redirect::Port(port)) = agreed.redirect.as_ref().map(|asked| asked.value) else {
        return HttpListeners::Serve;
    };
    let listener = agreed.ports.get(&port).map(|listener| listener.protocol.value);
    if listener == Some(Protocol::Https) {
        return HttpListeners::Redirect(port);
    }
    let holder = match listener {
        None => possible_holder(port, left_out, voters),
        Some(_) => None,
    };
    let message = match &holder {
        Some(holder) => format!(
            "port {port} has no HTTPS listener to redirect to but one that the Ingress {}/{}, which is at fault, may \
             ask for; HTTP listeners stay as they are until that Ingress is mended",
            holder.namespace, holder.name
        ),
        None => format!(
            "port {port} has no HTTPS listener to redirect to; {}",
            https_listeners(agreed)
        ),
    };
    for voter in voters.iter_mut().filter(|voter| voter.admitted) {
        if let Some(vote) = &voter.votes.redirect {
            let field = vote.origin.field.clone();
            if holder.is_some() {
                voter.member.warn(&field, ProblemCode::NotFound, message.clone());
            } else {
                voter.member.fault(&field, ProblemCode::NotFound, message.clone());
            }
        }
    }
    if holder.is_some() {
        HttpListeners::Stay
    } else {
        HttpListeners::Serve
    }
}

/// A member without a say whose HTTPS listener it may be.
fn possible_holder(port: i32, left_out: &[LeftOut], voters: &[Voter<'_>]) -> Option<ObjectRef> {
    let refused = voters.iter().filter(|voter| !voter.admitted).filter(|voter| {
        let vote = voter.votes.ports.get(&port);
        vote.is_some_and(|vote| vote.protocol.value == Protocol::Https)
    });
    let mut holders = left_out
        .iter()
        .filter(|member| member.may_listen(port))
        .map(|member| &member.object)
        .chain(refused.map(|voter| voter.member.object()));
    holders.next().cloned()
}

fn https_listeners(agreed: &Agreed) -> String {
    let ports: Vec<String> = agreed
        .ports
        .iter()
        .filter(|(_, listener)| listener.protocol.value == Protocol::Https)
        .map(|(port, _)| port.to_string())
        .collect();
    if ports.is_empty() {
        "there is no HTTPS listener".to_owned()
    } else {
        format!("the HTTPS listeners are on {}", ports.join(", "))
    }
}
