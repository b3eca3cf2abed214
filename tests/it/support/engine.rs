//! The whole engine as a process: stacks, bindings, rules, status, events and records, over an account and a
//! cluster that stay. The queue is replaced by rounds in which every key runs once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow::assemble::{self, Parts};
use elbow::aws::LeaseGuard;
use elbow::cluster::snapshot;
use elbow::config::Process;
use elbow::engine::Engine;
use elbow::queue::Due;
use elbow_core::key::{Key, Lane};
use elbow_crds::problem::Problem;

use super::land::Land;

/// Rounds until everything has to be at rest.
const ROUNDS: usize = 120;
/// A key that wants to run again only later than this is at rest.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// A fresh process, before its first sweep.
pub fn start(land: &Land) -> Engine {
    let parts = Parts {
        client: land.cluster.client(&land.fuse),
        lease: LeaseGuard::always(),
        namespace: "kube-system".to_owned(),
        process: Process::one_shot(),
    };
    assemble::with(land.settings.clone(), land.aws(), land.clock, parts)
}

/// Starts a process and runs it to rest.
pub async fn run(land: &Land) -> (Engine, Vec<Problem>) {
    let engine = start(land);
    let problems = to_rest(land, &engine).await;
    (engine, problems)
}

/// Runs every key round by round until a round writes nothing and nobody waits. Returns the problems of the
/// last round.
pub async fn to_rest(land: &Land, engine: &Engine) -> Vec<Problem> {
    begin(land, engine).await;
    let mut last = Round::default();
    for _ in 0..ROUNDS {
        let before = land.fuse.writes().len();
        last = round(land, engine).await;
        let wrote = land.fuse.writes().len() > before;
        match last
            .wake_at
            .filter(|at| at.duration_since(land.clock.now()) < SOON)
        {
            Some(at) => tokio::time::sleep_until(land.clock.instant(at)).await,
            None if last.retry => tokio::time::sleep(Duration::from_secs(2)).await,
            None if wrote || last.woke => tokio::time::sleep(Duration::from_millis(10)).await,
            None => return last.problems,
        }
    }
    let state = serde_json::to_string_pretty(&engine.debug_stacks()).unwrap();
    panic!(
        "not at rest after {ROUNDS} rounds: {last:#?}\n{state}\n{:#?}",
        engine.targets
    );
}

/// What a process does before its first run: read the cluster and its records, sweep.
async fn begin(land: &Land, engine: &Engine) {
    fill(land, engine).await;
    if !engine.leading.swap(true, Ordering::AcqRel) {
        engine.records.load().await;
    }
    while !engine.mirror.is_swept() && engine.mirror.sweep().await.is_err() {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Shows the process the cluster as it is.
async fn fill(land: &Land, engine: &Engine) {
    let client = land.cluster.client(&land.fuse);
    snapshot::fill(&client, &engine.stores, None, "").await.unwrap();
}

/// What one round came to.
#[derive(Debug, Default)]
struct Round {
    wake_at: Option<jiff::Timestamp>,
    retry: bool,
    /// Whether a key woke another one.
    woke: bool,
    problems: Vec<Problem>,
    waits: Vec<String>,
}

/// Runs every key once, and then those that were woken and are no longer keys of any object.
async fn round(land: &Land, engine: &Engine) -> Round {
    let mut round = Round::default();
    fill(land, engine).await;
    let keys = engine.keys();
    let mut woken = BTreeSet::new();
    for key in &keys {
        woken.extend(run_key(engine, key, &mut round).await);
    }
    for key in woken.difference(&keys) {
        run_key(engine, key, &mut round).await;
    }
    round
}

async fn run_key(engine: &Engine, key: &Key, round: &mut Round) -> Vec<Key> {
    let lane = match key {
        Key::Stack(_) => Lane::Edit,
        _ => Lane::Targets,
    };
    let key = key.clone();
    let run = engine.run(&Due { key, lane }).await;
    round.wake_at = round.wake_at.into_iter().chain(run.wake_at).min();
    round.retry |= run.retry;
    round.woke |= !run.enqueue.is_empty();
    round.problems.extend(run.problems);
    round.waits.extend(run.waits);
    run.enqueue
}
