//! One run of a binding: reads what the decision asks for, until it says what to do.

use std::sync::Arc;

use elbow_core::event::EventType;
use elbow_core::targets::Backends;
use elbow_core::targets::conclude::event;
use elbow_core::targets::decide::{BindingDecision, decide, pods_of_interest};
use elbow_core::targets::gates::gate;
use elbow_core::targets::input::{BindingInput, RunFacts};
use elbow_core::targets::ledger::BindingName;
use elbow_core::targets::memory::BindingMemory;
use elbow_core::targets::networking::Contribution;
use elbow_core::view::{BindingObject, Pod, Service};
use elbow_crds::problem::{Problem, ProblemCode};

use super::writes::WriteError;
use super::{Slot, Targets, TargetsContext, is_lease_lost, lock};
use crate::aws::{AwsError, Cx, Fault};
use crate::outcome::Run;

/// Rounds of questions before a run counts as broken; a sound one needs four.
pub(super) const ROUNDS: usize = 10;

/// A run under way.
pub(super) struct Pass<'a> {
    pub targets: &'a Targets,
    pub context: &'a TargetsContext<'a>,
    pub cx: &'a Cx,
    pub name: BindingName,
    pub binding: Arc<BindingObject>,
    pub memory: BindingMemory,
    pub facts: RunFacts,
    pub seen: Seen,
    /// What a binding on its way out asked of security groups, where that had to be worked out.
    pub claimed: Option<Contribution>,
    /// The lease ran out during the run: nothing more is written, and nobody is to blame.
    pub lease_lost: bool,
    pub run: Run,
}

/// What the stores say, for the whole run.
pub(super) struct Seen {
    pub service: Option<Arc<Service>>,
    pub backends: Backends,
    pub gated_pods: Vec<Arc<Pod>>,
}

/// Why a run ends early; the reason is in its [`Run`].
pub(super) struct Ended;

impl Targets {
    pub(super) async fn run_binding(
        &self,
        context: &TargetsContext<'_>,
        namespace: &str,
        name: &str,
        cx: &Cx,
    ) -> Run {
        let name = (namespace.to_owned(), name.to_owned());
        let Some(seen) = context.stores.binding(&name.0, &name.1) else {
            return self.binding_is_gone(&name);
        };
        let slot = lock(&self.slots)
            .remove(&name)
            .filter(|slot| slot.memory.is_of(&seen));
        let mut pass = self.begin(context, cx, seen, slot);
        if lock(&self.distrusted).remove(&name) {
            pass.memory.verify_at = self.clock.now();
        }
        // An early end has put its reason into the run.
        let _ = pass.go().await;
        let slot = Slot {
            memory: pass.memory,
            written: Some(pass.binding),
        };
        lock(&self.slots).insert(name, slot);
        pass.run
    }

    /// A run over a binding with what is kept of it.
    pub(super) fn begin<'a>(
        &'a self,
        context: &'a TargetsContext<'a>,
        cx: &'a Cx,
        seen: Arc<BindingObject>,
        slot: Option<Slot>,
    ) -> Pass<'a> {
        let (memory, written) = slot.map_or_else(
            || {
                let now = self.clock.now();
                (BindingMemory::new(&seen, now, self.settings.sync_period), None)
            },
            |slot| (slot.memory, slot.written),
        );
        let binding = newest(seen, written);
        Pass {
            targets: self,
            context,
            cx,
            name: (binding.meta.namespace.clone(), binding.meta.name.clone()),
            seen: see(context, &binding, &memory),
            binding,
            memory,
            facts: RunFacts::default(),
            claimed: None,
            lease_lost: false,
            run: Run::default(),
        }
    }

    fn binding_is_gone(&self, name: &BindingName) -> Run {
        lock(&self.slots).remove(name);
        lock(&self.distrusted).remove(name);
        self.writes.gate_times.forget(name);
        let groups = lock(&self.ledger).forget(name);
        Run {
            enqueue: groups.into_iter().map(|group| self.group_key(group)).collect(),
            ..Run::default()
        }
    }
}

/// The store may lag behind our own last write.
fn newest(seen: Arc<BindingObject>, written: Option<Arc<BindingObject>>) -> Arc<BindingObject> {
    let version = |object: &BindingObject| object.meta.resource_version.parse::<u64>().unwrap_or(0);
    match written {
        Some(written) if version(&written) > version(&seen) => written,
        _ => seen,
    }
}

fn see(context: &TargetsContext<'_>, binding: &BindingObject, memory: &BindingMemory) -> Seen {
    let stores = context.stores;
    let namespace = &binding.meta.namespace;
    let service = &binding.spec.service_ref.name;
    let mut backends = Backends {
        slices: stores.slices_of_service(namespace, service),
        nodes: stores
            .nodes()
            .into_iter()
            .map(|node| (node.meta.name.clone(), node))
            .collect(),
        ..Backends::default()
    };
    for (namespace, name) in pods_of_interest(&backends, &memory.known) {
        if let Some(pod) = stores.pod(&namespace, &name) {
            backends.pods.insert((namespace, name), pod);
        }
    }
    Seen {
        service: stores.service(namespace, service),
        backends,
        gated_pods: stores.pods_with_gate(namespace, &gate(&binding.meta.name)),
    }
}

impl Pass<'_> {
    pub fn input(&self) -> BindingInput<'_> {
        BindingInput {
            binding: &self.binding,
            service: self.seen.service.as_deref(),
            backends: &self.seen.backends,
            gated_pods: &self.seen.gated_pods,
            settings: &self.targets.settings,
            memory: &self.memory,
            facts: &self.facts,
            now: self.targets.clock.now(),
        }
    }

    async fn go(&mut self) -> Result<(), Ended> {
        for _ in 0..ROUNDS {
            {
                let ledger = lock(&self.targets.ledger);
                self.facts.rules = ledger.state(&self.name);
                self.facts.contribution_wanted = ledger.is_wanted(&self.name);
            }
            match decide(&self.input()) {
                BindingDecision::Ask(asks) => {
                    for ask in asks {
                        self.answer(ask).await?;
                    }
                }
                BindingDecision::AddFinalizer => self.add_finalizer().await?,
                BindingDecision::Rest { endpoints, wake_at } => {
                    self.memory.remember(&endpoints);
                    self.run.wake_at = wake_at;
                    return Ok(());
                }
                BindingDecision::Wait { reason, wake_at } => {
                    self.run.waits.push(reason);
                    self.run.wake(wake_at);
                    return Ok(());
                }
                BindingDecision::Failed(problem) => {
                    self.note_unresolved(&problem.message);
                    return Err(self.fail_with(problem, "FailedReconcile", "Failed reconcile due to "));
                }
                BindingDecision::Sync(work) => return self.sync(&work).await,
                BindingDecision::Cleanup(work) => return self.clean_up(&work).await,
            }
        }
        Err(self.fail("the decision on the binding's targets does not end"))
    }

    pub fn withdraw(&mut self, last: Option<Contribution>) {
        let groups = lock(&self.targets.ledger).withdraw(&self.name, last);
        self.memory.contribution_of = None;
        self.memory.contribution_is_wide = false;
        self.wake_groups(groups);
    }

    pub fn note_unresolved(&mut self, message: &str) {
        if self.binding.spec.networking.is_some() && !self.binding.meta.deleting {
            let groups = lock(&self.targets.ledger).failed(&self.name, message);
            self.wake_groups(groups);
        }
    }

    pub fn wake_groups(&mut self, groups: impl IntoIterator<Item = String>) {
        let keys = groups.into_iter().map(|group| self.targets.group_key(group));
        self.run.enqueue.extend(keys);
    }

    async fn add_finalizer(&mut self) -> Result<(), Ended> {
        let added = self
            .targets
            .writes
            .add_finalizer(&self.targets.kube, &self.binding)
            .await;
        match added {
            Ok(binding) => {
                self.binding = Arc::new(binding);
                Ok(())
            }
            Err(WriteError::Gone) => Err(Ended),
            Err(error) => {
                let problem = self.problem(&error.to_string());
                Err(self.fail_with(problem, "FailedAddFinalizer", "Failed add finalizer due to "))
            }
        }
    }

    pub fn problem(&self, message: &str) -> Problem {
        Problem::fault(&self.binding.object(), "", ProblemCode::Refused, message)
    }

    /// Ends the run because of an error of AWS.
    pub fn fail_aws(&mut self, error: &AwsError) -> Ended {
        if is_lease_lost(error) {
            self.run.retry = true;
            return Ended;
        }
        let code = match error.fault {
            Fault::Denied => ProblemCode::Denied,
            Fault::NotFound => ProblemCode::NotFound,
            Fault::Quota => ProblemCode::Limit,
            _ => ProblemCode::Refused,
        };
        let problem = Problem::fault(&self.binding.object(), "", code, error.to_string());
        self.fail_in_context(problem)
    }

    /// Ends the run with a failure.
    pub fn fail(&mut self, message: &str) -> Ended {
        let problem = self.problem(message);
        self.fail_in_context(problem)
    }

    fn fail_in_context(&mut self, problem: Problem) -> Ended {
        if self.binding.meta.deleting {
            self.fail_with(problem, "FailedCleanup", "Failed cleanup due to ")
        } else {
            self.fail_with(problem, "FailedReconcile", "Failed reconcile due to ")
        }
    }

    pub fn fail_with(&mut self, problem: Problem, reason: &str, prefix: &str) -> Ended {
        let now = self.targets.clock.now();
        if self.memory.is_news(&problem.message, now) {
            let text = format!("{prefix}{}", problem.message);
            let made = event(&self.binding, EventType::Warning, reason, &text);
            self.run.events.push(made);
        }
        self.run.problems.push(problem);
        self.run.retry = true;
        Ended
    }
}

/// Whether an answer to a cleaning-up call says that there is nothing to clean up (reference page
/// `target-group-binding.md`, section 13).
pub(super) fn is_nothing_there(error: &AwsError) -> bool {
    error.fault == Fault::NotFound || error.fault == Fault::Invalid
}
