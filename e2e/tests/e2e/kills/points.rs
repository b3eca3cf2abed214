//! Kills the controller at its next write, in turn before and after the commit, until one finds nothing left to
//! do.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use elbow_core::key::StackKey;
use elbow_e2e::api_proxy::{ApiProxy, Release, Side};
use elbow_e2e::programs::{ACTOR, Controller};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kills::goal::Goal;
use crate::kills::story::Story;
use crate::rig::{Rig, SETTLED_WITHIN};

/// So long after the goal no write may come: longer than the pause between two polls of target health.
const QUIET: Duration = Duration::from_secs(2);
/// Between two looks for a held write.
const PAUSE: Duration = Duration::from_millis(20);
/// Between two looks for the goal, which ask far more.
const LOOK: Duration = Duration::from_millis(250);

/// Whose writes are held.
#[derive(Clone, Copy)]
pub enum Seam<'a> {
    /// Mutations of the AWS account.
    Aws,
    /// Writes to Kubernetes, by a controller that sits behind this proxy.
    Kubernetes(&'a ApiProxy),
}

/// Where the controller was killed.
#[derive(Default, Clone, Copy)]
pub struct Points {
    pub before: usize,
    pub after: usize,
}

impl Add for Points {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            before: self.before + other.before,
            after: self.after + other.after,
        }
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, after } = self;
        let all = before + after;
        write!(f, "{all} points: {before} before and {after} after the commit")
    }
}

impl Points {
    /// Goes through a story with kills; `goals` are its steps' ends. No controller must be running.
    pub async fn of(rig: &mut Rig, seam: Seam<'_>, story: &Story, goals: &[Goal]) -> Result<Self> {
        let mut points = Self::default();
        for (step, goal) in story.steps.iter().zip(goals) {
            step.act(rig).await?;
            points.drive(rig, seam, step.name, goal, &story.stacks).await?;
        }
        rig.controller.process().kill()?;
        Ok(points)
    }

    /// Prints them; fails if there are none.
    pub fn told(self, what: &str, began: Instant) -> Result<()> {
        println!("{what}: killed at {self}; {} s", began.elapsed().as_secs());
        ensure!(self.before > 0 && self.after > 0, "no point was met");
        Ok(())
    }

    /// Deletes the shared security group, a minute after the last load balancer is gone.
    pub async fn of_the_shared_group(rig: &mut Rig) -> Result<Self> {
        let mut points = Self::default();
        let what = "delete the shared security group";
        points.drive(rig, Seam::Aws, what, &Goal::Empty, &[]).await?;
        rig.controller.process().kill()?;
        Ok(points)
    }

    async fn drive(
        &mut self,
        rig: &mut Rig,
        seam: Seam<'_>,
        step: &str,
        goal: &Goal,
        stacks: &[StackKey],
    ) -> Result<()> {
        let (already, began) = (self.before + self.after, Instant::now());
        let mut side = Side::Before;
        loop {
            seam.hold(rig, side).await?;
            let started = Instant::now();
            rig.controller = Controller::start(&rig.options)?;
            let held = seam.until_held_or(rig, goal, stacks).await;
            let count = self.before + self.after - already;
            let held = held.with_context(|| format!("{step}, {count} points"))?;
            rig.controller.process().kill()?;
            // A held call is cut; the fault is gone with it, or was never met.
            seam.clear(rig).await?;
            let Some(write) = held else {
                let seconds = began.elapsed().as_secs();
                println!("{step}: {count} points, {seconds} s");
                return Ok(());
            };
            let seconds = started.elapsed().as_secs_f32();
            println!("{step}: killed at {write}, {side:?}, after {seconds:.1} s");
            (side, *self) = match side {
                Side::Before => (
                    Side::After,
                    Self {
                        before: self.before + 1,
                        ..*self
                    },
                ),
                Side::After => (
                    Side::Before,
                    Self {
                        after: self.after + 1,
                        ..*self
                    },
                ),
            };
        }
    }
}

impl Seam<'_> {
    /// Holds the next write. Steps run in parallel: whatever comes beside it is not carried out.
    async fn hold(self, rig: &Rig, side: Side) -> Result<()> {
        match self {
            Self::Aws => hold_aws(rig, side, ACTOR).await,
            Self::Kubernetes(proxy) => {
                proxy.hold(1, side);
                Ok(())
            }
        }
    }

    async fn clear(self, rig: &Rig) -> Result<()> {
        match self {
            Self::Aws => clear_aws(rig).await,
            Self::Kubernetes(proxy) => {
                proxy.release(Release::Cut);
                Ok(())
            }
        }
    }

    async fn held(self, rig: &Rig) -> Result<Option<String>> {
        match self {
            Self::Aws => Ok(held_aws(rig).await?.map(|call| operation(&call))),
            Self::Kubernetes(proxy) => {
                let held = proxy.held();
                Ok(held.map(|write| format!("{} {}", write.method, write.path)))
            }
        }
    }

    /// The write that is held, or `None` once the goal is reached and nothing comes any more.
    async fn until_held_or(self, rig: &mut Rig, goal: &Goal, stacks: &[StackKey]) -> Result<Option<String>> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        let (mut reached, mut look): (Option<Instant>, _) = (None, Instant::now() + LOOK);
        let mut missing = Some("the controller was never ready".to_owned());
        while Instant::now() < deadline {
            if let Some(write) = self.held(rig).await? {
                return Ok(Some(write));
            }
            rig.controller.process().check()?;
            if Instant::now() >= look && rig.controller.is_ready().await {
                missing = goal.missing(rig, stacks).await?;
                reached = match missing {
                    None => reached.or_else(|| Some(Instant::now())),
                    Some(_) => None,
                };
                look = Instant::now() + LOOK;
            }
            if reached.is_some_and(|since| since.elapsed() >= QUIET) {
                return Ok(None);
            }
            tokio::time::sleep(PAUSE).await;
        }
        let stacks = rig.controller.stacks().await.unwrap_or_default();
        bail!(
            "not finished: {}; {}",
            missing.unwrap_or_default(),
            stacks["runs"]
        )
    }
}

/// Holds the next mutation of an actor, and its later ones before their commit.
pub async fn hold_aws(rig: &Rig, side: Side, actor: &str) -> Result<()> {
    let kind = match side {
        Side::Before => "hold-before",
        Side::After => "hold-after",
    };
    let fault = |kind: &str, count: Option<u32>| json!({ "operation": "*", "kind": kind, "mutations": true, "actor": actor, "count": count });
    let faults = json!([fault(kind, Some(1)), fault("hold-before", None)]);
    rig.emulator.post("faults", &faults).await?;
    Ok(())
}

pub async fn held_aws(rig: &Rig) -> Result<Option<Value>> {
    let held = rig.emulator.get("held").await?;
    Ok(held["held"].as_array().and_then(|all| all.first()).cloned())
}

pub async fn clear_aws(rig: &Rig) -> Result<()> {
    rig.emulator.post("release", &json!({ "how": "cut" })).await?;
    rig.emulator.delete("faults").await?;
    Ok(())
}

fn operation(call: &Value) -> String {
    call["operation"].as_str().unwrap_or("a call").to_owned()
}
