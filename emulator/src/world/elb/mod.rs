//! Load balancers, listeners, target groups and targets: the ELBv2 part of the account.
//!
//! One file per AWS noun; each operation is a function from the world, the time and a typed request to an
//! answer or an [`ApiError`], and changes nothing when it fails. [`health`] holds what time brings.

pub mod action;
pub mod arn;
pub mod attribute_keys;
pub mod attributes;
pub mod authentication;
pub mod capacity;
pub mod certificate;
pub mod condition;
pub mod health;
pub mod health_check;
mod interfaces;
pub mod limits;
pub mod listener;
pub mod listener_settings;
pub mod load_balancer;
mod load_balancer_settings;
pub mod mutual_authentication;
mod names;
pub mod page;
pub mod pattern;
pub mod placement;
pub mod probe;
pub mod registration;
mod registration_checks;
mod room;
pub mod routing;
#[cfg(test)]
mod routing_tests;
pub mod rule;
#[cfg(test)]
mod rule_action_tests;
pub mod rule_priorities;
#[cfg(test)]
mod rule_tests;
pub mod security_groups;
mod situation;
pub mod sni;
pub mod ssl_policy;
pub mod tags;
pub mod target;
pub mod target_group;
#[cfg(test)]
pub(crate) mod tests;
pub mod transform;
pub mod trust_store;
pub mod trust_store_revocation;
pub mod uses;
pub mod words;
pub mod zones;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

pub use health::advance;
pub use listener::Listener;
pub use load_balancer::LoadBalancer;
pub use probe::{Outcome, Probe, due_probes, next_due, record_probe};
pub use rule::Rule;
pub use target::Target;
pub use target_group::TargetGroup;
pub use trust_store::TrustStore;

use self::{
    arn::Kind,
    uses::{Except, Uses},
};
use super::ApiError;

/// The ELBv2 part of the account; every map is keyed by ARN.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Elb {
    /// Load balancers.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// Listeners with their rules.
    pub listeners: BTreeMap<String, Listener>,
    /// Target groups with their targets.
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// Trust stores.
    pub trust_stores: BTreeMap<String, TrustStore>,
    /// The latest id of a revocation list.
    #[serde(skip)]
    last_revocation: u64,
    /// What [`advance`] has seen.
    #[serde(skip)]
    seen: health::Seen,
    /// How many registrations there were.
    #[serde(skip)]
    registrations: u64,
}

impl Elb {
    /// Removes what was created at or after `since` (see [`super::World::hide_created_since`]).
    pub fn hide_created_since(&mut self, since: Timestamp) {
        self.load_balancers.retain(|_, found| found.created < since);
        self.listeners.retain(|_, found| found.created < since);
        for listener in self.listeners.values_mut() {
            listener.rules.retain(|_, rule| rule.created < since);
        }
        self.target_groups.retain(|_, found| found.created < since);
        self.trust_stores.retain(|_, found| found.created < since);
    }

    /// A load balancer, or `LoadBalancerNotFound`; `ValidationError` if the ARN names something else.
    pub fn load_balancer(&self, arn: &str) -> Result<&LoadBalancer, ApiError> {
        find(Kind::LoadBalancer, &self.load_balancers, arn)
    }

    /// A listener, or `ListenerNotFound`.
    pub fn listener(&self, arn: &str) -> Result<&Listener, ApiError> {
        find(Kind::Listener, &self.listeners, arn)
    }

    /// A target group, or `TargetGroupNotFound`.
    pub fn target_group(&self, arn: &str) -> Result<&TargetGroup, ApiError> {
        find(Kind::TargetGroup, &self.target_groups, arn)
    }

    /// A rule with its listener; default rules are not among them.
    pub fn rule(&self, arn: &str) -> Option<(&Listener, &Rule)> {
        self.listeners.values().find_map(|listener| {
            let rule = listener.rules.values().find(|rule| rule.arn == arn)?;
            Some((listener, rule))
        })
    }

    /// A trust store, or `TrustStoreNotFound`.
    pub fn trust_store(&self, arn: &str) -> Result<&TrustStore, ApiError> {
        find(Kind::TrustStore, &self.trust_stores, arn)
    }

    pub(in crate::world) fn trust_store_mut(&mut self, arn: &str) -> Result<&mut TrustStore, ApiError> {
        find_mut(Kind::TrustStore, &mut self.trust_stores, arn)
    }

    pub(in crate::world) fn load_balancer_mut(&mut self, arn: &str) -> Result<&mut LoadBalancer, ApiError> {
        find_mut(Kind::LoadBalancer, &mut self.load_balancers, arn)
    }

    pub(in crate::world) fn listener_mut(&mut self, arn: &str) -> Result<&mut Listener, ApiError> {
        find_mut(Kind::Listener, &mut self.listeners, arn)
    }

    pub(in crate::world) fn target_group_mut(&mut self, arn: &str) -> Result<&mut TargetGroup, ApiError> {
        find_mut(Kind::TargetGroup, &mut self.target_groups, arn)
    }

    /// Which load balancers use which target group.
    pub fn uses(&self) -> Uses {
        Uses::of_listeners(self.listeners.values(), Except::Nothing)
    }

    /// Tells [`advance`] that something changed, so that it looks at every target again.
    pub fn touch(&mut self) {
        self.seen.forget();
    }
}

fn find<'a, T>(kind: Kind, map: &'a BTreeMap<String, T>, arn: &str) -> Result<&'a T, ApiError> {
    kind.check(arn)?;
    map.get(arn).ok_or_else(|| kind.not_found())
}

fn find_mut<'a, T>(kind: Kind, map: &'a mut BTreeMap<String, T>, arn: &str) -> Result<&'a mut T, ApiError> {
    kind.check(arn)?;
    map.get_mut(arn).ok_or_else(|| kind.not_found())
}
