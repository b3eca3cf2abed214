//! Targets and their health as DescribeTargetHealth shows it.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    Elb,
    words::{HealthReason, HealthState},
};
use crate::world::{ApiError, HistoryEntry, ScriptedHealth};

/// What makes a target: its id and its port (functions have none).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetKey {
    /// Instance id, address or ARN.
    pub id: String,
    /// Port on which it gets traffic.
    pub port: Option<u16>,
}

impl Serialize for TargetKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.port {
            Some(port) => serializer.collect_str(&format_args!("{} {port}", self.id)),
            None => serializer.serialize_str(&self.id),
        }
    }
}

/// A target as requests describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// `Id`
    pub id: String,
    /// `Port`
    pub port: Option<i64>,
    /// `AvailabilityZone`
    pub zone: Option<String>,
    /// `QuicServerId`
    pub quic_server_id: Option<String>,
}

/// State, reason and description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetHealth {
    /// State.
    pub state: HealthState,
    /// Absent when healthy.
    pub reason: Option<HealthReason>,
    /// Absent when healthy.
    pub description: Option<String>,
}

/// A registered target.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// The zone it gets traffic from: detected, given, or `all`.
    pub zone: Option<String>,
    /// Of QUIC groups.
    pub quic_server_id: Option<String>,
    /// Which registration this is.
    pub registration: u64,
    /// Health.
    pub health: TargetHealth,
    /// Since when.
    pub since: Timestamp,
    /// When registration, draining or `unhealthy.draining` ends.
    pub until: Option<Timestamp>,
    /// When it is checked next.
    pub next_probe: Option<Timestamp>,
    /// Whether a check is on its way.
    #[serde(skip)]
    pub in_flight: bool,
    /// Consecutive successes.
    pub passes: u32,
    /// Consecutive failures.
    pub failures: u32,
}

/// A target with its health, for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Id and port.
    pub key: TargetKey,
    /// Zone.
    pub zone: Option<String>,
    /// Of QUIC groups.
    pub quic_server_id: Option<String>,
    /// Port of health checks.
    pub check_port: Option<u16>,
    /// Health.
    pub health: TargetHealth,
}

impl TargetHealth {
    /// Health with AWS's description of the reason.
    pub fn new(state: HealthState, reason: Option<HealthReason>) -> Self {
        Self {
            state,
            reason,
            description: reason.map(|reason| describe_reason(reason).to_owned()),
        }
    }

    /// Passes its checks.
    pub fn healthy() -> Self {
        Self::new(HealthState::Healthy, None)
    }

    /// On its way into the load balancer, or being checked for the first time.
    pub fn initial(reason: HealthReason) -> Self {
        Self::new(HealthState::Initial, Some(reason))
    }

    /// Gets neither traffic nor checks.
    pub fn unused(reason: HealthReason) -> Self {
        Self::new(HealthState::Unused, Some(reason))
    }

    /// Deregistered, and its connections may end.
    pub fn draining() -> Self {
        Self::new(
            HealthState::Draining,
            Some(HealthReason::DeregistrationInProgress),
        )
    }

    /// With another description.
    #[must_use]
    pub fn because(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The health that a script asks for; `None` if its words are none of AWS's.
    pub fn scripted(script: &ScriptedHealth) -> Option<Self> {
        let state = HealthState::parse("state", &script.state).ok()?;
        let reason = match &script.reason {
            Some(reason) => Some(HealthReason::parse("reason", reason).ok()?),
            None => usual_reason(state),
        };
        Some(Self::new(state, reason))
    }

    /// Whether state and reason are the same.
    pub fn same(&self, other: &Self) -> bool {
        self.state == other.state && self.reason == other.reason
    }
}

fn usual_reason(state: HealthState) -> Option<HealthReason> {
    match state {
        HealthState::Healthy => None,
        HealthState::Initial => Some(HealthReason::InitialHealthChecking),
        HealthState::Unhealthy | HealthState::UnhealthyDraining => Some(HealthReason::FailedHealthChecks),
        HealthState::Unused => Some(HealthReason::NotInUse),
        HealthState::Draining => Some(HealthReason::DeregistrationInProgress),
        HealthState::Unavailable => Some(HealthReason::InternalError),
    }
}

fn describe_reason(reason: HealthReason) -> &'static str {
    match reason {
        HealthReason::RegistrationInProgress => "Target registration is in progress",
        HealthReason::InitialHealthChecking => "Initial health checks in progress",
        HealthReason::ResponseCodeMismatch => "Health checks failed with an unexpected response code",
        HealthReason::Timeout => "Request timed out",
        HealthReason::FailedHealthChecks => "Health checks failed",
        HealthReason::NotRegistered => "Target is not registered to the target group",
        HealthReason::NotInUse => "Target group is not configured to receive traffic from the load balancer",
        HealthReason::DeregistrationInProgress => "Target deregistration is in progress",
        HealthReason::InvalidState => "Target is in the stopped or terminated state",
        HealthReason::IpUnusable => "Target IP address is reserved for use by a load balancer",
        HealthReason::HealthCheckDisabled => "Health checks are disabled for this target group",
        HealthReason::InternalError => "Health status is unavailable due to an internal error",
    }
}

impl Target {
    /// A target just registered; [`super::advance`] gives it its first state.
    pub fn new(
        registration: u64,
        now: Timestamp,
        zone: Option<String>,
        quic_server_id: Option<String>,
    ) -> Self {
        Self {
            zone,
            quic_server_id,
            registration,
            health: TargetHealth::unused(HealthReason::NotRegistered),
            since: now,
            until: None,
            next_probe: None,
            in_flight: false,
            passes: 0,
            failures: 0,
        }
    }

    /// Changes its health and answers what the history says about it.
    pub fn change(
        &mut self,
        group: &str,
        key: &TargetKey,
        at: Timestamp,
        health: TargetHealth,
    ) -> HistoryEntry {
        let entry = HistoryEntry {
            at,
            target_group_arn: group.to_owned(),
            target_id: key.id.clone(),
            port: key.port,
            from: self.state_for_history(),
            to: Some(health.state.to_string()),
            reason: health.reason.map(|reason| reason.to_string()),
        };
        self.health = health;
        self.since = at;
        self.until = None;
        self.next_probe = None;
        self.passes = 0;
        self.failures = 0;
        entry
    }

    /// What the history says about its end.
    pub fn gone(&self, group: &str, key: &TargetKey, at: Timestamp) -> HistoryEntry {
        HistoryEntry {
            at,
            target_group_arn: group.to_owned(),
            target_id: key.id.clone(),
            port: key.port,
            from: self.state_for_history(),
            to: None,
            reason: None,
        }
    }

    fn state_for_history(&self) -> Option<String> {
        let registered = self.health.reason != Some(HealthReason::NotRegistered);
        registered.then(|| self.health.state.to_string())
    }
}

/// DescribeTargetHealth: every target, or those asked for; one that is not registered is
/// `unused/Target.NotRegistered`. A target given without a port has the group's.
pub fn describe_health(elb: &Elb, group: &str, asked: &[Described]) -> Result<Vec<Shown>, ApiError> {
    let group = elb.target_group(group)?;
    let shown = |key: &TargetKey, target: &Target| Shown {
        key: key.clone(),
        zone: target.zone.clone(),
        quic_server_id: target.quic_server_id.clone(),
        check_port: group.check_port(key),
        health: target.health.clone(),
    };
    if asked.is_empty() {
        return Ok(group
            .targets
            .iter()
            .map(|(key, target)| shown(key, target))
            .collect());
    }
    let keys = asked
        .iter()
        .map(|one| super::registration::key(group, one))
        .collect::<Result<Vec<_>, _>>()?;
    let unknown = |key: TargetKey| Shown {
        check_port: group.check_port(&key),
        key,
        zone: None,
        quic_server_id: None,
        health: TargetHealth::unused(HealthReason::NotRegistered),
    };
    Ok(keys
        .into_iter()
        .map(|key| match group.targets.get(&key) {
            Some(target) => shown(&key, target),
            None => unknown(key),
        })
        .collect())
}
