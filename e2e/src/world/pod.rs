//! What a kubelet says about a pod: the status it ought to have, as a patch against the one it has.
//!
//! Pure: pod, addresses and time in, patch out. The rules for `Ready` are those of readiness gates
//! (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-readiness-gate>).

use std::net::Ipv4Addr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use serde_json::{Value, json};

/// `"false"`: the containers of the pod never get ready, as with a failing readiness probe.
pub const READY: &str = "elbow.dev/test-ready";
/// `"refuse"`: nothing listens on the pod's ports, though the pod may be ready.
pub const SERVER: &str = "elbow.dev/test-server";

/// Where a pod runs.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The pod's address.
    pub pod: Ipv4Addr,
    /// Its node's address.
    pub host: Ipv4Addr,
}

/// The strategic merge patch for `pods/status`; `None` if the pod says all this already.
pub fn status_patch(pod: &Pod, place: Place, now: Timestamp) -> Option<Value> {
    let ready = containers_ready(pod);
    let conditions = conditions(pod, ready, now);
    if conditions.is_empty() && has_address(pod, place.pod) && statuses_say(pod, ready) {
        return None;
    }
    let started = started(pod, now);
    Some(json!({ "status": {
        "phase": "Running",
        "hostIP": place.host,
        "hostIPs": [{ "ip": place.host }],
        "podIP": place.pod,
        "podIPs": [{ "ip": place.pod }],
        "startTime": started,
        "conditions": conditions,
        "containerStatuses": container_statuses(pod, ready, &started),
    }}))
}

/// Whether the pod's ports are to be served.
pub fn serves(pod: &Pod) -> bool {
    annotation(pod, SERVER) != Some("refuse")
}

/// Whether the pod is on its way out.
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the pod has ended by itself and nothing is to be done for it any more.
pub fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The node it is bound to.
pub fn node(pod: &Pod) -> Option<&str> {
    pod.spec
        .as_ref()
        .and_then(|spec| spec.node_name.as_deref())
        .filter(|name| !name.is_empty())
}

fn containers_ready(pod: &Pod) -> bool {
    annotation(pod, READY) != Some("false")
}

fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    pod.metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(key))
        .map(String::as_str)
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.and_then(|all| all.iter().find(|one| one.type_ == kind))
}

/// The conditions that are missing or differ.
fn conditions(pod: &Pod, containers_ready: bool, now: Timestamp) -> Vec<Value> {
    let containers = if containers_ready {
        Verdict::yes()
    } else {
        Verdict::no(
            "ContainersNotReady",
            "containers with unready status: [server]".to_owned(),
        )
    };
    let ready = if containers_ready {
        gates(pod)
    } else {
        containers.clone()
    };
    let wanted = [
        ("PodScheduled", Verdict::yes()),
        ("Initialized", Verdict::yes()),
        ("ContainersReady", containers),
        ("Ready", ready),
    ];
    wanted
        .into_iter()
        .filter_map(|(kind, verdict)| verdict.patch(kind, condition(pod, kind), now))
        .collect()
}

/// The verdict of all readiness gates together.
fn gates(pod: &Pod) -> Verdict {
    let gates = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_ref());
    let mut complaints = Vec::new();
    for gate in gates.into_iter().flatten() {
        let kind = &gate.condition_type;
        match condition(pod, kind) {
            None => complaints.push(format!(
                "corresponding condition of pod readiness gate {kind:?} does not exist."
            )),
            Some(found) if found.status != "True" => complaints.push(format!(
                "the status of pod readiness gate {kind:?} is not \"True\", but {}",
                found.status
            )),
            Some(_) => {}
        }
    }
    if complaints.is_empty() {
        Verdict::yes()
    } else {
        Verdict::no("ReadinessGatesNotReady", complaints.join("; "))
    }
}

#[derive(Clone)]
struct Verdict {
    status: &'static str,
    reason: &'static str,
    message: String,
}

impl Verdict {
    fn yes() -> Self {
        Self {
            status: "True",
            reason: "",
            message: String::new(),
        }
    }

    fn no(reason: &'static str, message: String) -> Self {
        Self {
            status: "False",
            reason,
            message,
        }
    }

    fn patch(&self, kind: &str, found: Option<&PodCondition>, now: Timestamp) -> Option<Value> {
        let same_status = found.is_some_and(|found| found.status == self.status);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let same_words =
            |found: &PodCondition| text(&found.reason) == self.reason && text(&found.message) == self.message;
        if same_status && found.is_some_and(same_words) {
            return None;
        }
        let since = found
            .filter(|_| same_status)
            .and_then(|found| found.last_transition_time.as_ref());
        Some(json!({
            "type": kind,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "lastTransitionTime": since.map_or_else(|| second(now), |time| second(time.0)),
        }))
    }
}

fn has_address(pod: &Pod, address: Ipv4Addr) -> bool {
    let found = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    found == Some(address.to_string().as_str())
}

fn statuses_say(pod: &Pod, ready: bool) -> bool {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_ref());
    statuses.is_some_and(|all| all.iter().all(|one| one.ready == ready))
}

fn started(pod: &Pod, now: Timestamp) -> String {
    let found = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    second(found.map_or(now, |time| time.0))
}

fn container_statuses(pod: &Pod, ready: bool, started: &str) -> Vec<Value> {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let status = |name: &str, image: &str| {
        json!({
            "name": name, "image": image, "imageID": image, "ready": ready, "restartCount": 0, "started": true,
            "state": { "running": { "startedAt": started } },
        })
    };
    containers
        .iter()
        .map(|one| status(&one.name, one.image.as_deref().unwrap_or_default()))
        .collect()
}

/// RFC 3339 to the second, as Kubernetes writes times.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const PLACE: Place = Place {
        pod: Ipv4Addr::new(10, 0, 1, 20),
        host: Ipv4Addr::new(10, 0, 1, 4),
    };

    fn pod(annotations: &Value, gates: &Value, status: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "annotations": annotations },
            "spec": { "containers": [{ "name": "server" }], "readinessGates": gates },
            "status": status,
        }))
        .unwrap()
    }

    fn patched(mut pod: Pod) -> Pod {
        let patch = status_patch(&pod, PLACE, Timestamp::UNIX_EPOCH).unwrap();
        pod.status = serde_json::from_value(patch["status"].clone()).unwrap();
        pod
    }

    fn status_of(pod: &Pod, kind: &str) -> String {
        condition(pod, kind).unwrap().status.clone()
    }

    #[test]
    fn a_pod_without_gates_gets_ready_and_then_nothing_is_left_to_say() {
        let pod = patched(pod(&json!({}), &json!([]), &json!({})));
        assert_eq!(status_of(&pod, "Ready"), "True");
        assert_eq!(pod.status.as_ref().unwrap().pod_ip.as_deref(), Some("10.0.1.20"));
        assert!(status_patch(&pod, PLACE, Timestamp::now()).is_none());
    }

    #[test]
    fn a_gate_holds_ready_back_until_its_condition_is_true() {
        let gates = json!([{ "conditionType": "a/b" }]);
        let mut held = patched(pod(&json!({}), &gates, &json!({})));
        assert_eq!(status_of(&held, "Ready"), "False");
        assert_eq!(status_of(&held, "ContainersReady"), "True");
        assert!(
            condition(&held, "Ready")
                .unwrap()
                .message
                .as_ref()
                .unwrap()
                .contains("does not exist")
        );
        let gate = serde_json::from_value(json!({ "type": "a/b", "status": "True" })).unwrap();
        held.status
            .as_mut()
            .unwrap()
            .conditions
            .as_mut()
            .unwrap()
            .push(gate);
        let patch = status_patch(&held, PLACE, Timestamp::now()).unwrap();
        let changed = patch["status"]["conditions"].as_array().unwrap();
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (&changed[0]["type"], &changed[0]["status"]),
            (&json!("Ready"), &json!("True"))
        );
    }

    #[test]
    fn the_annotation_keeps_containers_unready_whatever_the_gates_say() {
        let pod = patched(pod(&json!({ READY: "false" }), &json!([]), &json!({})));
        assert_eq!(status_of(&pod, "ContainersReady"), "False");
        assert_eq!(status_of(&pod, "Ready"), "False");
        assert!(!pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0].ready);
    }
}
