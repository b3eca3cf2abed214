//! `elbow plan`: the controller's pipeline, stopped before apply. Reads AWS and Kubernetes, writes nothing.

use anyhow::{Context, Result};
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::plan::{Outcome, Report, StackReport};

use crate::ask::Wanted;
use crate::aws::{Cx, LeaseGuard, discovery};
use crate::cli::{PlanArgs, PlanOutput};
use crate::cluster::snapshot;
use crate::config::{Config, Process};
use crate::engine::Engine;
use crate::reconcile;
use crate::{assemble, kubernetes};

/// Prints what the controller would do.
pub async fn plan(args: &PlanArgs) -> Result<()> {
    let config = Config::read(&args.flags).map_err(anyhow::Error::msg)?;
    let kube_config = kubernetes::command_config(config.kubeconfig.as_deref()).await?;
    let url = kube_config.cluster_url.to_string();
    let clients = kubernetes::clients(kube_config)?;
    kubernetes::reach(&clients.requests, &url).await?;
    let parts = assemble::Parts {
        client: clients.requests,
        // No mutation is ever sent: the guard is not held.
        lease: LeaseGuard::not_held(),
        namespace: kubernetes::own_namespace(""),
        process: Process::one_shot(),
    };
    let mut engine = assemble::engine(&config, parts).await?;
    engine.planning = true;
    let namespace = engine.settings.scope.namespace.clone();
    let unread = snapshot::fill(
        &clients.watches,
        &engine.stores,
        namespace.as_deref(),
        &config.quic_variable,
    )
    .await
    .map_err(|error| anyhow::anyhow!(kubernetes::chain(&error)))
    .context("cannot list what is in the cluster")?;
    discovery::verify_vpc(&engine.aws).await?;
    engine
        .mirror
        .sweep()
        .await
        .context("cannot list what AWS holds")?;
    let report = Report {
        unread,
        ..report(&engine).await?
    };
    match args.output {
        PlanOutput::Text => print!("{}", report.text()),
        PlanOutput::Stack => print!("{}", report.models()),
    }
    Ok(())
}

/// What would be done: stacks, then the bindings, rules and groups that come after them. The engine's stores and
/// mirror are filled.
pub async fn report(engine: &Engine) -> Result<Report> {
    let mut report = Report::default();
    for key in engine.keys() {
        if let Key::Stack(stack) = key {
            report.stacks.extend(stack_report(engine, stack).await?);
        }
    }
    let context = engine.targets_context();
    let previews = engine.targets.preview(&context, &report.plans()).await;
    Ok(Report {
        bindings: previews.bindings,
        rules: previews.rules,
        backend: previews.backend,
        ..report
    })
}

/// `None` for a stack that is not ours.
async fn stack_report(engine: &Engine, key: StackKey) -> Result<Option<StackReport>> {
    let cx = Cx::new(Lane::Edit, &Key::Stack(key.clone()));
    let (intent, wanted) = reconcile::agreed(engine, &key, &cx).await;
    let outcome = match wanted {
        Wanted::Ignore => return Ok(None),
        Wanted::Wait(reason) => Outcome::Waits(reason),
        Wanted::Sick(problems) => Outcome::Held(problems),
        Wanted::Stack(wanted, warnings) => {
            let (plan, _) = reconcile::planned(engine, &intent, &wanted, &cx).await?;
            match engine.mirror.problems(&key) {
                untagged if untagged.is_empty() => Outcome::Planned {
                    wanted,
                    plan,
                    warnings,
                },
                untagged => Outcome::Held(untagged),
            }
        }
    };
    Ok(Some(StackReport { key, outcome }))
}
