//! Apply: runs the steps of a plan.
//!
//! In: a [`Plan`] and where to write. Out: what was done, what was refused as [`Problem`]s of the objects that
//! asked, and what is waited for. Steps run as their dependencies allow, eight at a time, those on one
//! resource in plan order. Nothing blocks: a step that cannot go on yet ends as [`Waiting`], and the next run
//! of the key plans again. Every success is entered in the mirror at once.

mod attributes;
mod binding;
mod fault;
mod graph;
mod health;
mod kubernetes;
mod listener;
mod load_balancer;
mod owner;
mod ownership;
mod refusals;
mod rule;
mod security_group;
mod step;
mod takeover;
mod target_group;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::plan::{Action, Outputs, Plan, Step, StepId};
use elbow_core::settings::Settings;
use elbow_crds::problem::{ObjectRef, Problem};
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;

use crate::aws::{Aws, Cx};
use crate::clock::Clock;
use crate::mirror::Mirror;

pub use kubernetes::owners;
pub use refusals::Refusals;

use graph::Graph;
use step::{End, Running};

/// Steps of one plan under way at a time.
const AT_ONCE: usize = 8;
/// Field manager of everything we write to Kubernetes.
pub const FIELD_MANAGER: &str = "elbow";

/// Where a plan is written to.
#[derive(Clone, Copy)]
pub struct ApplyContext<'a> {
    /// AWS.
    pub aws: &'a Aws,
    /// What AWS holds of ours; told of every success.
    pub mirror: &'a Mirror,
    /// Kubernetes.
    pub kube: &'a kube::Client,
    /// Settings.
    pub settings: &'a Settings,
    /// What AWS refused lately; told of every refusal.
    pub refusals: &'a Refusals,
    /// Priority of the AWS calls.
    pub lane: Lane,
    /// Time.
    pub clock: Clock,
}

/// What became of a plan. A step that is in none of the lists was skipped: something it needs did not end
/// `Done`, or the plan ended early.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// What the steps produced.
    pub outputs: Outputs,
    /// Steps that are done.
    pub done: BTreeSet<StepId>,
    /// Refusals, one for every object that asked for the step.
    pub failed: Vec<(StepId, Problem)>,
    /// Those of the failed steps that AWS refused, and until when they are not sent again.
    pub refused: BTreeMap<StepId, Timestamp>,
    /// Steps that cannot go on yet.
    pub waiting: Vec<Waiting>,
    /// Mutations without an answer, with one sentence each; they ended the plan.
    pub unanswered: Vec<(StepId, String)>,
    /// Whether the plan ended because something may or may not have happened, or the lease is lost: the next
    /// run reads first.
    pub suspect: bool,
}

impl Applied {
    /// Whether every step of the plan is done.
    pub fn is_complete(&self, plan: &Plan) -> bool {
        self.done.len() == plan.steps.len()
    }

    /// Whether something did not end well that is worth trying again soon. A refusal is not.
    pub fn is_worth_a_retry(&self) -> bool {
        self.suspect
            || self
                .failed
                .iter()
                .any(|(step, _)| !self.refused.contains_key(step))
    }

    /// When to look at the first of the waits again, or to send the first refused step again.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let waits = self.waiting.iter().map(|waiting| waiting.wake_at);
        waits.chain(self.refused.values().copied()).min()
    }
}

/// A step that cannot go on yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The step.
    pub step: StepId,
    /// What it waits for, as the end of "waiting for ...".
    pub for_: String,
    /// When to plan again.
    pub wake_at: Timestamp,
    /// When the wait began.
    pub since: Timestamp,
    /// Whether it began just now: the moment for an event.
    pub entered: bool,
    /// The objects that asked for the step.
    pub objects: Vec<ObjectRef>,
}

/// Runs a plan. Dropping the future at any moment is safe: the next plan finds what was done by names and
/// tags.
pub async fn apply(plan: &Plan, context: &ApplyContext<'_>) -> Applied {
    let key = match &plan.key {
        Key::Stack(key) => Some(key),
        _ => None,
    };
    let early = Mutex::new(BTreeSet::new());
    let cx = Cx {
        lane: context.lane,
        key: Some(plan.key.clone()),
    };
    let emptying = is_emptying(plan, key, context.mirror);
    let mut graph = Graph::new(&plan.steps);
    let mut applied = Applied::default();
    let mut flying = FuturesUnordered::new();
    loop {
        while flying.len() < AT_ONCE
            && !applied.suspect
            && let Some(step) = graph.start_next().and_then(|id| plan.steps.get(id.0))
        {
            let running = Running {
                context,
                plan,
                step,
                key,
                cx: &cx,
                outputs: applied.outputs.clone(),
                emptying,
                early: &early,
            };
            flying.push(async move { (running.step.id, running.run().await) });
        }
        let Some((id, end)) = flying.next().await else {
            break;
        };
        let refused = matches!(end, End::Refused(..));
        let done = matches!(end, End::Done(_) | End::Overdue);
        graph.end(id, done || refused && is_beside(plan, id));
        record(&mut applied, id, end);
    }
    step::end_waits(plan, &applied.done, key, context.mirror);
    applied
}

/// Whether a step puts a target group beside the one whose place it takes. Where AWS refuses that (all its groups
/// of a load balancer are in use), traffic is switched without overlap instead of never.
fn is_beside(plan: &Plan, id: StepId) -> bool {
    let changes = |step: &Step| {
        matches!(
            step.action,
            Action::ModifyListener { .. } | Action::ModifyRule { .. }
        )
    };
    let awaits = |step: &Step| matches!(step.action, Action::AwaitHealth { .. }) && step.needs.contains(&id);
    plan.steps.get(id.0).is_some_and(changes) && plan.steps.iter().any(awaits)
}

/// Whether the plan leaves no load balancer of the stack and makes none: nothing is replaced, the stack ends.
fn is_emptying(plan: &Plan, key: Option<&StackKey>, mirror: &Mirror) -> bool {
    let creates = |step: &Step| matches!(step.action, Action::CreateLoadBalancer { .. });
    let deletes = |arn: &String| {
        let deleted =
            |step: &Step| matches!(&step.action, Action::DeleteLoadBalancer { arn: gone } if gone == arn);
        plan.steps.iter().any(deleted)
    };
    let Some(key) = key else { return false };
    let balancers = mirror.picture(key).load_balancers;
    let mut arns = balancers.iter().filter_map(|balancer| balancer.arn.as_ref());
    !plan.steps.iter().any(creates) && arns.all(deletes)
}

fn record(applied: &mut Applied, id: StepId, end: End) {
    match end {
        End::Done(output) => {
            applied.done.insert(id);
            if let Some((address, output)) = output {
                applied.outputs.insert(&address, output);
            }
        }
        End::Overdue => drop(applied.done.insert(id)),
        End::Failed(problems) => {
            applied
                .failed
                .extend(problems.into_iter().map(|problem| (id, problem)));
        }
        End::Refused(problems, until) => {
            applied.refused.insert(id, until);
            applied
                .failed
                .extend(problems.into_iter().map(|problem| (id, problem)));
        }
        End::Waiting { for_, wait, objects } => applied.waiting.push(Waiting {
            step: id,
            for_,
            wake_at: wait.wake_at,
            since: wait.since,
            entered: wait.looks == 1,
            objects,
        }),
        End::Unanswered(sentence) => {
            applied.suspect = true;
            applied.unanswered.push((id, sentence));
        }
    }
}
