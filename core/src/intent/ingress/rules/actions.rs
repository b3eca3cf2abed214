//! Actions of a backend: an annotation, or forwarding to a Service.

use std::sync::Arc;

use elbow_crds::ingress::action::{Action, Forward, Target, WeightedTarget, parse_action};
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::member::Member;
use super::super::target_groups::TargetGroups;
use super::{ACTIONS, authentication};
use crate::intent::wish::{ActionWish, ForwardWish, GroupWish};
use crate::model::{FixedResponseAction, Protocol, Setting};
use crate::view::{IngressServiceBackend, Service};

/// Port name of a backend that stands for an annotation.
const USE_ANNOTATION: &str = "use-annotation";

/// What a backend does with a request; `None` for a fault. `field` is the backend.
pub(super) fn read(
    member: &mut Member<'_>,
    backend: &IngressServiceBackend,
    field: &str,
    protocol: Protocol,
    groups: &mut TargetGroups,
) -> Option<Vec<ActionWish>> {
    let (action, field) = if backend.port_name == USE_ANNOTATION {
        let suffix = format!("{ACTIONS}.{}", backend.name);
        if member.string(&suffix).is_none() {
            return without_action(member, &suffix, field).map(|action| vec![action]);
        }
        let action = member.parsed(&suffix, parse_action)?;
        for breach in action.breaches() {
            member.warn_at(&suffix, ProblemCode::Limit, breach);
        }
        (action, member.key(&suffix))
    } else {
        (Action::Forward(to_service(backend)), field.to_owned())
    };
    let (action, service) = lowered(member, action, &field, groups)?;
    authentication::refuse(member, service.as_deref(), &field, protocol).then(|| vec![action])
}

fn to_service(backend: &IngressServiceBackend) -> Forward {
    let port = if backend.port_name.is_empty() {
        IntOrString::Int(backend.port_number)
    } else {
        IntOrString::String(backend.port_name.clone())
    };
    let target = Target::Service {
        name: backend.name.clone(),
        port,
    };
    Forward {
        target_groups: vec![WeightedTarget { target, weight: None }],
        stickiness: None,
    }
}

/// The answer in place of something that is missing, in upstream's words.
fn unavailable(body: &str) -> ActionWish {
    ActionWish::FixedResponse(FixedResponseAction {
        status: "503".to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: Some(body.to_owned()),
    })
}

fn without_action(member: &mut Member<'_>, suffix: &str, field: &str) -> Option<ActionWish> {
    let key = member.key(suffix);
    if member.settings.tolerate_non_existent_backend_action {
        let message = format!("the annotation {key} is missing, so requests are answered with 503; add it");
        member.warn(field, ProblemCode::NotFound, message);
        return Some(unavailable("Backend action does not exist"));
    }
    let message = format!("the annotation {key} is missing; add it");
    member.fault(field, ProblemCode::NotFound, message);
    None
}

/// The action, and the Service if it is the only target.
fn lowered(
    member: &mut Member<'_>,
    action: Action,
    field: &str,
    groups: &mut TargetGroups,
) -> Option<(ActionWish, Option<Arc<Service>>)> {
    match action {
        Action::FixedResponse(response) => Some((ActionWish::FixedResponse(response), None)),
        Action::Redirect(redirect) => Some((ActionWish::Redirect(redirect), None)),
        Action::Forward(forward) => forwarded(member, forward, field, groups),
    }
}

fn forwarded(
    member: &mut Member<'_>,
    forward: Forward,
    field: &str,
    groups: &mut TargetGroups,
) -> Option<(ActionWish, Option<Arc<Service>>)> {
    let alone = forward.target_groups.len() == 1;
    let mut wishes = Vec::new();
    let mut only = None;
    for WeightedTarget { target, weight } in forward.target_groups {
        let group = match target {
            Target::Arn(arn) => Some(GroupWish::Arn(arn)),
            Target::Name(name) => Some(GroupWish::Name {
                name,
                origin: member.origin(field),
            }),
            Target::Service { name, port } => {
                let Some(service) = groups.service(member, &name) else {
                    return without_service(member, &name, alone, field).map(|action| (action, None));
                };
                let id = groups.add(member, &service, &port, field);
                only = alone.then_some(service);
                id.map(GroupWish::Own)
            }
        };
        wishes.push(group.map(|group| ForwardWish { group, weight }));
    }
    let action = ActionWish::Forward {
        groups: wishes.into_iter().collect::<Option<_>>()?,
        stickiness: Setting::from(forward.stickiness),
    };
    Some((action, only))
}

fn without_service(member: &mut Member<'_>, name: &str, alone: bool, field: &str) -> Option<ActionWish> {
    let namespace = &member.of.ingress.meta.namespace;
    if alone && member.settings.tolerate_non_existent_backend_service {
        let message = format!(
            "the Service {name} does not exist in namespace {namespace}, so requests are answered with 503; \
             create it or name another one"
        );
        member.warn(field, ProblemCode::NotFound, message);
        return Some(unavailable("Backend service does not exist"));
    }
    let message =
        format!("the Service {name} does not exist in namespace {namespace}; create it or name another one");
    member.fault(field, ProblemCode::NotFound, message);
    None
}
