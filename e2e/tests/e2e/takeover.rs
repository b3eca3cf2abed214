//! Two replicas with leader election: the leader dies at a write, or is halted until its lease is lost, and the
//! other one takes over. What is there in the end is the same, and there is one leader at a time.

use std::time::Duration;

use anyhow::{Result, ensure};
use elbow_e2e::programs::{Controller, ControllerOptions};
use elbow_e2e::wait;
use k8s_openapi::api::rbac::v1::PolicyRule;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::kills::{Goal, clear, create, delete, edit, hold, stage};
use crate::rig::{Rig, SETTLED_WITHIN, Setup};
use crate::shared::Shared;

/// A lease of these replicas' own: other tests stand for the usual one.
const LEASE: &str = "takeover";
/// A leader that could not renew gives up within its deadline of 10 s; the machine may be busy.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// A replica, and the access key id that names it in the log of calls.
struct Replica {
    actor: String,
    controller: Controller,
}

/// Three points; answers how many.
pub async fn three(shared: &'static Shared, created: &Goal, edited: &Goal) -> Result<usize> {
    let setup = Setup {
        flags: vec![
            "--enable-leader-election=true".to_owned(),
            format!("--leader-election-id={LEASE}"),
        ],
        rules: with_lease,
        ..Setup::default()
    };
    let mut rig = stage(shared, "crash-replicas", setup).await?;
    rig.controller.stop().await?;
    let leader = Replica::start(&rig, 1).await?;
    let standby = Replica::start(&rig, 2).await?;

    hold_next(&rig, "hold-before", &leader).await?;
    create(&rig).await?;
    let leader = taken_over(&rig, Ending::Killed, leader, standby, created).await?;
    let standby = Replica::start(&rig, 3).await?;

    hold_next(&rig, "hold-after", &leader).await?;
    edit(&rig).await?;
    let leader = taken_over(&rig, Ending::Killed, leader, standby, edited).await?;
    let standby = Replica::start(&rig, 4).await?;

    hold_next(&rig, "hold-before", &leader).await?;
    delete(&rig).await?;
    taken_over(&rig, Ending::Halted, leader, standby, &Goal::Empty).await?;
    Ok(3)
}

/// The role names the lease.
fn with_lease(rules: &mut Vec<PolicyRule>) {
    for rule in rules {
        let leases = rule.resources.iter().flatten().any(|name| name == "leases");
        if leases && let Some(names) = &mut rule.resource_names {
            names.push(LEASE.to_owned());
        }
    }
}

impl Replica {
    /// Starts one more; it is ready, as leader or standby.
    async fn start(rig: &Rig, number: usize) -> Result<Self> {
        let actor = format!("replica-{number}");
        let options = ControllerOptions {
            environment: vec![("AWS_ACCESS_KEY_ID".to_owned(), actor.clone())],
            ..rig.options.clone()
        };
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        Ok(Self { actor, controller })
    }
}

/// Holds the next mutation of a replica; whatever comes beside it is not carried out.
async fn hold_next(rig: &Rig, kind: &str, replica: &Replica) -> Result<()> {
    let faults = json!([
        hold(kind, Some(1), &replica.actor),
        hold("hold-before", None, &replica.actor)
    ]);
    rig.emulator.post("faults", &faults).await?;
    Ok(())
}

/// How a leader ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// SIGKILL.
    Killed,
    /// It is halted (SIGSTOP) until the other one is done, and then goes on.
    Halted,
}

/// Ends the leader at its held mutation, and waits until the other one has reached the goal. Answers the new
/// leader.
async fn taken_over(
    rig: &Rig,
    ending: Ending,
    mut old: Replica,
    new: Replica,
    goal: &Goal,
) -> Result<Replica> {
    let held = wait::until("a held mutation", SETTLED_WITHIN, async || {
        let held = rig.emulator.get("held").await?;
        Ok(held["held"].as_array().and_then(|all| all.first()).cloned())
    })
    .await?;
    ensure!(held["actor"] == *old.actor, "{} is held", held["actor"]);
    match ending {
        Ending::Killed => drop(old.controller.process().kill()?),
        Ending::Halted => old.controller.process().signal(Signal::SIGSTOP),
    }
    clear(rig).await?;
    let reached = wait::until("the other replica to finish", SETTLED_WITHIN, async || match goal
        .missing(rig)
        .await?
    {
        Some(missing) => anyhow::bail!(missing),
        None => Ok(Some(())),
    });
    reached.await?;
    if ending == Ending::Halted {
        old.controller.process().signal(Signal::SIGCONT);
        let ended = old.controller.process().wait(GIVEN_UP_WITHIN).await;
        ensure!(
            ended.is_some_and(|status| !status.success()),
            "{} went on without its lease: {ended:?}\n{}",
            old.actor,
            old.controller.process().last_lines(5)
        );
    }
    rig.quiet().await?;
    ensure!(goal.missing(rig).await?.is_none(), "the state changed afterwards");
    one_at_a_time(rig, &old.actor, &new.actor).await?;
    println!(
        "{} {ending:?} at {}: {} took over",
        old.actor, held["operation"], new.actor
    );
    Ok(new)
}

/// No mutation of the old leader came after the first of the new one.
async fn one_at_a_time(rig: &Rig, old: &str, new: &str) -> Result<()> {
    let calls = rig.calls_since(0).await?;
    let of = |actor: &str| {
        let mut all: Vec<&Value> = calls.iter().filter(|call| call["mutation"] == true).collect();
        all.retain(|call| call["actor"] == actor);
        all.iter()
            .filter_map(|call| call["seq"].as_u64())
            .collect::<Vec<_>>()
    };
    let (last, first) = (of(old).last().copied(), of(new).first().copied());
    ensure!(
        matches!((last, first), (Some(last), Some(first)) if last < first),
        "{old}'s last mutation is number {last:?}, {new}'s first one {first:?}"
    );
    Ok(())
}
