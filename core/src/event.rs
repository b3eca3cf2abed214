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
