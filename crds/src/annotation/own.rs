//! Annotations that upstream has none for.

use super::{AnnotationError, Annotations};

/// How a load balancer takes the place of another one, on a Service or on an Ingress.
pub const REPLACEMENT_POLICY: &str = "elbow.dev/replacement-policy";
/// The old load balancer may be deleted before the new one is made, where both cannot stand side by side.
pub const DELETE_FIRST: &str = "delete-first";

/// Whether an object's replacement policy is [`DELETE_FIRST`]. Any other value is an error; without the annotation
/// a load balancer that cannot be doubled is not replaced.
pub fn deletes_first(annotations: &Annotations<'_>) -> Result<Option<bool>, AnnotationError> {
    match annotations.map.get(REPLACEMENT_POLICY) {
        None => Ok(None),
        Some(value) if value == DELETE_FIRST => Ok(Some(true)),
        Some(value) => Err(AnnotationError {
            key: REPLACEMENT_POLICY.to_owned(),
            value: value.clone(),
            rule: format!("write {DELETE_FIRST}, or remove the annotation"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn only_one_policy_can_be_written() {
        let read = |value: &str| {
            let annotations = BTreeMap::from([(REPLACEMENT_POLICY.to_owned(), value.to_owned())]);
            deletes_first(&Annotations::new(&annotations, "p")).map_err(|error| error.to_string())
        };
        assert_eq!(deletes_first(&Annotations::new(&BTreeMap::new(), "p")), Ok(None));
        assert_eq!(read("delete-first"), Ok(Some(true)));
        let error = read("Delete-First").err().unwrap_or_default();
        assert!(error.contains("write delete-first"), "{error}");
    }
}
