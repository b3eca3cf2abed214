//! Load balancers in the stack JSON.

use serde::Serialize;

use super::{Attribute, Token, attributes, tags};
use crate::model::{LoadBalancer, LoadBalancerType, SubnetMapping, Tags};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoadBalancerSpec<'a> {
    name: &'a str,
    r#type: LoadBalancerType,
    scheme: &'static str,
    ip_address_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_prefix_for_ipv6_source_nat: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subnet_mapping: Vec<MappingSpec<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    security_groups: Vec<Token<'a>>,
    #[serde(
        rename = "securityGroupsInboundRulesOnPrivateLink",
        skip_serializing_if = "Option::is_none"
    )]
    private_link: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    load_balancer_attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_load_balancer_capacity: Option<CapacitySpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CapacitySpec {
    capacity_units: i32,
}

impl<'a> From<&'a LoadBalancer> for LoadBalancerSpec<'a> {
    fn from(balancer: &'a LoadBalancer) -> Self {
        let capacity = balancer.capacity_units.get().copied();
        Self {
            name: &balancer.name,
            r#type: balancer.kind,
            scheme: balancer.scheme.as_str(),
            ip_address_type: balancer.ip_address_type.as_str(),
            enable_prefix_for_ipv6_source_nat: balancer.ipv6_source_nat.get().map(|value| value.as_str()),
            subnet_mapping: balancer.subnets.iter().map(MappingSpec::from).collect(),
            security_groups: balancer.security_groups.iter().map(Token::from).collect(),
            private_link: balancer.private_link_inbound.get().map(|value| value.as_str()),
            load_balancer_attributes: attributes(&balancer.attributes),
            minimum_load_balancer_capacity: capacity.map(|capacity_units| CapacitySpec { capacity_units }),
            tags: tags(&balancer.tags),
        }
    }
}

#[derive(Serialize)]
struct MappingSpec<'a> {
    #[serde(rename = "allocationID", skip_serializing_if = "Option::is_none")]
    allocation_id: Option<&'a str>,
    #[serde(rename = "privateIPv4Address", skip_serializing_if = "Option::is_none")]
    private_ipv4: Option<&'a str>,
    #[serde(rename = "ipv6Address", skip_serializing_if = "Option::is_none")]
    ipv6: Option<&'a str>,
    #[serde(rename = "sourceNatIpv6Prefix", skip_serializing_if = "Option::is_none")]
    source_nat_prefix: Option<&'a str>,
    #[serde(rename = "subnetID")]
    subnet: &'a str,
}

impl<'a> From<&'a SubnetMapping> for MappingSpec<'a> {
    fn from(mapping: &'a SubnetMapping) -> Self {
        Self {
            allocation_id: mapping.allocation_id.as_deref(),
            private_ipv4: mapping.private_ipv4.as_deref(),
            ipv6: mapping.ipv6.as_deref(),
            source_nat_prefix: mapping.source_nat_prefix.as_deref(),
            subnet: &mapping.subnet,
        }
    }
}
