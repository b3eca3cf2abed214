//! Crash safety, in process: a process is ended at every write to AWS or Kubernetes, before it is
//! carried out and after, without an answer. A new one runs to rest. Account and cluster are then what they
//! are without the crash: nothing orphaned, nothing doubled.

use serde_json::Value;

use crate::scenario::{self, Scenario};
use crate::support::fuse::Side;
use crate::support::land::Land;
use crate::support::{canonical, engine};

/// A land in which the scenario is about to happen.
async fn prepared(scenario: &Scenario) -> Land {
    let land = Land::populated();
    (scenario.before)(&land);
    engine::run(&land).await;
    (scenario.act)(&land);
    land.fuse.set(None);
    land
}

/// What the scenario ends in without a crash, and the writes on the way.
async fn undisturbed(scenario: &Scenario) -> (Vec<Value>, Vec<String>) {
    let land = prepared(scenario).await;
    let (_, problems) = engine::run(&land).await;
    assert_eq!(problems, [], "{}", scenario.name);
    (canonical::state(&land), land.fuse.writes())
}

/// Ends the process at write number `at`, runs a new one to rest. `None`: that write was never reached.
async fn crashed(scenario: &Scenario, at: usize, side: Side) -> Option<Vec<Value>> {
    let land = prepared(scenario).await;
    land.fuse.set(Some((at, side)));
    let survived = tokio::select! {
        biased;
        () = land.fuse.blown() => false,
        _ = engine::run(&land) => true,
    };
    if survived {
        return None;
    }
    land.fuse.set(None);
    let (_, problems) = engine::run(&land).await;
    assert_eq!(problems, [], "{}: {side:?} write {at}", scenario.name);
    Some(canonical::state(&land))
}

/// Ends a process at every write of a scenario.
async fn crash_everywhere(name: &str) {
    let scenario = scenario::named(name);
    let (expected, writes) = undisturbed(scenario).await;
    let mut points = 0;
    for (index, write) in writes.iter().enumerate() {
        for side in [Side::Before, Side::After] {
            let at = index + 1;
            let Some(state) = crashed(scenario, at, side).await else {
                continue;
            };
            points += 1;
            assert_same(
                &state,
                &expected,
                &format!("{name}: {side:?} write {at} ({write})"),
            );
        }
    }
    println!("{name}: {} writes, {points} crash points", writes.len());
    assert!(points > 0, "{name}: no point was reached");
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $test() {
                crash_everywhere($name).await;
            }
        )*

        #[test]
        fn every_scenario_has_its_crash_test() {
            let tested = [$($name),*];
            let missing: Vec<&str> = scenario::ALL.iter().map(|s| s.name).filter(|n| !tested.contains(n)).collect();
            assert_eq!(missing, [""; 0]);
        }
    };
}

scenarios! {
    a_create_in_ip_mode_survives_a_crash_at_any_write: "create in IP mode",
    a_create_in_instance_mode_survives_a_crash_at_any_write: "create in instance mode",
    a_create_with_tls_survives_a_crash_at_any_write: "create with TLS, attributes and tags",
    a_create_with_tcp_and_udp_survives_a_crash_at_any_write: "create with TCP and UDP ports",
    an_edit_of_ports_survives_a_crash_at_any_write: "edit ports, health check, tags and source ranges",
    a_change_of_target_type_survives_a_crash_at_any_write: "edit from IP to instance mode",
    an_edit_of_tls_survives_a_crash_at_any_write: "edit TLS off and attributes",
    a_change_of_security_groups_survives_a_crash_at_any_write: "edit from a managed to a given security group",
    a_delete_in_ip_mode_survives_a_crash_at_any_write: "delete in IP mode",
    a_delete_in_instance_mode_survives_a_crash_at_any_write: "delete in instance mode",
    a_delete_with_tls_survives_a_crash_at_any_write: "delete with TLS",
    giving_up_ownership_survives_a_crash_at_any_write: "give up ownership",
}

/// Compares two states entry by entry.
pub fn assert_same(state: &[Value], expected: &[Value], what: &str) {
    let extra: Vec<&Value> = state.iter().filter(|entry| !expected.contains(entry)).collect();
    let missing: Vec<&Value> = expected.iter().filter(|entry| !state.contains(entry)).collect();
    assert!(
        extra.is_empty() && missing.is_empty() && state.len() == expected.len(),
        "{what}\nonly after the accident: {extra:#?}\nonly without it: {missing:#?}"
    );
}
