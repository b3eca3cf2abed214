//! What decides about the state of a target, apart from its checks.

use jiff::{SignedDuration, Timestamp};

use super::{
    load_balancer::LoadBalancer,
    target::{Target, TargetHealth, TargetKey},
    target_group::TargetGroup,
    words::{HealthReason, HealthState, LoadBalancerType, TargetType},
};
use crate::world::{World, ec2::Instance};

/// What is going to happen to a target.
pub(super) enum Next {
    Stay,
    Go(Timestamp),
    Change(Timestamp, TargetHealth),
}

/// What decides about a target, apart from its checks.
pub(super) enum Situation {
    /// It cannot get traffic.
    Unused(TargetHealth),
    /// Its load balancer is not active yet.
    Provisioning,
    /// Its load balancer is active since then.
    Serving {
        since: Timestamp,
        registration: SignedDuration,
        fixed: Option<TargetHealth>,
    },
}

impl Situation {
    pub(super) fn of(
        world: &World,
        user: Option<&LoadBalancer>,
        group: &TargetGroup,
        key: &TargetKey,
        target: &Target,
    ) -> Self {
        let Some(user) = user else {
            return Self::Unused(TargetHealth::unused(HealthReason::NotInUse));
        };
        if target
            .zone
            .as_deref()
            .is_some_and(|zone| zone != "all" && !user.enables(zone))
        {
            let message = "Target is in an Availability Zone that is not enabled for the load balancer";
            return Self::Unused(TargetHealth::unused(HealthReason::NotInUse).because(message));
        }
        if group.target_type == TargetType::Instance
            && !world.ec2.instance(&key.id).is_some_and(Instance::running)
        {
            return Self::Unused(TargetHealth::unused(HealthReason::InvalidState));
        }
        if !user.active {
            return Self::Provisioning;
        }
        let registration = match user.kind {
            LoadBalancerType::Application => world.delays.application_registration,
            LoadBalancerType::Network => world.delays.network_registration,
        };
        let scripted = world
            .scripted(&group.arn, &group.name, &key.id, key.port)
            .and_then(TargetHealth::scripted);
        let disabled = (!group.health_check.enabled)
            .then(|| TargetHealth::new(HealthState::Unavailable, Some(HealthReason::HealthCheckDisabled)));
        Self::Serving {
            since: user.active_at,
            registration: SignedDuration::from_secs(registration.into()),
            fixed: scripted.or(disabled),
        }
    }

    /// Sets the timers of the state just entered.
    pub(super) fn settle(&self, target: &mut Target) {
        let Self::Serving {
            since,
            registration,
            fixed: None,
        } = self
        else {
            return;
        };
        match target.health.reason {
            Some(HealthReason::RegistrationInProgress) => {
                let start = target.since.max(*since);
                target.until = Some(start.saturating_add(*registration).unwrap_or(start));
            }
            Some(HealthReason::InitialHealthChecking) => target.next_probe = Some(target.since),
            _ => {}
        }
    }

    pub(super) fn next(&self, target: &mut Target, now: Timestamp) -> Next {
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
            Self::Serving {
                since,
                fixed: Some(health),
                ..
            } => {
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
            // A target without a reason was draining when it was registered again.
            (HealthState::Unused, _) | (HealthState::Draining, None) => Next::Change(now, registering()),
            // Left behind by a script.
            (HealthState::Draining | HealthState::Unavailable, _) => {
                Next::Change(now, TargetHealth::initial(HealthReason::InitialHealthChecking))
            }
        }
    }
}

fn registering() -> TargetHealth {
    TargetHealth::initial(HealthReason::RegistrationInProgress)
}
