//! One run of a binding: reads what the decision asks for, until it says what to do.

use std::sync::Arc;

use elbow_core::event::EventType;
use elbow_core::key::Lane;
use elbow_core::question::{Answer, Fact, Question};
use elbow_core::targets::Backends;
use elbow_core::targets::checkpoint::fingerprint;
use elbow_core::targets::conclude::event;
use elbow_core::targets::decide::{Ask, BindingDecision, decide, endpoints, pods_of_interest};
use elbow_core::targets::gates::gate;
use elbow_core::targets::input::{BindingInput, RunFacts};
use elbow_core::targets::ledger::BindingName;
use elbow_core::targets::listing::{HealthRead, Listing};
use elbow_core::targets::memory::BindingMemory;
use elbow_core::targets::networking::Contribution;
use elbow_core::targets::zones::VpcBlocks;
use elbow_core::view::{BindingObject, Pod, Service};
use elbow_crds::problem::{Problem, ProblemCode};
use ipnet::IpNet;

use super::writes::WriteError;
use super::{Slot, Targets, TargetsContext, is_lease_lost, lock, tracked};
use crate::aws::{AwsError, Cx, Fault};
use crate::outcome::Run;

/// Rounds of questions before a run counts as broken; a sound one needs four.
const ROUNDS: usize = 10;

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
        let (memory, written) = slot.map_or_else(
            || {
                (
                    BindingMemory::new(&seen, self.clock.now(), self.settings.sync_period),
                    None,
                )
            },
            |slot| (slot.memory, slot.written),
        );
        let binding = newest(seen, written);
        let seen = see(context, &binding, &memory);
        let mut pass = Pass {
            targets: self,
            context,
            cx,
            name: name.clone(),
            binding,
            memory,
            facts: RunFacts::default(),
            seen,
            claimed: None,
            lease_lost: false,
            run: Run::default(),
        };
        // An early end has put its reason into the run.
        let _ = pass.go().await;
        let slot = Slot {
            memory: pass.memory,
            written: Some(pass.binding),
        };
        lock(&self.slots).insert(name, slot);
        pass.run
    }

    fn binding_is_gone(&self, name: &BindingName) -> Run {
        lock(&self.slots).remove(name);
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

    async fn answer(&mut self, ask: Ask) -> Result<(), Ended> {
        match ask {
            Ask::Health(read) => self.read_health(read).await,
            Ask::Tracked => {
                let read = tracked::read(&self.targets.kube, &self.binding).await;
                self.memory.tracked = Some(read.map_err(|error| self.fail(&error.to_string()))?);
                Ok(())
            }
            Ask::Vpc(vpc) => self.read_vpc(&vpc).await,
            Ask::Contribution => {
                self.work_out_contribution().await;
                Ok(())
            }
        }
    }

    async fn read_health(&mut self, read: HealthRead) -> Result<(), Ended> {
        let arn = &self.binding.spec.target_group_arn;
        let cleaning = self.binding.meta.deleting;
        let cx = Cx {
            lane: match read {
                HealthRead::All => self.cx.lane,
                HealthRead::These(_) => Lane::Health,
            },
            key: self.cx.key.clone(),
        };
        let these = match &read {
            HealthRead::All => None,
            HealthRead::These(these) => Some(these.as_slice()),
        };
        let answer = match self.targets.aws.target_health(&cx, arn, these).await {
            Ok(answer) => answer,
            // A group that is gone, or never was one, holds no targets of ours.
            Err(error) if cleaning && is_nothing_there(&error) => Vec::new(),
            Err(error) => {
                self.memory.listing = None;
                return Err(self.fail_aws(&error));
            }
        };
        let now = self.targets.clock.now();
        match (read, &mut self.memory.listing) {
            (HealthRead::These(_), Some(listing)) => listing.refresh(answer, now),
            _ => self.memory.listing = Some(Listing::full(answer, now)),
        }
        self.facts.listed = true;
        Ok(())
    }

    async fn read_vpc(&mut self, vpc: &str) -> Result<(), Ended> {
        if *vpc != self.targets.settings.realm.vpc {
            // A target group of another VPC: all its addresses that are not in ours are outside of it, as
            // are ours (upstream describes the VPC to find out).
            let found = self.targets.aws.vpc_by_id(self.cx, vpc).await;
            let found = found.map_err(|error| self.fail_aws(&error))?;
            let Some(found) = found else {
                return Err(self.fail(&format!("VPC {vpc} of spec.vpcID does not exist")));
            };
            self.facts.vpc = Some(blocks(found.ipv4_cidrs.iter().chain(&found.ipv6_cidrs)));
            return Ok(());
        }
        let question = Question::Vpc;
        let questions = std::collections::BTreeSet::from([question.clone()]);
        let answers = self.context.facts.answer(&questions, self.cx).await;
        match answers.get(&question) {
            Some(Answer::Known {
                fact: Fact::Vpc(vpc), ..
            }) => {
                self.facts.vpc = Some(blocks(vpc.ipv4_cidrs.iter().chain(&vpc.ipv6_cidrs)));
                Ok(())
            }
            Some(Answer::Denied { action }) => {
                let message = format!("the controller may not describe its VPC: {action} is denied");
                Err(self.fail(&message))
            }
            Some(Answer::Absent { message: reason } | Answer::Unknown { reason }) => {
                let reason = reason.clone();
                Err(self.fail(&reason))
            }
            _ => Err(self.fail("the address blocks of the VPC are not known")),
        }
    }

    /// Works out and publishes what the binding asks of security groups.
    async fn work_out_contribution(&mut self) {
        let binding = self.binding.clone();
        let Some(networking) = &binding.spec.networking else {
            self.withdraw(None);
            self.facts.contribution = Some(Ok(()));
            return;
        };
        let wanted = endpoints(&self.input());
        let made = match &wanted {
            Ok(endpoints) => {
                let targets = self.targets;
                targets
                    .interfaces
                    .contribution(
                        &targets.aws,
                        self.cx,
                        &targets.settings,
                        &binding,
                        networking,
                        endpoints,
                        &self.seen.backends,
                    )
                    .await
                    .map_err(|error| error.message())
            }
            Err(failure) => Err(failure.to_string()),
        };
        self.facts.contribution = Some(match (made, wanted) {
            // On its way out a binding asks for nothing, but its rules have to be found.
            (Ok(made), _) if binding.meta.deleting => {
                self.claimed = Some(made);
                Ok(())
            }
            (Ok(made), Ok(endpoints)) => {
                self.publish(made, fingerprint(&endpoints, &binding.spec));
                Ok(())
            }
            (Ok(_), Err(failure)) => Err(failure.to_string()),
            (Err(message), _) => {
                self.note_unresolved(&message);
                Err(message)
            }
        });
    }

    fn publish(&mut self, made: Contribution, fingerprint: String) {
        let groups = {
            let mut ledger = lock(&self.targets.ledger);
            let groups = ledger.publish(&self.name, made);
            self.memory.contribution_is_wide = ledger.is_wide(&self.name);
            groups
        };
        self.memory.contribution_of = Some(fingerprint);
        self.wake_groups(groups);
    }

    pub fn withdraw(&mut self, last: Option<Contribution>) {
        let groups = lock(&self.targets.ledger).withdraw(&self.name, last);
        self.memory.contribution_of = None;
        self.memory.contribution_is_wide = false;
        self.wake_groups(groups);
    }

    fn note_unresolved(&mut self, message: &str) {
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

fn blocks<'a>(cidrs: impl Iterator<Item = &'a String>) -> VpcBlocks {
    let parsed = cidrs.filter_map(|cidr| cidr.parse::<IpNet>().ok());
    VpcBlocks::Blocks(parsed.collect())
}
