//! What is built or downloaded once per machine, outside the clone.
//!
//! In: the sources of the control plane, the Python requirements, the tools' versions. Out: a finished folder
//! below `$ELBOW_CACHE` (default `$XDG_CACHE_HOME/elbow`, else `~/.cache/elbow`), named after the hash of these
//! inputs. It is made under a file lock in a temporary name and renamed into place, so two at once do no
//! harm and a folder that exists is complete.

mod control_plane;
mod python;
mod step;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

pub use control_plane::control_plane;
pub use python::python;

/// Where everything of one user is kept.
fn root() -> Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("ELBOW_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("elbow")))
        .or_else(|| set("HOME").map(|home| home.join(".cache").join("elbow")))
        .context("there is no place for the cache: set ELBOW_CACHE to a folder")
}

/// `KIND-` and the first 16 hex digits of the SHA-256 over all inputs, each led by its length.
fn folder_name(kind: &str, inputs: &[Vec<u8>]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update((input.len() as u64).to_be_bytes());
        hash.update(input);
    }
    let digits = hex::encode(hash.finalize());
    format!("{kind}-{}", digits.get(..16).unwrap_or(&digits))
}

/// The folder for `inputs`; if it is not there, `make` fills a temporary one (first argument) that will be
/// renamed to the second.
fn folder(kind: &str, inputs: &[Vec<u8>], make: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<PathBuf> {
    let root = root()?;
    let name = folder_name(kind, inputs);
    let place = root.join(&name);
    if place.is_dir() {
        return Ok(place);
    }
    let cannot = || format!("cannot write the cache {}", root.display());
    std::fs::create_dir_all(&root).with_context(cannot)?;
    let lock = File::create(root.join(format!("{kind}.lock"))).with_context(cannot)?;
    lock.lock().context("cannot lock the cache")?;
    if place.is_dir() {
        return Ok(place);
    }
    let unfinished = root.join(format!(".{name}.unfinished"));
    // The lock is ours, so whatever lies there was left by a run that died.
    let _ = std::fs::remove_dir_all(&unfinished);
    std::fs::create_dir(&unfinished).with_context(cannot)?;
    make(&unfinished, &place)?;
    std::fs::rename(&unfinished, &place).with_context(cannot)?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_name_depends_on_every_input_and_on_their_borders() {
        let name = |inputs: &[&str]| {
            folder_name(
                "x",
                &inputs
                    .iter()
                    .map(|input| input.as_bytes().to_vec())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(name(&["a", "b"]), name(&["a", "b"]));
        assert_ne!(name(&["a", "b"]), name(&["a", "c"]));
        assert_ne!(name(&["ab", ""]), name(&["a", "b"]));
        assert!(name(&["a"]).starts_with("x-"));
    }
}
