//! Target groups: create, describe, modify, delete.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Elb,
    arn::{self, Kind},
    attributes::{Attributes, Schema},
    health_check::{GroupFacts, HealthCheck, HealthCheckRequest},
    limits, names,
    page::{Page, PageRequest},
    tags::{self, Tags},
    target::{Target, TargetKey},
    words::{Protocol, ProtocolVersion, TargetIpAddressType, TargetType},
};
use crate::world::{ApiError, World};

/// A target group.
#[derive(Clone, Debug, Serialize)]
pub struct TargetGroup {
    /// ARN.
    pub arn: String,
    /// Unique in the region.
    pub name: String,
    /// When it was created.
    pub created: Timestamp,
    /// Absent for Lambda functions.
    pub protocol: Option<Protocol>,
    /// Of HTTP and HTTPS groups.
    pub version: Option<ProtocolVersion>,
    /// Default port of its targets; absent for Lambda functions.
    pub port: Option<u16>,
    /// Absent for Lambda functions.
    pub vpc: Option<String>,
    /// What its targets are.
    pub target_type: TargetType,
    /// Absent for Lambda functions.
    pub ip_address_type: Option<TargetIpAddressType>,
    /// Port of the target control agent.
    pub control_port: Option<u16>,
    /// How targets are checked.
    pub health_check: HealthCheck,
    /// Every attribute it supports.
    pub attributes: Attributes,
    /// Tags.
    pub tags: Tags,
    /// Targets, draining ones included.
    pub targets: BTreeMap<TargetKey, Target>,
}

/// The parameters of CreateTargetGroup.
#[derive(Clone, Debug, Default)]
pub struct CreateTargetGroup {
    /// `Name`
    pub name: String,
    /// `Protocol`
    pub protocol: Option<Protocol>,
    /// `ProtocolVersion`
    pub version: Option<ProtocolVersion>,
    /// `Port`
    pub port: Option<i64>,
    /// `VpcId`
    pub vpc: Option<String>,
    /// `TargetType`; instance if absent.
    pub target_type: Option<TargetType>,
    /// `IpAddressType`; ipv4 if absent.
    pub ip_address_type: Option<TargetIpAddressType>,
    /// `TargetControlPort`
    pub control_port: Option<i64>,
    /// `HealthCheck...` and `Matcher`
    pub health_check: HealthCheckRequest,
    /// `Tags`
    pub tags: Vec<(String, String)>,
}

/// The parameters of DescribeTargetGroups.
#[derive(Clone, Debug, Default)]
pub struct DescribeTargetGroups {
    /// `LoadBalancerArn`
    pub load_balancer: Option<String>,
    /// `TargetGroupArns`
    pub arns: Vec<String>,
    /// `Names`
    pub names: Vec<String>,
    /// `Marker`, `PageSize`
    pub page: PageRequest,
}

impl TargetGroup {
    /// What of it decides about its health check.
    pub fn facts(&self) -> GroupFacts {
        GroupFacts {
            protocol: self.protocol,
            version: self.version,
            target_type: self.target_type,
        }
    }

    /// Whether its targets have IPv6 addresses.
    pub fn is_ipv6(&self) -> bool {
        self.ip_address_type == Some(TargetIpAddressType::Ipv6)
    }

    /// Whether it stands behind Application Load Balancers.
    pub fn is_application(&self) -> bool {
        self.protocol.is_none_or(Protocol::is_application)
    }

    /// The port a target has for health checks.
    pub fn check_port(&self, target: &TargetKey) -> Option<u16> {
        self.health_check.port.or(target.port)
    }

    /// An attribute as a number of seconds.
    pub fn seconds(&self, attribute: &str) -> i64 {
        self.attributes
            .get(attribute)
            .and_then(|value| value.parse().ok())
            .unwrap_or_default()
    }

    /// Whether CreateTargetGroup with `other`'s settings asks for what is there. Tags are not compared.
    fn same_settings(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.version == other.version
            && self.port == other.port
            && self.vpc == other.vpc
            && self.target_type == other.target_type
            && self.ip_address_type == other.ip_address_type
            && self.control_port == other.control_port
            && self.health_check == other.health_check
    }
}

/// CreateTargetGroup. A second call with equal settings answers the existing one.
///
/// # Errors
/// `ValidationError`, `DuplicateTargetGroupName`, `TooManyTargetGroups`, `InvalidConfigurationRequest`, tag errors.
pub fn create(
    world: &mut World,
    now: Timestamp,
    request: &CreateTargetGroup,
) -> Result<TargetGroup, ApiError> {
    names::check("target group", &request.name)?;
    let wanted = wanted(world, now, request)?;
    if let Some(existing) = world
        .elb
        .target_groups
        .values()
        .find(|existing| existing.name == request.name)
    {
        if existing.same_settings(&wanted) {
            return Ok(existing.clone());
        }
        let message = format!(
            "A target group with the same name '{}' exists, but with different settings",
            request.name
        );
        return Err(ApiError::new("DuplicateTargetGroupName", message));
    }
    let count = world.elb.target_groups.len() + 1;
    limits::check(
        "TooManyTargetGroups",
        world.quotas.target_groups,
        count,
        "target groups",
    )?;
    let id = world.ids.hex(16);
    let created = TargetGroup {
        arn: arn::of(world, &format!("targetgroup/{}/{id}", request.name)),
        ..wanted
    };
    world
        .elb
        .target_groups
        .insert(created.arn.clone(), created.clone());
    Ok(created)
}

fn wanted(world: &World, now: Timestamp, request: &CreateTargetGroup) -> Result<TargetGroup, ApiError> {
    let target_type = request.target_type.unwrap_or(TargetType::Instance);
    let lambda = target_type == TargetType::Lambda;
    if lambda {
        check_lambda(request)?;
    } else {
        check_network(world, request, target_type)?;
    }
    let http = request.protocol.is_some_and(Protocol::is_application);
    if request.version.is_some() && !http {
        return Err(ApiError::validation(
            "Protocol versions can be specified for HTTP and HTTPS target groups only",
        ));
    }
    let version = http.then(|| request.version.unwrap_or(ProtocolVersion::Http1));
    let facts = GroupFacts {
        protocol: request.protocol,
        version,
        target_type,
    };
    Ok(TargetGroup {
        arn: String::new(),
        name: request.name.clone(),
        created: now,
        protocol: request.protocol,
        version,
        port: request.port.map(|port| checked_port("port", port)).transpose()?,
        vpc: request.vpc.clone(),
        target_type,
        ip_address_type: (!lambda).then(|| request.ip_address_type.unwrap_or(TargetIpAddressType::Ipv4)),
        control_port: request
            .control_port
            .map(|port| checked_port("targetControlPort", port))
            .transpose()?,
        health_check: HealthCheck::create(facts, &request.health_check)?,
        attributes: Schema::target_group(request.protocol, target_type).defaults(),
        tags: tags::checked(&world.quotas, &request.tags)?,
        targets: BTreeMap::new(),
    })
}

fn check_lambda(request: &CreateTargetGroup) -> Result<(), ApiError> {
    if request.protocol.is_some() || request.port.is_some() || request.vpc.is_some() {
        let message =
            "Protocol, port and VPC cannot be specified for target groups with target type 'lambda'";
        return Err(ApiError::validation(message));
    }
    Ok(())
}

fn check_network(
    world: &World,
    request: &CreateTargetGroup,
    target_type: TargetType,
) -> Result<(), ApiError> {
    let missing = |what: &str| ApiError::validation(format!("A {what} must be specified"));
    let protocol = request.protocol.ok_or_else(|| missing("protocol"))?;
    request.port.ok_or_else(|| missing("port"))?;
    let vpc = request.vpc.as_deref().ok_or_else(|| missing("VPC ID"))?;
    if world.ec2.vpc(vpc).is_none() {
        return Err(ApiError::validation(format!("The VPC ID '{vpc}' is not found")));
    }
    if protocol == Protocol::Geneve {
        return Err(ApiError::validation("Gateway Load Balancers do not exist here"));
    }
    if target_type == TargetType::Alb && !matches!(protocol, Protocol::Tcp | Protocol::Tls) {
        let message =
            format!("Protocol '{protocol}' is not supported for target groups with target type 'alb'");
        return Err(ApiError::validation(message));
    }
    let ipv6 = request.ip_address_type == Some(TargetIpAddressType::Ipv6);
    if ipv6 && target_type == TargetType::Alb {
        let message = "IP address type 'ipv6' is not supported for target groups with target type 'alb'";
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    Ok(())
}

fn checked_port(field: &str, port: i64) -> Result<u16, ApiError> {
    u16::try_from(port).ok().filter(|port| *port > 0).ok_or_else(|| {
        ApiError::validation(format!(
            "1 validation error detected: Value '{port}' at '{field}' failed to satisfy constraint: \
             Member must be between 1 and 65535"
        ))
    })
}

/// DescribeTargetGroups: all, by ARN, by name or of one load balancer; an unknown one fails the call.
pub fn describe(elb: &Elb, request: &DescribeTargetGroups) -> Result<Page<TargetGroup>, ApiError> {
    let given = [
        request.load_balancer.is_some(),
        !request.arns.is_empty(),
        !request.names.is_empty(),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        let message =
            "Only one of load balancer ARN, target group ARNs and target group names can be specified";
        return Err(ApiError::validation(message));
    }
    let found: Vec<&TargetGroup> = if let Some(load_balancer) = &request.load_balancer {
        elb.load_balancer(load_balancer)?;
        let uses = elb.uses();
        elb.target_groups
            .values()
            .filter(|group| uses.of(&group.arn).contains(load_balancer))
            .collect()
    } else if !request.arns.is_empty() {
        let wanted: BTreeSet<&String> = request.arns.iter().collect();
        wanted
            .into_iter()
            .map(|arn| elb.target_group(arn))
            .collect::<Result<_, _>>()?
    } else {
        by_name(elb, &request.names)?
    };
    request
        .page
        .cut(found.into_iter().cloned().collect(), |group| group.arn.clone())
}

fn by_name<'a>(elb: &'a Elb, names: &[String]) -> Result<Vec<&'a TargetGroup>, ApiError> {
    if names
        .iter()
        .any(|name| !elb.target_groups.values().any(|group| group.name == *name))
    {
        return Err(Kind::TargetGroup.not_found());
    }
    Ok(elb
        .target_groups
        .values()
        .filter(|group| names.is_empty() || names.contains(&group.name))
        .collect())
}

/// ModifyTargetGroup: the health check, partially.
pub fn modify(world: &mut World, arn: &str, request: &HealthCheckRequest) -> Result<TargetGroup, ApiError> {
    let group = world.elb.target_group_mut(arn)?;
    group.health_check = group.health_check.modified(group.facts(), request)?;
    Ok(group.clone())
}

/// DeleteTargetGroup, targets included. Deleting what is not there succeeds; `ResourceInUse` while an action
/// names it, whatever the weight.
pub fn delete(world: &mut World, now: Timestamp, arn: &str) -> Result<(), ApiError> {
    Kind::TargetGroup.check(arn)?;
    if !world.elb.uses().of(arn).is_empty() {
        let message = format!("Target group '{arn}' is currently in use by a listener or a rule");
        return Err(ApiError::new("ResourceInUse", message));
    }
    if let Some(group) = world.elb.target_groups.remove(arn) {
        world.history.extend(
            group
                .targets
                .iter()
                .map(|(key, target)| target.gone(&group.arn, key, now)),
        );
    }
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

    #[test]
    fn a_second_create_with_equal_settings_answers_the_first() {
        let mut world = world();
        let first = create_group(&mut world, &tcp("web"));
        assert_eq!(create_group(&mut world, &tcp("web")).arn, first.arn);
        let other = CreateTargetGroup {
            port: Some(81),
            ..tcp("web")
        };
        assert_eq!(
            create(&mut world, at(1), &other).unwrap_err().code,
            "DuplicateTargetGroupName"
        );
    }

    #[test]
    fn protocol_port_and_an_existing_vpc_are_needed() {
        let mut world = world();
        for request in [
            CreateTargetGroup {
                protocol: None,
                ..tcp("web")
            },
            CreateTargetGroup {
                port: None,
                ..tcp("web")
            },
            CreateTargetGroup {
                port: Some(0),
                ..tcp("web")
            },
            CreateTargetGroup {
                vpc: None,
                ..tcp("web")
            },
            CreateTargetGroup {
                vpc: Some("vpc-9".into()),
                ..tcp("web")
            },
            CreateTargetGroup {
                version: Some(ProtocolVersion::Http2),
                ..tcp("web")
            },
        ] {
            assert_eq!(
                create(&mut world, at(0), &request).unwrap_err().code,
                "ValidationError",
                "{request:?}"
            );
        }
    }

    #[test]
    fn a_group_with_weight_0_is_in_use() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let (old, new) = (
            create_group(&mut world, &tcp("old")).arn,
            create_group(&mut world, &tcp("new")).arn,
        );
        let actions = forward(&[(&old, 1), (&new, 0)]);
        let made = super::super::listener::create(
            &mut world,
            at(0),
            &owner.arn,
            &settings(Protocol::Tcp, 80, actions),
            &[],
        );
        assert_eq!(delete(&mut world, at(1), &new).unwrap_err().code, "ResourceInUse");
        super::super::listener::delete(&mut world, &made.unwrap().arn).unwrap();
        delete(&mut world, at(2), &new).unwrap();
        delete(&mut world, at(3), &new).unwrap();
    }

    #[test]
    fn the_quota_refuses() {
        let mut world = world();
        world.quotas.target_groups = 1;
        create_group(&mut world, &tcp("one"));
        assert_eq!(
            create(&mut world, at(0), &tcp("two")).unwrap_err().code,
            "TooManyTargetGroups"
        );
    }
}
