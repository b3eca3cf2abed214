//! `elbow plan` against a real API server: what it promises before a controller has run, and that nothing is left
//! when one has.

use anyhow::{Result, ensure};
use elbow_e2e::manifests::Backend;
use k8s_openapi::api::core::v1::Service;

use crate::rig::{Rig, Setup, load_balancer};
use crate::shared::run;

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
        let backend = Backend {
            replicas: 2,
            ..Backend::new(&rig.namespace, "web")
        };
        shared.deploy(&backend).await?;
        shared.ready_pods(&rig.namespace, "web", 2).await?;

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
