//! Security groups as EC2 describes them, rules with descriptions included.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::IngressPermission;

/// A security group with its inbound rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SecurityGroupState {
    /// `sg-...`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Group name.
    pub name: String,
    /// Description.
    pub description: String,
    /// All tags.
    pub tags: BTreeMap<String, String>,
    /// Inbound rules, one source each, in AWS order.
    pub rules: Vec<GroupRule>,
}

/// An inbound rule with its description.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupRule {
    /// What it permits.
    pub permission: IngressPermission,
    /// Description of its source; empty without one.
    pub description: String,
}
