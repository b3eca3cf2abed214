//! The writer of `status.loadBalancer` of Services and Ingresses: a merge patch of the status subresource, only
//! on change.

use elbow_core::view::IngressPoint;
use elbow_crds::problem::ObjectRef;
use kube::api::{Patch, PatchParams};

use crate::apply::{FIELD_MANAGER, owners};

/// Writes the entries of `status.loadBalancer.ingress`; an empty list clears the status. An object that is
/// gone meanwhile, or of a kind without that status, is no error. The new resource version.
pub async fn write(
    client: &kube::Client,
    object: &ObjectRef,
    ingress: &[IngressPoint],
) -> Result<Option<String>, kube::Error> {
    let Some(api) = owners(client, object) else {
        return Ok(None);
    };
    let patch = Patch::Merge(body(ingress));
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    match api.patch_status(&object.name, &params, &patch).await {
        Ok(written) => Ok(written.metadata.resource_version),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

fn body(ingress: &[IngressPoint]) -> serde_json::Value {
    let entries: Vec<serde_json::Value> = ingress
        .iter()
        .map(|point| {
            let ports: Vec<_> = point
                .ports
                .iter()
                .map(|(port, protocol)| serde_json::json!({ "port": port, "protocol": protocol }))
                .collect();
            serde_json::json!({ "hostname": point.hostname, "ports": ports })
        })
        .collect();
    let ingress = if entries.is_empty() {
        serde_json::Value::Null
    } else {
        serde_json::json!(entries)
    };
    serde_json::json!({ "status": { "loadBalancer": { "ingress": ingress } } })
}
