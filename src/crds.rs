//! `elbow crds`: the custom resource definitions, generated from our types.

use anyhow::{Context, Result};

use crate::cli::CrdsArgs;

/// Prints all definitions, or writes one file each.
pub fn print(args: &CrdsArgs) -> Result<()> {
    for (name, text) in elbow_crds::yaml::all() {
        match &args.write {
            None => println!("---\n{text}"),
            Some(folder) => {
                let path = folder.join(name);
                std::fs::create_dir_all(folder)
                    .and_then(|()| std::fs::write(&path, text))
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    Ok(())
}
