//! Two replicas with leader election: the leader dies at a write, or is halted until its lease is lost, and the
//! other one takes over. What is there in the end is the same, and there is one leader at a time.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use elbow_core::key::StackKey;
use elbow_e2e::api_proxy::Side;
use elbow_e2e::programs::{Controller, ControllerOptions};
use elbow_e2e::wait;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::kills::goal::Goal;
use crate::kills::points::{clear_aws, held_aws, hold_aws};
use crate::kills::stage;
use crate::kills::story::Story;
use crate::rig::{Rig, SETTLED_WITHIN, Setup};
use crate::shared::Shared;

/// A leader that could not renew gives up within its deadline of 10 s; the machine may be busy.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// A replica, and the access key id that names it in the log of calls.
struct Replica {
    actor: String,
    controller: Controller,
}

/// Three points; answers how many. `goals` are the ends of the steps of [`Story::services`].
pub async fn three(shared: &'static Shared, goals: &[Goal]) -> Result<usize> {
    let setup = Setup {
        flags: vec!["--enable-leader-election=true".to_owned()],
        ..Setup::default()
    };
    let mut rig = stage(shared, "crash-replicas", setup).await?;
    rig.controller.stop().await?;
    let story = Story::services(&rig.namespace)?;
    let ([create, edit, .., delete], [created, edited, ..]) = (&story.steps[..], goals) else {
        anyhow::bail!("the story has no such steps");
    };
    let leader = Replica::start(&rig, 1).await?;
    let standby = Replica::start(&rig, 2).await?;
    let stacks = &story.stacks;

    hold_aws(&rig, Side::Before, &leader.actor).await?;
    create.act(&rig).await?;
    let leader = taken_over(&rig, Ending::Killed, leader, standby, created, stacks).await?;
    let standby = Replica::start(&rig, 3).await?;

    hold_aws(&rig, Side::After, &leader.actor).await?;
    edit.act(&rig).await?;
    let leader = taken_over(&rig, Ending::Killed, leader, standby, edited, stacks).await?;
    let standby = Replica::start(&rig, 4).await?;

    hold_aws(&rig, Side::Before, &leader.actor).await?;
    delete.act(&rig).await?;
    taken_over(&rig, Ending::Halted, leader, standby, &Goal::Gone, stacks).await?;
    Ok(3)
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
    stacks: &[StackKey],
) -> Result<Replica> {
    let held = wait::until("a held mutation", SETTLED_WITHIN, async || held_aws(rig).await).await?;
    all_held(rig).await?;
    ensure!(held["actor"] == *old.actor, "{} is held", held["actor"]);
    match ending {
        Ending::Killed => drop(old.controller.process().kill()?),
        Ending::Halted => old.controller.process().signal(Signal::SIGSTOP),
    }
    clear_aws(rig).await?;
    let reached = goal.reached(rig, stacks).await;
    reached.context("the other replica did not finish")?;
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
    ensure!(
        goal.missing(rig, stacks).await?.is_none(),
        "the state changed afterwards"
    );
    one_at_a_time(rig, &old.actor, &new.actor).await?;
    println!(
        "{} {ending:?} at {}: {} took over",
        old.actor, held["operation"], new.actor
    );
    Ok(new)
}

/// Waits until whatever was sent beside the held mutation is held, too. Between the look at the lease and the
/// socket there is a moment in which a halted leader could not know that its lease is over; nobody must be in it.
async fn all_held(rig: &Rig) -> Result<()> {
    let pause = Duration::from_millis(500);
    wait::until("the leader to hold still", SETTLED_WITHIN, async || {
        let before = rig.emulator.get("held").await?;
        tokio::time::sleep(pause).await;
        Ok((before == rig.emulator.get("held").await?).then_some(()))
    })
    .await
}

/// No mutation of the old leader came after the first of the new one.
async fn one_at_a_time(rig: &Rig, old: &str, new: &str) -> Result<()> {
    let mut calls = rig.calls_since(0).await?;
    calls.retain(|call| call["mutation"] == true);
    let first = calls.iter().position(|call| call["actor"] == *new);
    let (before, after) = calls.split_at(first.context("the new leader did nothing")?);
    ensure!(
        before.iter().any(|call| call["actor"] == *old),
        "{old} did nothing"
    );
    let late: Vec<&Value> = after.iter().filter(|call| call["actor"] == *old).collect();
    ensure!(late.is_empty(), "{old} wrote after {new} had begun: {late:#?}");
    Ok(())
}
