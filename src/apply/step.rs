//! One step: dispatch, references, and the ends a step can have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use elbow_core::key::{StackKey, StackKind};
use elbow_core::model::{Ref, ResourceAddress};
use elbow_core::plan::{Action, Output, Outputs, Plan, Step, StepId};
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use jiff::{SignedDuration, Timestamp};

use super::ApplyContext;
use super::words::{doing, operation, subject_text};
use crate::aws::Cx;
use crate::mirror::{Mirror, Wait};

/// How a step ends.
#[derive(Debug)]
pub(super) enum End {
    /// Done, with what it produced.
    Done(Option<(ResourceAddress, Output)>),
    /// Waited for long enough: what needs the step goes on. The wait ends when all that is done, so that its bound
    /// stays over where something does not succeed at once.
    Overdue,
    /// Not done: a problem for each object that asked.
    Failed(Vec<Problem>),
    /// Refused by AWS, now or a while ago; not worth another call before the time given.
    Refused(Vec<Problem>, Timestamp),
    /// Cannot go on yet.
    Waiting {
        for_: String,
        wait: Wait,
        /// The objects that asked for the step.
        objects: Vec<ObjectRef>,
    },
    /// Nobody knows whether it happened.
    Unanswered(String),
}

impl End {
    /// Done without output.
    pub fn done() -> Self {
        Self::Done(None)
    }
}

/// A step under way.
pub(super) struct Running<'a> {
    pub context: &'a ApplyContext<'a>,
    pub plan: &'a Plan,
    pub step: &'a Step,
    /// The stack; `None` for plans of other keys.
    pub key: Option<&'a StackKey>,
    pub cx: &'a Cx,
    /// What the steps before it produced.
    pub outputs: Outputs,
    /// Whether the plan ends the stack.
    pub emptying: bool,
    /// Steps that another one had to do before itself.
    pub early: &'a Mutex<BTreeSet<StepId>>,
}

impl Running<'_> {
    /// Runs the step and enters its success in the mirror.
    pub async fn run(mut self) -> End {
        if let Some(end) = self.refused_before() {
            return end;
        }
        let end = self.dispatch().await;
        match &end {
            End::Done(output) => {
                if let Some((address, output)) = output {
                    self.outputs.insert(address, output.clone());
                }
                if let Some(key) = self.key {
                    self.context.mirror.wrote(key, self.step, &self.outputs);
                }
                self.context.mirror.end_wait(&self.wait_subject());
                self.log();
            }
            End::Unanswered(_) => self.suspect(),
            End::Overdue => self.log(),
            End::Failed(_) | End::Refused(..) | End::Waiting { .. } => {}
        }
        end
    }

    fn log(&self) {
        let step = operation(&self.step.action);
        let subject = subject_text(&self.step.action, self.key);
        tracing::info!(step, subject, reason = self.step.reason, "done");
    }

    async fn dispatch(&self) -> End {
        use Action as A;
        match &self.step.action {
            A::AddFinalizer { object, finalizer } => self.add_finalizer(object, finalizer).await,
            A::RemoveFinalizer {
                object,
                finalizer,
                last,
            } => self.remove_finalizer(object, finalizer, *last).await,
            A::CreateBinding { address, binding } => self.create_binding(address, binding).await,
            A::UpdateBinding { binding, .. } => self.update_binding(binding).await,
            A::DeleteBinding { namespace, name, uid } => self.delete_binding(namespace, name, uid).await,
            A::AwaitTargets { namespace, name, .. } => self.await_targets(namespace, name).await,
            A::AwaitHealth {
                target_group,
                replaces,
            } => self.await_health(target_group, replaces).await,
            A::AwaitActive { load_balancer } => self.await_active(load_balancer).await,
            A::MoveAddress { from, to } => self.move_address(from, to),
            A::AwaitDrain { load_balancer } => self.await_drain(load_balancer),
            A::CreateSecurityGroup { .. }
            | A::AuthorizeIngress { .. }
            | A::RevokeIngress { .. }
            | A::CreateTags { .. }
            | A::DeleteTags { .. }
            | A::DeleteSecurityGroup { .. } => self.run_security_group().await,
            A::CreateTargetGroup { .. }
            | A::ModifyTargetGroup { .. }
            | A::ModifyTargetGroupAttributes { .. }
            | A::DeleteTargetGroup { .. } => self.run_target_group().await,
            A::CreateListener { .. }
            | A::ModifyListener { .. }
            | A::AddListenerCertificate { .. }
            | A::RemoveListenerCertificate { .. }
            | A::ModifyListenerAttributes { .. }
            | A::DeleteListener { .. } => self.run_listener().await,
            A::CreateRule { .. }
            | A::ModifyRule { .. }
            | A::SetRulePriorities { .. }
            | A::DeleteRule { .. } => self.run_rule().await,
            _ => self.run_load_balancer().await,
        }
    }

    /// The ARN or id behind a reference.
    pub fn resolve(&self, reference: &Ref) -> Result<String, End> {
        self.outputs
            .resolve(reference)
            .ok_or_else(|| self.unresolved(reference))
    }

    fn unresolved(&self, reference: &Ref) -> End {
        match reference {
            Ref::BackendGroup => self.wait(
                "the shared backend security group",
                SignedDuration::from_mins(10),
            ),
            Ref::Known(name) => self.failed(ProblemCode::Refused, &format!("{name} is not known")),
            Ref::Pending(address) => self.failed(
                ProblemCode::Refused,
                &format!("{address} was not created by an earlier step of the plan; this is a defect of the controller"),
            ),
        }
    }

    /// Waits, up to a bound counted from the first time this step waited.
    pub fn wait(&self, for_: &str, bound: SignedDuration) -> End {
        let wait = self.context.mirror.wait(&self.wait_subject());
        let waited = self.context.clock.now().duration_since(wait.since);
        if waited > bound {
            let minutes = waited.as_mins();
            let message = format!("waited {minutes} minutes for {for_}");
            return self.failed(ProblemCode::TimedOut, &message);
        }
        self.waits(for_, wait)
    }

    /// Waits for what the next plan will see.
    pub fn waiting(&self, for_: &str) -> End {
        self.waits(for_, self.context.mirror.wait(&self.wait_subject()))
    }

    fn waits(&self, for_: &str, wait: Wait) -> End {
        End::Waiting {
            for_: for_.to_owned(),
            wait,
            objects: self.asked_by().into_keys().collect(),
        }
    }

    /// The end of a step that AWS refused less than ten minutes ago in this very form.
    fn refused_before(&self) -> Option<End> {
        let (refusals, now) = (self.context.refusals, self.context.clock.now());
        let refusal = refusals.standing(&self.plan.key, &self.step.action, &self.outputs, now)?;
        let problems = self.problems(refusal.code, &refusal.message);
        Some(End::Refused(problems, refusal.until))
    }

    /// A refusal by AWS that will be the same next time.
    pub fn refusal(&self, code: ProblemCode, message: &str) -> End {
        let what = (&self.step.action, &self.outputs);
        let now = self.context.clock.now();
        let until = self
            .context
            .refusals
            .note(&self.plan.key, what, (code, message), now);
        End::Refused(self.problems(code, message), until)
    }

    /// A failure, for every object that asked for the step.
    pub fn failed(&self, code: ProblemCode, message: &str) -> End {
        End::Failed(self.problems(code, message))
    }

    fn problems(&self, code: ProblemCode, message: &str) -> Vec<Problem> {
        let message = format!("{}: {message}", doing(&self.step.action));
        let problems = self
            .asked_by()
            .into_iter()
            .map(|(object, field)| Problem::fault(&object, &field, code, message.clone()));
        problems.collect()
    }

    /// Objects that asked for the step, each with the fields that did; the owner of the stack if none is
    /// noted.
    fn asked_by(&self) -> BTreeMap<ObjectRef, String> {
        let mut asked: BTreeMap<ObjectRef, String> = BTreeMap::new();
        for origin in self.step.origins.iter().filter(|origin| !origin.field.is_empty()) {
            let fields = asked.entry(origin.object.clone()).or_default();
            if !fields.is_empty() {
                fields.push_str(", ");
            }
            fields.push_str(&origin.field);
        }
        for origin in &self.step.origins {
            asked.entry(origin.object.clone()).or_default();
        }
        if asked.is_empty()
            && let Some(key) = self.key
        {
            let kind = match key.kind {
                StackKind::Service => "Service",
                StackKind::Ingress => "Ingress",
            };
            let owner = ObjectRef::new(kind, &key.namespace, &key.name);
            asked.insert(owner, String::new());
        }
        asked
    }

    /// Marks what the step touches as doubtful.
    pub fn suspect(&self) {
        if let Some(key) = self.key {
            self.context.mirror.suspect(key, self.step);
        }
    }

    fn wait_subject(&self) -> String {
        wait_subject(&self.step.action, self.key)
    }
}

/// Ends the waits of a plan, those whose bound was over included, where all that waited for them is done.
pub(super) fn end_waits(plan: &Plan, done: &BTreeSet<StepId>, key: Option<&StackKey>, mirror: &Mirror) {
    let ended = |id: &StepId| done.contains(id);
    for wait in plan
        .steps
        .iter()
        .filter(|step| step.action.is_wait() && ended(&step.id))
    {
        let mut behind = BTreeSet::from([wait.id]);
        for step in &plan.steps {
            if !step.needs.is_disjoint(&behind) {
                behind.insert(step.id);
            }
        }
        if behind.iter().all(ended) {
            mirror.end_wait(&wait_subject(&wait.action, key));
        }
    }
}

/// What the wait of a step is entered under.
fn wait_subject(action: &Action, key: Option<&StackKey>) -> String {
    format!("{} {}", operation(action), subject_text(action, key))
}
