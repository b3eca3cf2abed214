//! Authentication and token validation: read, checked, and refused.
//!
//! A rule that ought to authenticate must not let everybody through, so a member that asks for it is at fault.

use elbow_crds::ingress::auth::Auth;
use elbow_crds::ingress::jwt::parse_jwt_validation;
use elbow_crds::ingress::words::AuthType;
use elbow_crds::problem::ProblemCode;

use super::super::backend::BackendAnnotations;
use super::super::member::Member;
use crate::model::Protocol;
use crate::view::Service;

const AUTH_TYPE: &str = "auth-type";
const JWT: &str = "jwt-validation";

/// Whether a rule does without: `false` after a fault. Only HTTPS listeners authenticate, but the annotations
/// must be readable for any. `service` is the only target of the rule, whose annotations count too.
pub(super) fn refuse(
    member: &mut Member<'_>,
    service: Option<&Service>,
    field: &str,
    protocol: Protocol,
) -> bool {
    let plain = match service {
        Some(service) => with_service(member, service, field, protocol),
        None => alone(member, protocol),
    };
    let tokens = tokens(member, protocol);
    plain && tokens
}

fn with_service(member: &mut Member<'_>, service: &Service, field: &str, protocol: Protocol) -> bool {
    let annotations = BackendAnnotations::new(member, service, field);
    let auth = Auth::read(&annotations.annotations()).map(Some);
    let Some(auth) = annotations.take(member, auth) else {
        return false;
    };
    let refusal = unsupported(&auth, protocol);
    if let Some(message) = &refusal {
        annotations.fault(member, AUTH_TYPE, ProblemCode::NotAllowed, message);
    }
    refusal.is_none()
}

fn alone(member: &mut Member<'_>, protocol: Protocol) -> bool {
    let auth = Auth::read(&member.annotations).map(Some);
    let Some(auth) = member.take(auth) else {
        return false;
    };
    let refusal = unsupported(&auth, protocol);
    if let Some(message) = &refusal {
        member.fault_at(AUTH_TYPE, ProblemCode::NotAllowed, message);
    }
    refusal.is_none()
}

fn unsupported(auth: &Auth, protocol: Protocol) -> Option<String> {
    (protocol == Protocol::Https && auth.kind != AuthType::None).then(|| {
        format!(
            "authentication of type {} is not supported, and the rule must not answer without it; remove it or \
             write none",
            auth.kind.as_str()
        )
    })
}

fn tokens(member: &mut Member<'_>, protocol: Protocol) -> bool {
    if member.string(JWT).is_none() {
        return true;
    }
    if member.parsed(JWT, parse_jwt_validation).is_none() {
        return false;
    }
    if protocol == Protocol::Https {
        let message =
            "validation of tokens is not supported, and a rule must not answer without it; remove it";
        member.fault_at(JWT, ProblemCode::NotAllowed, message);
        return false;
    }
    true
}
