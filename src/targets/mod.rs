//! Everything between TargetGroupBindings and registered targets: the keys `Binding`, `GroupRules` and
//! `BackendGroup`.
//!
//! In: a key that is due, the stores, AWS. Out: targets, pod conditions, checkpoints and security group rules
//! as `elbow_core::targets` decides them, and a [`Run`] that says when to look again.

mod answer;
mod backend_group;
mod binding;
mod cleanup;
mod gate_times;
mod group_rules;
mod interfaces;
mod preview;
mod register;
mod sync;
mod tracked;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use elbow_core::key::Key;
use elbow_core::settings::Settings;
use elbow_core::targets::ledger::{BindingName, RulesLedger};
use elbow_core::targets::memory::BindingMemory;
use elbow_core::view::BindingObject;

use crate::aws::{Aws, AwsError, Cx, Fault};
use crate::clock::Clock;
use crate::cluster::Stores;
use crate::facts::Facts;
use crate::mirror::Mirror;
use crate::outcome::Run;

use backend_group::BackendState;
use gate_times::GateTimes;
use interfaces::InterfaceCache;
use writes::Writes;

pub use preview::{Extent, Previews};

/// What runs look at besides AWS.
#[derive(Clone, Copy, Debug)]
pub struct TargetsContext<'a> {
    /// Kubernetes, as last seen.
    pub stores: &'a Stores,
    /// What AWS holds of ours: the backend security group.
    pub mirror: &'a Mirror,
    /// Answers about the VPC.
    pub facts: &'a Facts,
}

/// What this process knows about bindings and their rules. One per process; dropped knowledge costs calls,
/// never correctness.
pub struct Targets {
    settings: Arc<Settings>,
    aws: Aws,
    kube: kube::Client,
    clock: Clock,
    writes: Writes,
    interfaces: InterfaceCache,
    slots: Mutex<BTreeMap<BindingName, Slot>>,
    /// Bindings whose next run compares with AWS. Apart from the slots, which runs hold while they last.
    distrusted: Mutex<BTreeSet<BindingName>>,
    ledger: Mutex<RulesLedger>,
    backend: Mutex<BackendState>,
    /// Whether groups tagged for the cluster were looked through for rules nobody asks for any more.
    leftovers_found: Mutex<bool>,
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Targets")
            .field("ledger", &lock(&self.ledger))
            .finish_non_exhaustive()
    }
}

/// What is kept of a binding between runs.
#[derive(Debug)]
struct Slot {
    memory: BindingMemory,
    /// The binding as our own last write returned it.
    written: Option<Arc<BindingObject>>,
}

impl Targets {
    /// Without any knowledge.
    pub fn new(settings: Arc<Settings>, aws: Aws, kube: kube::Client, clock: Clock) -> Self {
        Self {
            settings,
            aws,
            kube,
            clock,
            writes: Writes::default(),
            interfaces: InterfaceCache::default(),
            slots: Mutex::default(),
            distrusted: Mutex::default(),
            ledger: Mutex::default(),
            backend: Mutex::default(),
            leftovers_found: Mutex::default(),
        }
    }

    /// Runs a key of this room once; a stack's key does nothing.
    pub async fn run(&self, context: &TargetsContext<'_>, key: &Key, cx: &Cx) -> Run {
        match key {
            Key::Stack(_) => Run::default(),
            Key::Binding { namespace, name } => self.run_binding(context, namespace, name, cx).await,
            Key::GroupRules { vpc, group } => self.run_group_rules(context, vpc, group, cx).await,
            Key::BackendGroup { vpc } => self.run_backend_group(context, vpc, cx).await,
        }
    }

    /// Makes the next run of a key compare with AWS although nothing seems to have changed.
    pub fn distrust(&self, key: &Key) {
        match key {
            Key::Stack(_) => {}
            Key::Binding { namespace, name } => {
                lock(&self.distrusted).insert((namespace.clone(), name.clone()));
            }
            Key::GroupRules { group, .. } => lock(&self.ledger).distrust(group),
            Key::BackendGroup { .. } => lock(&self.backend).distrust(),
        }
    }

    /// The keys of all security groups that bindings ask or asked rules of.
    pub fn group_rules_keys(&self) -> Vec<Key> {
        let groups = lock(&self.ledger).groups();
        groups.into_iter().map(|group| self.group_key(group)).collect()
    }

    /// How long readiness gates were closed, as a metric.
    pub fn gate_times(&self) -> GateTimes {
        self.writes.gate_times.clone()
    }

    /// Security groups that stand as a source in rules of endpoint groups: they cannot be deleted yet.
    pub fn sources_held(&self) -> BTreeSet<String> {
        lock(&self.ledger).sources_held()
    }

    fn group_key(&self, group: String) -> Key {
        Key::GroupRules {
            vpc: self.settings.realm.vpc.clone(),
            group,
        }
    }
}

fn binding_key(name: &BindingName) -> Key {
    Key::Binding {
        namespace: name.0.clone(),
        name: name.1.clone(),
    }
}

/// Locks hold plain values that every statement leaves whole, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an error says nothing about the input: the lease is lost.
fn is_lease_lost(error: &AwsError) -> bool {
    error.fault == Fault::LeaseLost
}
