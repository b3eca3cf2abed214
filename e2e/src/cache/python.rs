//! A virtual environment with the AWS client and the AWS double that nobody here wrote: boto3 and moto.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{folder, step};

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");

/// The folder of the virtual environment; its interpreter is `bin/python`. Made now if need be (a minute).
pub fn python() -> Result<PathBuf> {
    let Some(version) = step::first_line(Command::new("python3").arg("--version")) else {
        bail!("the boto3 scripts need Python: install python3 (3.10 or newer) with its module venv");
    };
    let requirements = std::fs::read(REQUIREMENTS).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    folder(
        "python",
        &[requirements, version.clone().into_bytes()],
        |unfinished, place| build(unfinished, place, &version),
    )
}

fn build(unfinished: &Path, place: &Path, version: &str) -> Result<()> {
    let log = unfinished.join("setup.log");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(unfinished);
    step::run(
        &format!("python: making a virtual environment with {version}"),
        &mut venv,
        &log,
    )?;
    let mut pip = Command::new(unfinished.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--requirement",
        REQUIREMENTS,
    ]);
    step::run(
        "python: installing boto3 and moto, up to a minute",
        &mut pip,
        &log,
    )?;
    rename_inside(&unfinished.join("bin"), unfinished, place)
}

/// The scripts in `bin` name their interpreter by its full path, which the renaming of the folder changes.
fn rename_inside(bin: &Path, from: &Path, to: &Path) -> Result<()> {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    for entry in std::fs::read_dir(bin).with_context(|| format!("cannot list {}", bin.display()))? {
        let path = entry.context("cannot list the scripts")?.path();
        if path.is_symlink() {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        if text.contains(from.as_ref()) {
            let renamed = text.replace(from.as_ref(), &to);
            std::fs::write(&path, renamed).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
