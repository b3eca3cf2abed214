//! Readiness gates for pods, until the admission webhook injects them: which ones a pod gets.

use std::collections::BTreeMap;

use anyhow::Result;
use elbow_crds::target_group_binding::{TargetGroupBinding, TargetType};
use k8s_openapi::api::core::v1::Service;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

/// What a gate's condition type begins with; the binding's name follows.
pub const PREFIX: &str = "target-health.elbv2.k8s.aws/";

/// The gates of a pod with these labels: one per binding of type `ip` in the namespace whose Service selects
/// the pod. The bindings must be there already.
pub async fn of_pod(
    client: &Client,
    namespace: &str,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<String>> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let bindings: Api<TargetGroupBinding> = Api::namespaced(client.clone(), namespace);
    let mut gates = Vec::new();
    for binding in bindings.list(&ListParams::default()).await? {
        if binding.spec.target_type != Some(TargetType::Ip) {
            continue;
        }
        let Some(service) = services.get_opt(&binding.spec.service_ref.name).await? else {
            continue;
        };
        let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
        if !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value)) {
            gates.push(format!("{PREFIX}{}", binding.name_any()));
        }
    }
    gates.sort();
    Ok(gates)
}
