//! What a process remembers of a binding between runs. Losing it costs calls, never correctness.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::diff::Retention;
use super::endpoints::{Endpoint, PodRef};
use super::listing::Listing;
use crate::event::without_request_ids;
use crate::view::BindingObject;

/// Memory of one binding.
#[derive(Clone, Debug, PartialEq)]
pub struct BindingMemory {
    /// UID of the binding and ARN of its target group; another pair starts afresh.
    identity: (String, String),
    /// The targets of its group.
    pub listing: Option<Listing>,
    /// Pods behind identities of earlier passes.
    pub known: BTreeMap<String, PodRef>,
    /// Targets that outlive their endpoints.
    pub retention: Retention,
    /// Targets this cluster registered in a shared group.
    pub tracked: Option<Tracked>,
    /// Until when targets outside the VPC are registered with their node's zone.
    pub node_zones_until: Option<Timestamp>,
    /// When AWS is compared although the checkpoint is equal.
    pub verify_at: Timestamp,
    /// Fingerprint for which a contribution to security group rules was published.
    pub contribution_of: Option<String>,
    /// Whether the published contribution still holds the one before it.
    pub contribution_is_wide: bool,
    /// Since when rules wait to be revoked.
    pub revoking_since: Option<Timestamp>,
    /// Why targets were cleaned up while the binding stays: its backend is missing.
    pub cleaned_for: Option<String>,
    /// Since when the binding is being cleaned up after its targets were deregistered.
    pub emptied_at: Option<Timestamp>,
    /// The group is full: others have to go before more can come.
    pub quota_reached: bool,
    /// The failure reported last, and when.
    pub reported: Option<(String, Timestamp)>,
}

/// Targets this cluster registered in a group it shares with others: the ConfigMap of the binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// There is no ConfigMap yet: nothing may be deregistered.
    Missing,
    /// Identities.
    Set(BTreeSet<String>),
}

impl BindingMemory {
    /// An empty memory. AWS is compared in the second half of `period`, at a moment spread evenly by name.
    pub fn new(binding: &BindingObject, now: Timestamp, period: Duration) -> Self {
        Self {
            identity: identity(binding),
            listing: None,
            known: BTreeMap::new(),
            retention: Retention::default(),
            tracked: None,
            node_zones_until: None,
            verify_at: now + period / 2 + spread(binding, period / 2),
            contribution_of: None,
            contribution_is_wide: false,
            revoking_since: None,
            cleaned_for: None,
            emptied_at: None,
            quota_reached: false,
            reported: None,
        }
    }

    /// Whether it is the memory of this binding and not of an earlier one of that name.
    pub fn is_of(&self, binding: &BindingObject) -> bool {
        self.identity == identity(binding)
    }

    /// Remembers the pods behind endpoints and keeps those of targets that stay for now.
    pub fn remember(&mut self, endpoints: &[Endpoint]) {
        let kept = &self.retention.since;
        self.known.retain(|identity, _| kept.contains_key(identity));
        for endpoint in endpoints {
            if let Some(pod) = endpoint.pod() {
                self.known.insert(endpoint.target.identity(), pod.clone());
            }
        }
    }

    /// Whether a failure is worth an event: a new one, or one that stands for half an hour.
    /// Remembers it. Failures that differ in AWS's request ids alone are the same.
    pub fn is_news(&mut self, failure: &str, now: Timestamp) -> bool {
        const REPEAT_EVERY: Duration = Duration::from_mins(30);
        let failure = without_request_ids(failure);
        let known = self
            .reported
            .as_ref()
            .is_some_and(|(text, at)| *text == failure && now < *at + REPEAT_EVERY);
        if !known {
            self.reported = Some((failure, now));
        }
        !known
    }
}

fn identity(binding: &BindingObject) -> (String, String) {
    (binding.meta.uid.clone(), binding.spec.target_group_arn.clone())
}

/// A share of `period` that depends on the name alone.
fn spread(binding: &BindingObject, period: Duration) -> Duration {
    let name = format!("{}/{}", binding.meta.namespace, binding.meta.name);
    let digest = Sha256::digest(name.as_bytes());
    let number = digest
        .iter()
        .take(4)
        .fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte));
    period.mul_f64(f64::from(number) / f64::from(u32::MAX))
}
