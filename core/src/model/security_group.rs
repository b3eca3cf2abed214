//! Security groups.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Origins, ResourceId, Tags};

/// A security group of a stack (upstream type `AWS::EC2::SecurityGroup`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Resource id.
    pub id: ResourceId,
    /// AWS's id, `sg-...`.
    pub group_id: Option<String>,
    /// Group name; never changed after creation.
    pub name: String,
    /// Description; never changed after creation.
    pub description: String,
    /// Inbound rules, one source each. In wanted order of a Service's ports for the stack JSON; compared as
    /// a set.
    pub ingress: Vec<IngressPermission>,
    /// Tags.
    pub tags: Tags,
    /// Who asked for it.
    pub origins: Origins,
}

impl SecurityGroup {
    /// The rules as a set.
    pub fn permissions(&self) -> BTreeSet<IngressPermission> {
        self.ingress.iter().cloned().collect()
    }
}

/// An inbound rule with one source. The description is not part of its identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IngressPermission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or a number as text.
    pub protocol: String,
    /// First port, or ICMP type; `None` where AWS has none.
    pub from_port: Option<i32>,
    /// Last port, or ICMP code.
    pub to_port: Option<i32>,
    /// The source.
    pub source: PermissionSource,
}

/// Source of an inbound rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PermissionSource {
    /// IPv4 CIDR.
    Ipv4(String),
    /// IPv6 CIDR.
    Ipv6(String),
    /// Prefix list id.
    PrefixList(String),
    /// Security group id.
    Group(String),
}
