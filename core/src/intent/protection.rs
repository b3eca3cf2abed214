//! Deletion protection: what the load balancer attributes of an object that is no longer ours forbid.

use elbow_crds::annotation::{Annotations, parse_bool};
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use super::reader::describe;

const PROTECTION: &str = "deletion_protection.enabled";

/// Why the resources of `object` must not be deleted, if so: the attributes at `suffix` ask for deletion protection, or
/// cannot be read.
pub(super) fn problem(object: &ObjectRef, annotations: &Annotations<'_>, suffix: &str) -> Option<Problem> {
    let fault = |code, message: String| Some(Problem::fault(object, &annotations.key(suffix), code, message));
    let attributes = match annotations.string_map(suffix) {
        Ok(attributes) => attributes.unwrap_or_default(),
        Err(error) => return fault(ProblemCode::Malformed, describe(&error)),
    };
    let value = attributes.get(PROTECTION)?;
    match parse_bool(value) {
        Ok(false) => None,
        Ok(true) => fault(
            ProblemCode::Protected,
            format!(
                "{PROTECTION}=true protects the load balancer from deletion; set it to false to let the load \
                 balancer and its resources be deleted"
            ),
        ),
        Err(rule) => fault(
            ProblemCode::Malformed,
            format!("{PROTECTION} has the value '{value}': {rule}"),
        ),
    }
}
