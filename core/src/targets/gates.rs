//! Readiness gates: the pod conditions that tell whether a pod's target is healthy.
//!
//! In: pods and the health of their targets. Out: patches where a condition changes, and whether any gated
//! pod still waits (reference page `target-group-binding.md`, section 10).

use jiff::Timestamp;

use super::endpoints::PodRef;
use super::listing::REGISTERING;
use super::target::{TargetHealth, TargetState};
use crate::view::Pod;

/// Prefix of the condition types.
pub const GATE_PREFIX: &str = "target-health.elbv2.k8s.aws";

/// Condition type of a binding.
pub fn gate(binding: &str) -> String {
    format!("{GATE_PREFIX}/{binding}")
}

/// What a condition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateValue {
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// Reason; may be empty.
    pub reason: String,
    /// Message; may be empty.
    pub message: String,
}

impl GateValue {
    /// Of a target that AWS reports.
    pub fn of(health: &TargetHealth) -> Self {
        let status = match health.state {
            TargetState::Healthy => "True",
            TargetState::Unknown => "Unknown",
            _ => "False",
        };
        Self {
            status,
            reason: health.reason.clone(),
            message: health.description.clone(),
        }
    }

    /// Of a target that was registered just now.
    pub fn registering() -> Self {
        Self {
            status: "False",
            reason: REGISTERING.0.to_owned(),
            message: REGISTERING.1.to_owned(),
        }
    }

    /// Of a pod whose binding goes away.
    pub fn binding_deleted() -> Self {
        Self {
            status: "True",
            reason: String::new(),
            message: "Target Group Binding is deleted".to_owned(),
        }
    }

    /// Whether the gate is open.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// A strategic merge patch of one condition in a pod's status.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionPatch {
    /// The pod; its UID is a precondition.
    pub pod: PodRef,
    /// Condition type.
    pub type_: String,
    /// What it says.
    pub value: GateValue,
    /// `lastTransitionTime`.
    pub since: Timestamp,
    /// Seconds since the gate was last closed, when it opens with this patch.
    pub opened_after: Option<f64>,
}

impl ConditionPatch {
    /// The patch body.
    pub fn body(&self) -> serde_json::Value {
        serde_json::json!({
            "metadata": { "uid": self.pod.uid },
            "status": { "conditions": [{
                "type": self.type_,
                "status": self.value.status,
                "reason": self.value.reason,
                "message": self.value.message,
                "lastTransitionTime": self.since,
            }] },
        })
    }
}

/// Whether a pod waits for the gate.
pub fn has_gate(pod: &Pod, type_: &str) -> bool {
    pod.readiness_gates.iter().any(|gate| gate == type_)
}

/// The patch that makes a pod's condition say `value`; `None` if it says so.
pub fn condition_patch(pod: &Pod, type_: &str, value: GateValue, now: Timestamp) -> Option<ConditionPatch> {
    let current = pod.conditions.get(type_);
    let same = current.is_some_and(|condition| {
        condition.status == value.status
            && condition.reason == value.reason
            && condition.message == value.message
    });
    if same {
        return None;
    }
    // Kubernetes keeps whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let flipped = current.is_none_or(|condition| condition.status != value.status);
    let previous = current.and_then(|condition| condition.since);
    let opens = flipped && value.is_true();
    Some(ConditionPatch {
        pod: PodRef {
            namespace: pod.meta.namespace.clone(),
            name: pod.meta.name.clone(),
            uid: pod.meta.uid.clone(),
        },
        type_: type_.to_owned(),
        since: if flipped { now } else { previous.unwrap_or(now) },
        opened_after: previous
            .filter(|_| opens)
            .map(|since| now.duration_since(since).as_secs_f64()),
        value,
    })
}
