//! One run of a binding: what to write after its targets were registered and deregistered.
//!
//! In: the work and its outcome. Out: pod conditions, status, checkpoint, events, the time of the next look,
//! and what to remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_crds::problem::{Problem, ProblemCode};
use jiff::Timestamp;

use super::decide::{RULES_WAIT, SyncWork, checkpoint};
use super::endpoints::{Backends, Endpoint};
use super::gates::{ConditionPatch, GateValue, condition_patch, gate, has_gate};
use super::input::{BindingInput, RulesState};
use super::memory::BindingMemory;
use crate::event::{Event, EventType};
use crate::view::{BindingObject, Pod};

/// What became of the work.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncOutcome {
    /// Identities that were registered, or dropped for want of a QUIC server id.
    pub registered: BTreeSet<String>,
    /// What went wrong, by message; empty when all was done.
    pub failures: Vec<String>,
    /// Whether AWS said that the group is full.
    pub quota_reached: bool,
}

/// What to write, and when to look again.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Conclusion {
    /// Pod conditions to patch.
    pub conditions: Vec<ConditionPatch>,
    /// `status.observedGeneration` to write before the checkpoint.
    pub observed_generation: Option<i64>,
    /// Checkpoint to write, if every patch succeeded.
    pub checkpoint: Option<String>,
    /// The published contribution can shrink to what is wanted now.
    pub narrow: bool,
    /// The whole pass is done: when to compare with AWS next, whatever happens.
    pub verified: Option<Timestamp>,
    /// What went wrong.
    pub problems: Vec<Problem>,
    /// Whether to try again with back-off.
    pub retry: bool,
    /// Events, if they are news.
    pub events: Vec<Event>,
    /// When to look again.
    pub wake_at: Option<Timestamp>,
}

/// An event on a binding.
pub fn event(binding: &BindingObject, kind: EventType, reason: &str, message: &str) -> Event {
    Event {
        object: binding.object(),
        uid: binding.meta.uid.clone(),
        kind,
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

/// Concludes a pass over the targets of a binding. The memory of `input` holds the listing as the work left
/// it.
pub fn conclude(input: &BindingInput<'_>, work: &SyncWork, outcome: &SyncOutcome) -> Conclusion {
    let gates = gate_values(input, work, outcome);
    let waiting_gates = gates.values().any(|(_, value)| !value.is_true());
    let type_ = gate(&input.binding.meta.name);
    let conditions = gates
        .into_values()
        .filter_map(|(pod, value)| condition_patch(&pod, &type_, value, input.now))
        .collect();
    let mut conclusion = Conclusion {
        conditions,
        ..Conclusion::default()
    };
    let failed = !outcome.failures.is_empty();
    let retained = !work.retention.since.is_empty();
    let crowded = work.crowded > 0 && has_leaving(input, work);
    let rules_done = work.network_failure.is_none() && rules_are_done(input);
    conclusion.narrow = input.memory.contribution_is_wide
        && !failed
        && !retained
        && !matches!(input.facts.rules, RulesState::Waiting | RulesState::Failed(_));
    report(input, work, outcome, &mut conclusion);
    conclusion.retry = failed;
    let complete = !failed && !waiting_gates && !retained && !crowded && rules_done && !conclusion.narrow;
    if complete {
        finish(input, work, &mut conclusion);
    } else {
        conclusion.wake_at = Some(next_look(input, work, waiting_gates || retained || crowded));
    }
    conclusion
}

/// The value of each gated pod's condition: that of its target. A pod behind several targets is as ready as
/// the least ready of them.
fn gate_values(
    input: &BindingInput<'_>,
    work: &SyncWork,
    outcome: &SyncOutcome,
) -> BTreeMap<String, (Arc<Pod>, GateValue)> {
    let type_ = gate(&input.binding.meta.name);
    let matched = work.matched.iter().map(|(e, h)| (e, GateValue::of(h)));
    let registered = work
        .register
        .iter()
        .filter(|e| outcome.registered.contains(&e.target.identity()))
        .map(|e| (e, GateValue::registering()));
    let mut values: BTreeMap<String, (Arc<Pod>, GateValue)> = BTreeMap::new();
    for (endpoint, value) in matched.chain(registered) {
        let Some(pod) = gated_pod(endpoint, &type_, input.backends) else {
            continue;
        };
        match values.get(&pod.meta.uid) {
            Some((_, known)) if !known.is_true() => {}
            _ => {
                values.insert(pod.meta.uid.clone(), (pod, value));
            }
        }
    }
    values
}

fn gated_pod(endpoint: &Endpoint, type_: &str, backends: &Backends) -> Option<Arc<Pod>> {
    let reference = endpoint.pod()?;
    let key = (reference.namespace.clone(), reference.name.clone());
    let pod = backends.pods.get(&key)?;
    (pod.meta.uid == reference.uid && has_gate(pod, type_)).then(|| pod.clone())
}

/// Whether targets are on their way out whose room others wait for.
fn has_leaving(input: &BindingInput<'_>, work: &SyncWork) -> bool {
    let listed = input
        .memory
        .listing
        .as_ref()
        .map_or(0, super::listing::Listing::len);
    listed > work.matched.len() + work.targets.len()
}

fn rules_are_done(input: &BindingInput<'_>) -> bool {
    match input.facts.rules {
        RulesState::Unmanaged | RulesState::Settled => true,
        RulesState::Granted => input
            .memory
            .revoking_since
            .is_some_and(|since| input.now >= since + RULES_WAIT),
        RulesState::Waiting | RulesState::Failed(_) => false,
    }
}

fn report(input: &BindingInput<'_>, work: &SyncWork, outcome: &SyncOutcome, conclusion: &mut Conclusion) {
    let binding = input.binding;
    let problem = |field: &str, message: &String| {
        Problem::fault(&binding.object(), field, ProblemCode::Refused, message.clone())
    };
    if let Some(message) = &work.network_failure {
        conclusion.problems.push(problem("spec.networking", message));
        let made = event(binding, EventType::Warning, "FailedNetworkReconcile", message);
        conclusion.events.push(made);
    }
    for message in &outcome.failures {
        conclusion.problems.push(problem("", message));
        let text = format!("Failed reconcile due to {message}");
        let made = event(binding, EventType::Warning, "FailedReconcile", &text);
        conclusion.events.push(made);
    }
}

fn finish(input: &BindingInput<'_>, work: &SyncWork, conclusion: &mut Conclusion) {
    let binding = input.binding;
    let generation = binding.meta.generation;
    conclusion.observed_generation =
        (binding.status.observed_generation != Some(generation)).then_some(generation);
    let stored = if work.reset_checkpoint {
        ""
    } else {
        checkpoint(binding)
    };
    conclusion.checkpoint = (stored != work.fingerprint).then(|| work.fingerprint.clone());
    if conclusion.checkpoint.is_some() {
        let made = event(
            binding,
            EventType::Normal,
            "SuccessfullyReconciled",
            "Successfully reconciled",
        );
        conclusion.events.push(made);
    }
    let verify_at = if input.now < input.memory.verify_at {
        input.memory.verify_at
    } else {
        input.now + input.settings.sync_period
    };
    conclusion.verified = Some(verify_at);
    conclusion.wake_at = Some(verify_at);
}

fn next_look(input: &BindingInput<'_>, work: &SyncWork, polling: bool) -> Timestamp {
    let requeue = input.settings.target_group_binding_requeue;
    let poll = input.now + requeue;
    let look = if polling || work.network_failure.is_some() {
        poll
    } else {
        poll.max(input.now + RULES_WAIT)
    };
    work.retention.ends_at().map_or(look, |end| look.min(end))
}

/// Takes over what a pass found into the memory, after its writes were made.
pub fn remember(
    memory: &mut BindingMemory,
    now: Timestamp,
    rules: &RulesState,
    work: &SyncWork,
    outcome: &SyncOutcome,
) {
    memory.retention = work.retention.clone();
    memory.remember(&work.endpoints);
    memory.cleaned_for = None;
    memory.quota_reached = outcome.quota_reached;
    memory.revoking_since = match rules {
        RulesState::Granted => memory.revoking_since.or(Some(now)),
        _ => None,
    };
    if outcome.failures.is_empty() && work.network_failure.is_none() {
        memory.reported = None;
    }
}
