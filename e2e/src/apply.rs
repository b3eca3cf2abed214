//! Manifests in files: read, applied by server-side apply, deleted.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

use crate::wait;

/// The field manager of everything the harness applies.
const MANAGER: &str = "elbow-e2e";
/// A kind that was just installed answers 404 or 429 for a moment.
const APPLIED_WITHIN: Duration = Duration::from_secs(30);

/// All objects of the `*.yaml` files of a folder, in the order of the file names.
pub fn read_folder(folder: &Path) -> Result<Vec<DynamicObject>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut objects = Vec::new();
    for file in files {
        objects.extend(read_file(&file)?);
    }
    Ok(objects)
}

/// All objects of one file.
pub fn read_file(file: &Path) -> Result<Vec<DynamicObject>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&text).with_context(|| format!("not Kubernetes manifests: {}", file.display()))
}

/// All objects of a text; documents that hold only comments are skipped.
pub fn parse(text: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("not YAML")?;
    let full = documents.into_iter().filter(|document| !document.is_null());
    full.map(|document| serde_json::from_value(document).context("not a Kubernetes object"))
        .collect()
}

/// Creates or updates the objects one after the other.
pub async fn apply(client: &Client, objects: &[DynamicObject]) -> Result<()> {
    for object in objects {
        let what = format!("{} to be applied", describe(object));
        wait::until(&what, APPLIED_WITHIN, async || {
            let api = api(client, object).await?;
            let params = PatchParams::apply(MANAGER).force();
            match api
                .patch(&object.name_any(), &params, &Patch::Apply(object))
                .await
            {
                Ok(_) => Ok(Ok(()).into()),
                // The object itself is wrong; asking again will not help.
                Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 422) => {
                    Ok(Some(Err(kube::Error::Api(status))))
                }
                Err(error) => Err(error.into()),
            }
        })
        .await?
        .with_context(|| format!("cannot apply {}", describe(object)))?;
    }
    Ok(())
}

/// Deletes the objects, last one first; those that are gone already are passed over. Does not wait for
/// finalizers.
pub async fn delete(client: &Client, objects: &[DynamicObject]) -> Result<()> {
    for object in objects.iter().rev() {
        let api = api(client, object).await?;
        match api.delete(&object.name_any(), &DeleteParams::background()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error).with_context(|| format!("cannot delete {}", describe(object))),
        }
    }
    Ok(())
}

/// The object's kind, empty if it names none.
pub fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

async fn api(client: &Client, object: &DynamicObject) -> Result<Api<DynamicObject>> {
    let types = object
        .types
        .as_ref()
        .context("an object needs apiVersion and kind")?;
    let gvk = GroupVersionKind::try_from(types).context("not a kind")?;
    let (resource, capabilities) = pinned_kind(client, &gvk).await?;
    Ok(match (capabilities.scope, object.namespace()) {
        (Scope::Cluster, _) => Api::all_with(client.clone(), &resource),
        (Scope::Namespaced, Some(namespace)) => Api::namespaced_with(client.clone(), &namespace, &resource),
        (Scope::Namespaced, None) => Api::default_namespaced_with(client.clone(), &resource),
    })
}

fn describe(object: &DynamicObject) -> String {
    match object.namespace() {
        Some(namespace) => format!("{} {namespace}/{}", kind(object), object.name_any()),
        None => format!("{} {}", kind(object), object.name_any()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_file_may_hold_several_objects_and_comments() {
        let text = "# about\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n# nothing\n---\n\
                    apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";
        let objects = parse(text).unwrap();
        let names: Vec<String> = objects.iter().map(ResourceExt::name_any).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(kind(&objects[0]), "Namespace");
    }
}
