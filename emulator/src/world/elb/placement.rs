//! SetSubnets, SetIpAddressType and ModifyIpPools: where an existing load balancer stands.

use jiff::Timestamp;

use super::{
    interfaces,
    load_balancer::LoadBalancer,
    load_balancer_settings::check_address_type,
    words::{IpAddressType, LoadBalancerType},
    zones::{self, SubnetMapping},
};
use crate::world::{ApiError, World};

/// The parameters of SetSubnets.
#[derive(Clone, Debug, Default)]
pub struct SetSubnets {
    /// `LoadBalancerArn`
    pub load_balancer: String,
    /// `Subnets` or `SubnetMappings`
    pub subnets: Vec<SubnetMapping>,
    /// `IpAddressType`
    pub ip_address_type: Option<IpAddressType>,
    /// `EnablePrefixForIpv6SourceNat`
    pub prefix_for_source_nat: Option<bool>,
}

/// SetSubnets: the given subnets replace the former ones.
pub fn set_subnets(
    world: &mut World,
    now: Timestamp,
    request: &SetSubnets,
) -> Result<LoadBalancer, ApiError> {
    let mut changed = world.elb.load_balancer(&request.load_balancer)?.clone();
    changed.ip_address_type = request.ip_address_type.unwrap_or(changed.ip_address_type);
    if changed.kind == LoadBalancerType::Network {
        changed.prefix_for_source_nat = request.prefix_for_source_nat.or(changed.prefix_for_source_nat);
    }
    check_address_type(
        changed.kind,
        changed.ip_address_type,
        request.prefix_for_source_nat,
    )?;
    let (vpc, zones) = zones::checked(world, changed.placement(), &request.subnets, &changed.subnets())?;
    if vpc != changed.vpc {
        let message = format!(
            "The subnets do not belong to VPC '{}' of the load balancer",
            changed.vpc
        );
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    changed.zones = zones;
    let kept: Vec<String> = changed.subnets().into_iter().collect();
    interfaces::attach(world, &changed)?;
    interfaces::keep(world, now, &changed.arn, &kept);
    world
        .elb
        .load_balancers
        .insert(changed.arn.clone(), changed.clone());
    Ok(changed)
}

/// SetIpAddressType: `InvalidSubnet` if a subnet has no IPv6 range, `InvalidConfigurationRequest` if targets or
/// listeners do not fit.
pub fn set_ip_address_type(
    world: &mut World,
    arn: &str,
    wanted: IpAddressType,
) -> Result<LoadBalancer, ApiError> {
    let mut changed = world.elb.load_balancer(arn)?.clone();
    changed.ip_address_type = wanted;
    check_address_type(changed.kind, wanted, changed.prefix_for_source_nat)?;
    let mappings: Vec<SubnetMapping> = changed.zones.iter().map(|zone| zone.mapping.clone()).collect();
    zones::checked(world, changed.placement(), &mappings, &changed.subnets())?;
    if wanted == IpAddressType::Ipv4 {
        check_no_ipv6_targets(world, arn)?;
    }
    world
        .elb
        .load_balancers
        .insert(changed.arn.clone(), changed.clone());
    Ok(changed)
}

fn check_no_ipv6_targets(world: &World, arn: &str) -> Result<(), ApiError> {
    let uses = world.elb.uses();
    let mut behind = world
        .elb
        .target_groups
        .values()
        .filter(|group| uses.of(&group.arn).contains(arn));
    match behind.find(|group| group.is_ipv6()) {
        None => Ok(()),
        Some(group) => Err(ApiError::new(
            "InvalidConfigurationRequest",
            format!(
                "The load balancer forwards to the IPv6 target group '{}'",
                group.arn
            ),
        )),
    }
}

/// ModifyIpPools: sets or removes the IPAM pool of public IPv4 addresses; application load balancers only.
pub fn modify_ip_pools(
    world: &mut World,
    arn: &str,
    pool: Option<String>,
    remove: bool,
) -> Result<LoadBalancer, ApiError> {
    let changed = world.elb.load_balancer_mut(arn)?;
    if changed.kind != LoadBalancerType::Application {
        let message = "IPAM pools can be used with Application Load Balancers only";
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    match (pool, remove) {
        (Some(pool), false) => changed.ipam_pool = Some(pool),
        (None, true) => changed.ipam_pool = None,
        _ => {
            return Err(ApiError::validation(
                "Either IpamPools or RemoveIpamPools must be specified",
            ));
        }
    }
    Ok(changed.clone())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::world::elb::tests::*;

    #[test]
    fn setting_subnets_moves_the_interfaces() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        let wanted = subnets(&["private-b", "private-c"]);
        let request = SetSubnets {
            load_balancer: arn.clone(),
            subnets: wanted,
            ..Default::default()
        };
        let changed = set_subnets(&mut world, at(1), &request).unwrap();
        let names: Vec<_> = changed.zones.iter().map(|zone| zone.name.as_str()).collect();
        assert_eq!(names, ["us-west-2b", "us-west-2c"]);
        let live: Vec<_> = world
            .ec2
            .live_interfaces(&arn)
            .map(|found| found.subnet_id.clone())
            .collect();
        assert_eq!(live.len(), 2);
        assert!(!live.contains(&"subnet-private-a".to_owned()));
        assert_eq!(world.ec2.interfaces.len(), 3, "the one in zone a lingers");
    }

    #[test]
    fn dualstack_needs_ipv6_ranges() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        let error = set_ip_address_type(&mut world, &arn, IpAddressType::Dualstack).unwrap_err();
        assert_eq!(error.code, "InvalidSubnet");
    }
}
