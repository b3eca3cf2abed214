//! Pod conditions (reference page, section 10.2).

use serde_json::json;

use super::world::{BINDING, condition, health, pod, time};
use crate::targets::TargetState;
use crate::targets::gates::{GateValue, condition_patch, gate};

#[test]
fn a_condition_says_what_aws_says() {
    let rows = [
        (TargetState::Healthy, "True"),
        (TargetState::Initial, "False"),
        (TargetState::Unhealthy, "False"),
        (TargetState::Unused, "False"),
        (TargetState::Draining, "False"),
        (TargetState::Unavailable, "False"),
        (TargetState::Unknown, "Unknown"),
    ];
    for (state, status) in rows {
        assert_eq!(GateValue::of(&health("10.0.0.1", 80, state)).status, status);
    }
}

#[test]
fn a_condition_is_patched_only_on_change_and_keeps_its_transition_time_without_a_flip() {
    let type_ = gate(BINDING);
    let mut a = pod("a", "10.0.0.1", true);
    let first = condition_patch(&a, &type_, GateValue::registering(), time(5)).unwrap();
    assert_eq!(first.since, time(5));
    let mut stored = condition("False");
    stored.reason = "Elb.RegistrationInProgress".to_owned();
    stored.message = "Target registration is in progress".to_owned();
    stored.since = Some(time(5));
    a.conditions.insert(type_.clone(), stored);
    assert_eq!(
        condition_patch(&a, &type_, GateValue::registering(), time(9)),
        None
    );
    let initial = GateValue::of(&health("10.0.0.1", 80, TargetState::Initial));
    assert_eq!(
        condition_patch(&a, &type_, initial, time(9)).unwrap().since,
        time(5)
    );
    let healthy = GateValue::of(&health("10.0.0.1", 80, TargetState::Healthy));
    let opened = condition_patch(&a, &type_, healthy, time(35)).unwrap();
    assert_eq!((opened.since, opened.opened_after), (time(35), Some(30.0)));
}

#[test]
fn the_patch_touches_one_condition_of_this_very_pod() {
    let a = pod("a", "10.0.0.1", true);
    let patch = condition_patch(&a, "t/x", GateValue::binding_deleted(), time(0)).unwrap();
    assert_eq!(
        patch.body(),
        json!({
            "metadata": {"uid": "uid-a"},
            "status": {"conditions": [{
                "type": "t/x", "status": "True", "reason": "", "message": "Target Group Binding is deleted",
                "lastTransitionTime": "2023-11-14T22:13:20Z",
            }]},
        })
    );
}
