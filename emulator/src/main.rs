//! `elbow-emulator`: reads what was typed, serves until it is told to end.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use elbow_emulator::{DialMap, Emulator, Options, Seed, Throttle};
use tokio::{net::TcpListener, signal::unix};

/// An AWS endpoint for this machine: ELBv2, EC2, ACM, tagging, STS and instance metadata on one port, any credentials.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address and port to listen on; port 0 takes a free one. The first line of output names it.
    #[arg(long, default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach. Whoever reaches it is let in with any credentials.
    #[arg(long)]
    allow_remote: bool,
    /// What the account holds at the start (YAML); without it a VPC 10.0.0.0/16 in us-west-2 with three zones.
    #[arg(long, value_name = "FILE.yaml")]
    seed: Option<PathBuf>,
    /// Divides all delays: provisioning, health check intervals and time-outs, draining, lingering interfaces.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Where health checks dial addresses of the VPC, for example 10.0.0.0/16=127.16.0.0/16.
    #[arg(long, value_name = "FROM=TO")]
    dial_map: Option<DialMap>,
    /// The instance that the metadata service describes [default: the first one of the seed].
    #[arg(long, value_name = "INSTANCE")]
    imds_instance: Option<String>,
    /// The VPC that the metadata service names when no instance is chosen [default: the first one of the seed].
    #[arg(long, value_name = "VPC", conflicts_with = "imds_instance")]
    imds_vpc: Option<String>,
    /// Limit the rate of calls: `aws` keeps token buckets of the size that AWS documents.
    #[arg(long, value_enum, default_value_t)]
    throttle: Throttle,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed: &f64| speed.is_finite() && *speed > 0.0 && *speed <= 10_000.0);
    speed
        .ok_or_else(|| format!("'{text}' is no speed; give a number above 0 and up to 10000, for example 10"))
}

fn main() -> std::process::ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("elbow-emulator: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    if !arguments.listen.ip().is_loopback() && !arguments.allow_remote {
        bail!(
            "--listen is '{}', which other machines can reach; give a loopback address such as 127.0.0.1:4566, or add \
             --allow-remote",
            arguments.listen
        );
    }
    let seed = arguments
        .seed
        .as_deref()
        .map(Seed::read)
        .transpose()?
        .unwrap_or_default();
    if let Some(id) = arguments
        .imds_instance
        .as_ref()
        .filter(|id| seed.world().ec2.instance(id).is_none())
    {
        bail!("--imds-instance is '{id}'; name an instance of the seed");
    }
    if let Some(id) = arguments
        .imds_vpc
        .as_ref()
        .filter(|id| seed.world().ec2.vpc(id).is_none())
    {
        bail!("--imds-vpc is '{id}'; name a VPC of the seed");
    }
    let options = Options {
        speed: arguments.speed,
        dial_map: arguments.dial_map,
        metadata_instance: arguments.imds_instance,
        metadata_vpc: arguments.imds_vpc,
        start: None,
        throttle: arguments.throttle,
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(serve(arguments.listen, seed, options))
}

async fn serve(listen: SocketAddr, seed: Seed, options: Options) -> anyhow::Result<()> {
    let mut terminate = unix::signal(unix::SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = unix::signal(unix::SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; choose another address with --listen, or port 0 for a free one")
    })?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::select! {
        () = Emulator::new(seed, options).serve(listener) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
