//! What can be registered with a target group: instances, addresses, load balancers, functions.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    arn::Kind,
    target::Described,
    target_group::TargetGroup,
    words::{LoadBalancerType, Protocol, TargetType},
};
use crate::world::{ApiError, World, ec2::Subnet};

/// Addresses outside the VPC that can be targets: RFC 1918 and RFC 6598.
const PEER_RANGES: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
];

/// Checks a target and answers the zone it is in (`all` if it is in none).
pub(super) fn checked_zone(
    world: &World,
    group: &TargetGroup,
    described: &Described,
    port: Option<u16>,
) -> Result<Option<String>, ApiError> {
    check_quic(group, described)?;
    match group.target_type {
        TargetType::Instance => instance_zone(world, group, described).map(Some),
        TargetType::Ip => address_zone(world, group, described).map(Some),
        TargetType::Alb => check_load_balancer(world, described, port).map(|()| None),
        TargetType::Lambda => check_function(described).map(|()| None),
    }
}

pub(super) fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidTarget", message)
}

fn check_quic(group: &TargetGroup, described: &Described) -> Result<(), ApiError> {
    let quic = group.protocol.is_some_and(Protocol::is_quic);
    match (&described.quic_server_id, quic) {
        (None, false) => Ok(()),
        (None, true) => Err(ApiError::validation(
            "A QUIC server ID must be specified for targets of QUIC target groups",
        )),
        (Some(_), false) => Err(ApiError::validation(
            "QUIC server IDs can be specified for QUIC target groups only",
        )),
        (Some(id), true) => {
            let digits = id.strip_prefix("0x").unwrap_or_default();
            let hex = digits.len() == 16 && digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
            if hex {
                Ok(())
            } else {
                Err(ApiError::validation(format!(
                    "The QUIC server ID '{id}' is not valid"
                )))
            }
        }
    }
}

fn instance_zone(world: &World, group: &TargetGroup, described: &Described) -> Result<String, ApiError> {
    let id = &described.id;
    if !id.starts_with("i-") {
        return Err(ApiError::validation(format!("Instance ID '{id}' is not valid")));
    }
    if described.zone.is_some() {
        let message = "You cannot specify an Availability Zone for targets of target groups with target type 'instance'";
        return Err(ApiError::validation(message));
    }
    let instance = world
        .ec2
        .instance(id)
        .ok_or_else(|| invalid(format!("The following targets do not exist: '{id}'")))?;
    if group.vpc.as_ref() != Some(&instance.vpc_id) {
        let vpc = group.vpc.as_deref().unwrap_or_default();
        return Err(invalid(format!(
            "The following targets are not in the target group VPC '{vpc}': '{id}'"
        )));
    }
    if !instance.running() {
        let message =
            format!("The following targets are not in a running state and cannot be registered: '{id}'");
        return Err(invalid(message));
    }
    Ok(instance.zone.clone())
}

fn address_zone(world: &World, group: &TargetGroup, described: &Described) -> Result<String, ApiError> {
    let id = &described.id;
    let address: IpAddr = id
        .parse()
        .map_err(|_| ApiError::validation(format!("The IP address '{id}' is not valid")))?;
    if address.is_ipv6() != group.is_ipv6() {
        let family = if group.is_ipv6() { "IPv6" } else { "IPv4" };
        return Err(invalid(format!(
            "The IP address '{id}' is not a valid {family} address"
        )));
    }
    let vpc = group.vpc.as_deref().unwrap_or_default();
    let mut subnets = world.ec2.subnets.values();
    match subnets.find(|subnet| subnet.vpc_id == vpc && subnet.contains(address)) {
        Some(subnet) => inner_zone(subnet, described),
        None => outer_zone(world, group, described, address),
    }
}

/// AWS looks at the subnets, not at the ranges of the VPC
/// (<https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/3714>).
fn inner_zone(subnet: &Subnet, described: &Described) -> Result<String, ApiError> {
    match &described.zone {
        Some(zone) if *zone != subnet.zone => Err(ApiError::validation(format!(
            "The IP address '{}' is within the VPC, and cannot have its Availability Zone overridden to '{zone}' from '{}'",
            described.id, subnet.zone
        ))),
        _ => Ok(subnet.zone.clone()),
    }
}

fn outer_zone(
    world: &World,
    group: &TargetGroup,
    described: &Described,
    address: IpAddr,
) -> Result<String, ApiError> {
    let id = &described.id;
    let allowed = match address {
        IpAddr::V4(v4) => PEER_RANGES.iter().any(|(start, bits)| {
            let mask = u32::MAX << (32 - bits);
            v4.to_bits() & mask == start.to_bits()
        }),
        IpAddr::V6(_) => false,
    };
    if !allowed {
        let message = format!("The IP address '{id}' is neither in the VPC nor in a private range");
        return Err(ApiError::validation(message));
    }
    let own_zones_only = group
        .attributes
        .get("load_balancing.cross_zone.enabled")
        .is_some_and(|value| value == "false");
    match described.zone.as_deref() {
        Some(zone) if world.ec2.zones.contains_key(zone) => Ok(zone.to_owned()),
        Some("all") if !(own_zones_only && group.is_application()) => Ok("all".to_owned()),
        Some("all") => Err(ApiError::validation(format!(
            "When cross-zone load balancing is disabled on this target group, you must specify an Availability Zone \
             for IP target '{id}' since it is outside of the VPC"
        ))),
        Some(zone) => Err(invalid(format!(
            "The Availability Zone '{zone}' of '{id}' is not supported"
        ))),
        None => Err(ApiError::validation(format!(
            "The Availability Zone is required for IP address '{id}' because it is not in the VPC"
        ))),
    }
}

fn check_load_balancer(world: &World, described: &Described, port: Option<u16>) -> Result<(), ApiError> {
    let id = &described.id;
    Kind::LoadBalancer.check(id)?;
    let found = world
        .elb
        .load_balancers
        .get(id)
        .filter(|found| found.kind == LoadBalancerType::Application);
    if found.is_none() {
        return Err(invalid(format!(
            "The Application Load Balancer '{id}' does not exist"
        )));
    }
    let mut listeners = world
        .elb
        .listeners
        .values()
        .filter(|listener| listener.load_balancer == *id);
    if listeners.any(|listener| Some(listener.port) == port) {
        return Ok(());
    }
    Err(invalid(format!(
        "The Application Load Balancer '{id}' has no listener whose port matches the target port"
    )))
}

fn check_function(described: &Described) -> Result<(), ApiError> {
    if described.id.starts_with("arn:") && described.id.contains(":lambda:") {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "'{}' is not a valid Lambda function ARN",
        described.id
    )))
}
