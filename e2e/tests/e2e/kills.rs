//! Crash layer (ii): the demo with a controller that is killed at every write, before and after it is carried
//! out, so that the next one has to finish the work.
//!
//! The same story without a kill says first what must be there after each step. Three more points have leader
//! election on ([`takeover`]).

mod goal;
mod points;
mod story;
mod takeover;

use std::time::Duration;

use anyhow::{Result, ensure};
use elbow_e2e::api_proxy::ApiProxy;
use elbow_e2e::control_plane::client;
use tokio::time::Instant;

use crate::rig::{Rig, Setup};
use crate::shared::{Shared, run};
use points::{Points, Seam};
use story::Story;

const WITHIN: Duration = Duration::from_mins(5);
/// AWS's seconds; [`SPEED`] divides them.
const SEED: &str = "delays: {provisioning: 10, network_registration: 10, application_registration: 5, lingering_interfaces: 10}";
const SPEED: u32 = 100;

#[test]
fn killed_at_every_aws_mutation_of_the_demo_the_next_controller_finishes_the_same() {
    run(async |shared| {
        let began = Instant::now();
        let mut calm = stage(shared, "crash-calm", Setup::default()).await?;
        let goals = Story::services(&calm.namespace)?.calm(&mut calm).await?;
        let mut rig = stage(shared, "crash", Setup::default()).await?;
        rig.controller.process().kill()?;
        let story = Story::services(&rig.namespace)?;
        // Whoever takes over waits for a lease, and the shared security group waits for a minute: most of the
        // time there is room for the others.
        let (points, last, takeovers) = tokio::try_join!(
            Points::of(&mut rig, Seam::Aws, &story, &goals),
            Points::of_the_shared_group(&mut calm),
            takeover::three(shared, &goals)
        )?;

        println!("{takeovers} with another replica");
        (points + last).told("Services", began)?;
        ensure!(
            began.elapsed() < WITHIN,
            "it took longer than {} s",
            WITHIN.as_secs()
        );
        Ok(())
    });
}

#[test]
fn killed_at_every_aws_mutation_of_the_demos_ingresses_the_next_controller_finishes_the_same() {
    run(async |shared| {
        let began = Instant::now();
        let mut rig = stage(shared, "crash-ingresses", Setup::default()).await?;
        let story = Story::ingresses(&rig.namespace)?;
        let goals = story.calm(&mut rig).await?;
        story::reset(&rig).await?;
        let points = Points::of(&mut rig, Seam::Aws, &story, &goals).await?;
        points.told("Ingresses", began)
    });
}

#[test]
fn killed_at_every_kubernetes_write_the_next_controller_finishes_the_same() {
    run(async |shared| {
        let began = Instant::now();
        let mut rig = stage(shared, "crash-writes", Setup::default()).await?;
        let story = Story::one_of_each(&rig.namespace)?;
        let goals = story.calm(&mut rig).await?;
        story::reset(&rig).await?;
        let proxy = ApiProxy::start(client(&rig.options.kubeconfig).await?).await?;
        rig.options.kubeconfig = proxy.write_kubeconfig(&rig.options.folder)?;
        let points = Points::of(&mut rig, Seam::Kubernetes(&proxy), &story, &goals).await?;
        points.told("Kubernetes writes of a Service and an Ingress", began)
    });
}

pub async fn stage(shared: &'static Shared, name: &str, setup: Setup) -> Result<Rig> {
    let setup = Setup {
        speed: SPEED,
        seed: SEED,
        ..setup
    };
    let rig = Rig::start(shared, name, setup).await?;
    story::script_health(&rig).await?;
    Ok(rig)
}
