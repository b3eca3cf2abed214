//! `elbow controller` as a process, under a kubeconfig and an AWS endpoint of the harness.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::emulator::unused_log;
use super::{ACTOR, CLUSTER, find};
use crate::control_plane::LEASE_NAMESPACE;
use crate::http;
use crate::process::{Process, free_port};

/// Waiting for a lease that a killed predecessor holds takes up to 15 s; the rest is for a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// After SIGTERM: finish the call under way, release the lease.
const GRACE: Duration = Duration::from_secs(15);

/// How to start it.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// Whom it is in Kubernetes.
    pub kubeconfig: PathBuf,
    /// The AWS endpoint.
    pub endpoint: String,
    /// `us-west-2`.
    pub region: String,
    /// `vpc-...`.
    pub vpc: String,
    /// Further flags.
    pub flags: Vec<String>,
    /// Further environment variables; nothing else of the caller's environment is handed on.
    pub environment: Vec<(String, String)>,
    /// A folder for its log.
    pub folder: PathBuf,
}

/// A running controller.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    health: String,
    debug: String,
    metrics: String,
}

impl Controller {
    /// Starts it on free ports; does not wait.
    pub fn start(options: &ControllerOptions) -> Result<Self> {
        let local = |port: u16| format!("127.0.0.1:{port}");
        let (health, debug, metrics) = (local(free_port()?), local(free_port()?), local(free_port()?));
        let mut command = Command::new(find("ELBOW_BIN", "elbow")?);
        command
            .env_clear()
            .env("AWS_ENDPOINT_URL", &options.endpoint)
            .env("AWS_ACCESS_KEY_ID", ACTOR)
            .env("AWS_SECRET_ACCESS_KEY", "none-is-needed")
            .envs(options.environment.iter().map(|(name, value)| (name, value)))
            .arg("controller")
            .arg(format!("--kubeconfig={}", options.kubeconfig.display()))
            .arg(format!("--cluster-name={CLUSTER}"))
            .arg(format!("--aws-region={}", options.region))
            .arg(format!("--aws-vpc-id={}", options.vpc))
            .arg(format!("--leader-election-namespace={LEASE_NAMESPACE}"))
            .arg(format!("--health-probe-bind-addr={health}"))
            .arg(format!("--metrics-bind-addr={metrics}"))
            .arg(format!("--webhook-bind-port={}", free_port()?))
            .arg(format!("--debug-bind-addr={debug}"))
            .args(&options.flags);
        let log = unused_log(&options.folder, "controller");
        let process = Process::spawn("elbow controller", &mut command, &log)?;
        Ok(Self {
            process,
            health,
            debug,
            metrics,
        })
    }

    /// Waits until `/readyz` answers 200; fails, quoting the log, if the process ends.
    pub async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            self.process.check()?;
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let lines = self.process.last_lines(15);
        bail!(
            "elbow controller was not ready within {} s; its last lines:\n{lines}",
            READY_WITHIN.as_secs()
        )
    }

    /// Whether `/readyz` answers 200 now.
    pub async fn is_ready(&self) -> bool {
        http::get(&format!("http://{}/readyz", self.health))
            .await
            .is_ok_and(|answer| answer.status == 200)
    }

    /// `/debug/stacks`.
    pub async fn stacks(&self) -> Result<Value> {
        http::get(&format!("http://{}/debug/stacks", self.debug))
            .await?
            .json()
    }

    /// Enqueues every key once.
    pub async fn enqueue(&self) -> Result<u16> {
        Ok(
            http::post(&format!("http://{}/debug/enqueue", self.debug), &json!({}))
                .await?
                .status,
        )
    }

    /// Where `/debug/stacks` is.
    pub fn debug_url(&self) -> String {
        format!("http://{}", self.debug)
    }

    /// `/metrics`, Prometheus text.
    pub async fn metrics(&self) -> Result<String> {
        Ok(http::get(&format!("http://{}/metrics", self.metrics)).await?.body)
    }

    /// The process, for signals and logs.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop(GRACE).await
    }
}
