//! What a target group holds, as last read and as changed by our own calls since.
//!
//! In: answers of DescribeTargetHealth and what we registered and deregistered. Out: a picture, and which
//! part of it has to be read again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::target::{Target, TargetHealth, TargetState};

/// How long a target counts as healthy without another look, and how long a target registered by somebody
/// else may stay unseen (upstream `pkg/targetgroupbinding/targets_manager.go`).
const FULL_READ_EVERY: Duration = Duration::from_mins(5);

/// Reason and description of a target that was registered just now.
pub(super) const REGISTERING: (&str, &str) =
    ("Elb.RegistrationInProgress", "Target registration is in progress");

/// The targets of a group by id and port; zone and QUIC server id do not tell targets apart here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    targets: BTreeMap<(String, i32), TargetHealth>,
    /// When all targets were read.
    pub full_at: Timestamp,
    /// When health was read last.
    pub polled_at: Timestamp,
}

/// What to read of a target group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthRead {
    /// All targets.
    All,
    /// These, by id and port.
    These(Vec<Target>),
}

impl Listing {
    /// A picture from a read without target list.
    pub fn full(targets: Vec<TargetHealth>, now: Timestamp) -> Self {
        let keyed = targets.into_iter().map(|health| (key(&health.target), health));
        Self {
            targets: keyed.collect(),
            full_at: now,
            polled_at: now,
        }
    }

    /// What to read before a decision: nothing while the picture is younger than `every`; all after five
    /// minutes or if read before `not_before`; else those that are not healthy.
    pub fn read_due(&self, now: Timestamp, every: Duration, not_before: Timestamp) -> Option<HealthRead> {
        if self.full_at < not_before || now >= self.full_at + FULL_READ_EVERY {
            return Some(HealthRead::All);
        }
        if now < self.polled_at + every {
            return None;
        }
        let doubtful = self.targets.values().filter(|health| !health.is_healthy());
        let these: Vec<_> = doubtful.map(|health| health.target.bare()).collect();
        (!these.is_empty()).then_some(HealthRead::These(these))
    }

    /// Takes the answer to [`HealthRead::These`]: healthy targets stay as they are, the others become what
    /// the answer says; those that are not registered any more go.
    pub fn refresh(&mut self, answer: Vec<TargetHealth>, now: Timestamp) {
        self.targets.retain(|_, health| health.is_healthy());
        for health in answer {
            if !health.is_not_registered() {
                self.targets.insert(key(&health.target), health);
            }
        }
        self.polled_at = now;
    }

    /// Takes note of a successful registration: until the next read targets are what AWS makes of new ones,
    /// in the words of a pod's first condition, so that a run in between changes no condition.
    pub fn registered(&mut self, targets: &[Target]) {
        for target in targets {
            let health = TargetHealth {
                target: target.clone(),
                state: TargetState::Initial,
                reason: REGISTERING.0.to_owned(),
                description: REGISTERING.1.to_owned(),
            };
            self.targets.insert(key(target), health);
        }
    }

    /// Takes note of a successful deregistration.
    pub fn deregistered(&mut self, targets: &[Target]) {
        for target in targets {
            if let Some(health) = self.targets.get_mut(&key(target)) {
                health.state = TargetState::Draining;
                "Target.DeregistrationInProgress".clone_into(&mut health.reason);
                health.description.clear();
            }
        }
    }

    /// All targets, draining ones included, by id and port.
    pub fn all(&self) -> impl Iterator<Item = &TargetHealth> {
        self.targets.values()
    }

    /// Number of targets, draining ones included.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

fn key(target: &Target) -> (String, i32) {
    (target.id.clone(), target.port)
}
