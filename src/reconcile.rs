//! One run of a stack, from Kubernetes objects to status: the line that everything else hangs on.
//!
//! ```text
//! view -> intent -> ask/answer -> build -> plan -> lint -> apply -> status
//! ```

use std::collections::BTreeSet;

use elbow_core::binding;
use elbow_core::intent::{self, Intent, Wish};
use elbow_core::key::{Key, StackKey, StackKind};
use elbow_core::model::{Owner, Stack};
use elbow_core::plan::{self, Action, Plan, PlanContext, Step};
use elbow_core::status;
use elbow_crds::problem::{ObjectRef, Problem};

use crate::apply::{self, Applied, ApplyContext};
use crate::ask::{self, Wanted};
use crate::aws::{AwsError, Cx};
use crate::cluster::view::View;
use crate::conclude;
use crate::engine::Engine;
use crate::mirror::Depth;
use crate::outcome::Run;

/// What one pass worked with and what came of it.
#[derive(Debug)]
pub struct Pass {
    /// What is wanted.
    pub wanted: Stack,
    /// Whether everything was read from AWS, not vouched for by a record.
    pub read: bool,
    /// The plan.
    pub plan: Plan,
    /// What became of it.
    pub applied: Applied,
    /// Whether members are left out, so that the address does not move.
    pub held: bool,
    /// Warnings of intent and build.
    pub warnings: Vec<Problem>,
}

/// Runs a stack once. A member of a group whose steps cannot be made and hold up those of others is left out of a
/// second plan.
pub async fn stack(engine: &Engine, key: &StackKey, cx: &Cx) -> Run {
    let mut refused = engine
        .rejections
        .standing(key, &engine.stores, engine.clock.now());
    loop {
        let (intent, wanted) = agreed_without(engine, key, &mut refused, cx).await;
        let (wanted, warnings) = match wanted {
            Wanted::Ignore => return conclude::ignored(engine, key).await,
            Wanted::Wait(reason) => return conclude::waiting(reason),
            Wanted::Sick(problems) => return conclude::sick(&intent, problems),
            Wanted::Stack(wanted, warnings) => (*wanted, warnings),
        };
        let planned = match planned(engine, &intent, &wanted, cx).await {
            Ok(planned) => planned,
            Err(error) => return conclude::unread(&intent, &error),
        };
        if leave_out(engine, &intent, &planned.obstacles, &mut refused) {
            continue;
        }
        return carried_out(engine, &intent, (wanted, warnings), planned, cx).await;
    }
}

/// Whether members are left out from now on for the sake of others.
fn leave_out(engine: &Engine, intent: &Intent, obstacles: &[Problem], refused: &mut Vec<Problem>) -> bool {
    let Wish::Ingress(ingress) = &intent.wish else {
        return false;
    };
    let of_members = obstacles.iter().filter(|problem| {
        ingress.members.contains(&problem.object) && ingress.members.len() > 1 && !refused.contains(problem)
    });
    let new: Vec<Problem> = of_members.cloned().collect();
    engine
        .rejections
        .note(&intent.key, &new, &engine.stores, engine.clock.now());
    refused.extend(new.iter().cloned());
    !new.is_empty()
}

async fn carried_out(
    engine: &Engine,
    intent: &Intent,
    (wanted, warnings): (Stack, Vec<Problem>),
    planned: Planned,
    cx: &Cx,
) -> Run {
    let untagged = engine.mirror.problems(&intent.key);
    if !untagged.is_empty() {
        return conclude::sick(intent, untagged);
    }
    let (plan, last) = split(planned.plan);
    if let Err(error) = void_record(engine, &wanted, &plan).await {
        return conclude::unrecorded(intent, &error);
    }
    let applied = apply::apply(&plan, &context(engine, cx)).await;
    let stopped: Vec<_> = applied
        .failed
        .iter()
        .filter(|(step, _)| applied.refused.contains_key(step))
        .cloned()
        .collect();
    let again = leave_out(engine, intent, &plan::obstacles(&plan, &stopped), &mut Vec::new());
    let pass = Pass {
        wanted,
        held: !intent.left_out().is_empty(),
        read: planned.read,
        plan,
        applied,
        warnings,
    };
    let mut run = conclude::pass(engine, intent, pass, last, cx).await;
    run.retry |= again;
    run
}

/// What the owners ask for together. Members of a group that the build finds fault with are left out, so that the
/// others go on; each round leaves out at least one.
pub async fn agreed(engine: &Engine, key: &StackKey, cx: &Cx) -> (Intent, Wanted) {
    agreed_without(engine, key, &mut Vec::new(), cx).await
}

/// The same without those at fault in `refused`, which takes in who else is.
async fn agreed_without(
    engine: &Engine,
    key: &StackKey,
    refused: &mut Vec<Problem>,
    cx: &Cx,
) -> (Intent, Wanted) {
    loop {
        let intent = intent_without(engine, key, refused);
        let wanted = ask::wanted(engine, &intent, cx).await;
        let (Wanted::Sick(problems), Wish::Ingress(_)) = (&wanted, &intent.wish) else {
            return (intent, wanted);
        };
        let known = refused.len();
        for problem in problems.iter().filter(|problem| problem.is_fault()) {
            if !refused.contains(problem) {
                refused.push(problem.clone());
            }
        }
        let blames = |owner: &Owner| refused.iter().any(|problem| problem.object == owner.object);
        if refused.len() == known || !intent.owners.iter().any(blames) {
            return (intent, wanted);
        }
    }
}

/// A record of another wanted stack ends before the first step away from it: were the owner to turn back half
/// way, the record would vouch for what is no longer there.
async fn void_record(engine: &Engine, wanted: &Stack, plan: &Plan) -> Result<(), kube::Error> {
    if plan.is_empty() || engine.records.is_of(wanted) {
        return Ok(());
    }
    engine.records.delete(&wanted.key).await
}

/// Reads what the owners ask for, and remembers which Services they named.
pub fn intent(engine: &Engine, key: &StackKey) -> Intent {
    intent_without(engine, key, &[])
}

fn intent_without(engine: &Engine, key: &StackKey, refused: &[Problem]) -> Intent {
    let view = View::new(&engine.stores, key);
    let intent = intent::read_without(key, &view, &engine.settings, refused);
    engine.note_services(key, view.into_services());
    intent
}

/// What there is to do.
#[derive(Debug)]
pub struct Planned {
    /// The plan, without the steps that the linter stops.
    pub plan: Plan,
    /// Problems of stopped steps that one owner alone asked for and that hold up steps of others.
    pub obstacles: Vec<Problem>,
    /// Whether what is there was read.
    pub read: bool,
}

/// What there is to do. Before a resource of AWS is replaced, or deleted although an owner stays, everything is read
/// anew and planned for once more.
pub async fn planned(engine: &Engine, intent: &Intent, wanted: &Stack, cx: &Cx) -> Result<Planned, AwsError> {
    let (there, read) = actual(engine, wanted, cx).await?;
    let (first, obstacles) = plan(engine, intent, wanted, &there);
    if !destroys(&first, &there, &intent.owners) || !engine.mirror.verify(&wanted.key, cx).await? {
        return Ok(Planned {
            plan: first,
            obstacles,
            read,
        });
    }
    let (there, read) = actual(engine, wanted, cx).await?;
    let (plan, obstacles) = plan(engine, intent, wanted, &there);
    Ok(Planned {
        plan,
        obstacles,
        read,
    })
}

/// Whether a plan replaces a resource of AWS, or deletes one although an owner stays. Rules come and go with every
/// edit, and are made again if need be.
fn destroys(plan: &Plan, there: &Stack, owners: &[Owner]) -> bool {
    let ends = !owners.is_empty() && owners.iter().all(|owner| owner.gone);
    plan.steps.iter().any(|step| match &step.action {
        Action::CreateTargetGroup { address, .. } => {
            there.target_groups.iter().any(|group| group.id == address.id)
        }
        Action::CreateLoadBalancer { address, .. } => {
            there.load_balancers.iter().any(|lb| lb.id == address.id)
        }
        Action::DeleteBinding { .. } | Action::DeleteRule { .. } => false,
        action => !ends && action.is_deletion(),
    })
}

/// What is there, and whether it was read: a record that vouches for the wanted stack saves the reading.
async fn actual(engine: &Engine, wanted: &Stack, cx: &Cx) -> Result<(Stack, bool), AwsError> {
    let vouched = vouched(engine, wanted, cx).await?;
    let read = vouched.is_none();
    let mut actual = match vouched {
        Some(vouched) => vouched,
        None => engine.mirror.stack(&wanted.key, Depth::Deep, cx).await?,
    };
    let objects = engine.stores.bindings();
    let ours = objects
        .iter()
        .filter(|object| binding::is_of(object, &wanted.key));
    actual.bindings = ours
        .map(|object| binding::from_object(object, &actual.target_groups))
        .collect();
    Ok((actual, read))
}

/// What the record vouches for; nothing where everything has been read already.
async fn vouched(engine: &Engine, wanted: &Stack, cx: &Cx) -> Result<Option<Stack>, AwsError> {
    if engine.mirror.is_read(&wanted.key) {
        return Ok(None);
    }
    engine.records.fetch(&wanted.key).await;
    let listed = engine.mirror.stack(&wanted.key, Depth::Listed, cx).await?;
    Ok(engine.records.vouch(wanted, &listed))
}

/// Host names that the owners which stay show, in lower case.
pub fn published(engine: &Engine, intent: &Intent) -> BTreeSet<String> {
    let stay = intent.owners.iter().filter(|owner| !owner.gone);
    let points = stay.filter_map(|owner| {
        let ObjectRef { namespace, name, .. } = &owner.object;
        match intent.key.kind {
            StackKind::Service => Some(engine.stores.service(namespace, name)?.ingress.clone()),
            StackKind::Ingress => Some(engine.stores.ingresses.get(namespace, name)?.ingress.clone()),
        }
    });
    points
        .flatten()
        .map(|point| point.hostname.to_lowercase())
        .collect()
}

/// Plans and lints. A step that fails the linter is dropped with its dependents; those that hold up others stand
/// beside the plan.
fn plan(engine: &Engine, intent: &Intent, wanted: &Stack, actual: &Stack) -> (Plan, Vec<Problem>) {
    let context = PlanContext {
        settings: &engine.settings,
        owners: &intent.owners,
        sick: &intent.left_out(),
        published: &published(engine, intent),
        full: engine
            .refusals
            .is_full(&Key::Stack(wanted.key.clone()), engine.clock.now()),
    };
    let plan = plan::plan(wanted, actual, &context);
    let findings = plan::lint(&plan, actual, &engine.settings);
    if findings.is_empty() {
        return (plan, Vec::new());
    }
    tracing::warn!(key = %wanted.key, ?findings, "the linter stopped steps");
    let owner = status::owner_object(&wanted.key);
    let obstacles = plan::obstacles(&plan, &plan::lint::stopped(&plan, &findings, &owner));
    (plan::lint::enforce(plan, &findings, &owner), obstacles)
}

/// Takes the removals of finalizers out of a plan, which come last: the status is cleared in between.
fn split(mut plan: Plan) -> (Plan, Vec<Step>) {
    let mut last = Vec::new();
    while let Some(step) = plan
        .steps
        .pop_if(|step| matches!(step.action, Action::RemoveFinalizer { .. }))
    {
        last.push(step);
    }
    last.reverse();
    (plan, last)
}

/// Where plans are written to.
pub fn context<'a>(engine: &'a Engine, cx: &Cx) -> ApplyContext<'a> {
    ApplyContext {
        aws: &engine.aws,
        mirror: &engine.mirror,
        kube: &engine.kube,
        settings: &engine.settings,
        refusals: &engine.refusals,
        lane: cx.lane,
        clock: engine.clock,
    }
}
