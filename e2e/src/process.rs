//! Child processes: own process group, output into a file, ended by pid.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::time::Instant;

use crate::lifeline;

/// A child that ends with this value, or with this process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` in a process group of its own, without input, both outputs appended to `log`.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log);
        let out = out.with_context(|| format!("cannot write the log {}", log.display()))?;
        let err = out
            .try_clone()
            .context("cannot share the log between both outputs")?;
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name} ({program})"))?;
        let process = Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            ended: None,
        };
        lifeline::hold_process(process.pid())?;
        Ok(process)
    }

    /// What it was called at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is also the id of its group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file with its output.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last `count` lines of its output.
    pub fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(count);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// How it ended, or `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.ended = Some(status);
            lifeline::release_process(self.pid());
        }
        self.ended
    }

    /// Fails, quoting the end of the log, if it has ended.
    pub fn check(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended with {status}; its last lines:\n{}",
                self.name,
                self.last_lines(15)
            ),
        }
    }

    /// Sends `signal` to the process and everything in its group. Nothing happens if it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none()
            && let Ok(pid) = i32::try_from(self.pid())
        {
            // The group may end between the look and the signal; that is what was wanted.
            let _ = killpg(Pid::from_raw(pid), signal);
        }
    }

    /// Sends SIGTERM, waits up to `grace`, then SIGKILL; answers how it ended.
    pub async fn stop(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM);
        if let Some(status) = self.wait(grace).await {
            return Ok(status);
        }
        self.kill()
    }

    /// Waits up to `limit` for it to end by itself.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.ended()
    }

    /// SIGKILL for the whole group, and waits for the process.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended() {
            return Ok(status);
        }
        self.signal(Signal::SIGKILL);
        let status = self
            .child
            .wait()
            .with_context(|| format!("cannot wait for {}", self.name))?;
        self.ended = Some(status);
        lifeline::release_process(self.pid());
        Ok(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to hear of a failure; the lifeline tries again when this process ends.
        let _ = self.kill();
    }
}

/// Below the range from which the system itself takes ports for outgoing connections and Kubernetes NodePorts
/// (<https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html>, `ip_local_port_range`), so that nobody
/// gets one of them by chance between the look and the bind.
const PORTS: std::ops::Range<u16> = 10_240..30_000;

/// A TCP port on 127.0.0.1 that was free a moment ago; none is handed out twice soon. Whoever binds it must be
/// ready to try another.
pub fn free_port() -> Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Two processes begin at different places.
    let start = std::process::id().wrapping_mul(97);
    for _ in PORTS {
        let turn = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let count = u32::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(turn % count)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on 127.0.0.1 in {PORTS:?}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_port_is_free_and_not_given_twice() {
        let (one, two) = (free_port().unwrap(), free_port().unwrap());
        assert_ne!(one, two);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, one)).unwrap();
        assert!(PORTS.contains(&one) && PORTS.contains(&two));
    }
}
