//! The custom resource definitions as files.
//!
//! In: the Rust types of this crate. Out: name and text of every file in `crds/yaml/`, in the order they are
//! printed and installed. `cargo run -p elbow-crds --example generate` writes them; a test proves them fresh.

mod ingress_class_params;
mod schema;
mod target_group_binding;

use serde_json::Value;

/// File name and text of every custom resource definition. The names are upstream's (`config/crd/bases`).
pub fn all() -> Vec<(&'static str, String)> {
    [
        (
            "elbv2.k8s.aws_ingressclassparams.yaml",
            ingress_class_params::definition(),
        ),
        (
            "elbv2.k8s.aws_targetgroupbindings.yaml",
            target_group_binding::definition(),
        ),
    ]
    .into_iter()
    .map(|(name, definition)| (name, text(&definition)))
    .collect()
}

/// One YAML document, keys sorted. A definition is a tree of plain values, which YAML can always hold.
fn text(definition: &Value) -> String {
    let body = serde_saphyr::to_string(definition).unwrap_or_default();
    format!("# Generated from the Rust types in crds/src; do not edit.\n---\n{body}")
}
