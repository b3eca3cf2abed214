//! Waiting for the health of a target group that is to take the place of another one.

use elbow_core::model::Ref;
use elbow_core::targets::{Readiness, TargetHealth, readiness};
use jiff::SignedDuration;

use super::step::{End, Running};
use crate::aws::Fault;

/// How long a new group may take to become as healthy as the old one before it takes its place anyway.
const HEALTH: SignedDuration = SignedDuration::from_mins(10);
/// How long AWS may take to count a new group as used, so that it checks its targets.
const USE: SignedDuration = SignedDuration::from_mins(1);

impl Running<'_> {
    /// Waits until the targets of a group are as healthy as those of others. The wait is over when AWS does not
    /// check the targets at all, or when its bound is: the old group may be no healthier for ever.
    pub async fn await_health(&self, group: &Ref, others: &[String]) -> End {
        let arn = match self.resolve(group) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        let mut old = Vec::new();
        for other in others {
            match self.health_of(other).await {
                Ok(health) => old.extend(health),
                Err(end) => return end,
            }
        }
        let new = match self.health_of(&arn).await {
            Ok(health) => health,
            Err(end) => return end,
        };
        let bound = match readiness(&new, &old) {
            Readiness::AsHealthy => return End::done(),
            Readiness::NotYet => HEALTH,
            Readiness::NotChecked => USE,
        };
        let name = arn.split('/').nth_back(1).unwrap_or(&arn);
        self.wait_at_most(
            &format!("target group {name} to be as healthy as the one it replaces"),
            bound,
        )
    }

    /// Health of the targets of a group; a group that is gone has none.
    async fn health_of(&self, arn: &str) -> Result<Vec<TargetHealth>, End> {
        match self.context.aws.target_health(self.cx, arn, None).await {
            Ok(health) => Ok(health),
            Err(error) if error.answered && error.fault == Fault::NotFound => Ok(Vec::new()),
            // A read that got no answer has changed nothing: it is made again.
            Err(error) if !error.answered && error.fault != Fault::LeaseLost => {
                Err(self.wait_at_most(&format!("AWS to tell the health of {arn}: {error}"), HEALTH))
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Waits, and goes on when the bound is over.
    pub fn wait_at_most(&self, for_: &str, bound: SignedDuration) -> End {
        match self.wait(for_, bound) {
            End::Failed(_) | End::Refused(..) => End::Overdue,
            end => end,
        }
    }
}
