//! How a run of a stack ends: status, record, events, and when to run again.

use std::collections::BTreeSet;

use elbow_core::intent::{Intent, Wish};
use elbow_core::key::{Key, StackKey};
use elbow_core::plan::{Action, Plan};
use elbow_core::status::{self, Reason};
use elbow_core::view::{IngressPoint, Service};
use elbow_crds::problem::Problem;

use crate::apply;
use crate::aws::{AwsError, Cx};
use crate::engine::Engine;
use crate::expect::Written;
use crate::kubernetes::chain;
use crate::outcome::{Run, Success};
use crate::reconcile::{Pass, context};
use crate::status::service as service_status;

/// Not ours: only what we kept for it goes.
pub async fn ignored(engine: &Engine, key: &StackKey) -> Run {
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
pub fn sick(engine: &Engine, intent: &Intent, problems: Vec<Problem>) -> Run {
    let events = status::build_failed(&intent.owner, &uid(engine, &intent.key), &problems);
    // An absent subnet or group may appear at any time; nobody tells us, so we look again.
    Run {
        retry: true,
        events,
        problems,
        ..Run::default()
    }
}

/// What is there could not be read.
pub fn unread(engine: &Engine, intent: &Intent, error: &AwsError) -> Run {
    let uid = uid(engine, &intent.key);
    let events = vec![status::failed(
        &intent.owner,
        &uid,
        Reason::FailedDeployModel,
        &error.to_string(),
    )];
    Run {
        retry: true,
        events,
        ..Run::default()
    }
}

/// The record of the stack as it was could not be ended, so nothing was begun.
pub fn unrecorded(engine: &Engine, intent: &Intent, error: &kube::Error) -> Run {
    let cause = format!("the record of the stack cannot be deleted: {}", chain(error));
    let mut run = Run::default();
    fail(
        &mut run,
        intent,
        &uid(engine, &intent.key),
        Reason::FailedDeployModel,
        &cause,
    );
    run
}

/// A pass was made: writes the status, takes the finalizer, keeps the record.
pub async fn pass(engine: &Engine, intent: &Intent, pass: Pass, last: Option<Plan>, cx: &Cx) -> Run {
    let key = &intent.key;
    let uid = uid(engine, key);
    let mut run = outcome(intent, &uid, &pass);
    let complete = pass.applied.is_complete(&pass.plan);
    let mut changed = !pass.plan.is_empty();
    let mut written = Written {
        owner: None,
        bindings: created_bindings(&pass),
    };
    if let Some(service) = engine.stores.service(&key.namespace, &key.name) {
        match write_status(engine, intent, &service, &pass, complete).await {
            Ok(None) => {}
            Ok(Some(version)) => {
                changed = true;
                written.owner = version;
            }
            Err(error) => fail(&mut run, intent, &uid, Reason::FailedUpdateStatus, &chain(&error)),
        }
    }
    engine.expectations.note(key, written, engine.clock.now());
    if complete && !run.retry {
        if let Some(last) = last {
            let applied = apply::apply(&last, &context(engine, cx)).await;
            for (_, problem) in &applied.failed {
                fail(
                    &mut run,
                    intent,
                    &uid,
                    Reason::FailedRemoveFinalizer,
                    &problem.message,
                );
            }
            run.retry |= !applied.is_complete(&last);
        }
        keep_record(engine, intent, &pass, &mut run).await;
    }
    let healthy = complete && !run.retry && run.events.is_empty();
    if healthy && !matches!(intent.wish, Wish::Empty) {
        run.success = Some(Success {
            object: intent.owner.clone(),
            uid,
            changed,
        });
    }
    run
}

/// What the steps say about the run.
fn outcome(intent: &Intent, uid: &str, pass: &Pass) -> Run {
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
    run.events
        .extend(status::warnings(&intent.owner, uid, &run.problems));
    run.events
        .extend(status::build_failed(&intent.owner, uid, &pass.plan.problems));
    for (step, problem) in &applied.failed {
        if let Some(step) = pass.plan.steps.get(step.0) {
            run.events
                .push(status::step_failed(&intent.owner, uid, &step.action, problem));
        }
        run.problems.push(problem.clone());
    }
    run.problems.sort();
    run.problems.dedup();
    run.retry = applied.is_worth_a_retry();
    for waiting in applied.waiting.iter().filter(|waiting| waiting.entered) {
        let entered = status::wait_entered(&intent.owner, uid, &waiting.objects, &waiting.for_);
        run.events.extend(entered);
    }
    run.waits = applied
        .waiting
        .iter()
        .map(|waiting| waiting.for_.clone())
        .collect();
    run.waits
        .extend(applied.unanswered.iter().map(|(_, sentence)| sentence.clone()));
    if let Some(at) = applied.wake_at() {
        run.wake(at);
    }
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

/// Shows the address as soon as AWS has given it, and clears it once everything is gone. `None`: nothing had
/// to be written; else the new resource version of the owner, if it is still there.
async fn write_status(
    engine: &Engine,
    intent: &Intent,
    service: &Service,
    pass: &Pass,
    complete: bool,
) -> Result<Option<Option<String>>, kube::Error> {
    let change: Option<Vec<IngressPoint>> = match intent.wish {
        Wish::Empty if complete => status::cleared_ingress(service),
        Wish::Empty => None,
        _ => dns_name(engine, pass).and_then(|name| status::ingress_change(service, &name)),
    };
    let Some(ingress) = change else { return Ok(None) };
    service_status::write(&engine.kube, service, &ingress)
        .await
        .map(Some)
}

fn dns_name(engine: &Engine, pass: &Pass) -> Option<String> {
    let wanted = pass.wanted.load_balancers.first()?;
    let picture = engine.mirror.picture(&pass.wanted.key);
    picture
        .load_balancers
        .iter()
        .find(|lb| lb.id == wanted.id)
        .and_then(|lb| lb.dns_name.clone())
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

fn fail(run: &mut Run, intent: &Intent, uid: &str, reason: Reason, cause: &str) {
    run.events.push(status::failed(&intent.owner, uid, reason, cause));
    run.retry = true;
}

fn uid(engine: &Engine, key: &StackKey) -> String {
    engine
        .stores
        .service(&key.namespace, &key.name)
        .map(|service| service.meta.uid.clone())
        .unwrap_or_default()
}
