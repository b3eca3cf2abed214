//! Crash safety (DESIGN 4.11, layer i): a process is ended at every write to AWS or Kubernetes, before it is
//! carried out and after, without an answer. A new one runs to rest. Account and cluster are then what they
//! are without the crash: nothing orphaned, nothing doubled.

use serde_json::Value;

use crate::scenario::{ALL, Scenario, key};
use crate::support::canonical;
use crate::support::fuse::Side;
use crate::support::land::Land;
use crate::support::process::Process;

/// A land in which the scenario is about to happen.
async fn prepared(scenario: &Scenario) -> Land {
    let land = Land::new();
    (scenario.before)(&land);
    land.to_rest(&Process::start(&land), &key()).await;
    (scenario.act)(&land);
    land.fuse.set(None);
    land
}

/// What the scenario ends in without a crash, and the writes on the way.
async fn undisturbed(scenario: &Scenario) -> (Vec<Value>, Vec<String>) {
    let land = prepared(scenario).await;
    let last = land.to_rest(&Process::start(&land), &key()).await;
    assert_eq!(last.problems, [], "{}", scenario.name);
    (canonical::state(&land), land.fuse.writes())
}

/// Ends the process at write number `at`, runs a new one to rest.
async fn crashed(scenario: &Scenario, at: usize, side: Side) -> Option<Vec<Value>> {
    let land = prepared(scenario).await;
    land.fuse.set(Some((at, side)));
    let process = Process::start(&land);
    let stack = key();
    let survived = tokio::select! {
        biased;
        () = land.fuse.blown() => false,
        _ = land.to_rest(&process, &stack) => true,
    };
    drop(process);
    if survived {
        return None;
    }
    land.fuse.set(None);
    let last = land.to_rest(&Process::start(&land), &stack).await;
    assert_eq!(last.problems, [], "{}: {side:?} write {at}", scenario.name);
    Some(canonical::state(&land))
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_leaves_no_trace() {
    let mut points = 0;
    for scenario in ALL {
        let (expected, writes) = undisturbed(scenario).await;
        let mut here = 0;
        for at in 1..=writes.len() {
            for side in [Side::Before, Side::After] {
                let Some(state) = crashed(scenario, at, side).await else {
                    continue;
                };
                here += 1;
                let write = &writes[at - 1];
                assert_same(
                    &state,
                    &expected,
                    &format!("{}: {side:?} write {at} ({write})", scenario.name),
                );
            }
        }
        println!("{}: {} writes, {here} crash points", scenario.name, writes.len());
        assert!(here > 0, "{}: no point was reached", scenario.name);
        points += here;
    }
    println!("{points} crash points");
}

pub fn assert_same(state: &[Value], expected: &[Value], what: &str) {
    let extra: Vec<&Value> = state.iter().filter(|entry| !expected.contains(entry)).collect();
    let missing: Vec<&Value> = expected.iter().filter(|entry| !state.contains(entry)).collect();
    assert!(
        extra.is_empty() && missing.is_empty() && state.len() == expected.len(),
        "{what}\nonly after the crash: {extra:#?}\nonly without it: {missing:#?}"
    );
}
