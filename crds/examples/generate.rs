//! Writes `crds/yaml/` anew from the Rust types.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in elbow_crds::yaml::all() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
