//! The ConfigMap in which a binding remembers its cluster's targets in a group shared with other clusters
//! (reference page `target-group-binding.md`, section 11).

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::targets::memory::Tracked;
use elbow_core::view::BindingObject;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, PostParams};

use super::writes::WriteError;

const KEY: &str = "targets";

fn name(binding: &BindingObject) -> String {
    format!("aws-lbc-targets-{}", binding.meta.name)
}

fn api(kube: &kube::Client, binding: &BindingObject) -> Api<ConfigMap> {
    Api::namespaced(kube.clone(), &binding.meta.namespace)
}

/// Reads the set.
pub(super) async fn read(kube: &kube::Client, binding: &BindingObject) -> Result<Tracked, WriteError> {
    let found = api(kube, binding).get_opt(&name(binding)).await?;
    let Some(found) = found else {
        return Ok(Tracked::Missing);
    };
    let text = found
        .data
        .and_then(|mut data| data.remove(KEY))
        .unwrap_or_default();
    let identities = text.split(',').filter(|identity| !identity.is_empty());
    Ok(Tracked::Set(identities.map(str::to_owned).collect()))
}

/// Writes the set; the last writer wins.
pub(super) async fn write(
    kube: &kube::Client,
    binding: &BindingObject,
    set: &BTreeSet<String>,
) -> Result<(), WriteError> {
    let identities: Vec<_> = set.iter().map(String::as_str).collect();
    let object = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name(binding)),
            namespace: Some(binding.meta.namespace.clone()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), identities.join(","))])),
        ..ConfigMap::default()
    };
    let api = api(kube, binding);
    let replaced = api.replace(&name(binding), &PostParams::default(), &object).await;
    match replaced.map_err(WriteError::from) {
        Err(WriteError::Gone) => {
            api.create(&PostParams::default(), &object).await?;
            Ok(())
        }
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Deletes it; one that is gone is no error.
pub(super) async fn delete(kube: &kube::Client, binding: &BindingObject) -> Result<(), WriteError> {
    let deleted = api(kube, binding)
        .delete(&name(binding), &DeleteParams::default())
        .await;
    match deleted.map_err(WriteError::from) {
        Ok(_) | Err(WriteError::Gone) => Ok(()),
        Err(error) => Err(error),
    }
}
