//! What time brings: load balancers become active, targets pass through registration, drain and go.
//!
//! States of a target:
//! `unused` until its group is used by a load balancer that has its zone; `initial/Elb.RegistrationInProgress`
//! while the load balancer is provisioned and then for the registration delay; `initial/Elb.InitialHealthChecking`
//! until checks decide ([`super::probe`]); `draining` after deregistration, then gone. A scripted health takes the
//! place of registration and checks as soon as the load balancer is active.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    Elb,
    load_balancer::LoadBalancer,
    target::{Target, TargetHealth, TargetKey},
    target_group::TargetGroup,
    uses::Uses,
    words::{HealthReason, HealthState, LoadBalancerType, TargetType},
};
use crate::world::{HistoryEntry, ScriptedHealth, World};

/// More changes at one moment than this would be a circle.
const MAX_CHANGES: usize = 8;

/// What the last [`advance`] looked at, so that the next one can tell that nothing is to be done.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    inputs: Option<(Vec<ScriptedHealth>, BTreeSet<String>)>,
    next: Option<Timestamp>,
}

impl Seen {
    /// Makes the next [`advance`] look at everything.
    pub fn forget(&mut self) {
        self.inputs = None;
    }

    /// When something happens by itself next.
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    fn still_holds(&self, now: Timestamp, scripts: &[ScriptedHealth], stopped: &BTreeSet<String>) -> bool {
        let same = self.inputs.as_ref().is_some_and(|(old, were)| old == scripts && were == stopped);
        same && self.next.is_none_or(|next| next > now)
    }
}

/// Lets happen what is due at `now`, each change at its own moment, oldest first in the history.
pub fn advance(world: &mut World, now: Timestamp) {
    let stopped = stopped_instances(world);
    if world.elb.seen.still_holds(now, &world.scripted_health, &stopped) {
        return;
    }
    for load_balancer in world.elb.load_balancers.values_mut() {
        load_balancer.active |= load_balancer.active_at <= now;
    }
    let uses = world.elb.uses();
    let mut groups = std::mem::take(&mut world.elb.target_groups);
    let mut changes = Vec::new();
    for group in groups.values_mut() {
        advance_group(world, &uses, group, now, &mut changes);
    }
    world.elb.target_groups = groups;
    changes.sort_by_key(|change| change.at);
    world.history.append(&mut changes);
    let next = next_event(&world.elb);
    world.elb.seen = Seen { inputs: Some((world.scripted_health.clone(), stopped)), next };
}

fn stopped_instances(world: &World) -> BTreeSet<String> {
    let instances = world.ec2.instances.values();
    instances.filter(|instance| !instance.running()).map(|instance| instance.id.clone()).collect()
}

fn next_event(elb: &Elb) -> Option<Timestamp> {
    let provisioning = elb.load_balancers.values().filter(|found| !found.active).map(|found| found.active_at);
    let targets = elb.target_groups.values().flat_map(|group| group.targets.values());
    provisioning.chain(targets.filter_map(|target| target.until)).min()
}

fn advance_group(
    world: &World,
    uses: &Uses,
    group: &mut TargetGroup,
    now: Timestamp,
    changes: &mut Vec<HistoryEntry>,
) {
    let user = uses.of(&group.arn).iter().find_map(|arn| world.elb.load_balancers.get(arn));
    let mut targets = std::mem::take(&mut group.targets);
    targets.retain(|key, target| {
        let situation = Situation::of(world, user, group, key, target);
        for _ in 0..MAX_CHANGES {
            match situation.next(target, now) {
                Next::Stay => return true,
                Next::Go(at) => {
                    changes.push(target.gone(&group.arn, key, at));
                    return false;
                }
                Next::Change(at, health) => {
                    changes.push(target.change(&group.arn, key, at, health));
                    situation.settle(target);
                }
            }
        }
        true
    });
    group.targets = targets;
}

/// What is going to happen to a target.
enum Next {
    Stay,
    Go(Timestamp),
    Change(Timestamp, TargetHealth),
}

/// What decides about a target, apart from its checks.
enum Situation {
    /// It cannot get traffic.
    Unused(TargetHealth),
    /// Its load balancer is not active yet.
    Provisioning,
    /// Its load balancer is active since then.
    Serving { since: Timestamp, registration: SignedDuration, fixed: Option<TargetHealth> },
}

impl Situation {
    fn of(
        world: &World,
        user: Option<&LoadBalancer>,
        group: &TargetGroup,
        key: &TargetKey,
        target: &Target,
    ) -> Self {
        let Some(user) = user else {
            return Self::Unused(TargetHealth::unused(HealthReason::NotInUse));
        };
        if target.zone.as_deref().is_some_and(|zone| zone != "all" && !user.enables(zone)) {
            let message = "Target is in an Availability Zone that is not enabled for the load balancer";
            return Self::Unused(TargetHealth::unused(HealthReason::NotInUse).because(message));
        }
        if group.target_type == TargetType::Instance && !world.ec2.instance(&key.id).is_some_and(|i| i.running()) {
            return Self::Unused(TargetHealth::unused(HealthReason::InvalidState));
        }
        if !user.active {
            return Self::Provisioning;
        }
        let registration = match user.kind {
            LoadBalancerType::Application => world.delays.application_registration,
            LoadBalancerType::Network => world.delays.network_registration,
        };
        let scripted = world.scripted(&group.arn, &group.name, &key.id, key.port).and_then(TargetHealth::scripted);
        let disabled = (!group.health_check.enabled)
            .then(|| TargetHealth::new(HealthState::Unavailable, Some(HealthReason::HealthCheckDisabled)));
        Self::Serving {
            since: user.active_at,
            registration: SignedDuration::from_secs(registration.into()),
            fixed: scripted.or(disabled),
        }
    }

    /// Sets the timers of the state just entered.
    fn settle(&self, target: &mut Target) {
        let Self::Serving { since, registration, fixed: None } = self else { return };
        match target.health.reason {
            Some(HealthReason::RegistrationInProgress) => {
                let start = target.since.max(*since);
                target.until = Some(start.saturating_add(*registration).unwrap_or(start));
            }
            Some(HealthReason::InitialHealthChecking) => target.next_probe = Some(target.since),
            _ => {}
        }
    }

    fn next(&self, target: &mut Target, now: Timestamp) -> Next {
        if target.health.state == HealthState::Draining
            && let Some(until) = target.until
        {
            return if until <= now { Next::Go(until) } else { Next::Stay };
        }
        match self {
            Self::Unused(health) if target.health.same(health) => Next::Stay,
            Self::Unused(health) => Next::Change(now, health.clone()),
            Self::Provisioning if target.health.state == HealthState::Initial => Next::Stay,
            Self::Provisioning => Next::Change(now, registering()),
            Self::Serving { since, fixed: Some(health), .. } => {
                target.next_probe = None;
                if target.health.same(health) {
                    return Next::Stay;
                }
                // A target that waited for its load balancer changes when that became active.
                let at = if *since > target.since { *since } else { now };
                Next::Change(at, health.clone())
            }
            Self::Serving { fixed: None, .. } => self.next_unscripted(target, now),
        }
    }

    fn next_unscripted(&self, target: &mut Target, now: Timestamp) -> Next {
        let over = target.until.filter(|until| *until <= now);
        match (target.health.state, target.health.reason) {
            (HealthState::Initial, Some(HealthReason::RegistrationInProgress)) => {
                if target.until.is_none() {
                    self.settle(target);
                }
                match target.until.filter(|until| *until <= now) {
                    Some(at) => Next::Change(at, TargetHealth::initial(HealthReason::InitialHealthChecking)),
                    None => Next::Stay,
                }
            }
            (HealthState::UnhealthyDraining, reason) => match over {
                Some(at) => Next::Change(at, TargetHealth::new(HealthState::Unhealthy, reason)),
                None => Next::Stay,
            },
            (HealthState::Initial | HealthState::Healthy | HealthState::Unhealthy, _) => {
                target.next_probe.get_or_insert(now);
                Next::Stay
            }
            (HealthState::Unused, _) => Next::Change(now, registering()),
            // Left behind by a script, or draining when it was registered again.
            (HealthState::Draining, None) => Next::Change(now, registering()),
            (HealthState::Draining | HealthState::Unavailable, _) => {
                Next::Change(now, TargetHealth::initial(HealthReason::InitialHealthChecking))
            }
        }
    }
}

fn registering() -> TargetHealth {
    TargetHealth::initial(HealthReason::RegistrationInProgress)
}
