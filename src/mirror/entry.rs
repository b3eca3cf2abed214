//! What the mirror notes about a resource beside its value.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// How long AWS may not see everywhere what was just created.
pub(super) const YOUNG: SignedDuration = SignedDuration::from_secs(60);

/// Whether a value may be planned from. What is gone is kept apart, as a tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Condition {
    /// Read or written, and nothing contradicts it.
    Fresh,
    /// Something contradicts it: read before the next plan.
    Suspect,
}

/// Which parts of a resource have been read beyond what lists show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts(u8);

impl Parts {
    /// Attributes.
    pub const ATTRIBUTES: Self = Self(1);
    /// The listeners of a load balancer.
    pub const LISTENERS: Self = Self(2);
    /// The capacity reservation of a load balancer.
    pub const CAPACITY: Self = Self(4);
    /// The additional certificates of a listener.
    pub const CERTIFICATES: Self = Self(8);
    /// Tags, where lists do not bring them (listeners and rules).
    pub const TAGS: Self = Self(16);
    /// The rules of a listener.
    pub const RULES: Self = Self(32);

    /// Nothing.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Notes about one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// Grows with every read and write of the mirror: the larger, the newer the value.
    pub sequence: u64,
    /// Whether it may be planned from.
    pub condition: Condition,
    /// What has been read of it.
    pub parts: Parts,
    /// When we created it, if this process did.
    pub created_at: Option<Timestamp>,
    /// Whether it was found by the tags of the first generation of the controller.
    pub legacy: bool,
}

impl Note {
    /// A value as of `sequence`.
    pub fn fresh(sequence: u64) -> Self {
        Self {
            sequence,
            condition: Condition::Fresh,
            parts: Parts::none(),
            created_at: None,
            legacy: false,
        }
    }

    /// Whether we created it less than 60 s ago.
    pub fn is_young(&self, now: Timestamp) -> bool {
        self.created_at.is_some_and(|at| now.duration_since(at) < YOUNG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_a_set() {
        let both = Parts::ATTRIBUTES.and(Parts::LISTENERS);
        assert!(both.has(Parts::ATTRIBUTES) && both.has(Parts::LISTENERS) && !both.has(Parts::TAGS));
        assert_eq!(both.without(Parts::LISTENERS), Parts::ATTRIBUTES);
        assert!(both.has(Parts::none()));
    }

    #[test]
    fn a_resource_is_young_for_a_minute_after_we_made_it() {
        let made = Timestamp::UNIX_EPOCH;
        let note = Note {
            created_at: Some(made),
            ..Note::fresh(1)
        };
        assert!(note.is_young(made + SignedDuration::from_secs(59)));
        assert!(!note.is_young(made + SignedDuration::from_secs(60)));
        assert!(!Note::fresh(1).is_young(made), "found, not made");
    }
}
