//! moto's server as a process: an AWS endpoint that nobody here wrote (`docs/moto.md`), in the pinned version.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::Instant;

use super::emulator::unused_log;
use crate::cache;
use crate::http;
use crate::process::{Process, free_port};

/// It loads its services and lists of images first.
const STARTED_WITHIN: Duration = Duration::from_mins(1);
/// A script asks for a few dozen things; the machine may have others to do.
const SCRIPT_ENDS_WITHIN: Duration = Duration::from_mins(1);
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/boto3");

/// A running server of moto.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    endpoint: String,
    folder: PathBuf,
}

impl Moto {
    /// Starts it on a free port and waits until it answers; its log goes to `folder`.
    pub async fn start(folder: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = python()?;
        // `-P`: the folder of our scripts is called boto3, too.
        command.args([
            "-P",
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        let mut moto = Self {
            process: Process::spawn("moto", &mut command, &unused_log(folder, "moto"))?,
            endpoint: format!("http://127.0.0.1:{port}"),
            folder: folder.to_owned(),
        };
        moto.answers().await?;
        Ok(moto)
    }

    async fn answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + STARTED_WITHIN;
        let url = format!("{}/moto-api/data.json", self.endpoint);
        while http::get(&url).await.is_err() {
            self.process.check()?;
            if Instant::now() >= deadline {
                let (limit, lines) = (STARTED_WITHIN.as_secs(), self.process.last_lines(15));
                bail!("moto did not answer within {limit} s; its last lines:\n{lines}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// `http://127.0.0.1:PORT`, for AWS clients.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many AWS requests it has answered, whoever asked.
    pub fn requests(&self) -> Result<usize> {
        let log = std::fs::read_to_string(self.process.log()).context("cannot read moto's log")?;
        // Refused ones are written in colour.
        Ok(log.lines().filter(|line| line.contains("POST / HTTP/")).count())
    }

    /// Runs a script of `e2e/boto3` against it and answers what that printed.
    pub async fn script(&self, name: &str, file: &Path) -> Result<String> {
        let mut command = python()?;
        command
            .env("CLOUD", "moto")
            .env("EMULATOR_URL", &self.endpoint)
            .args(["-W", "ignore"])
            .arg(Path::new(SCRIPTS).join(name))
            .arg(file);
        let mut script = Process::spawn(name, &mut command, &unused_log(&self.folder, name))?;
        let status = script.wait(SCRIPT_ENDS_WITHIN).await;
        if !status.is_some_and(|status| status.success()) {
            let (limit, lines) = (SCRIPT_ENDS_WITHIN.as_secs(), script.last_lines(15));
            bail!("{name} did not succeed within {limit} s; its last lines:\n{lines}");
        }
        std::fs::read_to_string(script.log()).with_context(|| format!("cannot read the output of {name}"))
    }
}

/// The pinned Python with boto3 and moto, with nothing of the caller's environment.
pub fn python() -> Result<Command> {
    let mut command = Command::new(cache::python()?.join("bin/python"));
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}
