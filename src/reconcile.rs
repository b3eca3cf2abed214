//! One run of a stack, from Kubernetes objects to status: the line that everything else hangs on.
//!
//! ```text
//! view -> intent -> ask/answer -> build -> plan -> lint -> apply -> status
//! ```

use std::cell::RefCell;
use std::collections::BTreeSet;

use elbow_core::binding;
use elbow_core::intent::{self, Intent, Wish};
use elbow_core::key::StackKey;
use elbow_core::model::Stack;
use elbow_core::plan::{self, Action, Owner, Plan, PlanContext};
use elbow_core::status;
use elbow_core::view::Service;

use crate::apply::{self, Applied, ApplyContext};
use crate::ask::{self, Wanted};
use crate::aws::{AwsError, Cx};
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
    /// Warnings of intent and build.
    pub warnings: Vec<elbow_crds::problem::Problem>,
}

/// Runs a stack once.
pub async fn stack(engine: &Engine, key: &StackKey, cx: &Cx) -> Run {
    let intent = intent(engine, key);
    let (wanted, warnings) = match ask::wanted(engine, &intent, cx).await {
        Wanted::Ignore => return conclude::ignored(engine, key).await,
        Wanted::Wait(reason) => return conclude::waiting(reason),
        Wanted::Sick(problems) => return conclude::sick(engine, &intent, problems),
        Wanted::Stack(wanted, warnings) => (*wanted, warnings),
    };
    let (actual, read) = match actual(engine, &wanted, cx).await {
        Ok(actual) => actual,
        Err(error) => return conclude::unread(engine, &intent, &error),
    };
    let untagged = engine.mirror.problems(key);
    if !untagged.is_empty() {
        return conclude::sick(engine, &intent, untagged);
    }
    let (plan, last) = split(plan(engine, &wanted, &actual));
    if let Err(error) = void_record(engine, &wanted, &plan).await {
        return conclude::unrecorded(engine, &intent, &error);
    }
    let applied = apply::apply(&plan, &context(engine, cx)).await;
    let pass = Pass {
        wanted,
        read,
        plan,
        applied,
        warnings,
    };
    conclude::pass(engine, &intent, pass, last, cx).await
}

/// A record of another wanted stack ends before the first step away from it: were the owner to turn back half
/// way, the record would vouch for what is no longer there.
async fn void_record(engine: &Engine, wanted: &Stack, plan: &Plan) -> Result<(), kube::Error> {
    if plan.is_empty() || engine.records.is_of(wanted) {
        return Ok(());
    }
    engine.records.delete(&wanted.key).await
}

/// Reads what the owner asks for, and remembers which Services it named.
pub fn intent(engine: &Engine, key: &StackKey) -> Intent {
    let service = engine.stores.service(&key.namespace, &key.name);
    let named = RefCell::new(BTreeSet::new());
    let backends = |namespace: &str, name: &str| {
        named.borrow_mut().insert((namespace.to_owned(), name.to_owned()));
        engine
            .stores
            .service(namespace, name)
            .map(|service| Service::clone(&service))
    };
    let intent = intent::read(key, service.as_deref(), &backends, &engine.settings);
    engine.note_services(key, named.into_inner());
    intent
}

/// What is there, and whether it was read: a record that vouches for the wanted stack saves the reading.
pub async fn actual(engine: &Engine, wanted: &Stack, cx: &Cx) -> Result<(Stack, bool), AwsError> {
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

/// Plans and lints. A step that fails the linter is dropped with its dependents.
pub fn plan(engine: &Engine, wanted: &Stack, actual: &Stack) -> Plan {
    let owner = owner(engine, &wanted.key);
    let context = PlanContext {
        settings: &engine.settings,
        owner: owner.as_ref(),
    };
    let plan = plan::plan(wanted, actual, &context);
    let findings = plan::lint(&plan, actual, &engine.settings);
    if findings.is_empty() {
        return plan;
    }
    tracing::warn!(key = %wanted.key, ?findings, "the linter stopped steps");
    plan::lint::enforce(plan, &findings, &status::owner_object(&wanted.key))
}

/// Takes the removal of the finalizer out of a plan: the status is cleared in between.
fn split(mut plan: Plan) -> (Plan, Option<Plan>) {
    let Some(last) = plan
        .steps
        .pop_if(|step| matches!(step.action, Action::RemoveFinalizer { .. }))
    else {
        return (plan, None);
    };
    let last = plan::step::single(&plan.key, last);
    (plan, Some(last))
}

/// The owner of a stack, as far as its finalizer is concerned.
pub fn owner(engine: &Engine, key: &StackKey) -> Option<Owner> {
    let service = engine.stores.service(&key.namespace, &key.name)?;
    let gone = matches!(intent(engine, key).wish, Wish::Empty | Wish::Ignore);
    Some(Owner {
        object: service.object(),
        finalizer: intent::FINALIZER.to_owned(),
        has_finalizer: service.meta.finalizers.contains(intent::FINALIZER),
        gone,
    })
}

/// Where plans are written to.
pub fn context<'a>(engine: &'a Engine, cx: &Cx) -> ApplyContext<'a> {
    ApplyContext {
        aws: &engine.aws,
        mirror: &engine.mirror,
        kube: &engine.kube,
        settings: &engine.settings,
        lane: cx.lane,
        clock: engine.clock,
    }
}
