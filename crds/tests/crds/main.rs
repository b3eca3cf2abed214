//! The files of custom resource definitions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod annotations;
mod ingress_class_params;
mod schema_rows;
mod target_group_binding;

use std::path::Path;

#[test]
fn the_files_in_crds_yaml_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    let files = elbow_crds::yaml::all();
    for (name, text) in &files {
        let found = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(
            &found, text,
            "{name} is stale: run `cargo run -p elbow-crds --example generate`"
        );
    }
    let mut there: Vec<String> = std::fs::read_dir(&folder)
        .expect("crds/yaml is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .collect();
    there.sort();
    let mut wanted: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    wanted.sort_unstable();
    assert_eq!(there, wanted, "crds/yaml holds exactly the generated files");
}
