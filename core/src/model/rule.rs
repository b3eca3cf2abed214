//! Rules of Application Load Balancer listeners.

use serde::{Deserialize, Serialize};

use super::{Action, Condition, Origins, Ref, ResourceId, Setting, Tags, Transform};

/// A rule of a listener; the default action is no rule but part of the listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Resource id, `port:rank`. An actual rule keeps that of its creation; it says nothing about its rank.
    pub id: ResourceId,
    /// ARN, assigned by AWS.
    pub arn: Option<String>,
    /// The listener it belongs to.
    pub listener: Ref,
    /// Wanted: rank 1, 2, 3, ... within its listener. Actual: the number AWS holds, 1 to 50000. Only the
    /// order counts.
    pub priority: i32,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Actions in order; the last one answers the request.
    pub actions: Vec<Action>,
    /// Changes to the request before it is forwarded.
    pub transforms: Vec<Transform>,
    /// Tags.
    pub tags: Setting<Tags>,
    /// Who asked for it.
    pub origins: Origins,
}
