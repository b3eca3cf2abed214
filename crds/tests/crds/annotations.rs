//! The pages of annotations are the tables themselves.

use std::path::Path;

use elbow_crds::annotation::{ingress, service};

/// Compares a page with a file of `docs/`, which `make golden` rewrites like all golden files.
fn assert_fresh(file: &str, page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(file);
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&path, page).expect("docs/ can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/{file} is stale: run `make golden`");
}

#[test]
fn the_page_of_service_annotations_is_fresh() {
    assert_fresh("service-annotations.md", &service::markdown());
}

#[test]
fn the_page_of_ingress_annotations_is_fresh() {
    assert_fresh("ingress-annotations.md", &ingress::markdown());
}
