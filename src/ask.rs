//! Ask, then build: questions of a build in, answers from AWS, the mirror and other keys out.

use std::collections::BTreeSet;

use elbow_core::build::{self, Built};
use elbow_core::intent::{Intent, Wish};
use elbow_core::key::{Key, StackKey};
use elbow_core::model::{Ref, Stack};
use elbow_core::plan::{Action, Step, StepId, step};
use elbow_core::question::{Answer, Answers, Fact, Question};
use elbow_crds::problem::Problem;

use crate::apply;
use crate::aws::Cx;
use crate::engine::Engine;
use crate::reconcile;

/// Rounds of questions before a build counts as broken.
const ROUNDS: usize = 5;

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

/// Asks and builds, in turn, until the build knows enough.
pub async fn wanted(engine: &Engine, intent: &Intent, cx: &Cx) -> Wanted {
    match intent.wish {
        Wish::Ignore => {
            engine.facts.trust(&Key::Stack(intent.key.clone()));
            return Wanted::Ignore;
        }
        Wish::Sick => {
            // What it asked when it was last built stands in nobody's way now.
            engine.facts.trust(&Key::Stack(intent.key.clone()));
            return Wanted::Sick(intent.problems.clone());
        }
        Wish::Empty | Wish::Leave(_) | Wish::Service(_) | Wish::Ingress(_) => {}
    }
    if !matches!(intent.wish, Wish::Empty | Wish::Leave(_)) && engine.mirror.existing(&intent.key).is_empty()
    {
        // A load balancer keeps the subnets it is made with, so they are not chosen from an old list.
        let network = BTreeSet::from([Question::VpcSubnets, Question::RouteTables]);
        engine.facts.doubt_also(&Key::Stack(intent.key.clone()), network);
    }
    let mut answers = Answers::new();
    for _ in 0..=ROUNDS {
        match build::build(intent, &engine.settings, &answers) {
            Built::Stack(stack, warnings) => {
                engine.facts.trust(&Key::Stack(intent.key.clone()));
                return Wanted::Stack(stack, warnings);
            }
            Built::Sick(problems) => {
                let asked = answers.into_keys().collect();
                engine.facts.doubt(&Key::Stack(intent.key.clone()), &asked);
                return Wanted::Sick(problems);
            }
            Built::Wait(reason) => return Wanted::Wait(reason),
            Built::Ask(questions) => {
                engine.note_questions(&intent.key, &questions);
                answers.extend(answer(engine, intent, &questions, cx).await);
            }
        }
    }
    Wanted::Wait(format!("the build still had questions after {ROUNDS} rounds"))
}

async fn answer(engine: &Engine, intent: &Intent, questions: &BTreeSet<Question>, cx: &Cx) -> Answers {
    let mut answers = Answers::new();
    let mut of_aws = BTreeSet::new();
    for question in questions {
        let answer = match question {
            Question::Existing(stack) => {
                let fact = Fact::Existing(engine.mirror.existing(stack));
                Answer::Known {
                    fact,
                    read_at: engine.clock.now(),
                }
            }
            // Another answer may stop the build, and nothing is made or kept for that one.
            Question::BackendGroup if questions.len() > 1 => continue,
            Question::BackendGroup => match known_backend_group(engine, &intent.key) {
                Some(fact) => Answer::Known {
                    fact,
                    read_at: engine.clock.now(),
                },
                None => make_backend_group(engine, intent, cx).await,
            },
            _ => {
                of_aws.insert(question.clone());
                continue;
            }
        };
        answers.insert(question.clone(), answer);
    }
    if !of_aws.is_empty() {
        answers.extend(engine.facts.answer(&of_aws, cx).await);
    }
    answers
}

/// The shared backend group, or a reference to the one that is yet to be made where nothing is.
fn known_backend_group(engine: &Engine, key: &StackKey) -> Option<Fact> {
    match engine.targets.backend_group(&engine.mirror, key) {
        Some(id) => Some(Fact::BackendGroup(Ref::Known(id))),
        None => engine.planning.then_some(Fact::BackendGroup(Ref::BackendGroup)),
    }
}

/// A wait for the key that makes the shared backend group.
async fn make_backend_group(engine: &Engine, intent: &Intent, cx: &Cx) -> Answer {
    if let Err(reason) = add_finalizer(engine, intent, cx).await {
        return Answer::Unknown { reason };
    }
    engine.wake(
        Key::BackendGroup {
            vpc: engine.settings.realm.vpc.clone(),
        },
        cx.lane,
    );
    Answer::Unknown {
        reason: "the shared backend security group is being created".to_owned(),
    }
}

/// The group is wanted only while somebody carries our finalizer, so the finalizer comes before the group.
async fn add_finalizer(engine: &Engine, intent: &Intent, cx: &Cx) -> Result<(), String> {
    let sick = intent.left_out();
    let missing = intent
        .owners
        .iter()
        .filter(|owner| !owner.gone && !owner.has_finalizer && !sick.contains(&owner.object));
    let steps: Vec<Step> = missing
        .map(|owner| Step {
            id: StepId(0),
            action: Action::AddFinalizer {
                object: owner.object.clone(),
                finalizer: owner.finalizer.clone(),
            },
            needs: BTreeSet::new(),
            origins: BTreeSet::new(),
            reason: "keeps the shared backend security group".to_owned(),
        })
        .collect();
    if steps.is_empty() {
        return Ok(());
    }
    let plan = step::independent(&Key::Stack(intent.key.clone()), steps);
    let applied = apply::apply(&plan, &reconcile::context(engine, cx)).await;
    match applied.failed.first() {
        Some((_, problem)) => Err(problem.message.clone()),
        None => Ok(()),
    }
}
