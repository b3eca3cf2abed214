//! From Kubernetes endpoints and nodes to registered targets.
//!
//! In: a TargetGroupBinding with what the stores say about its Service, and what AWS says about its target
//! group. Out: decisions as values: what to read next, what to register and deregister, which pod conditions
//! and annotations to write, when to wake up. The rules that let load balancers reach the targets are worked
//! out here as well.

pub mod backend_group;
pub mod checkpoint;
pub mod cleanup;
pub mod conclude;
pub mod decide;
pub mod diff;
pub mod endpoints;
pub mod eni;
pub mod forecast;
pub mod gates;
pub mod group;
pub mod group_rules;
pub mod input;
pub mod ledger;
pub mod listing;
pub mod memory;
pub mod networking;
pub mod preview;
pub mod readiness;
pub mod selector;
pub mod target;
pub mod zones;

#[cfg(test)]
mod tests;

pub use endpoints::{Backends, Backing, Endpoint, PodRef};
pub use eni::{Instance, Interface};
pub use group::{GroupRule, SecurityGroupState};
pub use readiness::{Readiness, readiness};
pub use target::{Target, TargetHealth, TargetState};
