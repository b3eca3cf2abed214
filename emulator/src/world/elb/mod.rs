//! Load balancers, listeners, target groups and targets.

use jiff::Timestamp;
use serde::Serialize;

use super::World;

/// The ELBv2 part of the account.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Elb {}

impl Elb {
    /// Removes what was created at or after `since` (see [`World::hide_created_since`]).
    pub fn hide_created_since(&mut self, _since: Timestamp) {}
}

/// Lets happen what time brings: `provisioning` becomes `active`, draining ends.
pub fn advance(_world: &mut World, _now: Timestamp) {}
