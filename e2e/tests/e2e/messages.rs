//! What cannot work is said in one sentence on standard error; what may work later is waited for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use elbow_e2e::process::free_port;
use elbow_e2e::programs::{Controller, ControllerOptions, Emulator, EmulatorOptions, find};
use elbow_e2e::world::SEED;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::shared::{Shared, run};

const SPEED: u32 = 50;
/// A command that fails has said so by then.
const ENDED_WITHIN: Duration = Duration::from_mins(1);
const NO_AWS: &[&str] = &[
    "cannot look up the VPC",
    "DescribeVpcs",
    "no answer from the endpoint",
];
/// So long a controller without an endpoint is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// Runs `elbow` to its end; answers its exit code and what it wrote to standard error.
async fn elbow(arguments: &[String], endpoint: &str) -> Result<(Option<i32>, String)> {
    let mut command = Command::new(find("ELBOW_BIN", "elbow")?);
    command
        .env_clear()
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "elbow")
        .env("AWS_SECRET_ACCESS_KEY", "none-is-needed")
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(ENDED_WITHIN, command.output())
        .await
        .with_context(|| format!("elbow {} did not end", arguments.join(" ")))??;
    Ok((
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// Expects exit code 1 and one sentence with all of `words` as the last thing on standard error: the sentence.
async fn refuses(arguments: &[String], endpoint: &str, words: &[&str]) -> Result<String> {
    let (code, text) = elbow(arguments, endpoint).await?;
    let said: Vec<&str> = text.lines().filter(|line| !line.starts_with('{')).collect();
    println!("elbow {}: exit code {code:?}: {}", arguments[0], said.join(" | "));
    ensure!(code == Some(1), "exit code {code:?}: {text}");
    ensure!(said.len() == 1, "not one sentence: {text}");
    for word in words {
        ensure!(said[0].contains(word), "no {word:?} in: {}", said[0]);
    }
    ensure!(!text.contains("panicked"), "{text}");
    Ok(said[0].to_owned())
}

fn plan(shared: &Shared, kubeconfig: &str, vpc: &str) -> Vec<String> {
    [
        "plan",
        &format!("--kubeconfig={kubeconfig}"),
        "--cluster-name=elbow-e2e",
        &format!("--aws-region={}", shared.world.region()),
        &format!("--aws-vpc-id={vpc}"),
        "--watch-namespace=messages",
        "--aws-max-retries=2",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn what_cannot_work_ends_with_one_sentence_and_exit_code_1() {
    run(async |shared| {
        let emulator = Emulator::start(&aws(shared)).await?;
        let endpoint = emulator.endpoint();
        let kubeconfig = user(shared, "messages").await?;
        let elsewhere = elsewhere(shared, &kubeconfig, free_port()?)?
            .display()
            .to_string();
        let kubeconfig = kubeconfig.display().to_string();
        let vpc = shared.world.vpc();
        let nowhere = format!("http://127.0.0.1:{}", free_port()?);

        let mut bad = plan(shared, &kubeconfig, vpc);
        bad.push("--nonsense".to_owned());
        refuses(&bad, endpoint, &["--nonsense"]).await?;
        let mut bad = plan(shared, &kubeconfig, vpc);
        bad.push("--default-target-type=none".to_owned());
        refuses(&bad, endpoint, &["--default-target-type", "none", "ip"]).await?;
        refuses(&plan(shared, &kubeconfig, "vpc-none"), endpoint, &["vpc-none"]).await?;
        let controller = [
            "controller",
            "--metrics-bind-addr=0",
            "--health-probe-bind-addr=0",
            "--enable-leader-election=false",
        ];
        let with = |arguments: &[String]| {
            let mut all: Vec<String> = controller.map(str::to_owned).to_vec();
            all.extend(arguments[1..].iter().cloned());
            all
        };
        refuses(
            &with(&plan(shared, &kubeconfig, "vpc-none")),
            endpoint,
            &["vpc-none"],
        )
        .await?;
        let mut without = plan(shared, "", vpc);
        refuses(&without, endpoint, &["no kubeconfig", "set KUBECONFIG"]).await?;
        let said = refuses(&with(&without), endpoint, &["no kubeconfig", "--kubeconfig"]).await?;
        ensure!(
            !said.contains("KUBECONFIG"),
            "the controller does not look at it: {said}"
        );
        without = plan(shared, "/nowhere/kubeconfig", vpc);
        refuses(&without, endpoint, &["/nowhere/kubeconfig"]).await?;
        refuses(&plan(shared, &kubeconfig, vpc), &nowhere, NO_AWS).await?;
        refuses(&plan(shared, &elsewhere, vpc), endpoint, &["Kubernetes"]).await?;
        let (code, text) = elbow(&plan(shared, &kubeconfig, vpc), endpoint).await?;
        ensure!(code == Some(0), "with nothing wrong it works: {text}");
        Ok(())
    });
}

#[test]
fn a_controller_waits_for_an_aws_endpoint_that_comes_later() {
    run(async |shared| {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let kubeconfig = user(shared, "later-aws").await?;
        let mut controller = Controller::start(&options(shared, kubeconfig, &endpoint))?;
        stays_unready(&mut controller).await?;
        let _emulator = Emulator::start_at(&aws(shared), port).await?;
        controller.ready().await
    });
}

#[test]
fn a_controller_waits_for_a_kubernetes_api_that_comes_later() {
    run(async |shared| {
        let port = free_port()?;
        let emulator = Emulator::start(&aws(shared)).await?;
        let kubeconfig = elsewhere(shared, &user(shared, "later-kubernetes").await?, port)?;
        let mut controller = Controller::start(&options(shared, kubeconfig, emulator.endpoint()))?;
        stays_unready(&mut controller).await?;
        let to = shared
            .control_plane
            .server()
            .trim_start_matches("https://")
            .to_owned();
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let forward = tokio::spawn(forward(listener, to));
        let ready = controller.ready().await;
        forward.abort();
        ready
    });
}

/// It neither ends nor says that it is ready.
async fn stays_unready(controller: &mut Controller) -> Result<()> {
    let until = tokio::time::Instant::now() + WATCHED;
    while tokio::time::Instant::now() < until {
        controller.process().check()?;
        ensure!(!controller.is_ready().await, "ready without an endpoint");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// A user of its own with the controller's roles.
async fn user(shared: &Shared, name: &str) -> Result<PathBuf> {
    shared.control_plane.user(&format!("elbow-{name}"), |_| {}).await
}

/// How to start a controller that has nothing to do: it watches a namespace that is not there.
fn options(shared: &Shared, kubeconfig: PathBuf, endpoint: &str) -> ControllerOptions {
    ControllerOptions {
        kubeconfig,
        endpoint: endpoint.to_owned(),
        region: shared.world.region().to_owned(),
        vpc: shared.world.vpc().to_owned(),
        flags: vec![
            "--watch-namespace=messages".to_owned(),
            "--enable-leader-election=false".to_owned(),
        ],
        environment: Vec::new(),
        folder: shared.control_plane.folder().to_owned(),
    }
}

fn aws(shared: &Shared) -> EmulatorOptions {
    EmulatorOptions {
        seed: SEED.into(),
        dial_map: None,
        speed: SPEED,
        folder: shared.control_plane.folder().to_owned(),
    }
}

/// A kubeconfig with the server at another port.
fn elsewhere(shared: &Shared, kubeconfig: &Path, port: u16) -> Result<PathBuf> {
    let text = std::fs::read_to_string(kubeconfig)?;
    let path = kubeconfig.with_extension("elsewhere");
    let there = format!("https://127.0.0.1:{port}");
    std::fs::write(&path, text.replace(shared.control_plane.server(), &there))?;
    Ok(path)
}

async fn forward(listener: TcpListener, to: String) {
    while let Ok((mut inbound, _)) = listener.accept().await {
        let to = to.clone();
        tokio::spawn(async move {
            if let Ok(mut outbound) = TcpStream::connect(&to).await {
                let _ = tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await;
            }
        });
    }
}
