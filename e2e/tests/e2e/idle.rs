//! At rest nothing is asked and nothing is written; a restart reads pages, not stacks.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Result, ensure};
use elbow_e2e::manifests::Backend;
use elbow_e2e::{apply, gates};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{ListParams, PostParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::examples::examples;
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

        enqueued_ten_times(&rig).await
    });
}

#[test]
fn ingresses_that_are_enqueued_ten_times_at_rest_cause_no_call_and_no_write() {
    run(async |shared| {
        let seed = "delays: {provisioning: 10}";
        let mut rig = Rig::start(
            shared,
            "idle-ingresses",
            Setup {
                seed,
                ..Setup::default()
            },
        )
        .await?;
        let objects = examples(&rig.namespace, |file| file.starts_with("ingress"))?;
        apply::apply(&shared.client(), &objects).await?;
        for (app, count) in [("shop", 2), ("api", 1), ("orders", 1), ("reports", 1)] {
            shared.ready_pods(&rig.namespace, app, count).await?;
        }
        rig.settled().await?;
        rig.quiet().await?;
        enqueued_ten_times(&rig).await
    });
}

/// Neither AWS calls nor Kubernetes writes come of it.
async fn enqueued_ten_times(rig: &Rig) -> Result<()> {
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
    let keys = rig.controller.stacks().await?["runs"]
        .as_object()
        .map_or(0, serde_json::Map::len);
    println!("{keys} keys enqueued ten times: 0 AWS calls, 0 Kubernetes writes");
    Ok(())
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
        let setup = Setup {
            speed: 1,
            seed,
            flags,
            ..Setup::default()
        };
        let mut rig = Rig::start(shared, "restart", setup).await?;
        let class = examples(&rig.namespace, |file| file == "ingress-class.yaml")?;
        apply::apply(&shared.client(), &class).await?;
        let mut costs = Vec::new();
        for (services, ingresses) in [(0..50, 0..0), (50..200, 0..0), (0..0, 0..40)] {
            for number in services {
                let service = load_balancer(&format!("s{number}"), "none", "instance");
                shared.create::<Service>(&rig.namespace, service).await?;
            }
            for number in ingresses {
                let ingress = ingress(&format!("i{number}"), "s0");
                shared.create::<Ingress>(&rig.namespace, ingress).await?;
            }
            costs.push(restarted(&mut rig).await?);
        }
        let (first, last) = (&costs[0], &costs[2]);
        ensure!(
            last.groups <= first.groups + 2 && last.facts <= first.facts + DISTINCT_FACTS,
            "reads grow with the stacks: {first}, then {last}"
        );
        Ok(())
    });
}

/// Restarts the controller once every Service and every Ingress has its address. Answers what it read.
async fn restarted(rig: &mut Rig) -> Result<Cost> {
    let (services, ingresses) = published(rig).await?;
    rig.quiet().await?;
    let before = rig.last_call().await?;
    rig.restart().await?;
    rig.quiet().await?;
    let calls = rig.calls_since(before).await?;
    let what = format!("a restart with {services} Services and {ingresses} Ingresses");
    let written: Vec<&Value> = calls.iter().filter(|call| call["mutation"] == true).collect();
    assert!(written.is_empty(), "{what} wrote to AWS: {written:#?}");
    let cost = Cost::of(&calls, services + ingresses);
    println!("{what} reads {cost}");
    Ok(cost)
}

/// Waits until every Service and every Ingress has an address. Answers how many there are.
async fn published(rig: &mut Rig) -> Result<(usize, usize)> {
    let limit = Instant::now() + Duration::from_mins(6);
    loop {
        // Such a look is work for everybody; it must not be what is waited for.
        tokio::time::sleep(Duration::from_secs(1)).await;
        rig.controller.process().check()?;
        let (services, served) = addresses::<Service>(rig).await?;
        let (ingresses, routed) = addresses::<Ingress>(rig).await?;
        if (services, ingresses) == (served, routed) {
            return Ok((services, ingresses));
        }
        ensure!(
            Instant::now() < limit,
            "{served} of {services} Services and {routed} of {ingresses} Ingresses have an address"
        );
    }
}

/// How many objects there are, and how many of them have an address.
async fn addresses<K>(rig: &Rig) -> Result<(usize, usize)>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    let objects: Api<K> = rig.shared.api(&rig.namespace);
    let all = objects.list(&ListParams::default()).await?.items;
    let mut published = 0;
    for one in &all {
        let one = serde_json::to_value(one)?;
        published += usize::from(one["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string());
    }
    Ok((all.len(), published))
}

/// An Ingress with one rule, for the nodes at a Service's NodePort.
fn ingress(name: &str, service: &str) -> Value {
    let backend = json!({ "service": { "name": service, "port": { "number": 80 } } });
    json!({
        "metadata": { "name": name, "annotations": { "alb.ingress.kubernetes.io/scheme": "internal" } },
        "spec": {
            "ingressClassName": "alb",
            "rules": [{
                "host": format!("{name}.example.com"),
                "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] },
            }],
        },
    })
}

/// Load balancers or target groups on one page (DescribeLoadBalancers, `PageSize`).
const PAGE: usize = 400;
/// Resources in one DescribeTags call.
const TAG_BATCH: usize = 20;
/// What is asked about the VPC, once for all stacks.
const FACTS: [&str; 4] = [
    "DescribeAvailabilityZones",
    "DescribeRouteTables",
    "DescribeSubnets",
    "DescribeVpcs",
];
/// Subnets and zones are asked in one to three batches each, as timing has it.
const MOST_FACTS: usize = 12;

/// What a restart reads: a function of pages, tag batches and distinct facts.
struct Cost {
    pages: usize,
    tag_batches: usize,
    groups: usize,
    facts: usize,
}

impl Cost {
    /// Panics if a call is made for one stack.
    fn of(calls: &[Value], stacks: usize) -> Self {
        let named = |operation: &str| -> Vec<&Value> {
            calls
                .iter()
                .filter(|call| call["operation"] == operation)
                .collect()
        };
        let mut cost = Self {
            pages: 0,
            tag_batches: named("DescribeTags").len(),
            groups: named("DescribeSecurityGroups").len(),
            facts: FACTS.iter().map(|operation| named(operation).len()).sum(),
        };
        for operation in ["DescribeLoadBalancers", "DescribeTargetGroups"] {
            let lists = named(operation);
            let whole = lists.iter().all(|call| members(call).is_empty());
            assert!(whole, "{operation} asks for a single one: {lists:#?}");
            assert_eq!(lists.len(), stacks.div_ceil(PAGE), "{operation}");
            cost.pages += lists.len();
        }
        // Each load balancer and each target group once.
        let mut tagged: Vec<&str> = named("DescribeTags").into_iter().flat_map(members).collect();
        tagged.sort_unstable();
        let count = tagged.len();
        tagged.dedup();
        assert_eq!(
            (count, tagged.len()),
            (2 * stacks, 2 * stacks),
            "tags are read once"
        );
        let batches = (2 * stacks).div_ceil(TAG_BATCH)..=2 * stacks.div_ceil(TAG_BATCH);
        assert!(
            batches.contains(&cost.tag_batches),
            "{batches:?} tag batches: {cost}"
        );
        assert!((1..=MOST_FACTS).contains(&cost.facts), "distinct facts: {cost}");
        let counted = cost.pages + cost.tag_batches + cost.groups + cost.facts;
        let operations: BTreeSet<&str> = calls
            .iter()
            .filter_map(|call| call["operation"].as_str())
            .collect();
        assert_eq!(counted, calls.len(), "{operations:?} has reads per stack: {cost}");
        cost
    }
}

/// The ARNs and names a call asks for.
fn members(call: &Value) -> Vec<&str> {
    let parameters = call["parameters"].as_object().into_iter().flatten();
    let listed = parameters.filter(|(name, _)| name.contains(".member."));
    listed.filter_map(|(_, value)| value.as_str()).collect()
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            pages,
            tag_batches,
            groups,
            facts,
        } = self;
        write!(
            f,
            "{pages} pages + {tag_batches} tag batches + {groups} lists of security groups + {facts} facts"
        )
    }
}
