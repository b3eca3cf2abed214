//! `elbow handover`: the rules of every listener of ours get the numbers upstream's controller would write, so that
//! it takes over without a write of its own.
//!
//! In: what the cluster owns and AWS holds. Out: one SetRulePriorities per listener whose rules have other numbers,
//! and the tags upstream compares.

use anyhow::{Result, anyhow, bail, ensure};
use elbow_core::key::{Key, Lane};
use elbow_core::model::Stack;
use elbow_core::plan::{self, Plan, render_text};
use elbow_core::status;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;

use crate::apply;
use crate::aws::{Cx, LeaseGuard};
use crate::cli::HandoverArgs;
use crate::clock::Clock;
use crate::config::{Config, Process};
use crate::engine::Engine;
use crate::mirror::Depth;
use crate::{assemble, kubernetes, lease, planning, reconcile};

/// Renumbers rules, after it has printed how.
pub async fn handover(args: &HandoverArgs) -> Result<()> {
    let config = Config::read(&args.flags).map_err(anyhow::Error::msg)?;
    let process = Process::read(&args.process).map_err(anyhow::Error::msg)?;
    planning::warn(&config);
    let clients = planning::connect(&config).await?;
    if let Some((namespace, name)) = &process.election
        && !args.dry_run
    {
        let namespace = kubernetes::own_namespace(namespace);
        refuse_beside_a_leader(&clients.requests, &namespace, name, Clock::start().now()).await?;
    }
    let parts = assemble::Parts {
        client: clients.requests.clone(),
        lease: if args.dry_run {
            LeaseGuard::not_held()
        } else {
            LeaseGuard::always()
        },
        namespace: kubernetes::own_namespace(""),
        process: Process::one_shot(),
    };
    let engine = assemble::engine(&config, parts).await?;
    for problem in planning::observe(&engine, Some(&clients), &config).await? {
        eprintln!("elbow: {problem}");
    }
    let plans = plans(&engine).await?;
    print!("{}", page(&plans));
    if args.dry_run {
        return Ok(());
    }
    write(&engine, &plans).await?;
    if !plans.is_empty() {
        eprintln!("done: upstream's controller may be started");
    }
    Ok(())
}

/// While a controller leads it would give the rules numbers of its own. A lease that cannot be
/// seen may be held; one that is not there is not.
pub async fn refuse_beside_a_leader(
    client: &kube::Client,
    namespace: &str,
    name: &str,
    now: Timestamp,
) -> Result<()> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let found = leases.get_opt(name).await.map_err(|error| {
        let reason = kubernetes::chain(&error);
        anyhow!(
            "cannot see whether a controller holds the lease {namespace}/{name}: {reason}; allow `get` on it, or name \
             the lease with --leader-election-id and --leader-election-namespace"
        )
    })?;
    match found.and_then(|found| lease::holder(&found, now)) {
        Some(holder) => bail!(
            "{holder} holds the lease {namespace}/{name}: stop that controller first, or it goes on with numbers of \
             its own"
        ),
        None => Ok(()),
    }
}

/// What has to be done, by stack; stacks without anything to do are left out. The engine's stores and mirror are
/// filled.
pub async fn plans(engine: &Engine) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for key in engine.keys() {
        let Key::Stack(stack) = &key else { continue };
        let cx = Cx::new(Lane::Edit, &key);
        let actual = engine.mirror.stack(stack, Depth::Deep, &cx).await?;
        let plan = plan::handover(&actual, &engine.settings);
        let findings = plan::lint(&plan, &actual, &engine.settings);
        let owner = status::owner_object(stack);
        let mut plan = plan::lint::enforce(plan, &findings, &owner);
        plan.problems.extend(unfinished(&actual, &owner));
        plans.push(plan);
    }
    plans.retain(|plan| !plan.is_empty() || !plan.problems.is_empty());
    Ok(plans)
}

/// Upstream's controller would not finish a replacement that is under way.
fn unfinished(actual: &Stack, owner: &ObjectRef) -> Option<Problem> {
    let names: Vec<&str> = actual
        .load_balancers
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    let message = format!(
        "the load balancers {} stand side by side while one takes the place of the other; start this controller again, \
         and hand over when `elbow plan` says that there are no changes",
        names.join(" and ")
    );
    (names.len() > 1).then(|| Problem::fault(owner, "", ProblemCode::Conflict, message))
}

/// What is printed before it is done.
pub fn page(plans: &[Plan]) -> String {
    if plans.is_empty() {
        return "no changes: every rule has the number and the tags that upstream's controller would write\n"
            .to_owned();
    }
    plans.iter().map(render_text).collect()
}

/// Does it; ends with the first step that fails.
pub async fn write(engine: &Engine, plans: &[Plan]) -> Result<()> {
    for plan in plans {
        let cx = Cx::new(Lane::Edit, &plan.key);
        let applied = apply::apply(plan, &reconcile::context(engine, &cx)).await;
        if let Some((_, problem)) = applied.failed.first() {
            bail!(
                "{}: {}; run the command again when that is mended",
                plan.key,
                problem.message
            );
        }
        ensure!(
            applied.is_complete(plan),
            "{}: AWS left a call without an answer; run the command again",
            plan.key
        );
    }
    let mut stopped = plans
        .iter()
        .flat_map(|plan| plan.problems.iter().map(|problem| (&plan.key, problem)));
    match stopped.next() {
        Some((key, problem)) => bail!("{key}: not everything is handed over: {problem}"),
        None => Ok(()),
    }
}
