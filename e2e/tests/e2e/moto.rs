//! The real controller against moto, an AWS that nobody here wrote: the examples are created, rest, survive a
//! restart, are edited and deleted, and after each step moto shows exactly what is written in `moto/*.yaml`.
//!
//! What moto cannot do (`docs/moto.md`) is left out by name ([`EXCLUDED`]).

mod parts;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use elbow_e2e::control_plane::CONTROLLER;
use elbow_e2e::{apply, wait};
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::moto::parts::Parts;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
const GAPS: &str = include_str!("../../../docs/moto.md");
/// What is not asked of moto, with the gap that is why.
const EXCLUDED: [(&str, &str); 6] = [
    (
        "a change of a UDP, TCP_UDP or TLS listener; one is created and deleted",
        "elb-modify-listener",
    ),
    (
        "a node port that changes, where old and new are two ports of one node",
        "targets-by-id",
    ),
    (
        "a path in front of others, and Ingresses of a group that change places",
        "rule-priorities",
    ),
    (
        "readiness gates, draining, pods that are rolled under load",
        "target-health",
    ),
    (
        "deletion protection, and security groups that are in use",
        "no-dependencies",
    ),
    ("rewrites of hosts and paths", "rule-transforms"),
];
/// Most of it is the minute for which the controller keeps a backend security group that nobody wants.
const SETTLED_WITHIN: Duration = Duration::from_mins(3);
/// The controller is at rest when nothing was asked for so long.
const QUIET: Duration = Duration::from_secs(1);

/// The scripts fail once moto has learnt what they mark.
#[test]
fn every_exclusion_names_a_gap_that_is_documented_and_that_a_script_proves() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/boto3");
    let files = std::fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let scripts: String = files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .collect();
    for (what, gap) in EXCLUDED {
        assert!(
            GAPS.contains(&format!("\n| `{gap}` |")),
            "docs/moto.md has no gap {gap}: {what}"
        );
        assert!(
            scripts.contains(&format!("gap(\"{gap}\"")),
            "no script in e2e/boto3 marks {gap}: {what}"
        );
    }
}

#[test]
fn the_controller_does_its_job_on_moto_but_for_its_documented_gaps() {
    for (what, gap) in EXCLUDED {
        println!("left out: {what} ({gap})");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(Box::pin(story()))
        .unwrap_or_else(|error| panic!("{error:#}"));
}

async fn story() -> Result<()> {
    let mut parts = Parts::start().await?;
    let (began, client) = (Instant::now(), parts.control_plane.administrator());
    let before = parts.snapshot().await?;
    let mut objects = apply::read_folder(Path::new(EXAMPLES))?;
    apply::apply(&client, &objects).await?;
    parts.shows("created", include_str!("moto/created.yaml")).await?;
    rests(&parts).await?;
    refused(&parts).await?;
    parts.restart().await?;
    adopts(&parts).await?;
    edit(&mut objects)?;
    apply::apply(&client, &objects).await?;
    parts.shows("edited", include_str!("moto/edited.yaml")).await?;
    rests(&parts).await?;
    apply::delete(&client, &objects).await?;
    parts.shows("left", &before).await?;
    refused(&parts).await?;
    println!(
        "{} objects of the examples on moto: {} AWS requests, none refused, {:.1} s",
        objects.len(),
        parts.moto.requests()?,
        began.elapsed().as_secs_f32()
    );
    Ok(())
}

/// Everything that the controller asked had an answer that it could use.
async fn refused(parts: &Parts) -> Result<()> {
    parts.control_plane.check_permissions(CONTROLLER)?;
    let refused = parts.calls(|call| !call.succeeded()).await?;
    ensure!(refused.is_empty(), "moto refused {refused:?}");
    Ok(())
}

/// Ports and paths behind those that are there (shorter paths come after longer ones), and attributes.
fn edit(objects: &mut [DynamicObject]) -> Result<()> {
    let port = json!({ "name": "other", "port": 81, "targetPort": "http" });
    for name in ["cluster", "ip"] {
        push(find(objects, "Service", name)?, "/spec/ports", port.clone())?;
    }
    let reports = find(objects, "Ingress", "reports")?;
    push(reports, "/spec/rules/0/http/paths", path("/all", "reports"))?;
    let web = find(objects, "Ingress", "web")?;
    push(web, "/spec/rules/1/http/paths", path("/v", "api"))?;
    for (kind, value) in [
        ("load-balancer-attributes", "idle_timeout.timeout_seconds=120"),
        (
            "target-group-attributes",
            "deregistration_delay.timeout_seconds=30",
        ),
    ] {
        let name = format!("alb.ingress.kubernetes.io/{kind}");
        web.annotations_mut().insert(name, value.to_owned());
    }
    Ok(())
}

fn path(path: &str, service: &str) -> Value {
    let backend = json!({ "service": { "name": service, "port": { "name": "http" } } });
    json!({ "path": path, "pathType": "Prefix", "backend": backend })
}

fn find<'a>(objects: &'a mut [DynamicObject], kind: &str, name: &str) -> Result<&'a mut DynamicObject> {
    let found = objects
        .iter_mut()
        .find(|one| apply::kind(one) == kind && one.name_any() == name);
    found.with_context(|| format!("the examples have no {kind} {name}"))
}

fn push(object: &mut DynamicObject, place: &str, item: Value) -> Result<()> {
    let items = object.data.pointer_mut(place).and_then(Value::as_array_mut);
    items.with_context(|| format!("no list {place}"))?.push(item);
    Ok(())
}

/// No key that is looked at again asks AWS anything or writes anything.
async fn rests(parts: &Parts) -> Result<()> {
    quiet(parts).await?;
    let before = parts.acts()?;
    for _ in 0..3 {
        ensure!(parts.controller.enqueue().await? == 202, "/debug/enqueue");
        tokio::time::sleep(QUIET).await;
    }
    let after = parts.acts()?;
    ensure!(
        before == after,
        "at rest there were {before:?} AWS requests and Kubernetes writes, now there are {after:?}"
    );
    Ok(())
}

async fn quiet(parts: &Parts) -> Result<()> {
    wait::until("the controller to be idle", SETTLED_WITHIN, async || {
        let before = parts.acts()?;
        tokio::time::sleep(QUIET).await;
        Ok((before == parts.acts()?).then_some(()))
    })
    .await
}

/// The new process only reads, and reads all kinds.
async fn adopts(parts: &Parts) -> Result<()> {
    quiet(parts).await?;
    let asked: BTreeSet<String> = parts.calls(|_| true).await?.into_iter().collect();
    let written: Vec<&String> = asked
        .iter()
        .filter(|name| {
            !["Describe", "Get", "List"]
                .iter()
                .any(|verb| name.starts_with(verb))
        })
        .collect();
    ensure!(
        written.is_empty(),
        "after a restart the controller wrote {written:?}"
    );
    ensure!(!asked.is_empty(), "after a restart the controller asked nothing");
    Ok(())
}
