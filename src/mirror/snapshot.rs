//! The mirror as JSON, for `/debug/stacks`.

use std::collections::BTreeMap;

use elbow_core::key::StackKey;
use elbow_core::model::Stack;
use jiff::Timestamp;
use serde::Serialize;

use super::Mirror;
use super::entry::{Condition, Note};

/// Everything the mirror holds.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// When the last sweep ended.
    pub swept_at: Option<Timestamp>,
    /// By key, as `service:ns/name`.
    pub stacks: BTreeMap<String, StackSnapshot>,
    /// Security groups that the cluster shares: id to the value of their resource tag.
    pub shared: BTreeMap<String, String>,
}

/// One stack.
#[derive(Clone, Debug, Serialize)]
pub struct StackSnapshot {
    /// What AWS holds.
    pub stack: Stack,
    /// By ARN or security group id.
    pub entries: BTreeMap<String, EntrySnapshot>,
    /// What may exist although it is not in `stack`.
    pub doubts: Vec<String>,
}

/// The notes about one resource.
#[derive(Clone, Debug, Serialize)]
pub struct EntrySnapshot {
    /// Grows with every read and write.
    pub sequence: u64,
    /// Whether it may be planned from.
    pub condition: Condition,
    /// Whether its attributes have been read.
    pub attributes_read: bool,
}

impl Mirror {
    /// A copy of everything, for people.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let stacks = state.holdings.keys().map(std::string::ToString::to_string);
        let views = state.holdings.values().map(|holding| StackSnapshot {
            stack: holding.stack.clone(),
            entries: holding
                .notes
                .iter()
                .map(|(id, note)| (id.clone(), EntrySnapshot::from(note)))
                .collect(),
            doubts: holding.doubts.describe(),
        });
        Snapshot {
            swept_at: state.swept_at,
            stacks: stacks.zip(views).collect(),
            shared: state
                .shared
                .iter()
                .map(|(id, group)| (id.clone(), group.resource.clone()))
                .collect(),
        }
    }

    /// One stack of it.
    pub fn snapshot_of(&self, key: &StackKey) -> Option<StackSnapshot> {
        self.snapshot().stacks.remove(&key.to_string())
    }
}

impl From<&Note> for EntrySnapshot {
    fn from(note: &Note) -> Self {
        Self {
            sequence: note.sequence,
            condition: note.condition,
            attributes_read: note.parts.has(super::Parts::ATTRIBUTES),
        }
    }
}
