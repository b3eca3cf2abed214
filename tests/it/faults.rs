//! Faults: each kind of fault, once, at each AWS call of a create, an edit
//! and a delete. When the fault is over everything is as it would have been, and no problem remains.

use elbow_emulator::{CallFilter, Fault, FaultRule};
use serde_json::Value;

use crate::crash::assert_same;
use crate::scenario::{self, Scenario, key};
use crate::support::canonical;
use crate::support::land::Land;
use crate::support::process::Process;

/// Every fault the emulator knows, each once.
fn faults() -> Vec<(&'static str, Fault)> {
    let error = |code: &str, status| Fault::Error {
        code: code.to_owned(),
        status,
    };
    vec![
        ("slow", Fault::Latency { milliseconds: 2_000 }),
        ("slower than patience", Fault::Latency { milliseconds: 40_000 }),
        ("throttled", Fault::Throttle { code: None }),
        ("internal error", error("InternalFailure", 500)),
        ("unavailable", error("ServiceUnavailable", 503)),
        ("denied", Fault::AccessDenied),
        ("cut before", Fault::CutBefore),
        ("cut after", Fault::CutAfter),
        ("held before", Fault::HoldBefore),
        ("held after", Fault::HoldAfter),
        ("stale", Fault::Stale { seconds: 30 }),
        ("fresh invisible", Fault::FreshInvisible { seconds: 30 }),
    ]
}

async fn prepared(scenario: &Scenario) -> Land {
    let land = Land::new();
    (scenario.before)(&land);
    land.to_rest(&Process::start(&land), &key()).await;
    (scenario.act)(&land);
    land
}

/// The end state without a fault, and how many calls it takes to get there.
async fn undisturbed(scenario: &Scenario) -> (Vec<Value>, u64) {
    let land = prepared(scenario).await;
    let before = land.emulator.last_call();
    land.to_rest(&Process::start(&land), &key()).await;
    (canonical::state(&land), land.emulator.last_call() - before)
}

async fn disturbed(scenario: &Scenario, after: u64, fault: &Fault, what: &str, expected: &[Value]) {
    let land = prepared(scenario).await;
    land.emulator.add_fault(FaultRule {
        operation: "*".to_owned(),
        actor: None,
        mutations: false,
        count: Some(1),
        after,
        fault: fault.clone(),
    });
    let process = Process::start(&land);
    let last = land.to_rest(&process, &key()).await;
    assert_eq!(last.problems, [], "{what}");
    assert_same(&canonical::state(&land), expected, what);
    let before = land.emulator.last_call();
    land.emulator.clear_faults();
    land.to_rest(&process, &key()).await;
    let calls = land.emulator.calls(&CallFilter::default());
    let later: Vec<&str> = calls
        .iter()
        .filter(|call| call.seq > before && !call.operation.starts_with("Describe"))
        .map(|call| call.operation.as_str())
        .collect();
    assert_eq!(later, [""; 0], "{what}: writes at rest");
}

async fn every_fault_at_every_call(name: &str) {
    let scenario = scenario::named(name);
    let (expected, calls) = undisturbed(scenario).await;
    let faults = faults();
    for after in 0..calls {
        for (kind, fault) in &faults {
            let what = format!("{name}: {kind} at call {}", after + 1);
            disturbed(scenario, after, fault, &what, &expected).await;
        }
    }
    println!("{name}: {calls} calls, {} faults each", faults.len());
}

#[tokio::test(start_paused = true)]
async fn a_create_survives_every_fault_at_every_call() {
    every_fault_at_every_call("create with TLS, attributes and tags").await;
}

#[tokio::test(start_paused = true)]
async fn an_edit_survives_every_fault_at_every_call() {
    every_fault_at_every_call("edit from IP to instance mode").await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_survives_every_fault_at_every_call() {
    every_fault_at_every_call("delete with TLS").await;
}
