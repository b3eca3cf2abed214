//! `examples/` in a namespace of a test's own.

use std::path::Path;

use anyhow::Result;
use elbow_e2e::apply;
use kube::ResourceExt;
use kube::core::DynamicObject;

pub const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
/// The annotation that names an Ingress's group.
pub const GROUP: &str = "alb.ingress.kubernetes.io/group.name";

/// The objects of the wanted files but for their namespaces, moved into `namespace`. A group reaches over
/// namespaces, so it is called like this one.
pub fn examples(namespace: &str, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<DynamicObject>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(EXAMPLES)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let is_manifest = |name: &str| Path::new(name).extension().is_some_and(|one| one == "yaml");
    names.retain(|name| is_manifest(name) && is_wanted(name));
    names.sort();
    let mut objects = Vec::new();
    for name in names {
        objects.extend(apply::read_file(&Path::new(EXAMPLES).join(name))?);
    }
    objects.retain(|object| apply::kind(object) != "Namespace");
    for object in &mut objects {
        if object.metadata.namespace.is_some() {
            object.metadata.namespace = Some(namespace.to_owned());
        }
        if let Some(group) = object.annotations_mut().get_mut(GROUP) {
            namespace.clone_into(group);
        }
    }
    Ok(objects)
}
