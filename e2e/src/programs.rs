//! The programs under test, as their users start them, `elbow-emulator` and `elbow controller`; and moto.
//!
//! In: the paths of the binaries (`ELBOW_EMULATOR_BIN` and `ELBOW_BIN`, set by `make`; else beside this
//! program). Out: processes on free loopback ports that end with the value that stands for them.

mod controller;
mod emulator;
mod moto;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub use controller::{Controller, ControllerOptions};
pub use emulator::{Emulator, EmulatorOptions};
pub use moto::{Moto, python};

/// The cluster's name, in tags and in `seed.yaml`.
pub const CLUSTER: &str = "elbow-e2e";
/// The access key id of the controller under test: the actor in the emulator's call log.
pub const ACTOR: &str = "elbow";

/// The binary `name`, from the environment variable `variable` or beside this program.
pub fn find(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
    {
        if path.is_file() {
            return Ok(path);
        }
        bail!(
            "{variable}={}: there is no such file; build it with `cargo build --workspace`",
            path.display()
        );
    }
    let own = std::env::current_exe().context("cannot find the path of this program")?;
    // A test binary lies one folder deeper (`deps`) than the binaries it wants.
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    found.with_context(|| {
        format!("there is no binary {name}: build it with `cargo build --workspace`, or set {variable} to its path")
    })
}
