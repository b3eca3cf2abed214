//! Reserved capacity of load balancers.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::load_balancer::LoadBalancer;
use crate::world::{ApiError, World};

/// How long a change takes ("can take a few minutes", user guides, "Capacity reservation").
const CHANGE: SignedDuration = SignedDuration::from_secs(60);
/// Reductions a day.
const DECREASES: u32 = 2;

/// The capacity reservation of a load balancer.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// Load balancer capacity units; absent: none reserved.
    pub units: Option<i64>,
    /// When the last change was asked for.
    pub modified: Option<Timestamp>,
    /// When the last change is done.
    pub ready_at: Option<Timestamp>,
    /// Reductions left.
    pub decreases_left: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            units: None,
            modified: None,
            ready_at: None,
            decreases_left: DECREASES,
        }
    }
}

impl Capacity {
    /// `provisioned`, or `pending` while a change is on its way.
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.pending(now) {
            "pending"
        } else {
            "provisioned"
        }
    }

    fn pending(&self, now: Timestamp) -> bool {
        self.ready_at.is_some_and(|at| at > now)
    }
}

/// ModifyCapacityReservation: sets the minimum (`Some`) or gives it up (`None`).
///
/// # Errors
/// `LoadBalancerNotFound`; `InvalidConfigurationRequest` while the load balancer is provisioning or for zero
/// units; `PriorRequestNotComplete` (429) while a change is pending; `CapacityDecreaseRequestLimitExceeded`.
pub fn modify(
    world: &mut World,
    now: Timestamp,
    arn: &str,
    units: Option<i64>,
) -> Result<LoadBalancer, ApiError> {
    let found = world.elb.load_balancer_mut(arn)?;
    if !found.active {
        let message = format!("Load balancer '{arn}' is not active");
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    if units.is_some_and(|units| units < 1) {
        let message = "Capacity units must be greater than zero; reset the reservation to give it up";
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    let capacity = &mut found.capacity;
    if capacity.pending(now) {
        let message = "The prior capacity request is not complete";
        return Err(ApiError::with_status("PriorRequestNotComplete", 429, message));
    }
    if units.is_some_and(|wanted| capacity.units.is_some_and(|current| wanted < current)) {
        capacity.decreases_left = capacity.decreases_left.checked_sub(1).ok_or_else(|| {
            ApiError::new(
                "CapacityDecreaseRequestLimitExceeded",
                "No capacity decrease is left for today",
            )
        })?;
    }
    capacity.units = units;
    capacity.modified = Some(now);
    capacity.ready_at = Some(now.saturating_add(CHANGE).unwrap_or(now));
    Ok(found.clone())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use crate::world::elb::tests::*;

    #[test]
    fn a_change_is_pending_for_a_minute_and_refuses_another_meanwhile() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        assert_eq!(
            modify(&mut world, at(0), &arn, Some(100)).unwrap_err().code,
            "InvalidConfigurationRequest"
        );
        world.advance(at(120));
        assert_eq!(
            modify(&mut world, at(120), &arn, Some(100))
                .unwrap()
                .capacity
                .state(at(121)),
            "pending"
        );
        let error = modify(&mut world, at(130), &arn, Some(200)).unwrap_err();
        assert_eq!((error.code, error.status), ("PriorRequestNotComplete", 429));
        assert_eq!(
            world.elb.load_balancer(&arn).unwrap().capacity.state(at(180)),
            "provisioned"
        );
    }

    #[test]
    fn only_two_decreases_are_left() {
        let mut world = world();
        let arn = create_network(&mut world, "web").arn;
        world.advance(at(200));
        for (step, units) in [400, 300, 200].into_iter().enumerate() {
            modify(
                &mut world,
                at(200 + 100 * i64::try_from(step).unwrap()),
                &arn,
                Some(units),
            )
            .unwrap();
        }
        let error = modify(&mut world, at(900), &arn, Some(100)).unwrap_err();
        assert_eq!(error.code, "CapacityDecreaseRequestLimitExceeded");
    }
}
