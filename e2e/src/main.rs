//! The binary `elbow-e2e`: sets up what tests need, and starts a control plane, shows the demo.
//!
//! In: the command line. Out: for `setup` the path of a folder as the last line of standard output; for
//! `cluster` the path of a kubeconfig. Errors are one sentence on standard error, exit code 1.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use elbow_e2e::cache;
use elbow_e2e::control_plane::ControlPlane;
use elbow_e2e::demo::{self, Options};
use tokio::signal::unix::{SignalKind, signal};

/// Real parts for the tests of Elbow.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds or installs what tests need, if it is not there yet, and prints its folder.
    Setup {
        /// What to set up.
        part: Part,
    },
    /// Shows the main job: Services become NLBs and Ingresses ALBs, targets follow the pods, and all goes again.
    Demo {
        /// End by itself after the last step; exit code 0 only if all was seen.
        #[arg(long, env = "ONCE", value_parser = clap::builder::FalseyValueParser::new())]
        once: bool,
        /// Divides AWS's delays.
        #[arg(long, default_value_t = 10)]
        speed: u32,
    },
    /// Starts a Kubernetes control plane, prints the path of a kubeconfig and stays until Ctrl-C.
    Cluster,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// etcd, kube-apiserver and kube-controller-manager, built with Go.
    ControlPlane,
    /// A virtual environment with boto3 and moto.
    Python,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Verb) -> Result<()> {
    match command {
        Verb::Setup { part } => {
            println!("{}", set_up(*part)?.display());
            Ok(())
        }
        Verb::Cluster => runtime()?.block_on(cluster()),
        Verb::Demo { once, speed } => runtime()?.block_on(show(Options {
            once: *once,
            speed: *speed,
        })),
    }
}

fn set_up(part: Part) -> Result<PathBuf> {
    match part {
        Part::ControlPlane => cache::control_plane(),
        Part::Python => cache::python(),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")
}

async fn cluster() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let stay = async {
        let control_plane = ControlPlane::start().await?;
        eprintln!("Kubernetes API: {}", control_plane.server());
        eprintln!(
            "kubeconfig of the user elbow: {}",
            control_plane.controller_kubeconfig().display()
        );
        eprintln!("kubeconfig of the administrator (Ctrl-C ends the cluster):");
        println!("{}", control_plane.administrator_kubeconfig().display());
        std::future::pending::<Result<()>>().await
    };
    tokio::select! {
        failed = stay => failed,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

async fn show(options: Options) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        done = demo::run(options) => done,
        _ = terminate.recv() => bail!("ended by SIGTERM before all was seen"),
    }
}
