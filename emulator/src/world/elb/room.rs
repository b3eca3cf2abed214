//! Whether the targets of all groups of a load balancer fit its quotas.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    limits,
    load_balancer::LoadBalancer,
    target_group::TargetGroup,
    words::{HealthState, LoadBalancerType, TargetType},
};
use crate::world::{ApiError, World};

/// Targets that are about to be registered.
#[derive(Clone, Copy, Debug)]
pub struct Extra<'a> {
    /// Their group.
    pub group: &'a str,
    /// The zone of each.
    pub zones: &'a [Option<&'a str>],
}

/// `TooManyTargets` if the groups, with `extra` targets more in one of them, have more targets than the load
/// balancer may have, in all or in one zone (in all zones together with cross-zone balancing).
///
/// A target counts once per group; an Application Load Balancer as a target counts 50, or 100 with cross-zone
/// balancing. Targets without a zone of their own count for the total only; draining ones do not count.
pub fn check(
    world: &World,
    owner: &LoadBalancer,
    groups: &BTreeSet<&str>,
    extra: Option<Extra<'_>>,
) -> Result<(), ApiError> {
    let cross_zone = owner.is_on("load_balancing.cross_zone.enabled");
    let found: Vec<&TargetGroup> = groups
        .iter()
        .filter_map(|arn| world.elb.target_groups.get(*arn))
        .collect();
    let mut total = 0;
    let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
    for group in found {
        let weight = if group.target_type != TargetType::Alb {
            1
        } else if cross_zone {
            100
        } else {
            50
        };
        let staying = group
            .targets
            .values()
            .filter(|target| target.health.state != HealthState::Draining);
        let added = extra
            .filter(|extra| extra.group == group.arn)
            .map_or(&[][..], |extra| extra.zones);
        for zone in staying
            .map(|target| target.zone.as_deref())
            .chain(added.iter().copied())
        {
            total += weight;
            if let Some(zone) = zone {
                *zones.entry(zone).or_default() += weight;
            }
        }
    }
    let quotas = &world.quotas;
    let refuse = |limit, count, what| limits::check("TooManyTargets", limit, count, what);
    if owner.kind == LoadBalancerType::Application {
        return refuse(
            quotas.targets_per_application_load_balancer,
            total,
            "targets per load balancer",
        );
    }
    refuse(
        quotas.targets_per_network_load_balancer,
        total,
        "targets per load balancer",
    )?;
    if cross_zone {
        return refuse(
            quotas.targets_per_zone,
            total,
            "targets per load balancer with cross-zone load balancing",
        );
    }
    let fullest = zones.values().copied().max().unwrap_or_default();
    refuse(
        quotas.targets_per_zone,
        fullest,
        "targets per Availability Zone per load balancer",
    )
}
