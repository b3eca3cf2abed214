//! One run of a stack, from Kubernetes objects to status: the line that everything else hangs on.
//!
//! ```text
//! view -> intent -> ask/answer -> build -> plan -> lint -> apply -> status
//! ```

use std::cell::RefCell;
use std::collections::BTreeSet;

use elbow_core::build::{self, Built};
use elbow_core::intent::{self, Intent, Wish};
use elbow_core::key::{Key, StackKey};
use elbow_core::model::{Ref, Stack};
use elbow_core::plan::{self, Action, Owner, Plan, PlanContext, Step, StepId};
use elbow_core::question::{Answer, Answers, Fact, Question};
use elbow_core::view::Service;
use elbow_core::{binding, status};
use elbow_crds::problem::Problem;

use crate::apply::{self, ApplyContext, Applied};
use crate::aws::{AwsError, Cx};
use crate::engine::{Engine, Interests};
use crate::mirror::Depth;
use crate::outcome::Run;
use crate::status::reasons;

/// Rounds of questions before a build counts as broken (DESIGN 1.3).
const ROUNDS: usize = 4;

/// What a stack should be, or why that is not known.
#[derive(Debug)]
pub enum Wanted {
    /// Known; warnings beside it.
    Stack(Box<Stack>, Vec<Problem>),
    /// The owner is sick: what is there stays.
    Sick(Vec<Problem>),
    /// An answer is not known now.
    Wait(String),
    /// Not ours.
    Ignore,
}

/// Runs a stack once.
pub async fn stack(engine: &Engine, key: &StackKey, cx: &Cx) -> Run {
    let intent = intent(engine, key);
    match wanted(engine, &intent, cx).await {
        Wanted::Ignore => ignore(engine, key).await,
        Wanted::Wait(reason) => Run { retry: true, waits: vec![reason], ..Run::default() },
        Wanted::Sick(problems) => reasons::build_failed(&intent.owner, &uid(engine, key), problems),
        Wanted::Stack(wanted, warnings) => {
            let actual = match actual(engine, &wanted, cx).await {
                Ok(actual) => actual,
                Err(error) => return reasons::read_failed(&intent.owner, &uid(engine, key), &error),
            };
            let plan = plan(engine, &wanted, &actual);
            let applied = apply::apply(&plan, &context(engine, cx)).await;
            conclude(engine, &intent, &Pass { wanted: *wanted, actual, plan, applied, warnings }).await
        }
    }
}

/// What one pass worked with and what came of it.
#[derive(Debug)]
struct Pass {
    wanted: Stack,
    actual: Stack,
    plan: Plan,
    applied: Applied,
    warnings: Vec<Problem>,
}

/// Reads what the owner asks for, and remembers which Services it named.
pub fn intent(engine: &Engine, key: &StackKey) -> Intent {
    let service = engine.stores.service(&key.namespace, &key.name);
    let named = RefCell::new(BTreeSet::new());
    let backends = |namespace: &str, name: &str| {
        named.borrow_mut().insert((namespace.to_owned(), name.to_owned()));
        engine.stores.service(namespace, name).map(|service| Service::clone(&service))
    };
    let intent = intent::read(key, service.as_deref(), &backends, &engine.settings);
    let services = named.into_inner();
    if !services.is_empty() {
        engine.set_interests(key, Interests { services, ..Interests::default() });
    }
    intent
}

/// Asks and builds, in turn, until the build knows enough.
pub async fn wanted(engine: &Engine, intent: &Intent, cx: &Cx) -> Wanted {
    match intent.wish {
        Wish::Ignore => return Wanted::Ignore,
        Wish::Sick => return Wanted::Sick(intent.problems.clone()),
        Wish::Empty | Wish::Service(_) => {}
    }
    let mut answers = Answers::new();
    for _ in 0..ROUNDS {
        match build::build(intent, &engine.settings, &answers) {
            Built::Stack(stack, warnings) => return Wanted::Stack(stack, warnings),
            Built::Sick(problems) => return Wanted::Sick(problems),
            Built::Wait(reason) => return Wanted::Wait(reason),
            Built::Ask(questions) => {
                note_questions(engine, &intent.key, &questions);
                answers.extend(answer(engine, &intent.key, &questions, cx).await);
            }
        }
    }
    Wanted::Wait(format!("the build still had questions after {ROUNDS} rounds"))
}

fn note_questions(engine: &Engine, key: &StackKey, questions: &BTreeSet<Question>) {
    let mut interests = engine.interests_of(key);
    interests.questions.extend(questions.iter().cloned());
    engine.set_interests(key, interests);
}

async fn answer(engine: &Engine, key: &StackKey, questions: &BTreeSet<Question>, cx: &Cx) -> Answers {
    let mut answers = Answers::new();
    let mut of_aws = BTreeSet::new();
    for question in questions {
        match question {
            Question::Existing(stack) => {
                let fact = Fact::Existing(engine.mirror.existing(stack));
                answers.insert(question.clone(), Answer::Known { fact, read_at: engine.clock.now() });
            }
            Question::BackendGroup => {
                answers.insert(question.clone(), backend_group(engine, key, cx).await);
            }
            _ => {
                of_aws.insert(question.clone());
            }
        }
    }
    if !of_aws.is_empty() {
        answers.extend(engine.facts.answer(&of_aws, cx).await);
    }
    answers
}

/// The shared backend group, or a wait for the key that makes it. The finalizer goes first: only an owner
/// that carries it keeps the group wanted.
async fn backend_group(engine: &Engine, key: &StackKey, cx: &Cx) -> Answer {
    if let Some(answer) = engine.targets.backend_group(engine) {
        return answer;
    }
    if engine.planning {
        return Answer::Known { fact: Fact::BackendGroup(Ref::BackendGroup), read_at: engine.clock.now() };
    }
    let vpc = engine.settings.realm.vpc.clone();
    if let Some(owner) = owner(engine, key).filter(|owner| !owner.gone && !owner.has_finalizer) {
        let action = Action::AddFinalizer { object: owner.object, finalizer: owner.finalizer };
        let step = Step {
            id: StepId(0),
            action,
            needs: BTreeSet::new(),
            origins: BTreeSet::new(),
            reason: "keeps the shared backend security group".to_owned(),
        };
        let plan = Plan { key: Key::Stack(key.clone()), steps: vec![step], problems: Vec::new() };
        let applied = apply::apply(&plan, &context(engine, cx)).await;
        if let Some((_, problem)) = applied.failed.first() {
            return Answer::Unknown { reason: problem.message.clone() };
        }
    }
    engine.wake(Key::BackendGroup { vpc }, cx.lane);
    Answer::Unknown { reason: "the shared backend security group is being created".to_owned() }
}

/// What is there: from the record where it vouches for the wanted stack, else read deeply.
pub async fn actual(engine: &Engine, wanted: &Stack, cx: &Cx) -> Result<Stack, AwsError> {
    let listed = engine.mirror.stack(&wanted.key, Depth::Listed, cx).await?;
    let mut actual = match engine.records.vouch(wanted, &listed, engine) {
        Some(vouched) => vouched,
        None => engine.mirror.stack(&wanted.key, Depth::Deep, cx).await?,
    };
    let objects = engine.stores.bindings();
    let ours = objects.iter().filter(|object| binding::is_of(object, &wanted.key));
    actual.bindings = ours.map(|object| binding::from_object(object, &actual.target_groups)).collect();
    Ok(actual)
}

/// Plans and lints. A step that fails the linter is dropped with its dependents.
pub fn plan(engine: &Engine, wanted: &Stack, actual: &Stack) -> Plan {
    let owner = owner(engine, &wanted.key);
    let context = PlanContext { settings: &engine.settings, owner: owner.as_ref() };
    let plan = plan::plan(wanted, actual, &context);
    let findings = plan::lint(&plan, actual, &engine.settings);
    if findings.is_empty() {
        return plan;
    }
    tracing::warn!(key = %wanted.key, ?findings, "the linter stopped steps");
    let object = owner.map_or_else(|| status::owner_object(&wanted.key), |owner| owner.object);
    plan::lint::enforce(plan, &findings, &object)
}

/// The owner of a stack, as its finalizer is concerned.
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
