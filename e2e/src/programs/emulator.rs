//! `elbow-emulator` as a process, and what its control API says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::Instant;

use super::find;
use crate::http;
use crate::process::Process;

const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// How to start it.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// What is in the account.
    pub seed: PathBuf,
    /// Where addresses of the VPC are dialled (`World::dial_map`); `None`: as they are.
    pub dial_map: Option<String>,
    /// Divides its delays.
    pub speed: u32,
    /// A folder for its log.
    pub folder: PathBuf,
}

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    process: Process,
    endpoint: String,
}

impl Emulator {
    /// Starts it on a free port and waits until it answers.
    pub async fn start(options: &EmulatorOptions) -> Result<Self> {
        Self::start_at(options, 0).await
    }

    /// Starts it on that port of 127.0.0.1 (0: a free one) and waits until it answers.
    pub async fn start_at(options: &EmulatorOptions, port: u16) -> Result<Self> {
        let mut command = Command::new(find("ELBOW_EMULATOR_BIN", "elbow-emulator")?);
        command
            .env_clear()
            .arg(format!("--listen=127.0.0.1:{port}"))
            .args(["--speed", &options.speed.to_string()]);
        command.arg("--seed").arg(&options.seed);
        if let Some(dial_map) = &options.dial_map {
            command.args(["--dial-map", dial_map]);
        }
        let log = unused_log(&options.folder, "emulator");
        let mut process = Process::spawn("elbow-emulator", &mut command, &log)?;
        let endpoint = endpoint(&mut process).await?;
        Ok(Self { process, endpoint })
    }

    /// `http://127.0.0.1:PORT`, for AWS clients.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The process, for signals and logs.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// GET below `/_emulator`, for instance `state`, `calls?since=7`, `history`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}/_emulator/{path}", self.endpoint);
        expect_ok(&url, &http::get(&url).await?)
    }

    /// POST below `/_emulator`, for instance `faults`, `health`, `reset`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/_emulator/{path}", self.endpoint);
        expect_ok(&url, &http::post(&url, body).await?)
    }

    /// DELETE below `/_emulator`, for instance `faults`.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        let url = format!("{}/_emulator/{path}", self.endpoint);
        expect_ok(&url, &http::delete(&url).await?)
    }

    /// Back to the seed: nothing of what was made, told or logged since is left.
    pub async fn reset(&self) -> Result<()> {
        let url = format!("{}/_emulator/reset", self.endpoint);
        expect_ok(&url, &http::form(&url, "").await?).map(drop)
    }

    /// The whole account.
    pub async fn state(&self) -> Result<Value> {
        self.get("state").await
    }
}

fn expect_ok(url: &str, answer: &http::Answer) -> Result<Value> {
    if answer.status != 200 {
        bail!("{url} answered {}: {}", answer.status, answer.body);
    }
    answer.json()
}

/// A log file of that name that no earlier process of the run wrote to.
pub fn unused_log(folder: &Path, name: &str) -> PathBuf {
    let mut number = 1;
    loop {
        let path = folder.join(format!("{name}-{number}.log"));
        if !path.exists() {
            return path;
        }
        number += 1;
    }
}

/// It says where it listens in its first line: `listening on http://127.0.0.1:PORT`.
async fn endpoint(process: &mut Process) -> Result<String> {
    let deadline = Instant::now() + STARTED_WITHIN;
    while Instant::now() < deadline {
        process.check()?;
        let log = std::fs::read_to_string(process.log()).context("cannot read the emulator's log")?;
        let told = log.lines().find_map(|line| line.strip_prefix("listening on "));
        if let (Some(endpoint), true) = (told, log.ends_with('\n')) {
            return Ok(endpoint.trim().to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!(
        "elbow-emulator did not say where it listens within {} s",
        STARTED_WITHIN.as_secs()
    )
}
