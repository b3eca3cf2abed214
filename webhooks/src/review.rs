//! The AdmissionReview around the injection of readiness gates (path `/mutate-v1-pod`).
//!
//! In: a review, the flag, what is known about a namespace. Out: the review that answers it: allowed with a
//! JSON patch of single operations, or denied with code and reason as upstream's webhook library spells them
//! (`pkg/webhook/mutating_handler.go`).

use std::collections::BTreeMap;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation};
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview, Operation};
use serde_json::{Value, json};

use crate::inject::{self, GateChange, Namespace};

const FIELD: &str = "/spec/readinessGates";

/// Why a pod could not be judged.
#[derive(Debug, thiserror::Error)]
enum PodError {
    #[error("the request of a creation holds no object; send the Pod in request.object")]
    NoObject,
    #[error("spec.readinessGates of the Pod is not a list of objects with a conditionType")]
    Gates,
    #[error("could not write the patch")]
    Patch(#[source] kube::core::admission::SerializePatchError),
}

/// Answers the admission of a pod. With `enabled` off, and for everything but creations, the answer is yes
/// without a patch. The namespace is that of the request, because a new pod may not name its own;
/// `look_up` fails if the stores cannot answer, which denies the pod.
pub fn admit_pod(
    review: AdmissionReview<DynamicObject>,
    enabled: bool,
    look_up: &dyn Fn(&str) -> Result<Namespace, String>,
) -> AdmissionReview<DynamicObject> {
    let request: Result<AdmissionRequest<DynamicObject>, _> = review.try_into();
    let Ok(request) = request else {
        let mut response = AdmissionResponse::invalid("the AdmissionReview holds no request");
        response.result.code = 400;
        return response.into_review();
    };
    let response = AdmissionResponse::from(&request);
    if !enabled || request.operation != Operation::Create {
        return response.into_review();
    }
    let namespace = match look_up(request.namespace.as_deref().unwrap_or_default()) {
        Ok(namespace) => namespace,
        Err(message) => return denied(response, 403, "Forbidden", &message),
    };
    let patched = patch(&request, &namespace).and_then(|patch| match patch {
        Some(patch) => response.clone().with_patch(patch).map_err(PodError::Patch),
        None => Ok(response.clone()),
    });
    match patched {
        Ok(response) => response.into_review(),
        Err(error) => denied(response, 400, "BadRequest", &error.to_string()),
    }
}

fn denied(
    response: AdmissionResponse,
    code: u16,
    reason: &str,
    message: &str,
) -> AdmissionReview<DynamicObject> {
    let mut response = response.deny(message);
    response.result.code = code;
    reason.clone_into(&mut response.result.reason);
    response.into_review()
}

fn patch(
    request: &AdmissionRequest<DynamicObject>,
    namespace: &Namespace,
) -> Result<Option<Patch>, PodError> {
    let pod = request.object.as_ref().ok_or(PodError::NoObject)?;
    let none = BTreeMap::new();
    let labels = pod.metadata.labels.as_ref().unwrap_or(&none);
    let present = pod.data.pointer(FIELD).filter(|gates| !gates.is_null());
    let gates = present.map_or(Ok(Vec::new()), condition_types)?;
    let change = inject::change(labels, gates, namespace);
    if change == GateChange::default() {
        return Ok(None);
    }
    Ok(Some(operations(&change, present.is_some())))
}

fn condition_types(gates: &Value) -> Result<Vec<&str>, PodError> {
    let gates = gates.as_array().ok_or(PodError::Gates)?;
    gates
        .iter()
        .map(|gate| {
            gate.get("conditionType")
                .and_then(Value::as_str)
                .ok_or(PodError::Gates)
        })
        .collect()
}

/// Removals from the end, then additions, so that every position holds when its operation comes.
fn operations(change: &GateChange, present: bool) -> Patch {
    let gate = |condition: &String| json!({ "conditionType": condition });
    if !present {
        let gates: Vec<Value> = change.append.iter().map(gate).collect();
        return Patch(vec![add(FIELD, Value::Array(gates))]);
    }
    let removals = change.remove.iter().rev().map(|index| {
        PatchOperation::Remove(RemoveOperation {
            path: pointer(&format!("{FIELD}/{index}")),
        })
    });
    let additions = change
        .append
        .iter()
        .map(|condition| add(&format!("{FIELD}/-"), gate(condition)));
    Patch(removals.chain(additions).collect())
}

fn add(path: &str, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation {
        path: pointer(path),
        value,
    })
}

/// Paths here have no characters that need escaping.
fn pointer(path: &str) -> PointerBuf {
    PointerBuf::from_tokens(path.split('/').skip(1))
}
