//! The mirror: what AWS holds of ours.
//!
//! In: lists and tags of the region (the sweep), deep reads of single stacks, and our own writes as they
//! succeed. Out: the actual [`Stack`] of a key, the answer to `Existing` questions, orphans. Rules:
//! `docs/design.md`, "The mirror". It is never asked what should be there, and nothing it forgets is lost: the next sweep finds it.

mod deep;
mod doubt;
mod entry;
mod holding;
mod listed;
mod lookup;
mod rules;
mod snapshot;
mod stack;
mod state;
mod sweep;
mod tags;
#[cfg(test)]
mod tests;
mod unread;
mod waits;
mod written;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use elbow_core::key::StackKey;
use elbow_core::plan::{Outputs, Step};
use elbow_core::settings::Settings;

use crate::aws::Aws;
use crate::clock::Clock;

pub use deep::Named;
pub use entry::{Condition, Parts};
pub use lookup::Orphan;
pub use snapshot::{EntrySnapshot, Snapshot, StackSnapshot};
pub use stack::Depth;
pub use sweep::SweepReport;
pub use tags::{Claim, Ownership, ownership};
pub use waits::Wait;
pub(crate) use written::{Subject, subject};

use state::State;

/// What AWS holds of ours in one realm. Clones share the same picture.
#[derive(Clone, Debug)]
pub struct Mirror {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    aws: Aws,
    settings: Arc<Settings>,
    clock: Clock,
    state: Mutex<State>,
}

impl Mirror {
    /// An empty mirror; nothing may be planned before the first [`Mirror::sweep`].
    pub fn new(settings: Arc<Settings>, aws: Aws, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                aws,
                settings,
                clock,
                state: Mutex::new(State::default()),
            }),
        }
    }

    /// Whether a sweep has ended since the mirror was made.
    pub fn is_swept(&self) -> bool {
        self.state().swept_at.is_some()
    }

    /// Enters a step that AWS has confirmed, through the pure step function.
    pub fn wrote(&self, key: &StackKey, step: &Step, outputs: &Outputs) {
        let now = self.shared.clock.now();
        self.state().wrote(key, step, outputs, now);
    }

    /// Marks what a step touches as doubtful: it got no answer, or one that contradicts our picture. The
    /// next [`Mirror::stack`] reads it.
    pub fn suspect(&self, key: &StackKey, step: &Step) {
        let now = self.shared.clock.now();
        self.state().suspect(key, step, now);
    }

    /// The same for a resource known by its ARN or security group id only; nothing if it is not ours.
    pub fn suspect_id(&self, id: &str) {
        self.state().suspect_id(id);
    }

    /// Marks everything a stack holds as doubtful: its next deep read verifies it against AWS.
    pub fn distrust(&self, key: &StackKey) {
        self.state().suspect_all(key);
    }

    /// Enters all attributes of a resource as AWS described them just now.
    pub fn described_attributes(
        &self,
        key: &StackKey,
        arn: &str,
        attributes: std::collections::BTreeMap<String, String>,
    ) {
        self.state().described_attributes(key, arn, attributes);
    }

    /// Whether we created this resource less than 60 s ago, so that AWS may not see it everywhere yet.
    pub fn is_young(&self, id: &str) -> bool {
        let now = self.shared.clock.now();
        self.state().is_young(id, now)
    }

    /// Whether a resource is in the picture: what carries our tags, or what we created.
    pub fn is_ours(&self, id: &str) -> bool {
        self.state().is_ours(id)
    }

    /// Forgets that a stack ever held something: its owner is gone and nothing of it is left.
    pub fn forget(&self, key: &StackKey) {
        self.state().forget_key(key);
    }

    /// Notes that something is waited for, and says until when and for how long already.
    pub fn wait(&self, subject: &str) -> Wait {
        let now = self.shared.clock.now();
        self.state().waits.enter(subject, now)
    }

    /// Ends a wait.
    pub fn end_wait(&self, subject: &str) {
        self.state().waits.end(subject);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
