//! A controller process: everything it would lose if it died, over an account and a cluster that stay.

use std::sync::Arc;

use elbow::apply::{Applied, ApplyContext, Refusals, apply};
use elbow::aws::{Aws, Cx};
use elbow::clock::Clock;
use elbow::cluster::trim;
use elbow::facts::Facts;
use elbow::mirror::{Depth, Mirror};
use elbow_core::binding;
use elbow_core::build::{Built, build};
use elbow_core::intent::{self, Intent, Shelf, Wish};
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::model::{Ref, Stack};
use elbow_core::plan::{Plan, PlanContext, lint, plan};
use elbow_core::question::{Answer, Answers, Fact, Question};
use elbow_core::settings::Settings;
use elbow_crds::problem::Problem;
use jiff::Timestamp;

use super::land::{BINDINGS, Land, SERVICES};

/// The parts of a process that a run of a stack needs.
pub struct Process {
    pub settings: Arc<Settings>,
    pub aws: Aws,
    pub kube: kube::Client,
    pub mirror: Mirror,
    refusals: Refusals,
    facts: Facts,
    clock: Clock,
    land: Land,
}

/// What one run of a key came to.
#[derive(Debug, Default)]
pub struct Ran {
    pub plan: Option<Plan>,
    pub applied: Applied,
    pub problems: Vec<Problem>,
    /// When to run again, if the run did not end at rest.
    pub wake_at: Option<Timestamp>,
}

impl Process {
    /// A fresh process. Nothing of an earlier one is known to it.
    pub fn start(land: &Land) -> Self {
        let settings = Arc::new(land.settings.clone());
        let aws = land.aws();
        let clock = land.clock;
        Self {
            mirror: Mirror::new(settings.clone(), aws.clone(), clock),
            refusals: Refusals::default(),
            facts: Facts::new(aws.clone(), clock),
            kube: land.cluster.client(&land.fuse),
            settings,
            aws,
            clock,
            land: land.clone(),
        }
    }

    /// Runs a stack once.
    pub async fn run(&self, key: &StackKey) -> Ran {
        let cx = Cx::new(Lane::Edit, &Key::Stack(key.clone()));
        let services = self.land.cluster.list(SERVICES).into_iter().map(trim::service);
        let shelf = Shelf::of_services(services);
        let intent = intent::read(key, &shelf, &self.settings);
        if intent.wish == Wish::Ignore {
            return Ran::default();
        }
        let wanted = match self.wanted(&intent, &cx).await {
            Ok(wanted) => wanted,
            Err(ran) => return ran,
        };
        let Ok(actual) = self.actual(key, &cx).await else {
            return self.again();
        };
        let context = PlanContext {
            settings: &self.settings,
            owners: &intent.owners,
            sick: &std::collections::BTreeSet::new(),
            published: &std::collections::BTreeSet::new(),
            full: false,
        };
        let plan = plan(&wanted, &actual, &context);
        assert_eq!(lint(&plan, &actual, &self.settings), [], "{plan:#?}");
        self.carry_out(plan, &cx).await
    }

    async fn carry_out(&self, plan: Plan, cx: &Cx) -> Ran {
        let context = ApplyContext {
            aws: &self.aws,
            mirror: &self.mirror,
            kube: &self.kube,
            settings: &self.settings,
            refusals: &self.refusals,
            lane: cx.lane,
            clock: self.clock,
        };
        let applied = apply(&plan, &context).await;
        let again = applied.is_worth_a_retry().then(|| self.again().wake_at).flatten();
        let problems = plan.problems.iter().cloned();
        Ran {
            problems: problems
                .chain(applied.failed.iter().map(|(_, p)| p.clone()))
                .collect(),
            wake_at: applied.wake_at().into_iter().chain(again).min(),
            applied,
            plan: Some(plan),
        }
    }

    fn again(&self) -> Ran {
        Ran {
            wake_at: Some(self.clock.now() + jiff::SignedDuration::from_secs(5)),
            ..Ran::default()
        }
    }

    async fn wanted(&self, intent: &Intent, cx: &Cx) -> Result<Stack, Ran> {
        let mut answers = Answers::new();
        for _ in 0..5 {
            match build(intent, &self.settings, &answers) {
                Built::Stack(stack, _) => return Ok(*stack),
                Built::Sick(problems) => {
                    return Err(Ran {
                        problems,
                        ..self.again()
                    });
                }
                Built::Wait(_) => return Err(self.again()),
                Built::Ask(questions) => {
                    answers.extend(self.facts.answer(&questions, cx).await);
                    for question in questions {
                        answers.extend(self.own_answer(&question).map(|answer| (question, answer)));
                    }
                }
            }
        }
        panic!("the build still has questions");
    }

    /// Answers that do not come from AWS.
    fn own_answer(&self, question: &Question) -> Option<Answer> {
        let fact = match question {
            Question::Existing(key) => Fact::Existing(self.mirror.existing(key)),
            Question::BackendGroup => Fact::BackendGroup(Ref::Known(self.land.backend_group.clone())),
            _ => return None,
        };
        let read_at = self.clock.now();
        Some(Answer::Known { fact, read_at })
    }

    async fn actual(&self, key: &StackKey, cx: &Cx) -> Result<Stack, elbow::aws::AwsError> {
        if !self.mirror.is_swept() {
            self.mirror.sweep().await?;
        }
        let mut actual = self.mirror.stack(key, Depth::Deep, cx).await?;
        let objects = self.land.cluster.list(BINDINGS).into_iter().map(trim::binding);
        let ours = objects.filter(|object| binding::is_of(object, key));
        actual.bindings = ours
            .map(|object| binding::from_object(&object, &actual.target_groups))
            .collect();
        Ok(actual)
    }
}
