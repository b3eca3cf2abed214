//! The stack: everything one key owns.

use serde::{Deserialize, Serialize};

use super::{Binding, Listener, LoadBalancer, Rule, SecurityGroup, TargetGroup};
use crate::key::StackKey;

/// All resources of one key: wanted, or there.
///
/// Resources are sorted by resource id; a wanted stack has each id once. An actual stack may hold an id
/// several times (an interrupted replacement, a resource copied by hand): the plan keeps the one that
/// matches and removes the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// Identity.
    pub key: StackKey,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// Load balancers.
    pub load_balancers: Vec<LoadBalancer>,
    /// Target groups.
    pub target_groups: Vec<TargetGroup>,
    /// Listeners, by port.
    pub listeners: Vec<Listener>,
    /// Rules of the listeners, default actions excepted.
    pub rules: Vec<Rule>,
    /// TargetGroupBindings.
    pub bindings: Vec<Binding>,
}

impl Stack {
    /// A stack without resources: what is wanted of a deleted owner.
    pub fn empty(key: &StackKey) -> Self {
        Self {
            key: key.clone(),
            security_groups: Vec::new(),
            load_balancers: Vec::new(),
            target_groups: Vec::new(),
            listeners: Vec::new(),
            rules: Vec::new(),
            bindings: Vec::new(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.security_groups.is_empty()
            && self.load_balancers.is_empty()
            && self.target_groups.is_empty()
            && self.listeners.is_empty()
            && self.rules.is_empty()
            && self.bindings.is_empty()
    }
}
