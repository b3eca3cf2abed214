//! A private temporary folder per run: certificates, data and logs; gone when the run ends.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::lifeline;

/// A folder that only this user can read (mode 0700), removed on drop and when the process is killed.
/// With `ELBOW_E2E_KEEP=1` in the environment it is kept and its path printed, for reading logs.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes the folder in the system's temporary folder; `what` becomes part of its name.
    pub fn create(what: &str) -> Result<Self> {
        let permissions = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new()
            .prefix(&format!("elbow-{what}-"))
            .permissions(permissions)
            .tempdir()
            .context("cannot make a temporary folder; is TMPDIR writable?")?;
        let path = folder.keep();
        if !kept() {
            lifeline::hold_folder(&path)?;
        }
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if kept() {
            eprintln!("kept: {}", self.path.display());
            return;
        }
        if std::fs::remove_dir_all(&self.path).is_ok() {
            lifeline::release_folder(&self.path);
        }
    }
}

fn kept() -> bool {
    std::env::var_os("ELBOW_E2E_KEEP").is_some_and(|value| value == "1")
}
