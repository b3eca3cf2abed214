//! What is done to the rules of a listener, as values.

use std::collections::BTreeSet;

/// A rule in a renumbering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Numbered {
    /// An existing rule, by position.
    Existing(usize),
    /// A wanted rule that the same schedule creates, by rank.
    Created(usize),
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// ModifyRule: an existing rule becomes a wanted one.
    Modify {
        /// Position among the existing rules.
        existing: usize,
        /// Position among the wanted rules.
        wanted: usize,
    },
    /// CreateRule at a number.
    Create {
        /// Position among the wanted rules.
        wanted: usize,
        /// Number.
        number: i32,
    },
    /// SetRulePriorities.
    Renumber(Vec<(Numbered, i32)>),
    /// The listener's default action changes here.
    Default,
    /// DeleteRule, by position among the existing rules.
    Delete(usize),
}

/// A call with the calls, by position, that come before it. Calls that no request can tell apart come in any
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The call.
    pub call: Call,
    /// Positions of earlier changes.
    pub needs: BTreeSet<usize>,
}
