//! What one run of a key leaves behind, for the queue and the writers of status and events.

use elbow_core::event::Event;
use elbow_core::key::Key;
use elbow_crds::problem::{ObjectRef, Problem};
use jiff::Timestamp;

/// The result of one run of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// When the key wants to run again even if nothing happens; `None`: only when something happens.
    pub wake_at: Option<Timestamp>,
    /// Whether something failed that is worth trying again with back-off.
    pub retry: bool,
    /// Whether nothing was found out about the object: the events that stood before still do.
    pub inconclusive: bool,
    /// What stands in the way, by object.
    pub problems: Vec<Problem>,
    /// Events to emit.
    pub events: Vec<Event>,
    /// Other keys to wake.
    pub enqueue: Vec<Key>,
    /// Whose pass succeeded, for the event `SuccessfullyReconciled`; `None` if it did not, or if the key
    /// reports success itself.
    pub success: Option<Success>,
    /// What the key waits for, as shown in `/debug/stacks`.
    pub waits: Vec<String>,
}

/// A pass that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// The owners that stay, each with its UID.
    pub owners: Vec<(ObjectRef, String)>,
    /// Whether anything was written.
    pub changed: bool,
}

impl Run {
    /// Asks to run again at `at` or earlier.
    pub fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |other| other.min(at)));
    }
}
