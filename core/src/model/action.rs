//! Actions of listeners and rules.

use serde::{Deserialize, Serialize};

use super::{Ref, Setting};

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

/// Whether a client stays with the target group it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stickiness {
    /// Whether it does.
    pub enabled: bool,
    /// For how many seconds, 1 to 604800; Application Load Balancers only.
    pub seconds: Option<i32>,
}

impl Stickiness {
    /// No stickiness: what AWS reports where none was asked for.
    pub const OFF: Self = Self {
        enabled: false,
        seconds: None,
    };
}

/// A target group with its share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeightedTargetGroup {
    /// The group.
    pub target_group: Ref,
    /// Weight 0 to 999; not compared when there is one group.
    pub weight: Option<i32>,
}

/// Sending the client elsewhere. A part that is left out keeps that of the request, like the placeholders
/// `#{protocol}`, `#{port}`, `#{host}`, `/#{path}` and `#{query}`
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RedirectAction {
    /// Protocol.
    pub protocol: Option<String>,
    /// Port.
    pub port: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Path, with its leading slash.
    pub path: Option<String>,
    /// Query, without the question mark.
    pub query: Option<String>,
    /// `HTTP_301` or `HTTP_302`.
    pub status: String,
}

/// An answer without a target
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FixedResponseAction {
    /// Status code: 2XX, 4XX or 5XX.
    pub status: String,
    /// Content type.
    pub content_type: Option<String>,
    /// Body, at most 1,024 bytes.
    pub body: Option<String>,
}
