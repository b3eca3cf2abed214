//! Quotas of the load balancing part: what DescribeAccountLimits shows, and refusing what is above.

use super::words::LoadBalancerType;
use crate::world::{ApiError, Quotas};

/// Whether `count` things are allowed.
pub fn within(limit: u32, count: usize) -> bool {
    u32::try_from(count).is_ok_and(|count| count <= limit)
}

/// Refuses with `code` if `count` is above `limit`.
pub fn check(code: &'static str, limit: u32, count: usize, what: &str) -> Result<(), ApiError> {
    if within(limit, count) {
        return Ok(());
    }
    Err(ApiError::new(
        code,
        format!("The maximum number of {what} ({limit}) has been reached"),
    ))
}

/// How many load balancers of a type the region may have.
pub fn load_balancers(quotas: &Quotas, kind: LoadBalancerType) -> u32 {
    match kind {
        LoadBalancerType::Application => quotas.application_load_balancers,
        LoadBalancerType::Network => quotas.network_load_balancers,
    }
}

/// The answer of DescribeAccountLimits, sorted by name.
pub fn all(quotas: &Quotas) -> Vec<(&'static str, u32)> {
    vec![
        ("application-load-balancers", quotas.application_load_balancers),
        ("condition-values-per-alb-rule", quotas.condition_values_per_rule),
        (
            "condition-wildcards-per-alb-rule",
            quotas.condition_wildcards_per_rule,
        ),
        (
            "listeners-per-application-load-balancer",
            quotas.listeners_per_load_balancer,
        ),
        (
            "listeners-per-network-load-balancer",
            quotas.listeners_per_load_balancer,
        ),
        ("network-load-balancers", quotas.network_load_balancers),
        (
            "rules-per-application-load-balancer",
            quotas.rules_per_load_balancer,
        ),
        ("target-groups", quotas.target_groups),
        (
            "target-groups-per-action-on-application-load-balancer",
            quotas.target_groups_per_action,
        ),
        (
            "target-groups-per-action-on-network-load-balancer",
            quotas.target_groups_per_action,
        ),
        (
            "target-groups-per-application-load-balancer",
            quotas.target_groups_per_application_load_balancer,
        ),
        (
            "targets-per-application-load-balancer",
            quotas.targets_per_application_load_balancer,
        ),
        (
            "targets-per-availability-zone-per-network-load-balancer",
            quotas.targets_per_zone,
        ),
        (
            "targets-per-network-load-balancer",
            quotas.targets_per_network_load_balancer,
        ),
    ]
}
