//! The promise that nothing is left behind, kept even when this process is killed.
//!
//! In: pids of children (each leads its own process group) and private folders, as they come and go.
//! Out: when this process ends for whatever reason, a shell that was started with the first entry reads the
//! end of its input, ends what is still listed, removes the folders and goes. It runs in a process group of
//! its own, so that a Ctrl-C in the terminal does not reach it.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

/// Reads lines `+p PID`, `-p PID`, `+d FOLDER`, `-d FOLDER`; at the end of input it cleans up.
/// Half a second between TERM and KILL is enough for a program to release its lease.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=
set --
while read -r verb what; do
  case $verb in
    +p) pids="$pids $what" ;;
    -p) left=; for p in $pids; do [ "$p" = "$what" ] || left="$left $p"; done; pids=$left ;;
    +d) set -- "$@" "$what" ;;
    -d) n=$#; while [ "$n" -gt 0 ]; do d=$1; shift; n=$((n-1)); [ "$d" = "$what" ] || set -- "$@" "$d"; done ;;
  esac
done
for p in $pids; do kill -s TERM -- "-$p"; done
[ -z "$pids" ] || sleep 0.5
for p in $pids; do kill -s KILL -- "-$p"; done
for d in "$@"; do rm -rf -- "$d"; done
"#;

static LIFELINE: Mutex<Option<Child>> = Mutex::new(None);

/// Lists the child `pid`, leader of its own process group.
pub fn hold_process(pid: u32) -> Result<()> {
    tell(&format!("+p {pid}\n"))
}

/// Forgets a child that was waited for.
pub fn release_process(pid: u32) {
    // A lifeline that cannot be told any more only means that there is nothing left to guard with.
    let _ = tell(&format!("-p {pid}\n"));
}

/// Lists a folder that belongs to this run alone. The path must not contain a line break.
pub fn hold_folder(folder: &Path) -> Result<()> {
    tell(&format!("+d {}\n", folder.display()))
}

/// Forgets a folder that was removed.
pub fn release_folder(folder: &Path) {
    let _ = tell(&format!("-d {}\n", folder.display()));
}

fn tell(line: &str) -> Result<()> {
    let mut lifeline = lock();
    if lifeline.is_none() {
        *lifeline = Some(start()?);
    }
    let stdin = lifeline.as_mut().and_then(|child| child.stdin.as_mut());
    let stdin = stdin.context("the clean-up shell has no input")?;
    stdin
        .write_all(line.as_bytes())
        .context("the clean-up shell (sh) has ended; is it being killed?")
}

fn lock() -> MutexGuard<'static, Option<Child>> {
    LIFELINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> Result<Child> {
    Command::new("sh")
        .args(["-c", SCRIPT])
        .process_group(0)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start `sh`, which ends the child processes if this one is killed")
}
