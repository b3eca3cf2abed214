//! Steps of a load balancer that takes the place of another one. None of them changes AWS.

use elbow_core::model::{LoadBalancerState, Ref};
use jiff::SignedDuration;

use super::load_balancer::PROVISIONING;
use super::step::{End, Running};

/// How long a load balancer serves on whose address has moved: resolvers hold the old name for a while, and clients
/// their connections.
const DRAIN: SignedDuration = SignedDuration::from_mins(5);

impl Running<'_> {
    /// Waits until a load balancer is active.
    pub async fn await_active(&self, balancer: &Ref) -> End {
        let arn = match self.resolve(balancer) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        let found = self
            .context
            .aws
            .load_balancers_by_arn(self.cx, std::slice::from_ref(&arn))
            .await;
        let state = match found {
            Ok(found) => found.first().and_then(|listed| listed.load_balancer.state),
            Err(error) => return self.refused(&error),
        };
        match state {
            Some(LoadBalancerState::Active | LoadBalancerState::ActiveImpaired) => End::done(),
            _ => self.wait(
                &format!("load balancer {} to become active", name(&arn)),
                PROVISIONING,
            ),
        }
    }

    /// The address may move: the status is written once the steps have ended, and the next plan goes on from what it
    /// shows. From then on the old load balancer drains, however often the address moved before.
    pub fn move_address(&self, from: &str, to: &Ref) -> End {
        let to = match self.resolve(to) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        self.context.mirror.end_wait(&drain_subject(from));
        self.waiting(&format!(
            "the address to move from {} to {}",
            name(from),
            name(&to)
        ))
    }

    /// Waits until the clients of a load balancer had time to learn of the new address. A restart begins anew.
    pub fn await_drain(&self, balancer: &str) -> End {
        self.wait_at_most(
            &format!(
                "clients of load balancer {}, whose address has moved",
                name(balancer)
            ),
            DRAIN,
        )
    }
}

/// What the wait of [`Running::await_drain`] is entered under.
fn drain_subject(balancer: &str) -> String {
    format!("AwaitDrain {balancer}")
}

fn name(arn: &str) -> &str {
    arn.split('/').nth_back(1).unwrap_or(arn)
}
