//! The workers: keys that are due are run, the mirror is swept, everything is verified once per period.

use std::any::Any;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::question::Question;
use futures::FutureExt;
use tokio::sync::Semaphore;

use crate::aws::{DiscoveryError, discovery};
use crate::engine::Engine;
use crate::queue::{Due, Queue};

/// Pause between two sweeps of the mirror.
const SWEEP_PERIOD: Duration = Duration::from_mins(10);
/// Pause before a sweep that failed is tried again.
const SWEEP_RETRY: Duration = Duration::from_secs(5);
/// How many slices the sync period is cut into, so that verification is spread.
const SLICES: u32 = 64;

/// Works until dropped; ends only if the VPC does not exist. Bindings start at once, stacks after the first
/// sweep: before it nobody knows what there is.
pub async fn work(engine: Arc<Engine>, stack_runs: usize, binding_runs: usize) -> DiscoveryError {
    let unanswered = || Some("AWS has not answered yet".to_owned());
    engine.set_not_ready(unanswered());
    engine.stores.synced().await;
    // What was wrong with Kubernetes meanwhile took the place of this reason.
    engine.set_not_ready(unanswered());
    engine.records.load().await;
    engine.leading.store(true, Ordering::Release);
    // A process that died between the end of a stack and the end of its record left the record behind.
    // Records of other namespaces belong to the controllers that watch those.
    let watched = engine.settings.scope.namespace.as_ref();
    let is_watched = |key: &StackKey| watched.is_none_or(|namespace| *namespace == key.namespace);
    let recorded = engine
        .records
        .keys()
        .into_iter()
        .filter(is_watched)
        .map(Key::Stack);
    for key in engine.keys().into_iter().chain(recorded) {
        engine.wake(key, Lane::Resync);
    }
    let bindings = drain(engine.clone(), |e| &e.bindings, binding_runs);
    let stacks = async {
        if let Some(error) = verify_vpc(&engine).await {
            return error;
        }
        first_sweep(&engine).await;
        match drain(engine.clone(), |e| &e.stacks, stack_runs).await {}
    };
    tokio::select! {
        error = stacks => error,
        never = bindings => match never {},
        never = sweep_for_ever(&engine) => match never {},
        never = verify_for_ever(&engine) => match never {},
        never = follow_facts(&engine) => match never {},
    }
}

/// The VPC of the flags must exist; while AWS does not answer we wait.
async fn verify_vpc(engine: &Engine) -> Option<DiscoveryError> {
    loop {
        match discovery::verify_vpc(&engine.aws).await {
            Ok(_) => return None,
            Err(DiscoveryError::Aws(error)) => {
                tracing::warn!(%error, "AWS does not answer; trying again");
                engine.set_not_ready(Some(format!("AWS does not answer: {error}")));
                tokio::time::sleep(SWEEP_RETRY).await;
            }
            Err(error) => return Some(error),
        }
    }
}

/// Runs what is due, at most `runs` at once, for ever.
async fn drain(engine: Arc<Engine>, queue: fn(&Engine) -> &Queue, runs: usize) -> Infallible {
    let permits = Arc::new(Semaphore::new(runs));
    let mut tasks = tokio::task::JoinSet::new();
    loop {
        // The semaphore is never closed, so a permit always comes.
        let Ok(permit) = permits.clone().acquire_owned().await else {
            continue;
        };
        let due = queue(&engine).next().await;
        let engine = engine.clone();
        tasks.spawn(async move {
            run_one(&engine, queue, due).await;
            drop(permit);
        });
        while tasks.try_join_next().is_some() {}
    }
}

async fn run_one(engine: &Engine, queue: fn(&Engine) -> &Queue, due: Due) {
    let span = tracing::info_span!("run", key = %due.key, lane = ?due.lane);
    // What a run leaves half done it leaves as any failure does: locks hold whole values, writes are steps.
    let run = AssertUnwindSafe(engine.run(&due)).catch_unwind();
    let run = match tracing::Instrument::instrument(run, span).await {
        Ok(run) => run,
        Err(panic) => engine.panicked(&due, panic_text(panic.as_ref())),
    };
    let wake_at = run.wake_at.map(|at| engine.clock.instant(at));
    queue(engine).done(&due, run.retry, wake_at);
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

async fn first_sweep(engine: &Engine) {
    while !sweep(engine).await {
        tokio::time::sleep(SWEEP_RETRY).await;
    }
}

async fn sweep_for_ever(engine: &Engine) -> Infallible {
    loop {
        tokio::time::sleep(SWEEP_PERIOD).await;
        sweep(engine).await;
    }
}

/// One sweep; stacks whose picture changed are woken.
async fn sweep(engine: &Engine) -> bool {
    match engine.mirror.sweep().await {
        Ok(report) => {
            engine.set_not_ready(None);
            for stack in &report.changed {
                engine.wake(Key::Stack(stack.clone()), Lane::Sweep);
            }
            true
        }
        Err(error) => {
            tracing::warn!(%error, "could not list what AWS holds; trying again");
            engine.set_not_ready(Some(format!("AWS does not answer: {error}")));
            false
        }
    }
}

/// Verifies every key against AWS once per period, a slice of them at a time.
async fn verify_for_ever(engine: &Engine) -> Infallible {
    let pause = (engine.settings.sync_period / SLICES).max(Duration::from_secs(1));
    let mut slice = 0;
    loop {
        slice = (slice + 1) % SLICES;
        tokio::time::sleep(pause).await;
        for key in engine.keys().into_iter().filter(|key| slice_of(key) == slice) {
            if let Key::Stack(stack) = &key {
                engine.records.distrust(stack);
                engine.mirror.distrust(stack);
            }
            engine.targets.distrust(&key);
            engine.wake(key, Lane::Resync);
        }
    }
}

/// The slice of a key: equal keys always fall into the same one.
fn slice_of(key: &Key) -> u32 {
    key.to_string().bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    }) % SLICES
}

/// Wakes stacks whose answers changed in the background.
async fn follow_facts(engine: &Engine) -> Infallible {
    let changed = |questions: BTreeSet<Question>| {
        for question in &questions {
            engine.answer_changed(question);
        }
    };
    engine.facts.keep_fresh(changed).await
}
