//! Admission of pods, row by row from `tests/fixtures/*.json`.
//!
//! A row: `why` (one sentence), `enabled` (default true), `error` (the stores cannot answer), `bindings` and
//! `services` of the namespace, `review` (what the API server sends), `answer` (allowed, code, reason,
//! message, patch) and `gates` (condition types of the pod once the patch is applied).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use elbow_crds::target_group_binding::TargetGroupBinding;
use elbow_webhooks::inject::inject;
use elbow_webhooks::{Namespace, admit_pod};
use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::{Value, json};

fn fixtures() -> Vec<(PathBuf, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).expect("readable");
            let row =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            (file, row)
        })
        .collect()
}

fn list<T: serde::de::DeserializeOwned>(row: &Value, field: &str) -> Vec<T> {
    let items = row.get(field).cloned().unwrap_or_else(|| json!([]));
    serde_json::from_value(items).unwrap_or_else(|error| panic!("{field}: {error}"))
}

fn namespace(row: &Value) -> Namespace {
    let bindings: Vec<TargetGroupBinding> = list(row, "bindings");
    let services: Vec<Service> = list(row, "services");
    Namespace::of(&bindings, &services)
}

/// The answer in the form of the fixtures.
fn answer(row: &Value, namespace: &Namespace) -> Value {
    let review = serde_json::from_value(row["review"].clone()).expect("a review");
    let enabled = row.get("enabled").is_none_or(|enabled| enabled == &json!(true));
    let look_up = |name: &str| {
        if let Some(error) = row.get("error").and_then(Value::as_str) {
            return Err(error.to_owned());
        }
        let asked = row["review"]["request"]["namespace"].as_str().unwrap_or_default();
        assert_eq!(name, asked, "the namespace of the request is looked up");
        Ok(namespace.clone())
    };
    let response = admit_pod(review, enabled, &look_up).response.expect("an answer");
    let asked = row["review"]["request"]["uid"].as_str().unwrap_or_default();
    assert_eq!(response.uid, asked, "the answer carries the uid of the request");
    let mut answer = json!({ "allowed": response.allowed });
    if let Some(patch) = &response.patch {
        answer["patch"] = serde_json::from_slice(patch).expect("a JSON patch");
        let kind = serde_json::to_value(&response).expect("JSON")["patchType"].clone();
        assert_eq!(kind, "JSONPatch");
    }
    if !response.allowed {
        answer["code"] = json!(response.result.code);
        answer["reason"] = json!(response.result.reason);
        answer["message"] = json!(response.result.message);
    }
    answer
}

fn gates(pod: &Value) -> Vec<&str> {
    let gates = pod.pointer("/spec/readinessGates").and_then(Value::as_array);
    gates
        .into_iter()
        .flatten()
        .map(|gate| gate["conditionType"].as_str().expect("a string"))
        .collect()
}

#[test]
fn every_fixture_is_answered_as_it_says() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 12, "the table has its rows");
    for (file, row) in fixtures {
        let name = file.display();
        let found = answer(&row, &namespace(&row));
        assert_eq!(found, row["answer"], "{name}: {}", row["why"]);
        let mut pod = row["review"]["request"]["object"].clone();
        if let Some(patch) = found.get("patch") {
            let patch: json_patch::Patch = serde_json::from_value(patch.clone()).expect("a patch");
            json_patch::patch(&mut pod, &patch).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        if let Some(expected) = row.get("gates") {
            assert_eq!(json!(gates(&pod)), *expected, "{name}: {}", row["why"]);
        }
    }
}

#[test]
fn the_order_of_bindings_changes_nothing() {
    for (file, row) in fixtures() {
        let mut turned = namespace(&row);
        turned.bindings.reverse();
        assert_eq!(answer(&row, &turned), row["answer"], "{}", file.display());
    }
}

#[test]
fn a_template_gets_the_gates_that_a_pod_would_get_and_gets_them_once() {
    for (file, row) in fixtures() {
        let (Some(expected), true) = (row.get("gates"), row["answer"]["allowed"] == json!(true)) else {
            continue;
        };
        if row.get("enabled") == Some(&json!(false)) || row["review"]["request"]["operation"] != "CREATE" {
            continue;
        }
        let pod = row["review"]["request"]["object"].clone();
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        let labels = pod.metadata.labels.unwrap_or_default();
        let mut spec = pod.spec.unwrap_or_default();
        let changed = inject(&mut spec, &labels, &namespace(&row));
        let found: Vec<&str> = spec
            .readiness_gates
            .iter()
            .flatten()
            .map(|gate| gate.condition_type.as_str())
            .collect();
        assert_eq!(json!(found), *expected, "{}", file.display());
        assert_eq!(
            changed,
            row["answer"].get("patch").is_some(),
            "{}",
            file.display()
        );
        assert!(
            !inject(&mut spec, &labels, &namespace(&row)),
            "{}: once",
            file.display()
        );
    }
}
