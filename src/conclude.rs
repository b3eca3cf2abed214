//! How a run of a stack ends: status, record, events, and when to run again.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::event::Event;
use elbow_core::intent::ingress::{self, Resolution};
use elbow_core::intent::{Intent, Wish};
use elbow_core::key::{Key, StackKey, StackKind};
use elbow_core::model::Owner;
use elbow_core::plan::{self, Action, Step};
use elbow_core::status::{self, Reason};
use elbow_core::view::IngressPoint;
use elbow_crds::problem::{ObjectRef, Problem};

use crate::apply::{self, Applied, Waiting};
use crate::aws::{AwsError, Cx};
use crate::cluster::view::View;
use crate::engine::Engine;
use crate::expect::Written;
use crate::kubernetes::chain;
use crate::outcome::{Run, Success};
use crate::reconcile::{self, Pass, context};
use crate::status::load_balancer;

/// Not ours: only what we kept for it goes. An Ingress of which that cannot be told gets an event.
pub async fn ignored(engine: &Engine, key: &StackKey) -> Run {
    let unclear = unclear(engine, key);
    if !unclear.is_empty() {
        return Run {
            events: unclear,
            ..Run::default()
        };
    }
    match engine.records.delete(key).await {
        Ok(()) => Run::default(),
        Err(error) => {
            tracing::warn!(%key, %error, "could not delete the record");
            Run {
                retry: true,
                ..Run::default()
            }
        }
    }
}

/// The event of an Ingress whose class or group is not clear.
fn unclear(engine: &Engine, key: &StackKey) -> Vec<Event> {
    let ingress = match key.kind {
        StackKind::Ingress => engine.stores.ingresses.get(&key.namespace, &key.name),
        StackKind::Service => None,
    };
    let Some(ingress) = ingress else {
        return Vec::new();
    };
    match ingress::resolve(&ingress, &View::new(&engine.stores, key), &engine.settings) {
        Resolution::InvalidClass(problem)
        | Resolution::InvalidGroup(problem)
        | Resolution::Unresolvable(problem) => vec![status::group_unclear(&ingress.meta.uid, &problem)],
        Resolution::Group(_) | Resolution::NotOurs => Vec::new(),
    }
}

/// An answer is not known now.
pub fn waiting(reason: String) -> Run {
    Run {
        retry: true,
        inconclusive: true,
        waits: vec![reason],
        ..Run::default()
    }
}

/// The owner is sick: an event, and nothing else until it changes or an answer does.
pub fn sick(intent: &Intent, problems: Vec<Problem>) -> Run {
    let events = status::build_failed_for(&intent.owners, &intent.owner, &problems);
    // An absent subnet or group may appear at any time; nobody tells us, so we look again.
    Run {
        retry: true,
        events,
        problems,
        ..Run::default()
    }
}

/// What is there could not be read.
pub fn unread(intent: &Intent, error: &AwsError) -> Run {
    let events = status::failed_for_all(&intent.owners, Reason::FailedDeployModel, &error.to_string());
    Run {
        retry: true,
        events,
        ..Run::default()
    }
}

/// The record of the stack as it was could not be ended, so nothing was begun.
pub fn unrecorded(intent: &Intent, error: &kube::Error) -> Run {
    let cause = format!("the record of the stack cannot be deleted: {}", chain(error));
    let mut run = Run::default();
    fail(&mut run, intent, Reason::FailedDeployModel, &cause);
    run
}

/// A pass was made: writes the status, takes the finalizer, keeps the record.
pub async fn pass(engine: &Engine, intent: &Intent, pass: Pass, last: Vec<Step>, cx: &Cx) -> Run {
    let key = &intent.key;
    let mut run = outcome(intent, &pass);
    if waits_for_rules_on_targets(engine, &pass) {
        run.enqueue.extend(engine.targets.leftover_keys(cx).await);
    }
    let complete = pass.applied.is_complete(&pass.plan);
    let mut changed = has_changed(&pass);
    let mut written = Written {
        owners: BTreeMap::new(),
        bindings: created_bindings(&pass),
    };
    for (object, ingress) in statuses(engine, intent, &pass, complete) {
        changed = true;
        match load_balancer::write(&engine.kube, &object, &ingress).await {
            Ok(version) => written.owners.extend(version.map(|version| (object, version))),
            Err(error) => fail(&mut run, intent, Reason::FailedUpdateStatus, &chain(&error)),
        }
    }
    engine.expectations.note(key, written, engine.clock.now());
    let ended = complete && !run.retry;
    let may_go = |step: &Step| match step.action {
        Action::RemoveFinalizer { last: true, .. } => ended,
        _ => step.needs.is_subset(&pass.applied.done),
    };
    let last: Vec<Step> = last.into_iter().filter(may_go).collect();
    let_go(engine, intent, last, &mut run, cx).await;
    if ended {
        keep_record(engine, intent, &pass, &mut run).await;
    }
    // What a sick member lacks may appear at any time; nobody tells us, so we look again.
    run.retry |= intent.problems.iter().any(Problem::is_fault);
    if !matches!(intent.wish, Wish::Empty) && !pass.applied.suspect {
        let owners = well(intent, &pass, &run);
        run.success = (!owners.is_empty()).then_some(Success { owners, changed });
    }
    run
}

/// Whether a security group that may be a source of rules on targets is not let go. With a shared backend
/// security group that one is the source.
fn waits_for_rules_on_targets(engine: &Engine, pass: &Pass) -> bool {
    let step = |waiting: &Waiting| pass.plan.steps.get(waiting.step.0);
    let is_held = |step: &Step| matches!(step.action, Action::DeleteSecurityGroup { .. });
    !engine.settings.enable_backend_security_group
        && pass.applied.waiting.iter().filter_map(step).any(is_held)
}

/// Takes finalizers away.
async fn let_go(engine: &Engine, intent: &Intent, steps: Vec<Step>, run: &mut Run, cx: &Cx) {
    if steps.is_empty() {
        return;
    }
    let last = plan::step::independent(&Key::Stack(intent.key.clone()), steps);
    let applied = apply::apply(&last, &context(engine, cx)).await;
    for (_, problem) in &applied.failed {
        fail(run, intent, Reason::FailedRemoveFinalizer, &problem.message);
    }
    run.retry |= applied.is_worth_a_retry();
    waits(run, intent, &applied);
}

/// Takes over what the steps wait for, and when to look again; an event tells of each wait that begins.
fn waits(run: &mut Run, intent: &Intent, applied: &Applied) {
    for waiting in applied.waiting.iter().filter(|waiting| waiting.entered) {
        let entered = status::wait_entered(&intent.owners, &waiting.objects, &waiting.for_);
        run.events.extend(entered);
    }
    let unanswered = applied.unanswered.iter().map(|(_, sentence)| sentence);
    let waiting = applied.waiting.iter().map(|waiting| &waiting.for_);
    run.waits.extend(waiting.chain(unanswered).cloned());
    if let Some(at) = applied.wake_at() {
        run.wake(at);
    }
}

/// Whether the pass did more than look.
fn has_changed(pass: &Pass) -> bool {
    let mut done = pass
        .plan
        .steps
        .iter()
        .filter(|step| pass.applied.done.contains(&step.id));
    done.any(|step| !step.action.is_wait())
}

/// Owners that stay and of which everything has come true, each with its UID.
fn well(intent: &Intent, pass: &Pass, run: &Run) -> Vec<(ObjectRef, String)> {
    let steps = pass.plan.steps.iter();
    let open: Vec<&Step> = steps
        .filter(|step| !pass.applied.done.contains(&step.id))
        .collect();
    let asked: BTreeSet<&ObjectRef> = open
        .iter()
        .flat_map(|step| step.origins.iter().map(|origin| &origin.object))
        .collect();
    let blocked = open.iter().any(|step| step.origins.is_empty());
    let told = |owner: &Owner| run.events.iter().any(|event| event.object == owner.object);
    let is_well = |owner: &&Owner| !owner.gone && !blocked && !asked.contains(&owner.object) && !told(owner);
    let owners = intent.owners.iter().filter(is_well);
    owners
        .map(|owner| (owner.object.clone(), owner.uid.clone()))
        .collect()
}

/// What the steps say about the run.
fn outcome(intent: &Intent, pass: &Pass) -> Run {
    let mut run = Run::default();
    let applied = &pass.applied;
    run.problems.extend(
        intent
            .problems
            .iter()
            .chain(&pass.warnings)
            .chain(&pass.plan.problems)
            .cloned(),
    );
    run.events.extend(status::warnings(&intent.owners, &run.problems));
    run.events.extend(status::build_failed_for(
        &intent.owners,
        &intent.owner,
        &run.problems,
    ));
    for (step, problem) in &applied.failed {
        if let Some(step) = pass.plan.steps.get(step.0) {
            run.events
                .push(status::step_failed(&intent.owners, &step.action, problem));
        }
        run.problems.push(problem.clone());
    }
    run.problems.sort();
    run.problems.dedup();
    run.retry = applied.is_worth_a_retry();
    waits(&mut run, intent, applied);
    run
}

/// Namespace, name and UID of the bindings that the pass created.
fn created_bindings(pass: &Pass) -> BTreeSet<(String, String, String)> {
    let done = pass
        .plan
        .steps
        .iter()
        .filter(|step| pass.applied.done.contains(&step.id));
    done.filter_map(|step| {
        let Action::CreateBinding { address, binding } = &step.action else {
            return None;
        };
        let uid = pass.applied.outputs.get(address)?.id.clone();
        Some((binding.namespace.clone(), binding.name.clone(), uid))
    })
    .collect()
}

/// The statuses that have to be written: the address as soon as AWS has given it; of a Service nothing once
/// everything is gone. An Ingress that leaves its group keeps what it shows, as upstream leaves it.
fn statuses(
    engine: &Engine,
    intent: &Intent,
    pass: &Pass,
    complete: bool,
) -> Vec<(ObjectRef, Vec<IngressPoint>)> {
    let name = match intent.wish {
        Wish::Empty => None,
        _ => dns_name(engine, intent, pass),
    };
    match intent.key.kind {
        StackKind::Service => {
            let Some(service) = engine.stores.service(&intent.key.namespace, &intent.key.name) else {
                return Vec::new();
            };
            let change = match (&intent.wish, name) {
                (Wish::Empty, _) if complete => status::cleared_ingress(&service),
                (_, Some(name)) => status::ingress_change(&service, &name),
                (_, None) => None,
            };
            change
                .map(|ingress| (service.object(), ingress))
                .into_iter()
                .collect()
        }
        StackKind::Ingress => name.map_or_else(Vec::new, |name| members(engine, intent, pass, &name)),
    }
}

/// The members of a group that do not show its address yet.
fn members(engine: &Engine, intent: &Intent, pass: &Pass, name: &str) -> Vec<(ObjectRef, Vec<IngressPoint>)> {
    let ports: BTreeSet<i32> = pass
        .wanted
        .listeners
        .iter()
        .map(|listener| listener.port)
        .collect();
    let stay = intent.owners.iter().filter(|owner| !owner.gone);
    stay.filter_map(|owner| {
        let ingress = engine
            .stores
            .ingresses
            .get(&owner.object.namespace, &owner.object.name)?;
        let change = status::group_change(&ingress, name, &ports)?;
        Some((owner.object.clone(), change))
    })
    .collect()
}

/// The name of the load balancer that the owners are to show.
fn dns_name(engine: &Engine, intent: &Intent, pass: &Pass) -> Option<String> {
    let moves = pass.plan.steps.iter().find_map(|step| match &step.action {
        Action::MoveAddress { from, to } => Some((step.id, from, to)),
        _ => None,
    });
    let there = engine.mirror.picture(&pass.wanted.key).load_balancers;
    if let Some((step, from, to)) = moves {
        let reached = pass.applied.waiting.iter().any(|waiting| waiting.step == step);
        let to = pass.applied.outputs.resolve(to).filter(|_| reached);
        let arn = to.as_ref().unwrap_or(from);
        let shown = there.iter().find(|balancer| balancer.arn.as_ref() == Some(arn));
        return shown.and_then(|balancer| balancer.dns_name.clone());
    }
    let shown = reconcile::published(engine, intent);
    status::address(pass.wanted.load_balancers.first()?, &there, &shown, pass.held)
}

async fn keep_record(engine: &Engine, intent: &Intent, pass: &Pass, run: &mut Run) {
    let kept = if pass.wanted.is_empty() {
        engine.records.delete(&intent.key).await
    } else if pass.read && !pass.plan.problems.iter().any(Problem::is_fault) {
        // A plan with a fault left something out, so what is there is not what is wanted.
        let actual = engine.mirror.picture(&intent.key);
        engine.records.keep(&pass.wanted, &actual, true).await
    } else {
        Ok(())
    };
    if let Err(error) = kept {
        tracing::warn!(key = %Key::Stack(intent.key.clone()), error = %chain(&error), "could not keep the record");
        run.retry = true;
    }
}

fn fail(run: &mut Run, intent: &Intent, reason: Reason, cause: &str) {
    run.events
        .extend(status::failed_for_all(&intent.owners, reason, cause));
    run.retry = true;
}
