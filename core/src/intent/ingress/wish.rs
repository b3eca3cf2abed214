//! Wishes that only Ingresses have: rules, and target groups by Ingress.

use crate::intent::wish::{ActionWish, TargetGroupWish};
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

/// What only Ingresses ask of a target group.
#[derive(Clone, Debug, PartialEq)]
pub struct OfIngress {
    /// Namespace of the Ingress.
    pub namespace: String,
    /// Name of the Ingress.
    pub name: String,
}

/// A target group of an Ingress; its id is `namespace/ingress-service:port`, and at least one field of the Ingress asked.
pub type IngressTargetGroupWish = TargetGroupWish<OfIngress>;
