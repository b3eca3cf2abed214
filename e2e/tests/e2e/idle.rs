//! At rest nothing is asked and nothing is written; a restart reads pages, not stacks.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use elbow_e2e::gates;
use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use crate::rig::{Rig, SETTLED_WITHIN, Setup, load_balancer};
use crate::shared::run;

/// The subnets that these Services lie in; nothing else about them is asked by id.
const DISTINCT_FACTS: usize = 3;

#[test]
fn keys_that_are_enqueued_ten_times_at_rest_cause_no_call_and_no_write() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10, network_registration: 10}";
        let mut rig = Rig::start(
            shared,
            "idle",
            Setup {
                seed,
                ..Setup::default()
            },
        )
        .await?;
        for (name, target_type) in [("by-ip", "ip"), ("by-instance", "instance")] {
            shared
                .create::<Service>(&rig.namespace, load_balancer(name, "web", target_type))
                .await?;
        }
        gates::bindings(&shared.client(), &rig.namespace, 2, SETTLED_WITHIN).await?;
        let mut deployment = Backend {
            replicas: 3,
            ..Backend::new(&rig.namespace, "web")
        }
        .deployment();
        gates::inject(&shared.client(), &mut deployment).await?;
        shared
            .api(&rig.namespace)
            .create(&PostParams::default(), &deployment)
            .await?;
        shared.ready_pods(&rig.namespace, "web", 3).await?;
        rig.settled().await?;
        rig.quiet().await?;

        let (calls, writes) = (rig.last_call().await?, rig.writes()?);
        for _ in 0..10 {
            assert_eq!(rig.controller.enqueue().await?, 202);
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let (more, written) = (rig.calls_since(calls).await?, rig.writes()? - writes);
        assert!(
            more.is_empty(),
            "AWS was called: {:#?}",
            more.iter().map(|call| &call["operation"]).collect::<Vec<_>>()
        );
        assert_eq!(written, 0, "Kubernetes was written to");
        Ok(())
    });
}

#[test]
fn a_restart_writes_nothing_and_reads_no_stack_by_itself() {
    run(async |shared| {
        // The pods' health is not the question here, so checks are as slow as AWS's.
        let seed =
            "delays: {provisioning: 1, network_registration: 1}\nquotas: {network_load_balancers: 300}";
        let flags = vec![
            "--enable-leader-election=true".to_owned(),
            "--aws-api-throttle=Elastic Load Balancing v2:.*=1000:1000,EC2:.*=1000:1000".to_owned(),
        ];
        let mut rig = Rig::start(
            shared,
            "restart",
            Setup {
                speed: 1,
                seed,
                flags,
                ..Setup::default()
            },
        )
        .await?;
        let mut reads = Vec::new();
        for (from, to) in [(0, 50), (50, 200)] {
            for number in from..to {
                let service = load_balancer(&format!("s{number}"), "none", "instance");
                shared.create::<Service>(&rig.namespace, service).await?;
            }
            published(&rig, to).await?;
            rig.quiet().await?;
            let before = rig.last_call().await?;
            rig.restart().await?;
            rig.quiet().await?;
            let calls = rig.calls_since(before).await?;
            let written: Vec<&Value> = calls.iter().filter(|call| call["mutation"] == true).collect();
            assert!(
                written.is_empty(),
                "a restart with {to} stacks wrote to AWS: {written:#?}"
            );
            reads.push((to, by_operation(&calls)));
        }
        for (stacks, reads) in &reads {
            println!(
                "a restart with {stacks} stacks reads {}",
                described(reads, *stacks)
            );
        }
        compare(&reads[0].1, &reads[1].1);
        Ok(())
    });
}

/// Waits until every one of `count` Services has an address.
async fn published(rig: &Rig, count: usize) -> Result<()> {
    let services: Api<Service> = rig.shared.api(&rig.namespace);
    wait::until(
        &format!("{count} addresses"),
        Duration::from_mins(6),
        async || {
            let all = services.list(&ListParams::default()).await?.items;
            let address = |service: &&Service| {
                let status = service.status.as_ref()?.load_balancer.as_ref()?;
                status.ingress.as_ref()?.first()?.hostname.clone()
            };
            let published = all.iter().filter_map(|service| address(&service)).count();
            anyhow::ensure!(published == count, "{published} of {count} have one");
            Ok(Some(()))
        },
    )
    .await
}

fn by_operation(calls: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts
            .entry(call["operation"].as_str().unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    counts
}

/// Pages hold 400 load balancers or target groups, a tag request 20 of them.
fn described(reads: &BTreeMap<String, usize>, stacks: usize) -> String {
    let pages = stacks.div_ceil(400);
    let tag_batches = 2 * stacks.div_ceil(20);
    format!(
        "{reads:?}; pages of load balancers and of target groups: {pages} each, tag batches: {tag_batches}"
    )
}

/// Only what comes in pages or tag batches may grow with the number of stacks.
fn compare(few: &BTreeMap<String, usize>, many: &BTreeMap<String, usize>) {
    for (operation, count) in many {
        let before = few.get(operation).copied().unwrap_or(0);
        match operation.as_str() {
            "DescribeTags" => assert!(*count <= 2 * 200_usize.div_ceil(20) + 2, "{operation}: {count}"),
            "DescribeLoadBalancers" | "DescribeTargetGroups" | "DescribeSecurityGroups" => {
                assert!(*count <= before + 2, "{operation}: {before}, then {count}");
            }
            // Questions about the same few subnets and zones travel in one to three batches, as timing has it.
            _ => assert!(
                *count <= before + DISTINCT_FACTS,
                "{operation} grows with the stacks: {before}, then {count}"
            ),
        }
    }
    assert!(
        !json!(many).as_object().is_none_or(serde_json::Map::is_empty),
        "a restart reads something"
    );
}
