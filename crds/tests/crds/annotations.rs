//! The page of Service annotations is the table itself.

use std::path::Path;

use elbow_crds::annotation::service::markdown;

#[test]
fn the_page_of_service_annotations_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/service-annotations.md");
    // The same switch as for golden files: `make golden`.
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&path, markdown()).expect("docs/ can be written");
    }
    let written = std::fs::read_to_string(&path).expect("docs/service-annotations.md is there");
    assert!(
        written == markdown(),
        "docs/service-annotations.md is stale: run `make golden`"
    );
}
