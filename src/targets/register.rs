//! Registration: one poisoned target does not stop the others.
//!
//! In: targets. Out: those that were registered, and AWS's refusals.

use elbow_core::targets::Target;

use crate::aws::{Aws, AwsError, Cx, Fault};

/// Targets per call (the ELB team's advice, upstream PR 1342).
const CHUNK: usize = 200;
/// Refused targets before the rest is left to the next run.
const REFUSALS: usize = 10;

/// What became of a registration.
#[derive(Debug, Default)]
pub(super) struct Registered {
    /// Targets that are registered.
    pub done: Vec<Target>,
    /// Refusals.
    pub failures: Vec<AwsError>,
}

impl Registered {
    /// Whether AWS said that the group holds as many targets as it may.
    pub fn is_full(&self) -> bool {
        self.failures.iter().any(|e| e.code.starts_with("TooManyTargets"))
    }

    /// Whether AWS wants a zone for a target outside its VPC. Upstream knows this by the text as well, the
    /// code is that of any validation error.
    pub fn needs_zone(&self) -> bool {
        self.failures
            .iter()
            .any(|e| e.fault == Fault::Invalid && e.message.contains("you must specify an Availability Zone"))
    }

    /// Whether a call got no answer, so that nobody knows what is registered.
    pub fn is_doubtful(&self) -> bool {
        self.failures.iter().any(|e| !e.answered)
    }
}

/// Registers targets. A call that is refused on account of a target is halved until that target stands alone.
pub(super) async fn register(aws: &Aws, cx: &Cx, arn: &str, targets: &[Target]) -> Registered {
    let mut result = Registered::default();
    let mut waiting: Vec<&[Target]> = targets.chunks(CHUNK).rev().collect();
    while let Some(chunk) = waiting.pop() {
        match aws.register_targets(cx, arn, chunk).await {
            Ok(()) => result.done.extend_from_slice(chunk),
            Err(error) if is_about_a_target(&error) && chunk.len() > 1 && !asks_for_zone(&error) => {
                let (left, right) = chunk.split_at(chunk.len() / 2);
                waiting.push(right);
                waiting.push(left);
            }
            Err(error) => {
                let go_on = is_about_a_target(&error) && !asks_for_zone(&error);
                result.failures.push(error);
                if !go_on || result.failures.len() >= REFUSALS {
                    break;
                }
            }
        }
    }
    result
}

fn is_about_a_target(error: &AwsError) -> bool {
    error.fault == Fault::Invalid || error.code.starts_with("TooManyRegistrationsForTargetId")
}

fn asks_for_zone(error: &AwsError) -> bool {
    error.message.contains("you must specify an Availability Zone")
}
