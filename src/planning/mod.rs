//! `elbow plan`: the controller's pipeline, stopped before apply. Reads AWS and Kubernetes, writes nothing.

pub mod files;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::plan::{Action, Outcome, Plan, Report, StackReport};
use elbow_crds::problem::Problem;

use crate::ask::Wanted;
use crate::aws::{Cx, LeaseGuard, discovery};
use crate::cli::{PlanArgs, PlanOutput};
use crate::cluster::snapshot;
use crate::config::{Config, Process};
use crate::engine::Engine;
use crate::kubernetes::Clients;
use crate::reconcile;
use crate::targets::Extent;
use crate::{assemble, kubernetes};

/// How long AWS may be silent before we say so: its reads take less than a second as a rule.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints what the controller would do.
pub async fn plan(args: &PlanArgs) -> Result<()> {
    let config = Config::read(&args.flags).map_err(anyhow::Error::msg)?;
    warn(&config);
    if !args.filename.is_empty() {
        print!("{}", files::page(args, &config).await?);
        return Ok(());
    }
    let clients = connect(&config).await?;
    let mut engine = engine(&config, clients.requests.clone()).await?;
    engine.planning = true;
    let unread = observe(&engine, Some(&clients), &config).await?;
    let report = Report {
        unread,
        ..report(&engine).await?
    };
    match args.output {
        PlanOutput::Text => print!("{}", report.text()),
        PlanOutput::Json => println!("{:#}", report.json()),
        PlanOutput::Stack => {
            eprint!("{}", report.remarks());
            print!("{}", report.models());
        }
    }
    Ok(())
}

/// Tells of flags without effect; commands that end by themselves keep no log.
pub fn warn(config: &Config) {
    for sentence in config.aws.unknown_services() {
        eprintln!("warning: {sentence}");
    }
}

/// Connections to the cluster that the settings name; it answers.
pub async fn connect(config: &Config) -> Result<Clients, kubernetes::ConnectError> {
    let kube_config = kubernetes::command_config(config.kubeconfig.as_deref()).await?;
    let url = kube_config.cluster_url.to_string();
    let clients = kubernetes::clients(kube_config)?;
    kubernetes::reach(&clients.requests, &url).await?;
    Ok(clients)
}

/// An engine that writes nothing to AWS: its guard is never held.
async fn engine(config: &Config, client: kube::Client) -> Result<Engine> {
    let parts = assemble::Parts {
        client,
        lease: LeaseGuard::not_held(),
        namespace: kubernetes::own_namespace(""),
        process: Process::one_shot(),
    };
    patiently(assemble::engine(config, parts)).await
}

/// Fills the stores from a cluster, if there is one, and the mirror from AWS, whose VPC has to exist. Objects that do
/// not parse are left out and come back as problems.
pub async fn observe(engine: &Engine, clients: Option<&Clients>, config: &Config) -> Result<Vec<Problem>> {
    let mut unread = Vec::new();
    if let Some(clients) = clients {
        let namespace = engine.settings.scope.namespace.as_deref();
        unread = snapshot::fill(&clients.watches, &engine.stores, namespace, &config.quic_variable)
            .await
            .map_err(|error| anyhow::anyhow!(kubernetes::chain(&error)))
            .context("cannot list what is in the cluster")?;
    }
    patiently(look_at_aws(engine)).await?;
    Ok(unread)
}

async fn look_at_aws(engine: &Engine) -> Result<()> {
    discovery::verify_vpc(&engine.aws).await?;
    let swept = engine.mirror.sweep().await;
    swept.context("cannot list what AWS holds")?;
    Ok(())
}

/// Says from time to time that AWS takes long to answer.
async fn patiently<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    loop {
        match tokio::time::timeout(PATIENCE, &mut answer).await {
            Ok(answer) => return answer,
            Err(_) => eprintln!("elbow: waiting for AWS to answer"),
        }
    }
}

/// What would be done about a cluster. The engine's stores and mirror are filled.
pub async fn report(engine: &Engine) -> Result<Report> {
    report_of(engine, &engine.keys(), Extent::CLUSTER).await
}

/// What would be done: stacks among `keys`, then the bindings, rules and groups that come after them. Bindings that
/// are neither among the keys nor in a plan are left out.
async fn report_of(engine: &Engine, keys: &BTreeSet<Key>, extent: Extent) -> Result<Report> {
    let mut report = Report::default();
    for key in keys {
        if let Key::Stack(stack) = key {
            report.stacks.extend(stack_report(engine, stack.clone()).await?);
        }
    }
    let context = engine.targets_context();
    let plans = report.plans();
    let mut previews = engine.targets.preview(&context, &plans, extent).await;
    let planned: BTreeSet<Key> = plans.iter().flat_map(|plan| planned_bindings(plan)).collect();
    previews
        .bindings
        .retain(|preview| keys.contains(&preview.key) || planned.contains(&preview.key));
    let mut notes = Vec::new();
    if let Some(error) = &previews.leftovers_unread {
        notes.push(format!(
            "security groups that hold rules nobody asks for were not looked for: {error}"
        ));
    }
    if previews.passed_over > 0 {
        let count = previews.passed_over;
        notes.push(format!(
            "no targets are planned for {count} TargetGroupBindings: there are no Nodes, or no EndpointSlices, for them"
        ));
    }
    Ok(Report {
        bindings: previews.bindings,
        rules: previews.rules,
        backend: previews.backend,
        notes,
        ..report
    })
}

/// The bindings that a plan creates, changes or deletes.
fn planned_bindings(plan: &Plan) -> BTreeSet<Key> {
    let named = plan.steps.iter().filter_map(|step| match &step.action {
        Action::CreateBinding { binding, .. } | Action::UpdateBinding { binding, .. } => {
            Some((&binding.namespace, &binding.name))
        }
        Action::DeleteBinding { namespace, name, .. } => Some((namespace, name)),
        _ => None,
    });
    let keys = named.map(|(namespace, name)| Key::Binding {
        namespace: namespace.clone(),
        name: name.clone(),
    });
    keys.collect()
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
            let plan = reconcile::planned(engine, &intent, &wanted, &cx).await?.plan;
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
