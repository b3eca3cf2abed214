//! Wiring of the controller, in start order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result};
use kube::Api;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::aws::LeaseGuard;
use crate::cli::ControllerArgs;
use crate::cluster::watch::Watches;
use crate::config::{Config, Process};
use crate::engine::Engine;
use crate::ids::Ids;
use crate::lease::{Election, Leadership};
use crate::{assemble, kubernetes, serve, work};

/// Runs the controller until SIGTERM or SIGINT; an error ends the process with exit code 1.
pub async fn controller(args: &ControllerArgs) -> Result<()> {
    let config = Config::read(&args.flags).map_err(anyhow::Error::msg)?;
    let process = Process::read(&args.process).map_err(anyhow::Error::msg)?;
    crate::logging::start(config.debug_log);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "elbow starts");
    let listeners = Listeners::bind(args).await?;
    let kube_config = kubernetes::controller_config(config.kubeconfig.as_deref()).await?;
    let clients = kubernetes::clients(kube_config)?;
    let lease = if process.election.is_some() {
        LeaseGuard::not_held()
    } else {
        LeaseGuard::always()
    };
    let namespace = kubernetes::own_namespace(process.election.as_ref().map_or("", |(ns, _)| ns));
    let parts = assemble::Parts {
        client: clients.requests,
        lease: lease.clone(),
        namespace,
        process: process.clone(),
    };
    let engine = Arc::new(assemble::engine(&config, parts).await?);
    let stop = CancellationToken::new();
    listeners.serve(&engine, &stop);
    let watching = tokio::spawn(watch_cluster(
        engine.clone(),
        clients.watches,
        config.quic_variable.clone(),
    ));
    let ended = lead(engine.clone(), &process, lease, &stop).await;
    stop.cancel();
    watching.abort();
    ended
}

/// The sockets of the process, bound before anything else so that a busy port is known at once.
struct Listeners {
    probes: Option<TcpListener>,
    metrics: Option<TcpListener>,
    debug: Option<TcpListener>,
}

impl Listeners {
    async fn bind(args: &ControllerArgs) -> Result<Self> {
        let debug = args
            .process
            .debug_bind_addr
            .map(|addr| addr.to_string())
            .unwrap_or_default();
        Ok(Self {
            probes: serve::bind("health-probe-bind-addr", &args.process.health_probe_bind_addr).await?,
            metrics: serve::bind("metrics-bind-addr", &args.process.metrics_bind_addr).await?,
            debug: serve::bind("debug-bind-addr", &debug).await?,
        })
    }

    fn serve(self, engine: &Arc<Engine>, stop: &CancellationToken) {
        let routers = [
            (self.probes, serve::probes(engine.clone())),
            (self.metrics, serve::metrics_page(engine.clone())),
            (self.debug, serve::debug(engine.clone())),
        ];
        for (listener, router) in routers {
            if let Some(listener) = listener {
                tokio::spawn(serve::serve(listener, router, stop.clone().cancelled_owned()));
            }
        }
    }
}

/// Watches Kubernetes for ever; until the optional kinds are known nothing is watched.
async fn watch_cluster(engine: Arc<Engine>, client: kube::Client, quic_variable: String) {
    let mut told = None;
    let kinds = loop {
        match kubernetes::kinds(&engine.kube).await {
            Ok(kinds) => break kinds,
            Err(error) => {
                let reason = format!("Kubernetes does not answer: {}", kubernetes::chain(&error));
                tracing::warn!(%reason, "trying again");
                engine.set_not_ready(Some(reason.clone()));
                told = Some(reason);
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            }
        }
    };
    engine.end_not_ready(told.as_deref());
    let waker = {
        let engine = engine.clone();
        Arc::new(move |wakes| engine.wake_many(wakes))
    };
    let watches = Watches {
        client,
        stores: engine.stores.clone(),
        waker,
        settings: engine.settings.clone(),
        quic_variable,
    };
    watches.run(kinds).await;
}

/// Works while this process leads. Ends with an error when the lease is lost.
async fn lead(
    engine: Arc<Engine>,
    process: &Process,
    guard: LeaseGuard,
    stop: &CancellationToken,
) -> Result<()> {
    let (stacks, bindings) = (process.stack_runs, process.binding_runs);
    let Some((namespace, name)) = &process.election else {
        // Nobody can say who worked before: everything is read once.
        engine.records.set_trusted(false);
        tokio::select! {
            error = work::work(engine, stacks, bindings) => return Err(error.into()),
            stopped = stopped() => return stopped,
        }
    };
    let namespace = kubernetes::own_namespace(namespace);
    let (election, mut leadership) = Election::new(
        Api::namespaced(engine.kube.clone(), &namespace),
        name,
        &hostname(),
        engine.clock,
        Ids::random(),
    );
    let identity = election.identity().to_owned();
    let election = tokio::spawn(election.run(stop.clone().cancelled_owned()));
    let follow = follow_lease(leadership.clone(), guard.clone());
    let working = async {
        let foreign = acquired(&mut leadership).await;
        tracing::info!(%identity, foreign, "this process leads");
        engine.records.set_trusted(!foreign);
        work::work(engine.clone(), stacks, bindings).await
    };
    let ended = tokio::select! {
        error = working => Err(error.into()),
        () = follow => Err(anyhow::anyhow!("the lease {name} was lost")),
        stopped = stopped() => stopped,
    };
    engine.leading.store(false, Ordering::Release);
    stop.cancel();
    guard.end();
    election.await.context("leader election ended")?;
    ended
}

/// Keeps the guard of AWS calls in step with the lease; ends when the lease is lost.
async fn follow_lease(mut leadership: watch::Receiver<Leadership>, guard: LeaseGuard) {
    loop {
        let now = *leadership.borrow_and_update();
        match now {
            Leadership::Leading { until, .. } => guard.extend(until),
            Leadership::Standby => guard.end(),
            Leadership::Lost => return,
        }
        if leadership.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn acquired(leadership: &mut watch::Receiver<Leadership>) -> bool {
    loop {
        if let Leadership::Leading { foreign, .. } = *leadership.borrow_and_update() {
            return foreign;
        }
        if leadership.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Ends on SIGTERM or SIGINT; a second signal ends the process at once.
async fn stopped() -> Result<()> {
    let mut term = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
    tracing::info!("elbow stops");
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    });
    Ok(())
}

/// The name of this host, as reported in events and the lease.
pub fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    std::env::var("HOSTNAME")
        .ok()
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| name.trim().to_owned())
}
