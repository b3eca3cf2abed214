//! `elbow plan` against a real API server: what it promises before a controller has run, and that nothing is left
//! when one has.

use std::time::Duration;

use anyhow::{Result, ensure};
use elbow_e2e::process::free_port;
use elbow_e2e::programs::{Emulator, EmulatorOptions, find};
use elbow_e2e::world::SEED;
use k8s_openapi::api::core::v1::Service;
use serde_json::Value;
use tokio::process::Command;

use crate::rig::{Rig, Setup, load_balancer};
use crate::shared::run;

/// A plan reads some pages; the machine may be busy.
const ENDED_WITHIN: Duration = Duration::from_mins(1);

#[test]
fn a_plan_lists_group_rules_before_the_controller_runs_and_nothing_at_rest() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10, network_registration: 10}";
        let setup = Setup {
            seed,
            ..Setup::default()
        };
        let mut rig = Rig::start(shared, "plan", setup).await?;
        rig.controller.stop().await?;
        for (name, target_type) in [("by-ip", "ip"), ("by-instance", "instance")] {
            let service = load_balancer(name, "web", target_type);
            shared.create::<Service>(&rig.namespace, service).await?;
        }
        shared.deploy_two(&rig.namespace, "web").await?;

        let (before, writes) = (rig.last_call().await?, rig.writes()?);
        let text = rig.plan(&[]).await?;
        for part in [
            "  create  security group k8s-traffic-elbowe2e-",
            "stack/service:plan/by-ip\n",
            "  register   i-",
            "group-rules/vpc-",
            "  authorise tcp 8080-",
            " from (k8s-traffic-elbowe2e-",
            "  1 to authorise, 0 to revoke\n",
        ] {
            ensure!(text.contains(part), "no {part:?} in\n{text}");
        }
        let calls = rig.calls_since(before).await?;
        ensure!(
            calls.iter().all(|call| call["mutation"] == false),
            "a plan wrote to AWS"
        );
        ensure!(rig.writes()? == writes, "a plan wrote to Kubernetes");

        rig.restart_stopped().await?;
        rig.settled().await?;
        rig.quiet().await?;
        at_rest(&rig.plan(&[]).await?)?;
        rig.controller.stop().await?;
        at_rest(&rig.plan(&[]).await?)
    });
}

#[test]
fn manifests_are_planned_without_a_cluster_and_a_broken_one_is_told() {
    run(async |shared| {
        let folder = shared.control_plane.folder().join("manifests");
        std::fs::create_dir(&folder)?;
        let emulator = Emulator::start(&EmulatorOptions {
            seed: SEED.into(),
            dial_map: None,
            speed: 10,
            folder: folder.clone(),
        })
        .await?;
        let nowhere = format!("http://127.0.0.1:{}", free_port()?);
        let plan = async |endpoint: &str, more: &[&str]| {
            let mut command = Command::new(find("ELBOW_BIN", "elbow")?);
            command
                .env_clear()
                .env("AWS_ENDPOINT_URL", endpoint)
                .env("AWS_ACCESS_KEY_ID", "planner")
                .env("AWS_SECRET_ACCESS_KEY", "none-is-needed")
                .args(["plan", "--cluster-name=elbow-e2e", "--aws-max-retries=2"])
                .arg(format!("--aws-region={}", shared.world.region()))
                .arg(format!("--aws-vpc-id={}", shared.world.vpc()))
                .args(more)
                .kill_on_drop(true);
            let ended = tokio::time::timeout(ENDED_WITHIN, command.output()).await??;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            anyhow::Ok((ended.status.code(), text(ended.stdout), text(ended.stderr)))
        };
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
        let (code, printed, said) = plan(emulator.endpoint(), &["-f", examples, "-o", "json"]).await?;
        ensure!(code == Some(0), "exit code {code:?}: {said}");
        let document: Value = serde_json::from_str(&printed)?;
        let stacks = document["stacks"].as_array().map_or(0, Vec::len);
        ensure!(
            stacks == 6,
            "four Services, an Ingress and a group: {stacks} in {printed}"
        );
        ensure!(printed.contains("(known after apply)"), "{printed}");
        let note = document["notes"][0].as_str().unwrap_or_default();
        ensure!(note.starts_with("planned without a cluster: "), "{note}");
        let calls = emulator.get("calls").await?;
        let mutations = calls["calls"].as_array().into_iter().flatten();
        ensure!(mutations.clone().count() > 0, "AWS was asked");
        ensure!(
            mutations.clone().all(|call| call["mutation"] == false),
            "a plan wrote to AWS"
        );

        let file = folder.join("broken.yaml");
        std::fs::write(
            &file,
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\n\
             metadata: {name: web, namespace: a}\nspec: {ports: [{port: http}]}\n",
        )?;
        let broken = file.display().to_string();
        let (code, printed, said) = plan(emulator.endpoint(), &["-f", &broken]).await?;
        println!("elbow plan -f broken.yaml: exit code {code:?}: {said}");
        ensure!(
            code == Some(1) && printed.is_empty(),
            "exit code {code:?}: {printed}"
        );
        let expected = format!("elbow: {broken}: document 2: Service a/web: spec.ports[0].port: ");
        ensure!(said.starts_with(&expected) && said.lines().count() == 1, "{said}");
        let (code, _, said) = plan(&nowhere, &["-f", examples]).await?;
        println!("elbow plan -f without AWS: exit code {code:?}: {said}");
        ensure!(
            code == Some(1) && said.lines().count() == 1,
            "exit code {code:?}: {said}"
        );
        ensure!(said.contains("no answer from the endpoint"), "{said}");
        Ok(())
    });
}

/// Every part of the text says that nothing changes.
fn at_rest(text: &str) -> Result<()> {
    let (parts, rests): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| !line.starts_with(' '));
    ensure!(
        rests.iter().all(|line| *line == "  no changes"),
        "not at rest:\n{text}"
    );
    // Two stacks, two bindings, the nodes' security group, the shared group.
    ensure!(
        parts.len() == rests.len() && parts.len() >= 6,
        "parts are missing:\n{text}"
    );
    Ok(())
}
