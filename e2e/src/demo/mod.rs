//! `make demo`: real Services become NLBs and Ingresses ALBs with rules and healthy targets, targets follow their
//! pods, and all of it goes away again.
//!
//! In: `examples/`, the control plane, the emulator, the controller. Out: a story on standard output. It ends
//! well only if every step was seen within its bound.

mod parts;
mod story;

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::control_plane::CONTROLLER;

pub use parts::Parts;
use story::Story;

/// How the demo runs.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// End by itself instead of staying until Ctrl-C.
    pub once: bool,
    /// Divides AWS's delays.
    pub speed: u32,
}

/// Tells the whole story. Ctrl-C ends the pause before the deletion; anywhere else it ends the demo, which
/// then has failed.
pub async fn run(options: Options) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let parts = unless(&mut interrupt, Parts::start(options.speed)).await?;
    print!("{}", parts.table());
    let story = Story::new(&parts);
    unless(&mut interrupt, Box::pin(tell(&story))).await?;
    if !options.once {
        println!(
            "\nEverything stays as it is: look around with the addresses above. Ctrl-C takes it all down."
        );
        interrupt.recv().await;
    }
    unless(&mut interrupt, story.delete()).await?;
    parts.control_plane.check_permissions(CONTROLLER)?;
    println!("\nAll of it was seen.");
    Ok(())
}

async fn tell(story: &Story<'_>) -> Result<()> {
    story.create().await?;
    story.scale_up().await?;
    story.roll().await?;
    story.scale_down().await
}

async fn unless<T>(interrupt: &mut Signal, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        _ = interrupt.recv() => bail!("interrupted before all was seen"),
    }
}
