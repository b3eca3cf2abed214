//! Waiting for each program until it does its work; a failure quotes the end of its log.

use std::time::Duration;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::time::Instant;

use crate::http;
use crate::process::Process;

/// Ten times what an idle machine with two cores needs; a build may be running beside.
const LIMIT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);

/// etcd answers its health check.
pub async fn etcd(process: &mut Process, port: u16) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}/health");
    wait(process, async || {
        http::get(&url).await.is_ok_and(|answer| answer.status == 200)
    })
    .await
}

/// kube-apiserver says that all its start-up hooks are through.
pub async fn kube_apiserver(process: &mut Process, client: &Client) -> Result<()> {
    wait(process, async || {
        let Ok(request) = ::http::Request::get("/readyz").body(Vec::new()) else {
            return false;
        };
        client.request_text(request).await.is_ok_and(|text| text == "ok")
    })
    .await
}

/// kube-controller-manager has made the service account without which no pod is admitted.
pub async fn kube_controller_manager(process: &mut Process, client: &Client) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    wait(process, async || {
        accounts
            .get_opt("default")
            .await
            .is_ok_and(|account| account.is_some())
    })
    .await
}

async fn wait(process: &mut Process, is_ready: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        process.check()?;
        if tokio::time::timeout(Duration::from_secs(5), is_ready())
            .await
            .unwrap_or(false)
        {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    let (name, seconds, lines) = (process.name(), LIMIT.as_secs(), process.last_lines(15));
    bail!("{name} was not ready within {seconds} s; its last lines:\n{lines}")
}
