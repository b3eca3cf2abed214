//! RegisterTargets and DeregisterTargets.
//!
//! Messages follow what users report from AWS, because clients read some of them
//! (<https://github.com/kubernetes-sigs/aws-load-balancer-controller/pull/4496>).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    limits,
    registration_checks::checked_zone,
    room,
    target::{Described, Target, TargetHealth, TargetKey},
    target_group::TargetGroup,
    words::{HealthState, TargetType},
};
use crate::world::{ApiError, World};

/// Zone and QUIC server id of the targets that a call adds.
type Added = BTreeMap<TargetKey, (Option<String>, Option<String>)>;

/// RegisterTargets, all or nothing. What is registered stays as it is; what drains starts anew.
///
/// # Errors
/// `TargetGroupNotFound`, `ValidationError`, `InvalidTarget`, `TooManyTargets`.
pub fn register(world: &mut World, now: Timestamp, group: &str, asked: &[Described]) -> Result<(), ApiError> {
    let found = world.elb.target_group(group)?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    let mut added = Added::new();
    for one in asked {
        let key = key(found, one)?;
        let zone = checked_zone(world, found, one, key.port)?;
        let registered = found
            .targets
            .get(&key)
            .is_some_and(|target| target.health.state != HealthState::Draining);
        if !registered {
            added.insert(key, (zone, one.quic_server_id.clone()));
        }
    }
    check_count(world, found, &added)?;
    let from = world.elb.registrations;
    world.elb.registrations += u64::try_from(added.len()).unwrap_or_default();
    let group = world.elb.target_group_mut(group)?;
    for (number, (key, (zone, quic))) in (from..).zip(added) {
        let mut target = Target::new(number, now, zone, quic);
        if let Some(draining) = group.targets.get(&key) {
            target.health = TargetHealth {
                reason: None,
                ..draining.health.clone()
            };
        }
        group.targets.insert(key, target);
    }
    Ok(())
}

/// The identity of a described target: a missing port is the group's.
pub(super) fn key(group: &TargetGroup, described: &Described) -> Result<TargetKey, ApiError> {
    if described.id.is_empty() {
        return Err(ApiError::validation("The ID of a target must be specified"));
    }
    let port = match described.port {
        None => group.port,
        Some(port) => match u16::try_from(port) {
            Ok(port) if port > 0 => Some(port),
            _ => {
                return Err(ApiError::validation(format!(
                    "1 validation error detected: Value '{port}' at 'targets.port' failed to satisfy constraint: \
                     Member must be between 1 and 65535"
                )));
            }
        },
    };
    let port = port.filter(|_| group.target_type != TargetType::Lambda);
    Ok(TargetKey {
        id: described.id.clone(),
        port,
    })
}

/// Network load balancers limit the targets of all their groups, not those of one.
fn check_count(world: &World, group: &TargetGroup, added: &Added) -> Result<(), ApiError> {
    let limit = match group.target_type {
        TargetType::Alb | TargetType::Lambda => 1,
        _ if group.is_application() => world.quotas.targets_per_target_group,
        _ => u32::MAX,
    };
    let new = added
        .keys()
        .filter(|key| !group.targets.contains_key(key))
        .count();
    limits::check(
        "TooManyTargets",
        limit,
        group.targets.len() + new,
        "targets per target group",
    )?;
    let zones: Vec<Option<&str>> = added.values().map(|(zone, _)| zone.as_deref()).collect();
    let extra = room::Extra {
        group: &group.arn,
        zones: &zones,
    };
    let uses = world.elb.uses();
    for owner in uses
        .of(&group.arn)
        .iter()
        .filter_map(|arn| world.elb.load_balancers.get(arn))
    {
        room::check(world, owner, &uses.groups_of(&owner.arn), Some(extra))?;
    }
    Ok(())
}

/// DeregisterTargets: what is not registered is ignored. A target in use drains for
/// `deregistration_delay.timeout_seconds`, another one is gone at once.
pub fn deregister(
    world: &mut World,
    now: Timestamp,
    group: &str,
    asked: &[Described],
) -> Result<(), ApiError> {
    let found = world.elb.target_group(group)?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    let keys = asked
        .iter()
        .map(|one| key(found, one))
        .collect::<Result<Vec<_>, _>>()?;
    let found = world.elb.target_group_mut(group)?;
    let delay = SignedDuration::from_secs(found.seconds("deregistration_delay.timeout_seconds"));
    for key in keys {
        let Some(target) = found.targets.get_mut(&key) else {
            continue;
        };
        match target.health.state {
            HealthState::Draining => {}
            HealthState::Unused => {
                world.history.push(target.gone(group, &key, now));
                found.targets.remove(&key);
            }
            _ => {
                world
                    .history
                    .push(target.change(group, &key, now, TargetHealth::draining()));
                target.until = Some(now.saturating_add(delay).unwrap_or(now));
            }
        }
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
    use crate::world::elb::{
        arn::Kind,
        target_group::CreateTargetGroup,
        tests::{at, create_group, serving, tcp, world},
        words::Protocol,
    };

    fn refusal(world: &mut World, group: &str, one: Described) -> ApiError {
        register(world, at(0), group, &[one]).unwrap_err()
    }

    fn address(id: &str, zone: Option<&str>) -> Described {
        Described {
            id: id.into(),
            zone: zone.map(str::to_owned),
            ..Described::default()
        }
    }

    #[test]
    fn one_id_with_two_ports_is_two_targets() {
        let mut world = world();
        let group = create_group(&mut world, &tcp("web")).arn;
        let on = |port| Described {
            port: Some(port),
            ..address("10.0.0.5", None)
        };
        register(&mut world, at(0), &group, &[on(80), on(81)]).unwrap();
        deregister(&mut world, at(0), &group, &[on(9999)]).unwrap();
        assert_eq!(world.elb.target_group(&group).unwrap().targets.len(), 2);
        deregister(&mut world, at(0), &group, &[on(81)]).unwrap();
        assert_eq!(world.elb.target_group(&group).unwrap().targets.len(), 1);
    }

    #[test]
    fn an_address_outside_the_subnets_needs_a_zone_and_one_inside_may_not_name_another() {
        let mut world = world();
        let group = create_group(&mut world, &tcp("web")).arn;
        let error = refusal(&mut world, &group, address("192.168.1.1", None));
        assert_eq!(error.code, "ValidationError");
        assert!(
            error.message.contains("Availability Zone is required"),
            "{}",
            error.message
        );
        register(&mut world, at(0), &group, &[address("192.168.1.1", Some("all"))]).unwrap();
        let error = refusal(&mut world, &group, address("10.0.0.5", Some("all")));
        assert!(
            error.message.contains("overridden to 'all' from 'us-west-2a'"),
            "{}",
            error.message
        );
        assert_eq!(
            refusal(&mut world, &group, address("192.168.1.1", Some("mars"))).code,
            "InvalidTarget"
        );
        assert_eq!(
            refusal(&mut world, &group, address("8.8.8.8", Some("all"))).code,
            "ValidationError"
        );
    }

    #[test]
    fn without_cross_zone_balancing_an_application_group_wants_a_real_zone() {
        let mut world = world();
        let group = create_group(
            &mut world,
            &CreateTargetGroup {
                protocol: Some(Protocol::Http),
                ..tcp("web")
            },
        )
        .arn;
        let off = [("load_balancing.cross_zone.enabled".to_owned(), "false".to_owned())];
        super::super::attributes::modify(&mut world.elb, Kind::TargetGroup, &group, &off).unwrap();
        let error = refusal(&mut world, &group, address("192.168.1.1", Some("all")));
        assert_eq!(error.code, "ValidationError");
        assert!(
            error.message.contains("you must specify an Availability Zone"),
            "{}",
            error.message
        );
        register(
            &mut world,
            at(0),
            &group,
            &[address("192.168.1.1", Some("us-west-2a"))],
        )
        .unwrap();
    }

    #[test]
    fn instances_must_exist_run_and_stand_in_the_vpc() {
        let mut world = world();
        let request = CreateTargetGroup {
            target_type: Some(TargetType::Instance),
            ..tcp("web")
        };
        let group = create_group(&mut world, &request).arn;
        assert_eq!(
            refusal(&mut world, &group, address("10.0.0.5", None)).code,
            "ValidationError"
        );
        assert_eq!(
            refusal(&mut world, &group, address("i-gone", None)).code,
            "InvalidTarget"
        );
        world.ec2.instances.get_mut("i-a").unwrap().state = "stopped".into();
        assert_eq!(
            refusal(&mut world, &group, address("i-a", None)).code,
            "InvalidTarget"
        );
        world.ec2.instances.get_mut("i-b").unwrap().vpc_id = "vpc-2".into();
        assert_eq!(
            refusal(&mut world, &group, address("i-b", None)).code,
            "InvalidTarget"
        );
        register(&mut world, at(0), &group, &[address("i-c", None)]).unwrap();
    }

    #[test]
    fn a_call_with_one_bad_target_registers_none() {
        let mut world = world();
        let group = create_group(&mut world, &tcp("web")).arn;
        let list = [address("10.0.0.5", None), address("fd00::1", None)];
        assert_eq!(
            register(&mut world, at(0), &group, &list).unwrap_err().code,
            "InvalidTarget"
        );
        assert!(world.elb.target_group(&group).unwrap().targets.is_empty());
    }

    #[test]
    fn the_quota_of_a_network_load_balancer_refuses() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        world.quotas.targets_per_network_load_balancer = 1;
        let list = [address("10.0.0.5", None), address("10.0.0.6", None)];
        assert_eq!(
            register(&mut world, at(0), &group, &list).unwrap_err().code,
            "TooManyTargets"
        );
        register(&mut world, at(0), &group, &list[..1]).unwrap();
        register(&mut world, at(0), &group, &list[..1]).unwrap();
    }

    #[test]
    fn the_quota_of_a_zone_counts_all_zones_together_with_cross_zone_balancing() {
        let mut world = world();
        let (owner, group) = serving(&mut world, true);
        world.quotas.targets_per_zone = 1;
        let list = [address("10.0.0.5", None), address("10.0.1.5", None)];
        let same_zone = [address("10.0.0.5", None), address("10.0.0.6", None)];
        assert_eq!(
            register(&mut world, at(0), &group, &same_zone).unwrap_err().code,
            "TooManyTargets"
        );
        let set = |world: &mut World, to: &str| {
            let change = [("load_balancing.cross_zone.enabled".to_owned(), to.to_owned())];
            super::super::attributes::modify(&mut world.elb, Kind::LoadBalancer, &owner.arn, &change)
                .map(|_| ())
                .unwrap();
        };
        set(&mut world, "true");
        assert_eq!(
            register(&mut world, at(0), &group, &list).unwrap_err().code,
            "TooManyTargets"
        );
        set(&mut world, "false");
        register(&mut world, at(0), &group, &list).unwrap();
    }

    #[test]
    fn the_quota_of_a_group_is_that_of_application_load_balancers() {
        let mut world = world();
        world.quotas.targets_per_target_group = 1;
        let list = [address("10.0.0.5", None), address("10.0.0.6", None)];
        let network = create_group(&mut world, &tcp("tcp")).arn;
        register(&mut world, at(0), &network, &list).unwrap();
        let http = CreateTargetGroup {
            protocol: Some(Protocol::Http),
            ..tcp("http")
        };
        let application = create_group(&mut world, &http).arn;
        assert_eq!(
            register(&mut world, at(0), &application, &list).unwrap_err().code,
            "TooManyTargets"
        );
    }
}
