//! The network interfaces of load balancers: one per enabled zone, lingering after a zone or the whole is gone.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};

use super::{arn, load_balancer::LoadBalancer};
use crate::world::{ApiError, World};

/// Gives a load balancer an interface in each of its subnets that has none.
///
/// # Errors
/// `InvalidSubnet` if a subnet has no free address, `InvalidConfigurationRequest` if a fixed one is taken.
pub fn attach(world: &mut World, owner: &LoadBalancer) -> Result<(), ApiError> {
    let description = format!("ELB {}", arn::path(&owner.arn));
    let fixed: Vec<(String, Ipv4Addr)> = owner
        .zones
        .iter()
        .filter_map(|zone| {
            Some((
                zone.mapping.subnet.clone(),
                zone.mapping.private_ipv4.as_ref()?.parse().ok()?,
            ))
        })
        .filter(|(subnet, _)| {
            !world
                .ec2
                .live_interfaces(&owner.arn)
                .any(|found| found.subnet_id == *subnet)
        })
        .collect();
    for (subnet, address) in &fixed {
        let mut inside = world
            .ec2
            .interfaces
            .values()
            .filter(|found| found.subnet_id == *subnet);
        if inside.any(|found| found.holds(*address)) {
            return Err(ApiError::new(
                "InvalidConfigurationRequest",
                format!("The address '{address}' is in use"),
            ));
        }
    }
    let groups = &owner.security_groups;
    for (subnet, address) in &fixed {
        world
            .ec2
            .attach_interface_at(&mut world.ids, &owner.arn, &description, subnet, *address, groups)
            .map_err(|error| ApiError::new("InvalidConfigurationRequest", error.message))?;
    }
    let subnets: Vec<String> = owner.subnets().into_iter().collect();
    world
        .ec2
        .attach_interfaces(&mut world.ids, &owner.arn, &description, &subnets, groups)
        .map_err(|error| ApiError::new("InvalidSubnet", error.message))?;
    Ok(())
}

/// Lets all interfaces of a deleted load balancer linger for a while.
pub fn detach(world: &mut World, now: Timestamp, owner: &str) {
    let until = until(world, now);
    world.ec2.detach_interfaces_after(owner, until);
}

/// Lets interfaces outside `subnets` linger for a while.
pub fn keep(world: &mut World, now: Timestamp, owner: &str, subnets: &[String]) {
    let until = until(world, now);
    world.ec2.keep_interfaces_in(owner, subnets, until);
}

fn until(world: &World, now: Timestamp) -> Timestamp {
    let linger = SignedDuration::from_secs(world.delays.lingering_interfaces.into());
    now.saturating_add(linger).unwrap_or(now)
}
