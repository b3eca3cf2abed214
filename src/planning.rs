//! `elbow plan`: the controller's pipeline, stopped before apply. Reads AWS and Kubernetes, writes nothing.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use elbow_core::build;
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::plan::render_text;
use elbow_crds::problem::Problem;

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
    snapshot::fill(
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
    print!("{}", pages(&engine, args.output).await?);
    Ok(())
}

/// What would be done, stack by stack and then binding by binding. The engine's stores and mirror are filled.
pub async fn pages(engine: &Engine, output: PlanOutput) -> Result<String> {
    let mut page = String::new();
    let keys = engine.keys();
    for key in &keys {
        if let Key::Stack(stack) = key {
            page.push_str(&page_of(engine, stack, output).await?);
        }
    }
    if output == PlanOutput::Stack {
        return Ok(page);
    }
    let context = engine.targets_context();
    for key in &keys {
        let cx = Cx::new(Lane::Targets, key);
        if let Some(preview) = engine.targets.preview(&context, key, &cx).await {
            page.push_str(&preview.to_string());
        }
    }
    if page.is_empty() {
        page.push_str("no changes: no Service, Ingress or TargetGroupBinding of this cluster is ours\n");
    }
    Ok(page)
}

async fn page_of(engine: &Engine, key: &StackKey, output: PlanOutput) -> Result<String> {
    let cx = Cx::new(Lane::Edit, &Key::Stack(key.clone()));
    let (intent, wanted) = reconcile::agreed(engine, key, &cx).await;
    let mut page = String::new();
    match wanted {
        Wanted::Ignore => {}
        Wanted::Wait(reason) => writeln!(page, "{key}: cannot be planned now: {reason}")?,
        Wanted::Sick(problems) => obstacles(&mut page, key, &problems)?,
        Wanted::Stack(wanted, _) if output == PlanOutput::Stack => {
            writeln!(page, "{}", build::stack_text(&wanted))?;
        }
        Wanted::Stack(wanted, warnings) => {
            let (plan, _) = reconcile::planned(engine, &intent, &wanted, &cx).await?;
            let untagged = engine.mirror.problems(key);
            if !untagged.is_empty() {
                obstacles(&mut page, key, &untagged)?;
                return Ok(page);
            }
            page.push_str(&render_text(&plan));
            for warning in warnings {
                writeln!(page, "  warning: {warning}")?;
            }
        }
    }
    Ok(page)
}

fn obstacles(page: &mut String, key: &StackKey, problems: &[Problem]) -> std::fmt::Result {
    writeln!(page, "{key}: nothing is changed, because")?;
    for problem in problems {
        writeln!(page, "  {problem}")?;
    }
    Ok(())
}
