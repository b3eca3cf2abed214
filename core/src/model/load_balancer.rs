//! Load balancers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{IpAddressType, OnOff, Origins, Ref, ResourceId, Scheme, Setting, Tags};

/// Type of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LoadBalancerType {
    Network,
    Application,
}

/// AWS's state of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum LoadBalancerState {
    Provisioning,
    Active,
    ActiveImpaired,
    Failed,
}

/// A load balancer of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// Resource id, `LoadBalancer`.
    pub id: ResourceId,
    /// ARN, assigned by AWS.
    pub arn: Option<String>,
    /// DNS name, assigned by AWS.
    pub dns_name: Option<String>,
    /// State, reported by AWS.
    pub state: Option<LoadBalancerState>,
    /// Name, used at creation only.
    pub name: String,
    /// Name where the first is taken by a load balancer whose place it takes; only in what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_name: Option<String>,
    /// Whether one whose place it takes may go first where both cannot stand side by side; only in what is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_first: bool,
    /// Type; a difference needs a replacement.
    pub kind: LoadBalancerType,
    /// Scheme; a difference needs a replacement.
    pub scheme: Scheme,
    /// IP address type.
    pub ip_address_type: IpAddressType,
    /// `EnablePrefixForIpv6SourceNat`.
    pub ipv6_source_nat: Setting<OnOff>,
    /// Subnets with their addresses, in wanted order.
    pub subnets: Vec<SubnetMapping>,
    /// Security groups, in wanted order; compared as a set.
    pub security_groups: Vec<Ref>,
    /// `EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic`.
    pub private_link_inbound: Setting<OnOff>,
    /// Attributes: wanted ones only, or all that AWS reports.
    pub attributes: BTreeMap<String, String>,
    /// Minimum capacity units; `Set(0)` resets the reservation.
    pub capacity_units: Setting<i32>,
    /// Tags.
    pub tags: Tags,
    /// Who asked for it.
    pub origins: Origins,
}

/// A subnet with the addresses the load balancer takes in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SubnetMapping {
    /// Subnet id.
    pub subnet: String,
    /// Elastic IP allocation id.
    pub allocation_id: Option<String>,
    /// Private IPv4 address, canonical text.
    pub private_ipv4: Option<String>,
    /// IPv6 address, canonical text.
    pub ipv6: Option<String>,
    /// Source NAT prefix: `auto_assigned` or an IPv6 /80.
    pub source_nat_prefix: Option<String>,
}
