//! The settings of a new load balancer: a request in, the load balancer out, checked as a whole.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    attributes::Schema,
    capacity::Capacity,
    load_balancer::{CreateLoadBalancer, LoadBalancer},
    security_groups, tags,
    words::{IpAddressType, LoadBalancerType, Scheme},
    zones::{self, Placement},
};
use crate::world::{ApiError, World};

/// The load balancer that a request asks for, without its ARN and name in the DNS.
pub(super) fn wanted(
    world: &World,
    now: Timestamp,
    request: &CreateLoadBalancer,
) -> Result<LoadBalancer, ApiError> {
    let kind = request.kind.unwrap_or(LoadBalancerType::Application);
    let scheme = request.scheme.unwrap_or(Scheme::InternetFacing);
    let ip_address_type = request.ip_address_type.unwrap_or(IpAddressType::Ipv4);
    check_address_type(kind, ip_address_type, request.prefix_for_source_nat)?;
    let prefix_for_source_nat = request.prefix_for_source_nat == Some(true);
    let placement = Placement {
        kind,
        scheme,
        ip_address_type,
        prefix_for_source_nat,
    };
    let (vpc, zones) = zones::checked(
        world,
        placement,
        &request.subnets,
        &known_subnets(world, &request.name),
    )?;
    let security_groups = security_groups::at_creation(world, kind, &vpc, &request.security_groups)?;
    let network = kind == LoadBalancerType::Network;
    let provisioning = SignedDuration::from_secs(world.delays.provisioning.into());
    Ok(LoadBalancer {
        arn: String::new(),
        name: request.name.clone(),
        dns_name: String::new(),
        hosted_zone: if network {
            "Z18D5FSROUN65G"
        } else {
            "Z1H1FL5HABSF5"
        }
        .to_owned(),
        created: now,
        active_at: now.saturating_add(provisioning).unwrap_or(now),
        active: false,
        kind,
        scheme,
        vpc,
        ip_address_type,
        zones,
        enforce_private_link: (network && !security_groups.is_empty()).then_some(true),
        security_groups,
        prefix_for_source_nat: network.then(|| request.prefix_for_source_nat.unwrap_or(false)),
        coip_pool: request.coip_pool.clone(),
        ipam_pool: request.ipam_pool.clone(),
        attributes: Schema::load_balancer(kind, scheme).defaults(),
        tags: tags::checked(&world.quotas, &request.tags)?,
        capacity: Capacity::default(),
    })
}

/// A repeated create must not fail for want of addresses that the first one took.
fn known_subnets(world: &World, name: &str) -> BTreeSet<String> {
    let mut existing = world
        .elb
        .load_balancers
        .values()
        .filter(|existing| existing.name == name);
    existing.next().map(LoadBalancer::subnets).unwrap_or_default()
}

/// Which address types a load balancer takes; the prefix for source NAT needs a dualstack network one.
pub(super) fn check_address_type(
    kind: LoadBalancerType,
    ip_address_type: IpAddressType,
    prefix_for_source_nat: Option<bool>,
) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::new("InvalidConfigurationRequest", message));
    if kind == LoadBalancerType::Network && ip_address_type == IpAddressType::DualstackWithoutPublicIpv4 {
        return refuse(
            "The IP address type 'dualstack-without-public-ipv4' is for Application Load Balancers only",
        );
    }
    let dualstack_network = kind == LoadBalancerType::Network && ip_address_type == IpAddressType::Dualstack;
    if prefix_for_source_nat == Some(true) && !dualstack_network {
        return refuse(
            "An IPv6 prefix for source NAT needs a Network Load Balancer with IP address type 'dualstack'",
        );
    }
    Ok(())
}
