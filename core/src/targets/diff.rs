//! Wanted endpoints against registered targets.
//!
//! In: endpoints and a listing. Out: which match, which endpoints are missing, which targets are too many;
//! how many may be registered; and which of those that are too many stay for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::endpoints::{Backends, Endpoint, PodRef, has_ready_containers};
use super::listing::Listing;
use super::target::TargetHealth;

/// Endpoints and targets by identity, each list sorted by identity.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Diff {
    /// Endpoints that are registered and not draining, with their health.
    pub matched: Vec<(Endpoint, TargetHealth)>,
    /// Endpoints that are not registered, or draining.
    pub missing: Vec<Endpoint>,
    /// Targets without an endpoint, draining ones left out.
    pub extra: Vec<TargetHealth>,
}

/// Compares endpoints with the targets of a group. Duplicates collapse.
pub fn diff(endpoints: &[Endpoint], listing: &Listing) -> Diff {
    let wanted: BTreeMap<_, _> = endpoints.iter().map(|e| (e.target.identity(), e)).collect();
    let mut live: BTreeMap<_, _> = listing
        .all()
        .filter(|health| !health.state.is_draining())
        .map(|health| (health.target.identity(), health))
        .collect();
    let mut made = Diff::default();
    for (identity, endpoint) in wanted {
        match live.remove(&identity) {
            Some(health) => made.matched.push((endpoint.clone(), health.clone())),
            None => made.missing.push(endpoint.clone()),
        }
    }
    made.extra = live.into_values().cloned().collect();
    made
}

/// How many of `missing` endpoints fit under `--max-targets-per-target-group` beside everything listed,
/// draining targets included; 0 means no limit.
pub fn room(missing: usize, listed: usize, limit: u32) -> usize {
    if limit == 0 {
        return missing;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    missing.min(limit.saturating_sub(listed))
}

/// How long a target outlives its endpoint at most.
pub const RETENTION_BOUND: Duration = Duration::from_mins(10);

/// Targets that outlive their endpoints until others have taken over.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Retention {
    /// Identity to the time its endpoint was first missed.
    pub since: BTreeMap<String, Timestamp>,
    /// Healthy targets before the first of them lost its endpoint.
    pub healthy_before: usize,
}

impl Retention {
    /// When the first of them has to go; `None` when there is none.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.since.values().min().map(|since| *since + RETENTION_BOUND)
    }
}

/// Decides which of the extra targets stay for now.
///
/// A target stays if it is healthy and its pod (from `known`, the pods behind identities of earlier passes)
/// is still this very pod at this address, not terminating, with ready containers; until as many of the
/// wanted targets are healthy as there were healthy targets before, or as the Service has pods if they are
/// fewer; for ten minutes at most. `crowded` endpoints could not be registered for want of room: as many make
/// way.
pub fn retain(
    diff: &Diff,
    before: &Retention,
    known: &BTreeMap<String, PodRef>,
    backends: &Backends,
    crowded: usize,
    now: Timestamp,
) -> Retention {
    let eligible: BTreeSet<String> = diff
        .extra
        .iter()
        .filter(|health| health.is_healthy() && is_pod_alive(health, known, backends))
        .map(|health| health.target.identity())
        .collect();
    let healthy_wanted = diff.matched.iter().filter(|(_, h)| h.is_healthy()).count();
    let wanted = (diff.matched.len() + diff.missing.len()).max(backends.living_pods());
    let healthy_before = if before.since.is_empty() {
        healthy_wanted + eligible.len()
    } else {
        before.healthy_before
    };
    if healthy_wanted >= healthy_before.min(wanted.max(1)) {
        return Retention::default();
    }
    let started = |identity: &String| before.since.get(identity).copied().unwrap_or(now);
    let keep = eligible.len().saturating_sub(crowded);
    let since: BTreeMap<_, _> = eligible
        .iter()
        .map(|identity| (identity.clone(), started(identity)))
        .filter(|(_, since)| now < *since + RETENTION_BOUND)
        .take(keep)
        .collect();
    Retention {
        since,
        healthy_before,
    }
}

fn is_pod_alive(health: &TargetHealth, known: &BTreeMap<String, PodRef>, backends: &Backends) -> bool {
    let pod = known
        .get(&health.target.identity())
        .and_then(|pod| backends.pod(pod));
    pod.is_some_and(|pod| pod.ip == health.target.id && !pod.meta.deleting && has_ready_containers(pod))
}
