//! One run of a binding: what to do next.
//!
//! In: the binding, what the stores and earlier runs say, and what was read in this run. Out: what else to
//! read, or what to do. The shell reads, calls again, does what it is told, and hands the outcome to
//! [`super::conclude`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use elbow_crds::problem::{Problem, ProblemCode};
use elbow_crds::target_group_binding::TargetType;
use jiff::Timestamp;

use super::checkpoint::{CHECKPOINT, fingerprint};
use super::cleanup::{self, CleanupWork};
use super::diff::{Diff, Retention, diff, retain, room};
use super::endpoints::{Backends, Endpoint, EndpointFailure, instance_endpoints, is_quic, pod_endpoints};
use super::gates::gate;
use super::input::{BindingInput, RulesState};
use super::listing::{HealthRead, Listing};
use super::memory::Tracked;
use super::target::{Target, TargetHealth};
use super::zones::ip_targets;
use crate::view::BindingObject;

/// Finalizer of a binding whose targets are ours to deregister.
pub const FINALIZER: &str = "elbv2.k8s.aws/resources";

/// How long a binding waits for the key of its security groups before it looks again; that key wakes it
/// earlier.
pub(super) const RULES_WAIT: Duration = Duration::from_mins(1);

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// Targets and their health.
    Health(HealthRead),
    /// The ConfigMap with this cluster's targets.
    Tracked,
    /// Address blocks of a VPC.
    Vpc(String),
    /// The interfaces of the targets, to publish the contribution to security group rules.
    Contribution,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum BindingDecision {
    /// Read this and decide again.
    Ask(BTreeSet<Ask>),
    /// Add the finalizer, read the binding again and decide again.
    AddFinalizer,
    /// Nothing to do until `wake_at`.
    Rest {
        /// Endpoints, to be remembered.
        endpoints: Vec<Endpoint>,
        /// When to look again.
        wake_at: Option<Timestamp>,
    },
    /// Nothing can be done before the security group rules are there.
    Wait {
        /// Why.
        reason: String,
        /// When to look again at the latest.
        wake_at: Timestamp,
    },
    /// Nothing is changed; try again with back-off.
    Failed(Problem),
    /// Register, deregister, conclude.
    Sync(Box<SyncWork>),
    /// Deregister everything and let go.
    Cleanup(Box<CleanupWork>),
}

/// Changes to a target group, and what is needed to conclude.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SyncWork {
    /// Fingerprint to store when all is done.
    pub fingerprint: String,
    /// All wanted endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Endpoints that are registered.
    pub matched: Vec<(Endpoint, TargetHealth)>,
    /// Endpoints to register.
    pub register: Vec<Endpoint>,
    /// The same as targets, in the same order. Endpoints of a QUIC group without server id are left out.
    pub targets: Vec<Target>,
    /// Targets to deregister, after the registration.
    pub deregister: Vec<Target>,
    /// Deregister first: the group is full.
    pub deregister_first: bool,
    /// Empty the checkpoint before anything else.
    pub reset_checkpoint: bool,
    /// ConfigMap content to write before the registration.
    pub track_before: Option<BTreeSet<String>>,
    /// ConfigMap content to write after everything.
    pub track_after: Option<BTreeSet<String>>,
    /// Targets that stay although their endpoints are gone.
    pub retention: Retention,
    /// Endpoints that could not be registered for want of room.
    pub crowded: usize,
    /// What went wrong with the security group rules; the rest goes on.
    pub network_failure: Option<String>,
}

/// Decides the next step of a run. Pure: equal input, equal decision.
pub fn decide(input: &BindingInput<'_>) -> BindingDecision {
    let binding = input.binding;
    let has_finalizer = binding.meta.finalizers.contains(FINALIZER);
    if binding.meta.deleting {
        return if has_finalizer {
            cleanup::decide(input, None)
        } else {
            rest(Vec::new(), None)
        };
    }
    if let Some(problem) = unusable_spec(binding) {
        return BindingDecision::Failed(problem);
    }
    if !has_finalizer {
        return BindingDecision::AddFinalizer;
    }
    match endpoints(input) {
        Ok(endpoints) => decide_endpoints(input, endpoints),
        Err(failure @ EndpointFailure::NotFound(_)) => cleanup::decide(input, Some(failure.to_string())),
        Err(failure @ EndpointFailure::Unusable(_)) => BindingDecision::Failed(Problem::fault(
            &binding.object(),
            "spec.serviceRef",
            ProblemCode::NotAllowed,
            failure.to_string(),
        )),
    }
}

fn unusable_spec(binding: &BindingObject) -> Option<Problem> {
    let spec = &binding.spec;
    let name = format!("{}/{}", binding.meta.namespace, binding.meta.name);
    let (field, message) = if spec.target_type.is_none() {
        ("spec.targetType", format!("targetType is not specified: {name}"))
    } else if spec.target_group_arn.is_empty() {
        ("spec.targetGroupARN", no_arn(&spec.target_group_name))
    } else if !spec.iam_role_arn_to_assume.is_empty() {
        (
            "spec.iamRoleArnToAssume",
            "target groups of other accounts cannot be used yet; remove the field and name a target group of \
             the controller's own account"
                .to_owned(),
        )
    } else {
        return None;
    };
    Some(Problem::fault(
        &binding.object(),
        field,
        ProblemCode::NotAllowed,
        message,
    ))
}

fn no_arn(target_group: &str) -> String {
    if target_group.is_empty() {
        return "there is no target group ARN; set the field to the ARN of an existing target group"
            .to_owned();
    }
    format!(
        "spec.targetGroupName '{target_group}' alone is not looked up yet; set the field to the ARN of that \
         target group"
    )
}

/// Wanted endpoints in the binding's mode.
pub fn endpoints(input: &BindingInput<'_>) -> Result<Vec<Endpoint>, EndpointFailure> {
    let spec = &input.binding.spec;
    let namespace = &input.binding.meta.namespace;
    let fail_open = input.settings.gates.endpoints_fail_open;
    match spec.target_type {
        Some(TargetType::Ip) => pod_endpoints(spec, namespace, input.service, input.backends, fail_open),
        _ => instance_endpoints(spec, namespace, input.service, input.backends, fail_open),
    }
}

fn decide_endpoints(input: &BindingInput<'_>, endpoints: Vec<Endpoint>) -> BindingDecision {
    let memory = input.memory;
    let fingerprint = fingerprint(&endpoints, &input.binding.spec);
    let at_rest = checkpoint(input.binding) == fingerprint
        && !has_closed_gate(input, &endpoints)
        && memory.retention.since.is_empty()
        && input.now < memory.verify_at;
    if at_rest {
        if input.facts.contribution_wanted && input.facts.contribution.is_none() {
            return BindingDecision::Ask(BTreeSet::from([Ask::Contribution]));
        }
        return rest(endpoints, Some(memory.verify_at));
    }
    let asks = asks(input, &fingerprint);
    if !asks.is_empty() {
        return BindingDecision::Ask(asks);
    }
    let Some(listing) = &memory.listing else {
        return BindingDecision::Ask(BTreeSet::from([Ask::Health(HealthRead::All)]));
    };
    sync(input, listing, endpoints, fingerprint)
}

fn rest(endpoints: Vec<Endpoint>, wake_at: Option<Timestamp>) -> BindingDecision {
    BindingDecision::Rest { endpoints, wake_at }
}

/// The checkpoint annotation; empty without one.
pub(super) fn checkpoint(binding: &BindingObject) -> &str {
    binding
        .meta
        .annotations
        .get(CHECKPOINT)
        .map(String::as_str)
        .unwrap_or_default()
}

/// Whether an endpoint's pod carries the binding's condition and it is not True. A pod with the gate and
/// without the condition does not count: the checkpoint says that it was seen to.
fn has_closed_gate(input: &BindingInput<'_>, endpoints: &[Endpoint]) -> bool {
    let type_ = gate(&input.binding.meta.name);
    let mut pods = endpoints.iter().filter_map(|e| input.backends.pod(e.pod()?));
    pods.any(|pod| pod.conditions.get(&type_).is_some_and(|c| c.status != "True"))
}

fn asks(input: &BindingInput<'_>, fingerprint: &str) -> BTreeSet<Ask> {
    let (spec, memory, facts) = (&input.binding.spec, input.memory, input.facts);
    let verifying = input.now >= memory.verify_at;
    let mut asks = BTreeSet::new();
    if !facts.listed {
        let not_before = if verifying {
            memory.verify_at
        } else {
            Timestamp::MIN
        };
        let every = input.settings.target_group_binding_requeue;
        let due = match &memory.listing {
            Some(listing) => listing.read_due(input.now, every, not_before),
            None => Some(HealthRead::All),
        };
        asks.extend(due.map(Ask::Health));
    }
    if spec.multi_cluster_target_group && memory.tracked.is_none() {
        asks.insert(Ask::Tracked);
    }
    let known = memory.contribution_of.as_deref();
    let outdated = if spec.networking.is_some() {
        known != Some(fingerprint) || facts.contribution_wanted || verifying
    } else {
        known.is_some()
    };
    if outdated && facts.contribution.is_none() {
        asks.insert(Ask::Contribution);
    }
    asks
}

fn sync(
    input: &BindingInput<'_>,
    listing: &Listing,
    endpoints: Vec<Endpoint>,
    fingerprint: String,
) -> BindingDecision {
    let by_address = input.binding.spec.target_type == Some(TargetType::Ip);
    let network_failure = network_failure(input);
    if !by_address {
        if let Some(message) = network_failure {
            let object = input.binding.object();
            return BindingDecision::Failed(Problem::fault(
                &object,
                "spec.networking",
                ProblemCode::Refused,
                message,
            ));
        }
        if input.facts.rules == RulesState::Waiting {
            return BindingDecision::Wait {
                reason: "security group rules of the nodes".to_owned(),
                wake_at: input.now + RULES_WAIT,
            };
        }
    }
    let mut diff = diff(&endpoints, listing);
    let limit = input.settings.max_targets_per_target_group;
    let fitting = room(diff.missing.len(), listing.len(), limit);
    let crowded = diff.missing.len() - fitting;
    let retention = retention(input, &diff, crowded);
    diff.missing.truncate(fitting);
    let targets = match targets(input, &diff.missing, by_address) {
        Ok(targets) => targets,
        Err(decision) => return *decision,
    };
    let work = SyncWork {
        targets,
        crowded,
        network_failure,
        ..work(input, diff, retention, endpoints, fingerprint)
    };
    BindingDecision::Sync(Box::new(work))
}

fn network_failure(input: &BindingInput<'_>) -> Option<String> {
    match (&input.facts.contribution, &input.facts.rules) {
        (Some(Err(message)), _) | (_, RulesState::Failed(message)) => Some(message.clone()),
        _ => None,
    }
}

fn retention(input: &BindingInput<'_>, diff: &Diff, crowded: usize) -> Retention {
    let memory = input.memory;
    if memory.quota_reached {
        return Retention::default();
    }
    retain(
        diff,
        &memory.retention,
        &memory.known,
        input.backends,
        crowded,
        input.now,
    )
}

/// The targets to send for endpoints, or a decision that has to come first.
fn targets(
    input: &BindingInput<'_>,
    endpoints: &[Endpoint],
    by_address: bool,
) -> Result<Vec<Target>, Box<BindingDecision>> {
    let spec = &input.binding.spec;
    let sendable: Vec<Endpoint> = endpoints
        .iter()
        .filter(|endpoint| !is_quic(spec) || endpoint.target.quic_server_id.is_some())
        .cloned()
        .collect();
    if !by_address || sendable.is_empty() {
        return Ok(sendable.into_iter().map(|e| e.target).collect());
    }
    let Some(vpc) = &input.facts.vpc else {
        let vpc = if spec.vpc_id.is_empty() {
            &input.settings.realm.vpc
        } else {
            &spec.vpc_id
        };
        return Err(Box::new(BindingDecision::Ask(BTreeSet::from([Ask::Vpc(
            vpc.clone(),
        )]))));
    };
    let node_zones = input
        .memory
        .node_zones_until
        .is_some_and(|until| input.now < until);
    ip_targets(&sendable, vpc, node_zones, input.backends).map_err(|message| {
        let object = input.binding.object();
        Box::new(BindingDecision::Failed(Problem::fault(
            &object,
            "spec.serviceRef",
            ProblemCode::Malformed,
            message,
        )))
    })
}

fn work(
    input: &BindingInput<'_>,
    diff: Diff,
    retention: Retention,
    endpoints: Vec<Endpoint>,
    fingerprint: String,
) -> SyncWork {
    let memory = input.memory;
    let leaving = diff.extra.into_iter().map(|health| health.target);
    let leaving = leaving.filter(|target| !retention.since.contains_key(&target.identity()));
    let deregister = own_targets(input, leaving.collect());
    let (track_before, track_after) = tracking(input, &endpoints, &retention);
    let changes = !diff.missing.is_empty() || !deregister.is_empty();
    let rules_open = matches!(
        input.facts.rules,
        RulesState::Waiting | RulesState::Granted | RulesState::Failed(_)
    );
    SyncWork {
        reset_checkpoint: (changes || rules_open) && !checkpoint(input.binding).is_empty(),
        deregister_first: memory.quota_reached,
        register: diff.missing,
        matched: diff.matched,
        fingerprint,
        endpoints,
        deregister,
        track_before,
        track_after,
        retention,
        ..SyncWork::default()
    }
}

/// In a group shared with other clusters only what this cluster registered may be deregistered.
pub(super) fn own_targets(input: &BindingInput<'_>, targets: Vec<Target>) -> Vec<Target> {
    if !input.binding.spec.multi_cluster_target_group {
        return targets;
    }
    match &input.memory.tracked {
        Some(Tracked::Set(ours)) => targets
            .into_iter()
            .filter(|target| ours.contains(&target.identity()))
            .collect(),
        Some(Tracked::Missing) | None => Vec::new(),
    }
}

/// What the ConfigMap has to hold before and after: nothing is registered that is not in it, and what is
/// gone leaves it last, so that a crash in between forgets no target.
fn tracking(
    input: &BindingInput<'_>,
    endpoints: &[Endpoint],
    retention: &Retention,
) -> (Option<BTreeSet<String>>, Option<BTreeSet<String>>) {
    if !input.binding.spec.multi_cluster_target_group {
        return (None, None);
    }
    let mut wanted: BTreeSet<_> = endpoints.iter().map(|e| e.target.identity()).collect();
    let Some(Tracked::Set(current)) = &input.memory.tracked else {
        return (Some(wanted), None);
    };
    wanted.extend(retention.since.keys().filter(|i| current.contains(*i)).cloned());
    let union: BTreeSet<_> = wanted.union(current).cloned().collect();
    let before = (union != *current).then(|| union.clone());
    let after = (union != wanted).then_some(wanted);
    (before, after)
}

/// Pods by namespace and name that a run looks at: those named by slices and by earlier passes.
pub fn pods_of_interest(
    backends: &Backends,
    known: &BTreeMap<String, super::PodRef>,
) -> BTreeSet<(String, String)> {
    let slices = backends.slices.iter().flat_map(|slice| &slice.endpoints);
    let mut pods: BTreeSet<_> = slices.filter_map(|endpoint| endpoint.pod.clone()).collect();
    pods.extend(
        known
            .values()
            .map(|pod| (pod.namespace.clone(), pod.name.clone())),
    );
    pods
}
