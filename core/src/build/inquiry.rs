//! Asking for facts while building: open questions, waits and problems are collected, so that one round asks
//! as much as it can.

use std::collections::BTreeSet;

use elbow_crds::cidr::Cidr;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};

use super::Built;
use crate::intent::wish::SourceRanges;
use crate::model::{Origin, Ref, Stack};
use crate::question::{
    Answer, Answers, ExistingLoadBalancer, Fact, Group, Question, RouteTable, Subnet, Vpc,
};

/// The questions of one build.
pub(super) struct Inquiry<'a> {
    answers: &'a Answers,
    whole: &'a Origin,
    asked: BTreeSet<Question>,
    waits: Vec<String>,
    problems: Vec<Problem>,
}

/// What came back on a question.
enum Reply<'a> {
    /// A fact.
    Fact(&'a Fact),
    /// There is no such thing.
    Absent(&'a str),
    /// Not now; recorded.
    Nothing,
}

impl<'a> Inquiry<'a> {
    /// `whole` stands for everybody: problems without a better place go there.
    pub fn new(answers: &'a Answers, whole: &'a Origin) -> Self {
        Self {
            answers,
            whole,
            asked: BTreeSet::new(),
            waits: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The result of the build: open questions before problems, problems before waits.
    pub fn finish(mut self, stack: Option<Stack>, earlier: &[Problem]) -> Built {
        let mut problems = earlier.to_vec();
        problems.append(&mut self.problems);
        let faulty = problems.iter().any(Problem::is_fault);
        // To ask for the shared group alone is to have it made, so it is not asked for a build that something stops.
        let stopped = faulty || !self.waits.is_empty();
        if stopped && self.asked.iter().all(|asked| *asked == Question::BackendGroup) {
            self.asked.clear();
        }
        if !self.asked.is_empty() {
            return Built::Ask(self.asked);
        }
        if faulty {
            return Built::Sick(problems);
        }
        match (self.waits.first(), stack) {
            (None, Some(stack)) => Built::Stack(Box::new(stack), problems),
            (Some(reason), _) => Built::Wait(reason.clone()),
            // Every missing piece records its reason; without one there is no stack to trust.
            (None, None) => Built::Wait("an answer from AWS is missing".to_owned()),
        }
    }

    /// Like [`Self::finish`], for a build that goes on without the objects in `sick`: their earlier faults stop
    /// nothing.
    pub fn finish_without(
        self,
        stack: Option<Stack>,
        earlier: &[Problem],
        sick: &BTreeSet<ObjectRef>,
    ) -> Built {
        let (left_out, others): (Vec<Problem>, Vec<Problem>) = earlier
            .iter()
            .cloned()
            .partition(|problem| sick.contains(&problem.object));
        match self.finish(stack, &others) {
            Built::Stack(stack, problems) => Built::Stack(stack, [left_out, problems].concat()),
            Built::Sick(problems) => Built::Sick([left_out, problems].concat()),
            other => other,
        }
    }

    /// Everybody who asked.
    pub fn whole(&self) -> &'a Origin {
        self.whole
    }

    /// Records a fault.
    pub fn fault(&mut self, origin: &Origin, code: ProblemCode, message: impl Into<String>) {
        self.push(Problem::fault(&origin.object, &origin.field, code, message));
    }

    /// Records a warning.
    pub fn warn(&mut self, origin: &Origin, code: ProblemCode, message: impl Into<String>) {
        self.push(Problem::warning(&origin.object, &origin.field, code, message));
    }

    /// Records a problem once.
    pub fn push(&mut self, problem: Problem) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The blocks of source ranges as written, with their meaning; unreadable ones are faults.
    pub fn blocks(&mut self, sources: &SourceRanges) -> Option<Vec<(String, Cidr)>> {
        let mut warnings = Vec::new();
        let blocks = sources.blocks(|message| warnings.push(message));
        for message in warnings {
            self.warn(&sources.origin, ProblemCode::NotAllowed, message);
        }
        match blocks {
            Ok(blocks) => Some(blocks),
            Err(faults) => {
                for message in faults {
                    self.fault(&sources.origin, ProblemCode::Malformed, message);
                }
                None
            }
        }
    }

    fn ask(&mut self, question: Question, origin: &Origin) -> Reply<'a> {
        match self.answers.get(&question) {
            Some(Answer::Known { fact, .. }) => Reply::Fact(fact),
            Some(Answer::Absent { message }) => Reply::Absent(message),
            Some(Answer::Denied { action }) => {
                let message = format!(
                    "the controller may not ask AWS for it: {action} is denied; grant it in the controller's \
                     IAM policy"
                );
                self.fault(origin, ProblemCode::Denied, message);
                Reply::Nothing
            }
            Some(Answer::Unknown { reason }) => {
                self.waits.push(reason.clone());
                Reply::Nothing
            }
            None => {
                self.asked.insert(question);
                Reply::Nothing
            }
        }
    }

    /// The items of a list answer; nothing found is an empty list.
    fn list<T>(
        &mut self,
        question: Question,
        origin: &Origin,
        pick: impl Fn(&'a Fact) -> Option<&'a [T]>,
    ) -> Option<&'a [T]> {
        match self.ask(question, origin) {
            Reply::Fact(fact) => self.picked(pick(fact)),
            Reply::Absent(_) => Some(&[]),
            Reply::Nothing => None,
        }
    }

    /// An answer of another kind than its question is as good as none.
    fn picked<T>(&mut self, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.waits
                .push("an answer from AWS does not fit its question".to_owned());
        }
        value
    }

    pub fn subnets(&mut self, question: Question, origin: &Origin) -> Option<&'a [Subnet]> {
        self.list(question, origin, |fact| match fact {
            Fact::Subnets(subnets) => Some(subnets),
            _ => None,
        })
    }

    pub fn route_tables(&mut self, origin: &Origin) -> Option<&'a [RouteTable]> {
        self.list(Question::RouteTables, origin, |fact| match fact {
            Fact::RouteTables(tables) => Some(tables),
            _ => None,
        })
    }

    pub fn groups(&mut self, question: Question, origin: &Origin) -> Option<&'a [Group]> {
        self.list(question, origin, |fact| match fact {
            Fact::Groups(groups) => Some(groups),
            _ => None,
        })
    }

    pub fn existing(&mut self, question: Question) -> Option<&'a [ExistingLoadBalancer]> {
        self.list(question, self.whole, |fact| match fact {
            Fact::Existing(found) => Some(found),
            _ => None,
        })
    }

    /// Zone types by zone id.
    pub fn zones(
        &mut self,
        ids: BTreeSet<String>,
        origin: &Origin,
    ) -> Option<&'a std::collections::BTreeMap<String, String>> {
        match self.ask(Question::Zones(ids), origin) {
            Reply::Fact(Fact::Zones(zones)) => Some(zones),
            Reply::Fact(_) => self.picked(None),
            Reply::Absent(message) => self.absent(origin, message),
            Reply::Nothing => None,
        }
    }

    pub fn vpc(&mut self, origin: &Origin) -> Option<&'a Vpc> {
        match self.ask(Question::Vpc, origin) {
            Reply::Fact(Fact::Vpc(vpc)) => Some(vpc),
            Reply::Fact(_) => self.picked(None),
            Reply::Absent(message) => self.absent(origin, message),
            Reply::Nothing => None,
        }
    }

    pub fn backend_group(&mut self) -> Option<Ref> {
        match self.ask(Question::BackendGroup, self.whole) {
            Reply::Fact(Fact::BackendGroup(group)) => Some(group.clone()),
            Reply::Fact(_) => self.picked(None),
            Reply::Absent(message) => self.absent(self.whole, message),
            Reply::Nothing => None,
        }
    }

    /// ARN of the target group with a name.
    pub fn target_group(&mut self, name: &str, origin: &Origin) -> Option<&'a str> {
        match self.ask(Question::TargetGroupByName(name.to_owned()), origin) {
            Reply::Fact(Fact::TargetGroup(arn)) => Some(arn),
            Reply::Fact(_) => self.picked(None),
            Reply::Absent(message) => self.absent(origin, message),
            Reply::Nothing => None,
        }
    }

    fn absent<T>(&mut self, origin: &Origin, message: &str) -> Option<T> {
        self.fault(origin, ProblemCode::NotFound, message);
        None
    }
}
