//! Kubernetes' refusals, and access to owners by kind.

use elbow_crds::problem::{ObjectRef, ProblemCode};
use jiff::SignedDuration;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;

use super::step::{End, Running};

/// How long Kubernetes may be unreachable or unwilling before it becomes a problem.
const UNWILLING: SignedDuration = SignedDuration::from_mins(10);
/// How long an object may look different in our store and in Kubernetes.
pub(super) const OUTDATED: SignedDuration = SignedDuration::from_mins(2);
/// Conflicts in a row before the next plan has to look again.
pub(super) const CONFLICTS: usize = 5;

/// What Kubernetes answered, as far as steps tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    NotFound,
    AlreadyExists,
    Conflict,
    Forbidden,
    Refused,
    Transient,
}

/// The class of an error.
pub(super) fn answer(error: &kube::Error) -> Answer {
    let kube::Error::Api(status) = error else {
        return Answer::Transient;
    };
    match status.code {
        404 => Answer::NotFound,
        409 if status.reason == "AlreadyExists" => Answer::AlreadyExists,
        409 => Answer::Conflict,
        401 | 403 => Answer::Forbidden,
        408 | 429 | 500.. => Answer::Transient,
        _ => Answer::Refused,
    }
}

impl Running<'_> {
    /// The end of a step that Kubernetes did not carry out.
    pub fn refused_by_kubernetes(&self, error: &kube::Error) -> End {
        let text = match error {
            kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
            other => other.to_string(),
        };
        match answer(error) {
            Answer::Forbidden => self.failed(
                ProblemCode::Denied,
                &format!("the controller's role does not allow it; add the rule to its role. {text}"),
            ),
            Answer::Refused => self.failed(ProblemCode::Refused, &text),
            Answer::NotFound | Answer::AlreadyExists | Answer::Conflict => {
                self.wait(&format!("the change to be seen: {text}"), OUTDATED)
            }
            Answer::Transient => self.wait(&format!("Kubernetes to carry it out: {text}"), UNWILLING),
        }
    }
}

/// Owners of a kind in a namespace; `None` for a kind that owns no stack.
pub fn owners(client: &kube::Client, object: &ObjectRef) -> Option<Api<DynamicObject>> {
    let (kind, plural) = match object.kind.as_str() {
        "Service" => (GroupVersionKind::gvk("", "v1", "Service"), "services"),
        "Ingress" => (
            GroupVersionKind::gvk("networking.k8s.io", "v1", "Ingress"),
            "ingresses",
        ),
        _ => return None,
    };
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Some(Api::namespaced_with(client.clone(), &object.namespace, &resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str) -> kube::Error {
        let status = kube::core::Status::failure("no", reason).with_code(code);
        kube::Error::Api(Box::new(status))
    }

    #[test]
    fn conflicts_and_existing_names_share_a_code_but_not_a_class() {
        assert_eq!(answer(&status(409, "AlreadyExists")), Answer::AlreadyExists);
        assert_eq!(answer(&status(409, "Conflict")), Answer::Conflict);
    }

    #[test]
    fn servers_in_trouble_are_asked_again() {
        for code in [408, 429, 500, 503] {
            assert_eq!(answer(&status(code, "")), Answer::Transient, "{code}");
        }
        assert_eq!(answer(&status(422, "Invalid")), Answer::Refused);
    }
}
