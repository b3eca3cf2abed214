//! One long command of a set-up: its output in a file, its progress on standard error.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;

/// How often a waiting person is told that work goes on.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// Runs `command` to its end with its output in `log`. Says what is done (`title`), and every 15 s for how
/// long already. A failure quotes the last lines of the log.
pub fn run(title: &str, command: &mut Command, log: &Path) -> Result<()> {
    eprintln!("{title} ...");
    let out = File::options().create(true).append(true).open(log);
    let out = out.with_context(|| format!("cannot write the log {}", log.display()))?;
    let err = out
        .try_clone()
        .context("cannot share the log between both outputs")?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let began = Instant::now();
    let mut told = began;
    let status = loop {
        if let Some(status) = child
            .try_wait()
            .with_context(|| format!("cannot wait for {program}"))?
        {
            break status;
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!("{title}: {} so far", minutes(began.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        bail!(
            "{title}: {program} ended with {status}; its last lines:\n{}",
            last_lines(log)
        );
    }
    eprintln!("{title}: done in {}", minutes(began.elapsed()));
    Ok(())
}

/// The first line of what `command` prints, or `None` if it cannot be run.
pub fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(15)..)
        .unwrap_or_default()
        .join("\n")
}
