//! A rolling update loses no healthy target.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use elbow_e2e::gates;
use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::rig::{Rig, SETTLED_WITHIN, Setup, load_balancer};
use crate::shared::run;

const PODS: usize = 20;
/// One pod after the other: registration, two health checks and the gate each.
const ROLLED_WITHIN: std::time::Duration = std::time::Duration::from_mins(6);

#[test]
fn a_rolling_update_never_has_fewer_healthy_targets_than_before() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10, network_registration: 10}";
        let mut rig = Rig::start(
            shared,
            "rolling",
            Setup {
                seed,
                ..Setup::default()
            },
        )
        .await?;
        for (name, target_type) in [("by-ip", "ip"), ("by-instance", "instance")] {
            let mut service = load_balancer(name, "web", target_type);
            service["spec"]["externalTrafficPolicy"] = json!("Cluster");
            shared.create::<Service>(&rig.namespace, service).await?;
        }
        gates::bindings(&shared.client(), &rig.namespace, 2, SETTLED_WITHIN).await?;
        let replicas = i32::try_from(PODS)?;
        let mut deployment = Backend {
            replicas,
            ..Backend::new(&rig.namespace, "web")
        }
        .deployment();
        assert!(
            gates::inject(&shared.client(), &mut deployment).await?,
            "the ip binding makes a gate"
        );
        let deployments: Api<Deployment> = shared.api(&rig.namespace);
        deployments.create(&PostParams::default(), &deployment).await?;
        shared
            .ready_pods_within(&rig.namespace, "web", PODS, ROLLED_WITHIN)
            .await?;
        let old = rig.settled().await?.uids("web");
        let before = history(&rig).await?.len();

        let restarted = json!({ "spec": { "template": { "metadata": { "annotations": { "roll": "1" } } } } });
        deployments
            .patch("web", &PatchParams::default(), &Patch::Merge(restarted))
            .await?;
        wait::until("all pods to be new and ready", ROLLED_WITHIN, async || {
            let sight = rig.look().await?;
            let new = sight.uids("web").is_disjoint(&old);
            Ok((new && sight.count("web") == (PODS, PODS)).then_some(()))
        })
        .await?;
        rig.settled().await?;

        let (moments, poorer) = moments_with_fewer(&history(&rig).await?, before)?;
        println!(
            "rolling update of {PODS} pods: {moments} moments looked at, {} with fewer healthy targets",
            poorer.len()
        );
        assert!(
            moments >= 2 * PODS,
            "every new target changes its state at least twice: {moments}"
        );
        assert!(poorer.is_empty(), "{poorer:#?}");
        Ok(())
    });
}

async fn history(rig: &Rig) -> Result<Vec<Value>> {
    Ok(rig.emulator.get("history").await?["history"]
        .as_array()
        .cloned()
        .unwrap_or_default())
}

/// Replays every state change of a target. Answers how many there were after the first `before`, and those
/// after which a group had fewer healthy targets than after the first `before`.
fn moments_with_fewer(history: &[Value], before: usize) -> Result<(usize, Vec<String>)> {
    let mut healthy: BTreeMap<(String, String), bool> = BTreeMap::new();
    let mut baseline = BTreeMap::new();
    let mut poorer = Vec::new();
    for (at, entry) in history.iter().enumerate() {
        let group = entry["target_group_arn"]
            .as_str()
            .context("an entry names its group")?
            .to_owned();
        let target = format!("{} {}", entry["target_id"], entry["port"]);
        healthy.insert((group.clone(), target), entry["to"] == "healthy");
        let count = healthy
            .iter()
            .filter(|((one, _), healthy)| *one == group && **healthy)
            .count();
        if at < before {
            baseline.insert(group, count);
        } else if baseline.get(&group).is_some_and(|before| count < *before) {
            poorer.push(format!("{count} healthy after {entry}"));
        }
    }
    Ok((history.len() - before, poorer))
}
