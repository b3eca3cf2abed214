//! The end of a binding: its deletion, or the loss of its backend.
//!
//! In: the same as a run. Out: targets to deregister, gates to open, and when the finalizer may go (reference
//! page `target-group-binding.md`, section 13).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::decide::{Ask, BindingDecision, RULES_WAIT, own_targets};
use super::gates::{ConditionPatch, GateValue, condition_patch, gate};
use super::input::{BindingInput, RulesState};
use super::listing::HealthRead;
use super::memory::BindingMemory;
use super::target::Target;
use crate::view::Pod;

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CleanupWork {
    /// All targets that are ours.
    pub deregister: Vec<Target>,
    /// Whether the binding keeps a ConfigMap that goes with it.
    pub drop_tracked: bool,
    /// Gates to open.
    pub conditions: Vec<ConditionPatch>,
    /// The backend that is missing; `None` when the binding itself goes.
    pub missing_backend: Option<String>,
    /// Whether the targets were dealt with in an earlier run.
    pub emptied: bool,
}

/// Decides on cleaning up: because of a missing backend, or because the binding is being deleted.
pub(super) fn decide(input: &BindingInput<'_>, missing_backend: Option<String>) -> BindingDecision {
    let (spec, memory) = (&input.binding.spec, input.memory);
    let cleaned = missing_backend.is_some() && memory.cleaned_for == missing_backend;
    if cleaned && input.now < memory.verify_at {
        return BindingDecision::Rest {
            endpoints: Vec::new(),
            wake_at: Some(memory.verify_at),
        };
    }
    let emptied = missing_backend.is_none() && memory.emptied_at.is_some();
    let mut asks = BTreeSet::new();
    if !emptied && !input.facts.listed {
        asks.insert(Ask::Health(HealthRead::All));
    }
    if !emptied && spec.multi_cluster_target_group && memory.tracked.is_none() {
        asks.insert(Ask::Tracked);
    }
    // A process that never worked out the contribution has to, or nobody knows which groups hold the rules.
    let unknown = spec.networking.is_some() && memory.contribution_of.is_none();
    if unknown && !emptied && missing_backend.is_none() && input.facts.contribution.is_none() {
        asks.insert(Ask::Contribution);
    }
    if !asks.is_empty() {
        return BindingDecision::Ask(asks);
    }
    BindingDecision::Cleanup(Box::new(CleanupWork {
        deregister: if emptied { Vec::new() } else { all_targets(input) },
        drop_tracked: spec.multi_cluster_target_group,
        conditions: open_gates(&input.binding.meta.name, input.gated_pods, input.now),
        missing_backend,
        emptied,
    }))
}

fn all_targets(input: &BindingInput<'_>) -> Vec<Target> {
    let listing = input.memory.listing.iter();
    let targets = listing
        .flat_map(super::listing::Listing::all)
        .map(|h| h.target.clone());
    own_targets(input, targets.collect())
}

fn open_gates(binding: &str, pods: &[Arc<Pod>], now: Timestamp) -> Vec<ConditionPatch> {
    let type_ = gate(binding);
    pods.iter()
        .filter_map(|pod| condition_patch(pod, &type_, GateValue::binding_deleted(), now))
        .collect()
}

/// When a deleted binding may lose its finalizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// Now.
    Now,
    /// When the rules are gone, at the latest then.
    At(Timestamp),
}

/// Whether a deleted binding whose targets are gone still waits for its rules to be revoked. Rules that
/// cannot be revoked within a minute do not hold it: the key of the group goes on without it.
pub fn release(memory: &BindingMemory, rules: &RulesState, now: Timestamp) -> Release {
    let deadline = memory.emptied_at.unwrap_or(now) + RULES_WAIT;
    match rules {
        RulesState::Unmanaged | RulesState::Settled => Release::Now,
        _ if now >= deadline => Release::Now,
        _ => Release::At(deadline),
    }
}
