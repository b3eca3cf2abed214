//! Crash layer (ii): the controller is killed at every AWS mutation of a Service's life, before and after it
//! is carried out, and the next one finishes the work.
//!
//! A second run of the same story without a kill says what must be there after each step. Three more points
//! have leader election on ([`crate::takeover`]).

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use elbow_e2e::manifests::Backend;
use elbow_e2e::programs::{ACTOR, Controller};
use elbow_e2e::wait;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::canonical::canonical;
use crate::rig::{Rig, SETTLED_WITHIN, Setup, load_balancer};
use crate::shared::{Shared, run};
use crate::takeover;

/// So long after the goal no mutation may come.
const QUIET: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);
const WITHIN: Duration = Duration::from_mins(5);
const SERVICES: [(&str, &str); 2] = [("by-ip", "ip"), ("by-instance", "instance")];

#[test]
fn killed_at_every_aws_mutation_the_next_controller_finishes_the_same() {
    run(async |shared| {
        let began = Instant::now();
        let mut calm = stage(shared, "crash-calm", Setup::default()).await?;
        let (created, edited) = undisturbed(&mut calm).await?;
        let (created, edited) = (Goal::Holds(created), Goal::Holds(edited));
        // Whoever takes over waits for a lease most of the time: room for the others.
        let (points, takeovers) = tokio::try_join!(
            at_every_mutation(shared, &created, &edited),
            takeover::three(shared, &created, &edited)
        )?;

        println!(
            "killed at {} points: {} before and {} after the commit; {takeovers} with another replica; {} s",
            points.before + points.after,
            points.before,
            points.after,
            began.elapsed().as_secs()
        );
        ensure!(points.before > 0 && points.after > 0, "no point was met");
        ensure!(
            began.elapsed() < WITHIN,
            "it took longer than {} s",
            WITHIN.as_secs()
        );
        Ok(())
    });
}

async fn at_every_mutation(shared: &'static Shared, created: &Goal, edited: &Goal) -> Result<Points> {
    let mut rig = stage(shared, "crash", Setup::default()).await?;
    rig.controller.process().kill()?;
    let mut points = Points::default();

    create(&rig).await?;
    points.drive(&mut rig, "create", created).await?;
    edit(&rig).await?;
    points.drive(&mut rig, "edit", edited).await?;
    delete(&rig).await?;
    points.drive(&mut rig, "delete", &Goal::Empty).await?;
    rig.controller.process().kill()?;
    Ok(points)
}

pub async fn stage(shared: &'static Shared, name: &str, setup: Setup) -> Result<Rig> {
    let setup = Setup {
        speed: 50,
        seed: "delays: {provisioning: 10}",
        ..setup
    };
    let rig = Rig::start(shared, name, setup).await?;
    let healthy = json!({ "target_group": "*", "target": "*", "state": "healthy" });
    rig.emulator.post("health", &healthy).await?;
    let backend = Backend {
        replicas: 2,
        ..Backend::new(name, "web")
    };
    shared.deploy(&backend).await?;
    shared.ready_pods(name, "web", 2).await?;
    Ok(rig)
}

pub async fn create(rig: &Rig) -> Result<()> {
    for (name, target_type) in SERVICES {
        let service = load_balancer(name, "web", target_type);
        rig.shared.create::<Service>(&rig.namespace, service).await?;
    }
    Ok(())
}

/// One more port, an attribute of the load balancer, another health check.
pub async fn edit(rig: &Rig) -> Result<()> {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer";
    let patch = json!({
        "metadata": { "annotations": {
            format!("{prefix}-attributes"): "load_balancing.cross_zone.enabled=true",
            format!("{prefix}-healthcheck-interval"): "10",
        } },
        "spec": { "ports": [
            { "name": "one", "port": 80, "targetPort": 8080 },
            { "name": "two", "port": 8080, "targetPort": 8080 },
        ] },
    });
    let services: Api<Service> = rig.shared.api(&rig.namespace);
    services
        .patch("by-ip", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

pub async fn delete(rig: &Rig) -> Result<()> {
    let services: Api<Service> = rig.shared.api(&rig.namespace);
    for (name, _) in SERVICES {
        services.delete(name, &DeleteParams::default()).await?;
    }
    Ok(())
}

/// The same story without a kill, up to the deletion: what is there after each step.
async fn undisturbed(rig: &mut Rig) -> Result<(String, String)> {
    let active = async |rig: &Rig, listeners: usize| {
        wait::until("active load balancers", SETTLED_WITHIN, async || {
            let account = rig.look().await?.account;
            let elb = account.elb;
            let ready = elb.load_balancers.len() == SERVICES.len()
                && elb.listeners.len() == listeners
                && elb.load_balancers.values().all(|one| one.active);
            Ok(ready.then_some(()))
        })
        .await
    };
    create(rig).await?;
    active(rig, 2).await?;
    rig.settled().await?;
    rig.quiet().await?;
    let created = canonical(&rig.emulator.state().await?, &rig.namespace);
    edit(rig).await?;
    active(rig, 3).await?;
    rig.settled().await?;
    rig.quiet().await?;
    let edited = canonical(&rig.emulator.state().await?, &rig.namespace);
    ensure!(created != edited, "the edit changed nothing");
    rig.controller.process().kill()?;
    Ok((created, edited))
}

/// What must be there in the end.
pub enum Goal {
    /// The canonical account, and every Service with its address.
    Holds(String),
    /// Nothing of ours, and no Service.
    Empty,
}

impl Goal {
    pub async fn missing(&self, rig: &Rig) -> Result<Option<String>> {
        let services: Api<Service> = rig.shared.api(&rig.namespace);
        let services = services.list(&ListParams::default()).await?.items;
        match self {
            Self::Holds(wanted) => {
                let found = canonical(&rig.emulator.state().await?, &rig.namespace);
                if found != *wanted {
                    return Ok(Some(difference(wanted, &found)));
                }
                Ok(rig.look().await?.missing())
            }
            Self::Empty => {
                let account = rig.look().await?.account;
                let ours = |one: &&elbow_e2e::account::SecurityGroup| one.name.starts_with("k8s-");
                let left = [
                    services.len(),
                    account.elb.load_balancers.len(),
                    account.elb.listeners.len(),
                    account.elb.target_groups.len(),
                    account.ec2.security_groups.values().filter(ours).count(),
                ];
                Ok((left != [0; 5]).then(|| {
                    format!("Services, load balancers, listeners, target groups, groups left: {left:?}")
                }))
            }
        }
    }
}

/// The first lines that differ.
fn difference(wanted: &str, found: &str) -> String {
    let pairs = wanted.lines().zip(found.lines());
    let differing = pairs.enumerate().filter(|(_, (wanted, found))| wanted != found);
    let shown: Vec<String> = differing
        .take(5)
        .map(|(at, (wanted, found))| format!("line {at}: wanted {wanted}, found {found}"))
        .collect();
    let (wanted, found) = (wanted.lines().count(), found.lines().count());
    format!("{} ({wanted} and {found} lines)", shown.join("; "))
}

/// Where the controller was killed.
#[derive(Default)]
struct Points {
    before: usize,
    after: usize,
}

impl Points {
    /// Starts controllers and kills each at its next mutation, in turn before and after the commit, until one
    /// finds nothing left to do.
    async fn drive(&mut self, rig: &mut Rig, step: &str, goal: &Goal) -> Result<()> {
        let (before, after) = (self.before, self.after);
        let mut is_after = false;
        loop {
            let kind = if is_after { "hold-after" } else { "hold-before" };
            // Steps run in parallel: whatever comes beside the first mutation is not carried out.
            let faults = json!([hold(kind, Some(1), ACTOR), hold("hold-before", None, ACTOR)]);
            rig.emulator.post("faults", &faults).await?;
            rig.controller = Controller::start(&rig.options)?;
            let held = until_held_or_done(rig, goal)
                .await
                .with_context(|| format!("{step}, {} points", self.before + self.after - before - after))?;
            rig.controller.process().kill()?;
            // A held call is cut; the fault is gone with it, or was never met.
            clear(rig).await?;
            let Some(operation) = held else { break };
            println!("{step}: killed at {operation}, {kind}");
            if is_after {
                self.after += 1;
            } else {
                self.before += 1;
            }
            is_after = !is_after;
        }
        println!("{step}: {} points", self.before + self.after - before - after);
        Ok(())
    }
}

pub fn hold(kind: &str, count: Option<u32>, actor: &str) -> Value {
    json!({ "operation": "*", "kind": kind, "mutations": true, "actor": actor, "count": count })
}

/// The operation that is held, or `None` once the goal is reached and nothing comes any more.
async fn until_held_or_done(rig: &mut Rig, goal: &Goal) -> Result<Option<String>> {
    let deadline = Instant::now() + SETTLED_WITHIN;
    let mut reached: Option<Instant> = None;
    let mut missing = None;
    while Instant::now() < deadline {
        let held = rig.emulator.get("held").await?;
        if let Some(call) = held["held"].as_array().and_then(|all| all.first()) {
            return Ok(Some(operation(call)));
        }
        rig.controller.process().check()?;
        if rig.controller.is_ready().await {
            missing = goal.missing(rig).await?;
            reached = match missing {
                None => reached.or_else(|| Some(Instant::now())),
                Some(_) => None,
            };
        }
        if reached.is_some_and(|since| since.elapsed() >= QUIET) {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
    let stacks = rig.controller.stacks().await.unwrap_or_default();
    bail!(
        "not finished: {}; {}",
        missing.unwrap_or_else(|| "the controller was never ready".to_owned()),
        stacks["runs"]
    )
}

fn operation(call: &Value) -> String {
    call["operation"].as_str().unwrap_or("a call").to_owned()
}

pub async fn clear(rig: &Rig) -> Result<()> {
    rig.emulator.post("release", &json!({ "how": "cut" })).await?;
    rig.emulator.delete("faults").await?;
    Ok(())
}
