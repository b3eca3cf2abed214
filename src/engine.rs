//! The engine: everything one run of a key needs, and the dispatch from key to run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use elbow_core::intent;
use elbow_core::key::{Key, Lane, StackKey, StackKind};
use elbow_core::settings::Settings;
use elbow_core::view::Service;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use serde::Serialize;

use crate::apply::Refusals;
use crate::aws::{Aws, Cx};
use crate::clock::Clock;
use crate::cluster::Stores;
use crate::cluster::wake::Wakes;
use crate::expect::Expectations;
use crate::facts::Facts;
use crate::mirror::Mirror;
use crate::outcome::Run;
use crate::queue::{Due, Queue};
use crate::reconcile;
use crate::records::Records;
use crate::rejections::Rejections;
use crate::status::Reporter;
use crate::targets::{Targets, TargetsContext};

/// What the engine is made of. One per process.
#[allow(missing_debug_implementations)] // a kube client has none
pub struct Engine {
    /// Settings of the pure rooms.
    pub settings: Arc<Settings>,
    /// Time.
    pub clock: Clock,
    /// Kubernetes, as last seen.
    pub stores: Arc<Stores>,
    /// Connection to the API server.
    pub kube: kube::Client,
    /// AWS.
    pub aws: Aws,
    /// Answers to questions.
    pub facts: Facts,
    /// What AWS holds of ours.
    pub mirror: Arc<Mirror>,
    /// What survives a restart.
    pub records: Records,
    /// Bindings and the keys they need.
    pub targets: Targets,
    /// Steps that AWS refused lately.
    pub refusals: Refusals,
    /// Members of groups that are left out for a while.
    pub rejections: Rejections,
    /// Events and statuses.
    pub reporter: Reporter,
    /// Stacks that are due.
    pub stacks: Queue,
    /// Bindings, group rules and backend groups that are due.
    pub bindings: Queue,
    /// Whether this process works: wakes of a standby are dropped.
    pub leading: AtomicBool,
    /// Whether only plans are made: what does not exist yet is a pending reference, not a wait.
    pub planning: bool,
    /// Why the process is not ready; `None` when it is.
    pub not_ready: Mutex<Option<String>>,
    /// What each stack asked, so that a changed answer or backend wakes it.
    pub interests: Mutex<BTreeMap<StackKey, Interests>>,
    /// Own writes to Kubernetes that the watch has yet to show.
    pub expectations: Expectations,
    /// The last run of every key, for `/debug/stacks`.
    pub last: Mutex<BTreeMap<Key, LastRun>>,
}

/// What a stack depends on besides its own object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interests {
    /// Questions it asked.
    pub questions: BTreeSet<elbow_core::question::Question>,
    /// Services it named as backends, by namespace and name.
    pub services: BTreeSet<(String, String)>,
}

/// The last run of a key.
#[derive(Clone, Debug, Serialize)]
pub struct LastRun {
    /// When it ended.
    pub at: jiff::Timestamp,
    /// Whether it is tried again with back-off.
    pub retry: bool,
    /// What stood in the way.
    pub problems: Vec<String>,
    /// What it waits for.
    pub waits: Vec<String>,
    /// When it wants to run again.
    pub wake_at: Option<jiff::Timestamp>,
}

impl Engine {
    /// Runs one key once and reports what came of it.
    pub async fn run(&self, due: &Due) -> Run {
        if let Some(until) = self.catches_up(&due.key) {
            return Run {
                wake_at: Some(until),
                ..Run::default()
            };
        }
        let cx = Cx::new(due.lane, &due.key);
        let mut run = match &due.key {
            Key::Stack(stack) => reconcile::stack(self, stack, &cx).await,
            Key::Binding { .. } | Key::GroupRules { .. } | Key::BackendGroup { .. } => {
                self.targets.run(&self.targets_context(), &due.key, &cx).await
            }
        };
        self.reporter.report(&due.key, &mut run, self.clock.now()).await;
        if self.is_over(&due.key, &run) {
            self.forget(&due.key);
        } else {
            self.remember(&due.key, &run);
        }
        for key in &run.enqueue {
            self.wake(key.clone(), due.lane);
        }
        run
    }

    /// What a run comes to that ended in a panic: a bug of ours, told with the key, and another try with
    /// back-off.
    pub fn panicked(&self, due: &Due, what: &str) -> Run {
        tracing::error!(key = %due.key, lane = ?due.lane, panic = what, "a run panicked; it is tried again");
        let message = format!("the controller failed ({what}); this is a bug of Elbow, please report it");
        let run = Run {
            retry: true,
            problems: vec![Problem::fault(
                &object_of(&due.key),
                "",
                ProblemCode::Internal,
                message,
            )],
            ..Run::default()
        };
        self.remember(&due.key, &run);
        run
    }

    /// What runs of bindings look at besides AWS.
    pub fn targets_context(&self) -> TargetsContext<'_> {
        TargetsContext {
            stores: &self.stores,
            mirror: &self.mirror,
            facts: &self.facts,
        }
    }

    /// Wakes a key, if this process works.
    pub fn wake(&self, key: Key, lane: Lane) {
        if self.leading.load(Ordering::Acquire) {
            self.queue(&key).wake(key, lane);
        }
    }

    /// Wakes keys that a changed object concerns, and the stacks that named a changed Service as a backend.
    pub fn wake_many(&self, wakes: Wakes) {
        let mut dependents = BTreeSet::new();
        for (key, lane) in wakes {
            if let Key::Stack(stack) = &key
                && stack.kind == StackKind::Service
            {
                let service = (stack.namespace.clone(), stack.name.clone());
                dependents.extend(self.stacks_where(|interests| interests.services.contains(&service)));
            }
            self.wake(key, lane);
        }
        for stack in dependents {
            self.wake(Key::Stack(stack), Lane::Edit);
        }
    }

    /// Wakes the stacks that asked a question whose answer changed.
    pub fn answer_changed(&self, question: &elbow_core::question::Question) {
        for stack in self.stacks_where(|interests| interests.questions.contains(question)) {
            self.wake(Key::Stack(stack), Lane::Edit);
        }
    }

    /// Wakes everything, or the one key of that name (`stack/service:ns/name`, `binding/ns/name`, ...). The
    /// keys that were woken.
    pub fn wake_all(&self, only: Option<&str>, lane: Lane) -> Vec<String> {
        let keys = self
            .keys()
            .into_iter()
            .filter(|key| only.is_none_or(|only| key.to_string() == only));
        let mut woken = Vec::new();
        for key in keys {
            woken.push(key.to_string());
            self.wake(key, lane);
        }
        woken
    }

    /// All keys there are: from Kubernetes objects only, never from what AWS holds.
    pub fn keys(&self) -> BTreeSet<Key> {
        let services = self.stores.services.all();
        let scope = &self.settings.scope.namespace;
        let is_watched = |s: &Service| {
            self.settings.gates.enable_service_controller
                && scope
                    .as_ref()
                    .is_none_or(|namespace| *namespace == s.meta.namespace)
        };
        let concerns_us = |s: &Service| {
            s.meta.finalizers.contains(intent::FINALIZER)
                || is_watched(s) && intent::service::is_ours(s, &self.settings)
        };
        let stacks = services.iter().filter(|service| concerns_us(service));
        let mut keys: BTreeSet<Key> = stacks
            .map(|s| Key::Stack(StackKey::service(&s.meta.namespace, &s.meta.name)))
            .collect();
        let of_ingresses = self.stores.ingress_stacks(&self.settings);
        keys.extend(of_ingresses.into_iter().map(Key::Stack));
        keys.extend(self.stores.bindings().iter().map(|b| Key::Binding {
            namespace: b.meta.namespace.clone(),
            name: b.meta.name.clone(),
        }));
        keys.insert(Key::BackendGroup {
            vpc: self.settings.realm.vpc.clone(),
        });
        keys.extend(self.targets.group_rules_keys());
        keys
    }

    /// Which queue a key waits in.
    pub fn queue(&self, key: &Key) -> &Queue {
        match key {
            Key::Stack(_) => &self.stacks,
            Key::Binding { .. } | Key::GroupRules { .. } | Key::BackendGroup { .. } => &self.bindings,
        }
    }

    /// Whether the process can work, with the reason why not.
    pub fn readiness(&self) -> Result<(), String> {
        let reason = self
            .not_ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match reason {
            Some(reason) => Err(reason),
            None if !self.stores.is_synced() => {
                Err("the first lists from Kubernetes are not complete".to_owned())
            }
            None => Ok(()),
        }
    }

    /// Sets or clears the reason why the process is not ready.
    pub fn set_not_ready(&self, reason: Option<String>) {
        *self.not_ready.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Clears that reason why the process is not ready; another one stays.
    pub fn end_not_ready(&self, reason: Option<&str>) {
        let mut held = self.not_ready.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_deref() == reason {
            *held = None;
        }
    }

    /// Remembers what a stack asked.
    pub fn note_questions(&self, stack: &StackKey, questions: &BTreeSet<elbow_core::question::Question>) {
        let mut interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        interests
            .entry(stack.clone())
            .or_default()
            .questions
            .extend(questions.iter().cloned());
    }

    /// Remembers which Services a stack named.
    pub fn note_services(&self, stack: &StackKey, services: BTreeSet<(String, String)>) {
        let mut interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        if services.is_empty() {
            if let Some(known) = interests.get_mut(stack) {
                known.services.clear();
            }
        } else {
            interests.entry(stack.clone()).or_default().services = services;
        }
    }

    fn stacks_where(&self, concerned: impl Fn(&Interests) -> bool) -> BTreeSet<StackKey> {
        let interests = self.interests.lock().unwrap_or_else(PoisonError::into_inner);
        interests
            .iter()
            .filter(|(_, i)| concerned(i))
            .map(|(stack, _)| stack.clone())
            .collect()
    }

    /// Until when a key waits for the watch, which wakes it, to show what its last run wrote.
    fn catches_up(&self, key: &Key) -> Option<jiff::Timestamp> {
        let Key::Stack(stack) = key else { return None };
        self.expectations.pending(stack, &self.stores, self.clock.now())
    }

    /// Whether the object of a key is gone and nothing is left to be done about it.
    fn is_over(&self, key: &Key, run: &Run) -> bool {
        if run.retry || run.wake_at.is_some() || !run.problems.is_empty() {
            return false;
        }
        let there = match key {
            Key::Stack(stack) if stack.kind == StackKind::Ingress => {
                self.stores.has_ingress_stack(stack, &self.settings)
            }
            Key::Stack(stack) => self.stores.service(&stack.namespace, &stack.name).is_some(),
            Key::Binding { namespace, name } => self.stores.binding(namespace, name).is_some(),
            Key::GroupRules { .. } | Key::BackendGroup { .. } => true,
        };
        !there
    }

    fn forget(&self, key: &Key) {
        self.reporter.forget(key);
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
        self.facts.trust(key);
        if let Key::Stack(stack) = key {
            self.records.forget(stack);
            self.expectations.forget(stack);
            self.mirror.forget(stack);
            self.interests
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(stack);
        }
    }

    fn remember(&self, key: &Key, run: &Run) {
        let last = LastRun {
            at: self.clock.now(),
            retry: run.retry,
            problems: run.problems.iter().map(ToString::to_string).collect(),
            waits: run.waits.clone(),
            wake_at: run.wake_at,
        };
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), last);
    }

    /// What `/debug/stacks` shows: every key's last run, what AWS holds of ours, and orphans.
    pub fn debug_stacks(&self) -> serde_json::Value {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let runs: BTreeMap<String, LastRun> = last
            .into_iter()
            .map(|(key, run)| (key.to_string(), run))
            .collect();
        let known: BTreeSet<StackKey> = self
            .keys()
            .into_iter()
            .filter_map(|key| {
                if let Key::Stack(stack) = key {
                    Some(stack)
                } else {
                    None
                }
            })
            .collect();
        serde_json::json!({
            "leading": self.leading.load(Ordering::Acquire),
            "queues": { "stacks": self.stacks.depth(), "bindings": self.bindings.depth() },
            "runs": runs,
            "mirror": self.mirror.snapshot(),
            "orphans": self.mirror.orphans(&known),
        })
    }
}

/// What a key is about, for problems that no object asked for.
fn object_of(key: &Key) -> ObjectRef {
    match key {
        Key::Stack(stack) => elbow_core::status::owner_object(stack),
        Key::Binding { namespace, name } => ObjectRef::new("TargetGroupBinding", namespace, name),
        Key::GroupRules { group, .. } => ObjectRef::new("SecurityGroup", "", group),
        Key::BackendGroup { vpc } => ObjectRef::new("VPC", "", vpc),
    }
}
