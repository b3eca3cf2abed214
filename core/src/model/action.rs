//! Actions of listeners and rules.

use serde::{Deserialize, Serialize};

use super::{FixedResponseAction, RedirectAction, Ref, Setting, Stickiness};

/// What a listener or rule does with a connection or request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Forward to target groups.
    Forward(ForwardAction),
    /// Send the client elsewhere.
    Redirect(RedirectAction),
    /// Answer without a target.
    FixedResponse(FixedResponseAction),
    /// Only in what is there: an action that is not built here, as AWS describes it. Equal to nothing wanted.
    Other(String),
}

impl Action {
    /// The forward action, if it is one.
    pub fn as_forward(&self) -> Option<&ForwardAction> {
        match self {
            Self::Forward(forward) => Some(forward),
            Self::Redirect(_) | Self::FixedResponse(_) | Self::Other(_) => None,
        }
    }

    /// The target groups it forwards to.
    pub fn target_groups(&self) -> &[WeightedTargetGroup] {
        self.as_forward().map_or(&[], |forward| &forward.target_groups)
    }

    /// The target groups it forwards to, to be changed.
    pub fn target_groups_mut(&mut self) -> &mut [WeightedTargetGroup] {
        match self {
            Self::Forward(forward) => &mut forward.target_groups,
            Self::Redirect(_) | Self::FixedResponse(_) | Self::Other(_) => &mut [],
        }
    }
}

/// Forwarding to one or several target groups.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardAction {
    /// Groups with weights, in wanted order; compared sorted by ARN.
    pub target_groups: Vec<WeightedTargetGroup>,
    /// Target group stickiness. Ignored in comparison when unmanaged.
    pub stickiness: Setting<Stickiness>,
}

/// A target group with its share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeightedTargetGroup {
    /// The group.
    pub target_group: Ref,
    /// Weight 0 to 999; not compared when there is one group.
    pub weight: Option<i32>,
}
