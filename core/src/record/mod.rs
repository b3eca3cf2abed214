//! What survives a restart: one record per stack, which only saves work.
//!
//! In: a stack that was fully applied. Out: a record that can say later, from the lists of a sweep alone,
//! that nothing has to be read or done. A record never decides ownership and is never needed for
//! correctness: where anything differs, the stack is read deeply.
//!
//! A record says what is there only as long as nobody works towards another wanted stack. Whoever applies a
//! plan for a stack that [`Record::is_of`] denies deletes the record first: were the plan interrupted and the
//! owner changed back, the record would vouch for what is no longer there.

mod hash;
mod rules;
mod vouch;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::{StackKey, StackKind};
use crate::model::{ResourceAddress, ResourceId, ResourceKind, Stack};
use crate::settings::{Scope, Settings};

pub use hash::{configuration_hash, stack_hash};
pub use rules::RecordedRule;

/// Label of the ConfigMaps that hold records.
pub const LABEL: &str = "elbow.dev/record";
/// Value of that label: the version of the format.
pub const LABEL_VALUE: &str = "v1";
/// Most bytes of the compressed record in a ConfigMap, with room for the rest of the object below the
/// 1 MiB of etcd.
pub const MAX_BYTES: usize = 900 * 1024;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not JSON of this format; the record does not count.
    #[error("the record is not JSON of format {LABEL_VALUE}")]
    Format(#[source] serde_json::Error),
}

/// A record. No secret is in it: a stack holds none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The stack, as [`StackKey`] prints.
    pub key: String,
    /// [`stack_hash`] of the last fully applied wanted stack.
    pub stack: String,
    /// ARNs and ids of its resources, by resource.
    pub ids: BTreeMap<String, String>,
    /// Rules by the port of their listener, in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Vec<RecordedRule>>,
    /// [`configuration_hash`] at that time.
    pub configuration: String,
    /// Last deep verification; `None` if it was never read deeply since it was created by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// Last good contributions by member; a Service stack has one member and needs none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contributions: BTreeMap<String, serde_json::Value>,
}

/// Name of the ConfigMap of a stack: `elbow-` and the first 40 hex digits of SHA-256 of cluster name, class and
/// printed key, a line each; the class is that of the key's front end. Controllers of different classes that share
/// a namespace see each other's Services, or Ingresses, as not theirs; their records of one are different objects,
/// so neither ends the other's.
pub fn record_name(scope: &Scope, key: &StackKey) -> String {
    let class = match key.kind {
        StackKind::Service => &scope.load_balancer_class,
        StackKind::Ingress => &scope.ingress_class,
    };
    let text = format!("{}\n{class}\n{key}", scope.cluster);
    let digits: String = hash::sha256_hex(text.as_bytes()).chars().take(40).collect();
    format!("elbow-{digits}")
}

impl Record {
    /// The record of a stack at rest: `actual` is what `wanted` became.
    pub fn new(wanted: &Stack, actual: &Stack, settings: &Settings, verified_at: Option<Timestamp>) -> Self {
        Self {
            key: wanted.key.to_string(),
            stack: stack_hash(wanted),
            ids: ids(actual),
            rules: rules::recorded(actual),
            configuration: configuration_hash(settings),
            verified_at,
            contributions: BTreeMap::new(),
        }
    }

    /// Whether the record was made of this wanted stack under these settings.
    pub fn is_of(&self, wanted: &Stack, settings: &Settings) -> bool {
        self.key == wanted.key.to_string()
            && self.configuration == configuration_hash(settings)
            && self.stack == stack_hash(wanted)
    }

    /// Whether another record says the same about the stack (the time of verification apart), so that it
    /// need not be written.
    pub fn says_the_same(&self, other: &Self) -> bool {
        (
            &self.key,
            &self.stack,
            &self.ids,
            &self.rules,
            &self.configuration,
            &self.contributions,
        ) == (
            &other.key,
            &other.stack,
            &other.ids,
            &other.rules,
            &other.configuration,
            &other.contributions,
        )
    }

    /// Compact JSON; the shell compresses it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        serde_json::from_str(text).map_err(RecordError::Format)
    }

    /// The recorded ARN or id of a resource.
    fn id(&self, kind: ResourceKind, id: &ResourceId) -> Option<String> {
        self.ids.get(&ResourceAddress::new(kind, id).to_string()).cloned()
    }
}

/// ARNs and ids of security groups, load balancers, target groups and listeners, by resource.
fn ids(actual: &Stack) -> BTreeMap<String, String> {
    let groups = actual
        .security_groups
        .iter()
        .map(|group| (ResourceKind::SecurityGroup, group.id.clone(), &group.group_id));
    let balancers = actual
        .load_balancers
        .iter()
        .map(|balancer| (ResourceKind::LoadBalancer, balancer.id.clone(), &balancer.arn));
    let target_groups = actual
        .target_groups
        .iter()
        .map(|group| (ResourceKind::TargetGroup, group.id.clone(), &group.arn));
    let listeners = actual.listeners.iter().map(|listener| {
        let id = ResourceId(listener.port.to_string());
        (ResourceKind::Listener, id, &listener.arn)
    });
    groups
        .chain(balancers)
        .chain(target_groups)
        .chain(listeners)
        .filter_map(|(kind, id, arn)| {
            let address = ResourceAddress::new(kind, &id).to_string();
            arn.clone().map(|arn| (address, arn))
        })
        .collect()
}

#[cfg(test)]
mod tests;
