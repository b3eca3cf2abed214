//! Health checks: which are due, and what their outcomes mean.
//!
//! The world says what to dial and judges the outcome; dialling itself is somebody else's (`crate::health`).

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::{
    target::{Target, TargetHealth, TargetKey},
    target_group::TargetGroup,
    words::{HealthReason, HealthState, Protocol, ProtocolVersion},
};
use crate::world::World;

/// A check to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// ARN of the target group.
    pub group: String,
    /// Target.
    pub target: TargetKey,
    /// Which registration of the target is checked; an outcome for an older one is dropped.
    pub registration: u64,
    /// What to dial; `None` for functions and load balancers, which pass undialled.
    pub address: Option<(IpAddr, u16)>,
    /// TCP, HTTP or HTTPS; TCP for gRPC, whose calls nobody here makes.
    pub protocol: Protocol,
    /// Path of HTTP and HTTPS.
    pub path: String,
    /// Emulated time until it has failed.
    pub timeout: std::time::Duration,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Connected (TCP), or nothing to check.
    Connected,
    /// An HTTP answer with this status.
    Status(u16),
    /// Refused, cut, or not HTTP.
    Failed,
    /// No answer in time.
    TimedOut,
}

/// When there is something to do without any request: a state change or a check.
pub fn next_due(world: &World) -> Option<Timestamp> {
    let targets = world
        .elb
        .target_groups
        .values()
        .flat_map(|group| group.targets.values());
    let probes = targets
        .filter(|target| !target.in_flight)
        .filter_map(|target| target.next_probe);
    probes.chain(world.elb.seen.next()).min()
}

/// The checks that are due; each is on its way until [`record_probe`], and the one after it is an interval later
/// whatever the answer takes.
pub fn due_probes(world: &mut World, now: Timestamp) -> Vec<Probe> {
    super::advance(world, now);
    let mut due = Vec::new();
    let mut groups = std::mem::take(&mut world.elb.target_groups);
    for group in groups.values_mut() {
        let mut targets = std::mem::take(&mut group.targets);
        for (key, target) in &mut targets {
            if !target.in_flight && target.next_probe.is_some_and(|at| at <= now) {
                due.push(probe(world, group, key, target));
                let interval = SignedDuration::from_secs(group.health_check.interval.into());
                target.next_probe = Some(now.saturating_add(interval).unwrap_or(now));
                target.in_flight = true;
            }
        }
        group.targets = targets;
    }
    world.elb.target_groups = groups;
    due
}

fn probe(world: &World, group: &TargetGroup, key: &TargetKey, target: &Target) -> Probe {
    let address = match world.ec2.instance(&key.id) {
        Some(instance) => Some(IpAddr::V4(instance.address)),
        None => key.id.parse().ok(),
    };
    Probe {
        group: group.arn.clone(),
        target: key.clone(),
        registration: target.registration,
        address: address.zip(group.check_port(key)),
        protocol: if group.version == Some(ProtocolVersion::Grpc) {
            Protocol::Tcp
        } else {
            group.health_check.protocol
        },
        path: group.health_check.path.clone().unwrap_or_default(),
        timeout: std::time::Duration::from_secs(group.health_check.timeout.into()),
    }
}

/// Takes in the outcome of a check: counts it, and changes the state when a threshold is reached.
///
/// A newly registered target behind an Application Load Balancer needs one success; otherwise the thresholds of
/// the group hold.
pub fn record_probe(world: &mut World, now: Timestamp, probe: &Probe, outcome: &Outcome) {
    let Some(group) = world.elb.target_groups.get_mut(&probe.group) else {
        return;
    };
    let mut targets = std::mem::take(&mut group.targets);
    let current = targets
        .get_mut(&probe.target)
        .filter(|target| target.registration == probe.registration);
    if let Some(target) = current {
        target.in_flight = false;
        // Draining, unused and scripted targets are not checked.
        if let Some(next_probe) = target.next_probe
            && let Some(health) = judged(group, target, outcome)
        {
            let counts = (target.passes, target.failures);
            world
                .history
                .push(target.change(&group.arn, &probe.target, now, health));
            (target.passes, target.failures) = counts;
            target.next_probe = Some(next_probe);
            target.until = draining_end(group, target, now);
            world.elb.seen.forget();
        }
    }
    group.targets = targets;
}

/// Counts an outcome; answers the new health if there is one.
fn judged(group: &TargetGroup, target: &mut Target, outcome: &Outcome) -> Option<TargetHealth> {
    let check = &group.health_check;
    let Some(failure) = failure(group, outcome) else {
        target.failures = 0;
        target.passes = target.passes.saturating_add(1);
        let first = target.health.state == HealthState::Initial;
        let needed = if first && group.is_application() {
            1
        } else {
            u32::from(check.healthy_threshold)
        };
        let healthy = target.health.state == HealthState::Healthy;
        return (!healthy && target.passes >= needed).then(TargetHealth::healthy);
    };
    target.passes = 0;
    target.failures = target.failures.saturating_add(1);
    match target.health.state {
        state @ (HealthState::Unhealthy | HealthState::UnhealthyDraining) => {
            target.health = TargetHealth { state, ..failure };
            None
        }
        _ if target.failures < u32::from(check.unhealthy_threshold) => None,
        HealthState::Healthy if drains_when_unhealthy(group) => Some(TargetHealth {
            state: HealthState::UnhealthyDraining,
            ..failure
        }),
        _ => Some(failure),
    }
}

/// What is wrong with an outcome, `None` if nothing is.
fn failure(group: &TargetGroup, outcome: &Outcome) -> Option<TargetHealth> {
    let unhealthy = |reason| TargetHealth::new(HealthState::Unhealthy, Some(reason));
    match outcome {
        Outcome::Connected => None,
        Outcome::Status(code)
            if group
                .health_check
                .matcher
                .as_ref()
                .is_none_or(|m| m.grpc || m.accepts(*code)) =>
        {
            None
        }
        Outcome::Status(code) => {
            let message = format!("Health checks failed with these codes: [{code}]");
            Some(unhealthy(HealthReason::ResponseCodeMismatch).because(message))
        }
        Outcome::Failed => Some(unhealthy(HealthReason::FailedHealthChecks)),
        Outcome::TimedOut => Some(unhealthy(HealthReason::Timeout)),
    }
}

fn drains_when_unhealthy(group: &TargetGroup) -> bool {
    let terminates = "target_health_state.unhealthy.connection_termination.enabled";
    group
        .attributes
        .get(terminates)
        .is_some_and(|value| value == "false")
        && group.seconds("target_health_state.unhealthy.draining_interval_seconds") > 0
}

fn draining_end(group: &TargetGroup, target: &Target, now: Timestamp) -> Option<Timestamp> {
    let seconds = group.seconds("target_health_state.unhealthy.draining_interval_seconds");
    let end = now
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(now);
    (target.health.state == HealthState::UnhealthyDraining).then_some(end)
}
