//! Kubernetes events as values.

use elbow_crds::problem::ObjectRef;
use serde::{Deserialize, Serialize};

/// Type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum EventType {
    Normal,
    Warning,
}

/// An event on an object, with upstream's reason and text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Event {
    /// The object it is reported on.
    pub object: ObjectRef,
    /// UID of the object.
    pub uid: String,
    /// Type.
    pub kind: EventType,
    /// Reason, one word in upstream's spelling (`SuccessfullyReconciled`, `FailedBuildModel`, ...).
    pub reason: String,
    /// One sentence.
    pub message: String,
}

/// A text without the request ids that AWS gives its answers: what is told about two refusals is the same when
/// nothing else differs.
pub fn without_request_ids(text: &str) -> String {
    let mut parts = text.split(" (request id ");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(')').map_or("", |(_, after)| after));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_left_out_wherever_they_stand() {
        assert_eq!(
            without_request_ids("a: b (request id 1); c (request id 2)."),
            "a: b; c."
        );
        assert_eq!(without_request_ids("plain"), "plain");
    }
}
