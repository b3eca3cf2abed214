//! Wishes that only Ingresses have: rules.

use crate::intent::wish::ActionWish;
use crate::model::{Condition, Origins, Tags, Transform};

/// A rule of a listener; its place among the rules of its listener is its rank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleWish {
    /// Port of the listener.
    pub port: i32,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Actions in order.
    pub actions: Vec<ActionWish>,
    /// Changes to the request before it is forwarded.
    pub transforms: Vec<Transform>,
    /// Tags, `--default-tags` included.
    pub tags: Tags,
    /// Who asked for it.
    pub origins: Origins,
}
