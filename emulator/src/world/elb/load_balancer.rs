//! Load balancers: create, describe, delete.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Elb,
    arn::{self, Kind},
    attributes::Attributes,
    capacity::Capacity,
    interfaces, limits,
    load_balancer_settings::wanted,
    names,
    page::{Page, PageRequest},
    tags::Tags,
    words::{IpAddressType, LoadBalancerType, Scheme},
    zones::{EnabledZone, Placement, SubnetMapping},
};
use crate::world::{ApiError, World};

/// ARNs that one DescribeLoadBalancers takes.
const MAX_ARNS: usize = 20;

/// A load balancer.
#[derive(Clone, Debug, Serialize)]
pub struct LoadBalancer {
    /// ARN.
    pub arn: String,
    /// Unique in the region.
    pub name: String,
    /// Public name; resolves nowhere.
    pub dns_name: String,
    /// Hosted zone for alias records.
    pub hosted_zone: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it becomes, or became, active.
    pub active_at: Timestamp,
    /// `provisioning` until then.
    pub active: bool,
    /// Application or network.
    pub kind: LoadBalancerType,
    /// Public or not; never changes.
    pub scheme: Scheme,
    /// VPC of its subnets.
    pub vpc: String,
    /// Address families.
    pub ip_address_type: IpAddressType,
    /// Zones with a node, by zone name.
    pub zones: Vec<EnabledZone>,
    /// Ids of its security groups.
    pub security_groups: Vec<String>,
    /// Whether inbound rules count for PrivateLink; only where there are security groups on a network one.
    pub enforce_private_link: Option<bool>,
    /// Whether source NAT has IPv6 prefixes; network only.
    pub prefix_for_source_nat: Option<bool>,
    /// Pool of customer-owned addresses.
    pub coip_pool: Option<String>,
    /// IPAM pool of its public addresses.
    pub ipam_pool: Option<String>,
    /// Every attribute it supports.
    pub attributes: Attributes,
    /// Tags.
    pub tags: Tags,
    /// Reserved capacity.
    pub capacity: Capacity,
}

/// The parameters of CreateLoadBalancer.
#[derive(Clone, Debug, Default)]
pub struct CreateLoadBalancer {
    /// `Name`
    pub name: String,
    /// `Type`; application if absent.
    pub kind: Option<LoadBalancerType>,
    /// `Scheme`; internet-facing if absent.
    pub scheme: Option<Scheme>,
    /// `IpAddressType`; ipv4 if absent.
    pub ip_address_type: Option<IpAddressType>,
    /// `Subnets` or `SubnetMappings`.
    pub subnets: Vec<SubnetMapping>,
    /// `SecurityGroups`
    pub security_groups: Vec<String>,
    /// `EnablePrefixForIpv6SourceNat`
    pub prefix_for_source_nat: Option<bool>,
    /// `CustomerOwnedIpv4Pool`
    pub coip_pool: Option<String>,
    /// `IpamPools.Ipv4IpamPoolId`
    pub ipam_pool: Option<String>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
}

/// The parameters of DescribeLoadBalancers.
#[derive(Clone, Debug, Default)]
pub struct DescribeLoadBalancers {
    /// `LoadBalancerArns`
    pub arns: Vec<String>,
    /// `Names`
    pub names: Vec<String>,
    /// `Marker`, `PageSize`
    pub page: PageRequest,
}

impl LoadBalancer {
    /// What its subnets have to fit.
    pub fn placement(&self) -> Placement {
        Placement {
            kind: self.kind,
            scheme: self.scheme,
            ip_address_type: self.ip_address_type,
            prefix_for_source_nat: self.prefix_for_source_nat == Some(true),
        }
    }

    /// Ids of its subnets.
    pub fn subnets(&self) -> BTreeSet<String> {
        self.zones
            .iter()
            .map(|zone| zone.mapping.subnet.clone())
            .collect()
    }

    /// Whether it has a node in a zone.
    pub fn enables(&self, zone: &str) -> bool {
        self.zones.iter().any(|enabled| enabled.name == zone)
    }

    /// Whether an attribute is `true`.
    pub fn is_on(&self, attribute: &str) -> bool {
        self.attributes
            .get(attribute)
            .is_some_and(|value| value == "true")
    }

    /// Whether a CreateLoadBalancer with `other`'s settings asks for what is there. Tags are not compared:
    /// AWS answers a second create with other tags with the load balancer as it is
    /// (<https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/3027>).
    fn same_settings(&self, other: &Self) -> bool {
        let groups = |load_balancer: &Self| {
            load_balancer
                .security_groups
                .iter()
                .cloned()
                .collect::<BTreeSet<_>>()
        };
        self.kind == other.kind
            && self.scheme == other.scheme
            && self.vpc == other.vpc
            && self.ip_address_type == other.ip_address_type
            && self.zones == other.zones
            && groups(self) == groups(other)
    }
}

/// CreateLoadBalancer. A second call with equal settings answers the existing one.
///
/// # Errors
/// `ValidationError`, `DuplicateLoadBalancerName`, `TooManyLoadBalancers`, `InvalidSecurityGroup`, tag errors
/// and those of [`zones::checked`].
pub fn create(
    world: &mut World,
    now: Timestamp,
    request: &CreateLoadBalancer,
) -> Result<LoadBalancer, ApiError> {
    names::check("load balancer", &request.name)?;
    let wanted = wanted(world, now, request)?;
    if let Some(existing) = world
        .elb
        .load_balancers
        .values()
        .find(|existing| existing.name == request.name)
    {
        return if existing.same_settings(&wanted) {
            Ok(existing.clone())
        } else {
            Err(duplicate(&request.name))
        };
    }
    let count = world
        .elb
        .load_balancers
        .values()
        .filter(|existing| existing.kind == wanted.kind)
        .count();
    let limit = limits::load_balancers(&world.quotas, wanted.kind);
    limits::check(
        "TooManyLoadBalancers",
        limit,
        count + 1,
        &format!("{} load balancers", wanted.kind),
    )?;
    let created = identified(world, wanted);
    interfaces::attach(world, &created)?;
    world
        .elb
        .load_balancers
        .insert(created.arn.clone(), created.clone());
    Ok(created)
}

fn duplicate(name: &str) -> ApiError {
    let message = format!("A load balancer with the same name '{name}' exists, but with different settings");
    ApiError::new("DuplicateLoadBalancerName", message)
}

/// Gives a new load balancer its ARN and DNS name.
fn identified(world: &mut World, mut new: LoadBalancer) -> LoadBalancer {
    let id = world.ids.hex(16);
    let path = arn::load_balancer_path(new.kind, &new.name, &id);
    new.arn = arn::of(world, &format!("loadbalancer/{path}"));
    new.dns_name = match (new.kind, new.scheme) {
        (LoadBalancerType::Network, _) => format!("{}-{id}.elb.{}.amazonaws.com", new.name, world.region),
        (_, Scheme::Internal) => format!("internal-{}-{id}.{}.elb.amazonaws.com", new.name, world.region),
        (_, Scheme::InternetFacing) => format!("{}-{id}.{}.elb.amazonaws.com", new.name, world.region),
    };
    new
}

/// DescribeLoadBalancers: all, by name or by ARN (at most 20); an unknown one fails the call.
pub fn describe(elb: &Elb, request: &DescribeLoadBalancers) -> Result<Page<LoadBalancer>, ApiError> {
    if !request.arns.is_empty() && !request.names.is_empty() {
        return Err(ApiError::validation(
            "Load balancer names and load balancer ARNs cannot be specified at the same time",
        ));
    }
    if request.arns.len() > MAX_ARNS {
        return Err(ApiError::validation(format!(
            "Up to {MAX_ARNS} load balancer ARNs can be specified in one call"
        )));
    }
    for arn in &request.arns {
        elb.load_balancer(arn)?;
    }
    for name in &request.names {
        if !elb.load_balancers.values().any(|found| found.name == *name) {
            return Err(ApiError::new(
                "LoadBalancerNotFound",
                format!("Load balancers '[{name}]' not found"),
            ));
        }
    }
    let all = request.arns.is_empty() && request.names.is_empty();
    let wanted = |found: &&LoadBalancer| {
        all || request.arns.contains(&found.arn) || request.names.contains(&found.name)
    };
    let found = elb.load_balancers.values().filter(wanted).cloned().collect();
    request.page.cut(found, |found| found.arn.clone())
}

/// DeleteLoadBalancer: its listeners go with it, its interfaces linger, its target groups stay. Deleting what
/// is not there succeeds; deletion protection refuses with `OperationNotPermitted`.
pub fn delete(world: &mut World, now: Timestamp, arn: &str) -> Result<(), ApiError> {
    Kind::LoadBalancer.check(arn)?;
    let Some(found) = world.elb.load_balancers.get(arn) else {
        return Ok(());
    };
    if found.is_on("deletion_protection.enabled") {
        let message =
            format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled");
        return Err(ApiError::new("OperationNotPermitted", message));
    }
    interfaces::detach(world, now, arn);
    world.elb.load_balancers.remove(arn);
    world
        .elb
        .listeners
        .retain(|_, listener| listener.load_balancer != arn);
    Ok(())
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

    fn refused(world: &mut World, request: &CreateLoadBalancer) -> &'static str {
        let before = serde_json::to_string(world).unwrap();
        let code = create(world, at(0), request).unwrap_err().code;
        assert_eq!(
            serde_json::to_string(world).unwrap(),
            before,
            "{code} changed the account"
        );
        code
    }

    #[test]
    fn it_is_active_after_the_provisioning_delay() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        world.advance(at(119));
        assert!(!world.elb.load_balancer(&arn).unwrap().active);
        world.advance(at(120));
        assert!(world.elb.load_balancer(&arn).unwrap().active);
    }

    #[test]
    fn a_second_create_with_equal_settings_answers_the_first_whatever_its_tags() {
        let mut world = world();
        let first = create_network(&mut world, "web");
        let again = CreateLoadBalancer {
            tags: vec![("a".into(), "b".into())],
            ..network("web")
        };
        let second = create(&mut world, at(9), &again).unwrap();
        assert_eq!((second.arn, second.tags.len()), (first.arn, 0));
        let other = CreateLoadBalancer {
            subnets: subnets(&["private-c"]),
            ..network("web")
        };
        assert_eq!(refused(&mut world, &other), "DuplicateLoadBalancerName");
    }

    #[test]
    fn subnets_must_exist_fit_and_have_room() {
        let mut world = world();
        let with = |ids: &[&str]| CreateLoadBalancer {
            subnets: subnets(ids),
            ..network("web")
        };
        assert_eq!(refused(&mut world, &with(&[])), "ValidationError");
        assert_eq!(refused(&mut world, &with(&["nowhere"])), "SubnetNotFound");
        assert_eq!(
            refused(&mut world, &with(&["private-a", "public-a"])),
            "InvalidConfigurationRequest"
        );
        assert_eq!(
            refused(&mut world, &with(&["private-b", "other-a"])),
            "InvalidConfigurationRequest"
        );
        assert_eq!(refused(&mut world, &with(&["tiny-c"])), "InvalidSubnet");
        let public = CreateLoadBalancer {
            scheme: Some(Scheme::InternetFacing),
            ..with(&["other-a"])
        };
        assert_eq!(refused(&mut world, &public), "InvalidSubnet");
    }

    #[test]
    fn an_application_load_balancer_needs_two_zones_and_gets_the_default_group() {
        let mut world = world();
        let one_zone = CreateLoadBalancer {
            subnets: subnets(&["private-a"]),
            ..application("web")
        };
        assert_eq!(refused(&mut world, &one_zone), "InvalidConfigurationRequest");
        assert_eq!(create_application(&mut world, "web").security_groups, ["sg-1"]);
    }

    #[test]
    fn security_groups_must_exist_in_the_vpc() {
        let mut world = world();
        for group in ["sg-9", "sg-3"] {
            let request = CreateLoadBalancer {
                security_groups: vec![group.into()],
                ..network("web")
            };
            assert_eq!(refused(&mut world, &request), "InvalidSecurityGroup");
        }
    }

    #[test]
    fn the_quota_counts_one_type() {
        let mut world = world();
        world.quotas.network_load_balancers = 1;
        create_network(&mut world, "one");
        assert_eq!(refused(&mut world, &network("two")), "TooManyLoadBalancers");
        create_application(&mut world, "three");
    }

    #[test]
    fn each_zone_has_an_interface_that_lingers_after_the_deletion() {
        let mut world = world();
        let request = CreateLoadBalancer {
            security_groups: vec!["sg-2".into()],
            ..network("web")
        };
        let arn = create(&mut world, at(0), &request).unwrap().arn;
        assert_eq!(world.ec2.live_interfaces(&arn).count(), 2);
        let interface = world.ec2.live_interfaces(&arn).next().unwrap();
        assert!(
            interface.description.starts_with("ELB net/web/"),
            "{}",
            interface.description
        );
        assert!(interface.groups.contains("sg-2"));
        delete(&mut world, at(10), &arn).unwrap();
        world.advance(at(54));
        assert_eq!(world.ec2.interfaces.len(), 2);
        world.advance(at(55));
        assert_eq!(world.ec2.interfaces.len(), 0);
    }

    #[test]
    fn deleting_takes_the_listeners_keeps_the_groups_and_succeeds_twice() {
        let mut world = world();
        let (owner, group) = serving(&mut world, true);
        delete(&mut world, at(1), &owner.arn).unwrap();
        assert!(world.elb.listeners.is_empty());
        assert!(world.elb.target_group(&group).is_ok());
        delete(&mut world, at(2), &owner.arn).unwrap();
    }

    #[test]
    fn deletion_protection_refuses() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        let protect = [("deletion_protection.enabled".to_owned(), "true".to_owned())];
        super::super::attributes::modify(&mut world.elb, Kind::LoadBalancer, &arn, &protect).unwrap();
        let error = delete(&mut world, at(1), &arn).unwrap_err();
        assert_eq!(error.code, "OperationNotPermitted");
        assert!(error.message.contains("deletion protection"), "{}", error.message);
        assert!(world.elb.load_balancer(&arn).is_ok());
    }

    #[test]
    fn one_unknown_name_or_arn_fails_the_whole_description() {
        let mut world = world();
        let known = create_network(&mut world, "web").arn;
        let unknown = known.replace("web", "gone");
        for request in [
            DescribeLoadBalancers {
                names: vec!["web".into(), "gone".into()],
                ..Default::default()
            },
            DescribeLoadBalancers {
                arns: vec![known, unknown],
                ..Default::default()
            },
        ] {
            assert_eq!(
                describe(&world.elb, &request).unwrap_err().code,
                "LoadBalancerNotFound"
            );
        }
    }
}
