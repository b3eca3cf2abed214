//! Where a load balancer stands: subnets of a request in, checked zones out.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::Serialize;

use super::words::{IpAddressType, LoadBalancerType, Scheme};
use crate::world::{ApiError, World, ec2::Subnet};

/// Free addresses that a subnet must have (user guides: "at least eight available IP addresses").
const MIN_FREE_ADDRESSES: usize = 8;

/// One `SubnetMappings` member, or one of `Subnets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubnetMapping {
    /// `subnet-...`
    pub subnet: String,
    /// Elastic IP address, for internet-facing network load balancers.
    pub allocation: Option<String>,
    /// Fixed address, for internal network load balancers.
    pub private_ipv4: Option<String>,
    /// Fixed IPv6 address, for dualstack network load balancers.
    pub ipv6: Option<String>,
    /// Prefix for source NAT of UDP over IPv6, or `auto_assigned`.
    pub source_nat_prefix: Option<String>,
}

/// A zone in which a load balancer has a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnabledZone {
    /// Zone name.
    pub name: String,
    /// The subnet of the node and how it was asked for.
    #[serde(flatten)]
    pub mapping: SubnetMapping,
    /// The IPv6 prefix for source NAT, where there is one: given, or of AWS's choice.
    pub assigned_prefix: Option<String>,
}

/// The settings of a load balancer that subnets must fit.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    /// Application load balancers need two zones and take no addresses.
    pub kind: LoadBalancerType,
    /// Internet-facing ones need an internet gateway.
    pub scheme: Scheme,
    /// Dualstack ones need IPv6 ranges.
    pub ip_address_type: IpAddressType,
    /// Whether each node gets an IPv6 prefix for source NAT.
    pub prefix_for_source_nat: bool,
}

/// Checks the subnets of CreateLoadBalancer or SetSubnets; answers the VPC and the zones sorted by name.
///
/// `had` are the subnets it has already: those need no free addresses.
///
/// # Errors
/// `ValidationError` (none), `SubnetNotFound`, `InvalidSubnet` (no internet gateway, too few free addresses, no
/// IPv6 range), `InvalidConfigurationRequest` (several VPCs, two subnets of a zone, one zone for an application
/// load balancer, addresses that do not fit), `AllocationIdNotFound`.
pub fn checked(
    world: &World,
    placement: Placement,
    mappings: &[SubnetMapping],
    had: &BTreeSet<String>,
) -> Result<(String, Vec<EnabledZone>), ApiError> {
    let subnets = mappings
        .iter()
        .map(|mapping| subnet(world, &mapping.subnet))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(first) = subnets.first() else {
        return Err(ApiError::validation("At least one subnet must be specified"));
    };
    if subnets.iter().any(|subnet| subnet.vpc_id != first.vpc_id) {
        return Err(refused("All subnets must belong to the same VPC"));
    }
    check_zones(placement, &subnets)?;
    for subnet in &subnets {
        check_subnet(world, placement, subnet, had.contains(&subnet.id))?;
    }
    let mut zones = Vec::new();
    for (mapping, subnet) in mappings.iter().zip(&subnets) {
        check_addresses(placement, mapping, subnet)?;
        let assigned_prefix = assigned_prefix(placement, mapping, subnet);
        zones.push(EnabledZone {
            name: subnet.zone.clone(),
            mapping: mapping.clone(),
            assigned_prefix,
        });
    }
    zones.sort_by(|a, b| a.name.cmp(&b.name));
    Ok((first.vpc_id.clone(), zones))
}

fn assigned_prefix(placement: Placement, mapping: &SubnetMapping, subnet: &Subnet) -> Option<String> {
    let given = mapping
        .source_nat_prefix
        .as_ref()
        .filter(|prefix| *prefix != "auto_assigned");
    let chosen = || subnet.ipv6_cidr.map(|range| format!("{}/80", range.network()));
    placement
        .prefix_for_source_nat
        .then(|| given.cloned().or_else(chosen))
        .flatten()
}

fn subnet<'a>(world: &'a World, id: &str) -> Result<&'a Subnet, ApiError> {
    world
        .ec2
        .subnet(id)
        .ok_or_else(|| ApiError::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidConfigurationRequest", message)
}

fn check_zones(placement: Placement, subnets: &[&Subnet]) -> Result<(), ApiError> {
    let mut seen = BTreeSet::new();
    if !subnets.iter().all(|subnet| seen.insert(&subnet.zone)) {
        return Err(refused(
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        ));
    }
    if placement.kind == LoadBalancerType::Application && seen.len() < 2 {
        return Err(refused(
            "At least two subnets in two different Availability Zones must be specified",
        ));
    }
    Ok(())
}

fn check_subnet(world: &World, placement: Placement, subnet: &Subnet, known: bool) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("InvalidSubnet", message));
    if placement.scheme == Scheme::InternetFacing && !has_internet_gateway(world, &subnet.vpc_id) {
        return invalid(format!("VPC {} has no internet gateway", subnet.vpc_id));
    }
    if placement.ip_address_type != IpAddressType::Ipv4 && subnet.ipv6_cidr.is_none() {
        return invalid(format!(
            "The subnet '{}' has no associated IPv6 CIDR block",
            subnet.id
        ));
    }
    if !known && world.ec2.free_addresses(subnet) < MIN_FREE_ADDRESSES {
        return invalid(format!(
            "Not enough IP space available in {}. ELB requires at least {MIN_FREE_ADDRESSES} free IP addresses in each subnet",
            subnet.id
        ));
    }
    Ok(())
}

fn has_internet_gateway(world: &World, vpc: &str) -> bool {
    let mut tables = world
        .ec2
        .route_tables
        .values()
        .filter(|table| table.vpc_id == vpc);
    tables.any(|table| table.routes.iter().any(|route| route.gateway.starts_with("igw-")))
}

fn check_addresses(placement: Placement, mapping: &SubnetMapping, subnet: &Subnet) -> Result<(), ApiError> {
    let fixed = [
        &mapping.allocation,
        &mapping.private_ipv4,
        &mapping.ipv6,
        &mapping.source_nat_prefix,
    ];
    if placement.kind == LoadBalancerType::Application && fixed.iter().any(|address| address.is_some()) {
        return Err(refused(
            "Addresses of subnets can be specified for Network Load Balancers only",
        ));
    }
    if let Some(allocation) = &mapping.allocation {
        if placement.scheme == Scheme::Internal {
            return Err(refused(
                "Elastic IP addresses cannot be specified for internal load balancers",
            ));
        }
        check_allocation(allocation)?;
    }
    if let Some(address) = &mapping.private_ipv4 {
        if placement.scheme != Scheme::Internal {
            return Err(refused(
                "Private IPv4 addresses can be specified for internal load balancers only",
            ));
        }
        if !address
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| subnet.cidr.contains(&address))
        {
            return Err(refused(format!(
                "The address '{address}' is not in the range of subnet '{}'",
                subnet.id
            )));
        }
    }
    check_ipv6(placement, mapping, subnet)
}

/// The account holds no list of Elastic IP addresses: a well-formed id exists.
fn check_allocation(id: &str) -> Result<(), ApiError> {
    let hex = id.strip_prefix("eipalloc-").unwrap_or_default();
    if hex.is_empty() || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(ApiError::new(
            "AllocationIdNotFound",
            format!("The allocation ID '{id}' does not exist"),
        ));
    }
    Ok(())
}

fn check_ipv6(placement: Placement, mapping: &SubnetMapping, subnet: &Subnet) -> Result<(), ApiError> {
    let ipv4_only = placement.ip_address_type == IpAddressType::Ipv4;
    if ipv4_only && (mapping.ipv6.is_some() || mapping.source_nat_prefix.is_some()) {
        return Err(refused(
            "IPv6 addresses can be specified only with IP address type 'dualstack'",
        ));
    }
    let Some(address) = &mapping.ipv6 else {
        return Ok(());
    };
    if address
        .parse::<Ipv6Addr>()
        .is_ok_and(|address| subnet.contains(address.into()))
    {
        return Ok(());
    }
    Err(refused(format!(
        "The address '{address}' is not in the range of subnet '{}'",
        subnet.id
    )))
}
