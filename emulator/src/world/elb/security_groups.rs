//! Security groups of load balancers: at creation and SetSecurityGroups.

use super::{load_balancer::LoadBalancer, words::LoadBalancerType};
use crate::world::{ApiError, World};

/// The parameters of SetSecurityGroups.
#[derive(Clone, Debug, Default)]
pub struct SetSecurityGroups {
    /// `LoadBalancerArn`
    pub load_balancer: String,
    /// `SecurityGroups`
    pub groups: Vec<String>,
    /// `EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic`
    pub enforce_private_link: Option<bool>,
}

/// The groups a new load balancer gets: those asked for; for an application one without any, the default
/// group of its VPC; for a network one none, and then none ever.
pub fn at_creation(
    world: &World,
    kind: LoadBalancerType,
    vpc: &str,
    groups: &[String],
) -> Result<Vec<String>, ApiError> {
    if groups.is_empty() && kind == LoadBalancerType::Application {
        let of_vpc = |name: &str, of: &str| name == "default" && of == vpc;
        let default = world
            .ec2
            .security_groups
            .values()
            .find(|group| of_vpc(&group.name, &group.vpc_id));
        return Ok(default.map(|group| group.id.clone()).into_iter().collect());
    }
    check(world, vpc, groups)?;
    Ok(groups.to_vec())
}

fn check(world: &World, vpc: &str, groups: &[String]) -> Result<(), ApiError> {
    for id in groups {
        match world.ec2.security_group(id) {
            None => return Err(invalid(format!("The security group '{id}' does not exist"))),
            Some(group) if group.vpc_id != vpc => {
                return Err(invalid(format!(
                    "The security group '{id}' does not belong to VPC '{vpc}'"
                )));
            }
            Some(_) => {}
        }
    }
    let limit = world.quotas.security_groups_per_interface;
    if super::limits::within(limit, groups.len()) {
        return Ok(());
    }
    let message = format!("A load balancer can have up to {limit} security groups");
    Err(ApiError::new("InvalidConfigurationRequest", message))
}

fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidSecurityGroup", message)
}

/// SetSecurityGroups: replaces the groups of the load balancer and of its interfaces.
///
/// # Errors
/// `LoadBalancerNotFound`, `InvalidSecurityGroup`, `InvalidConfigurationRequest` for a network load balancer
/// that was created without groups, or an empty list.
pub fn set(world: &mut World, request: &SetSecurityGroups) -> Result<LoadBalancer, ApiError> {
    let found = world.elb.load_balancer(&request.load_balancer)?;
    let refuse = |message: String| Err(ApiError::new("InvalidConfigurationRequest", message));
    if found.security_groups.is_empty() && found.kind == LoadBalancerType::Network {
        return refuse(format!(
            "You cannot set security groups of load balancer '{}' because it was created without security groups",
            found.arn
        ));
    }
    if request.groups.is_empty() {
        return refuse("At least one security group must be specified".to_owned());
    }
    if request.enforce_private_link.is_some() && found.kind != LoadBalancerType::Network {
        return refuse("PrivateLink enforcement can be set for Network Load Balancers only".to_owned());
    }
    check(world, &found.vpc, &request.groups)?;
    let changed = world.elb.load_balancer_mut(&request.load_balancer)?;
    changed.security_groups.clone_from(&request.groups);
    changed.enforce_private_link = request.enforce_private_link.or(changed.enforce_private_link);
    let changed = changed.clone();
    world
        .ec2
        .set_interface_groups(&changed.arn, &changed.security_groups);
    Ok(changed)
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
    use crate::world::elb::{
        load_balancer::{self, CreateLoadBalancer},
        tests::*,
    };

    #[test]
    fn a_network_load_balancer_created_without_groups_never_gets_any() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        let request = SetSecurityGroups {
            load_balancer: arn,
            groups: vec!["sg-2".into()],
            ..Default::default()
        };
        assert_eq!(
            set(&mut world, &request).unwrap_err().code,
            "InvalidConfigurationRequest"
        );
    }

    #[test]
    fn new_groups_reach_the_interfaces_and_the_private_link_switch_stays_unless_given() {
        let mut world = world();
        let request = CreateLoadBalancer {
            security_groups: vec!["sg-1".into()],
            ..network("web")
        };
        let arn = load_balancer::create(&mut world, at(0), &request).unwrap().arn;
        let mut request = SetSecurityGroups {
            load_balancer: arn.clone(),
            groups: vec!["sg-2".into()],
            enforce_private_link: Some(false),
        };
        assert_eq!(
            set(&mut world, &request).unwrap().enforce_private_link,
            Some(false)
        );
        request.enforce_private_link = None;
        assert_eq!(
            set(&mut world, &request).unwrap().enforce_private_link,
            Some(false)
        );
        assert!(
            world
                .ec2
                .live_interfaces(&arn)
                .all(|interface| interface.groups.contains("sg-2"))
        );
    }
}
