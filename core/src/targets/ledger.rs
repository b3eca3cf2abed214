//! Who asks what of which security group, and how far that is.
//!
//! In: contributions of bindings, and what runs over groups did. Out: the rules wanted on a group, whether
//! anything may be revoked, and what each binding waits for. A process begins with an empty ledger, so
//! nothing is revoked before every binding with networking has been worked out.

use std::collections::{BTreeMap, BTreeSet};

use super::input::RulesState;
use super::networking::{Contribution, aggregate};
use crate::model::{IngressPermission, PermissionSource};

/// Namespace and name of a binding.
pub type BindingName = (String, String);

/// The ledger.
#[derive(Clone, Debug, Default)]
pub struct RulesLedger {
    /// Counts changes; a run over a group covers all changes up to the number it began with.
    version: u64,
    bindings: BTreeMap<BindingName, Entry>,
    groups: BTreeMap<String, Progress>,
    /// Bindings whose contribution is missing for a revocation.
    wanted: BTreeSet<BindingName>,
    /// Groups on which a revocation is held back.
    held: BTreeSet<String>,
}

/// What one binding asks.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// What it asks now; `None` if that could not be worked out yet.
    exact: Option<Contribution>,
    /// What it asked before and may still need.
    before: Contribution,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// Groups it changed, with the number of the change.
    touched: BTreeMap<String, u64>,
}

/// How far a group is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// Number of the last change that concerns it.
    changed: u64,
    granted: u64,
    settled: u64,
    /// Whether the last run over it found or made everything as it should be.
    checked: bool,
    /// Whether it was called in doubt since the last run over it began.
    doubted: bool,
    failure: Option<String>,
    /// Sources that bindings asked for in this process.
    sources: BTreeSet<PermissionSource>,
    /// Rules that this process added.
    authorised: BTreeSet<IngressPermission>,
}

/// What a run over a group has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRun {
    /// Number of the last change it covers.
    version: u64,
    /// Permissions wanted.
    pub wanted: BTreeSet<IngressPermission>,
    /// Rules that are certainly ours: this process added them.
    pub authorised: BTreeSet<IngressPermission>,
    /// Bindings that have to be worked out before anything is revoked.
    pub missing: BTreeSet<BindingName>,
    /// Whether rules may be revoked.
    pub complete: bool,
}

/// What became of a run over a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupResult {
    /// Everything is as it should be.
    Done,
    /// Rules were authorised; others could not be revoked because bindings are missing.
    Held,
    /// AWS refused.
    Failed(String),
}

impl RulesLedger {
    /// Enters what a binding asks. What it asked before stays until [`RulesLedger::narrow`]. Returns the
    /// groups to run over.
    pub fn publish(&mut self, binding: &BindingName, exact: Contribution) -> BTreeSet<String> {
        let entry = self.bindings.entry(binding.clone()).or_default();
        entry.failure = None;
        if entry.exact.as_ref() == Some(&exact) {
            return self.answered(binding);
        }
        if let Some(previous) = entry.exact.take() {
            merge(&mut entry.before, previous);
        }
        remove_covered(&mut entry.before, &exact);
        let changed: BTreeSet<_> = exact.keys().cloned().collect();
        entry.exact = Some(exact);
        self.touch(binding, changed)
    }

    /// Drops what a binding asked before. Returns the groups to run over.
    pub fn narrow(&mut self, binding: &BindingName) -> BTreeSet<String> {
        let before = self
            .bindings
            .get_mut(binding)
            .map(|entry| std::mem::take(&mut entry.before));
        let changed = before.unwrap_or_default().into_keys().collect();
        self.touch(binding, changed)
    }

    /// Enters that a binding asks nothing any more. `last` is what it asked as far as that had to be worked
    /// out anew. Returns the groups to run over.
    pub fn withdraw(&mut self, binding: &BindingName, last: Option<Contribution>) -> BTreeSet<String> {
        let entry = self.bindings.entry(binding.clone()).or_default();
        entry.failure = None;
        let mut gone = std::mem::take(&mut entry.before);
        merge(&mut gone, entry.exact.take().unwrap_or_default());
        merge(&mut gone, last.unwrap_or_default());
        entry.exact = Some(Contribution::new());
        for (group, permissions) in &gone {
            let progress = self.groups.entry(group.clone()).or_default();
            progress
                .sources
                .extend(permissions.iter().map(|p| p.source.clone()));
        }
        self.touch(binding, gone.into_keys().collect())
    }

    /// Enters that a binding's contribution could not be worked out; the last good one stays. Returns the
    /// groups to run over.
    pub fn failed(&mut self, binding: &BindingName, message: &str) -> BTreeSet<String> {
        let entry = self.bindings.entry(binding.clone()).or_default();
        entry.failure = Some(message.to_owned());
        self.answered(binding)
    }

    /// Forgets a binding that is gone. Returns the groups to run over.
    pub fn forget(&mut self, binding: &BindingName) -> BTreeSet<String> {
        let asked = self.bindings.get(binding).is_some_and(|entry| {
            !entry.before.is_empty() || entry.exact.as_ref().is_some_and(|exact| !exact.is_empty())
        });
        let mut groups = if asked {
            self.withdraw(binding, None)
        } else {
            self.answered(binding)
        };
        self.bindings.remove(binding);
        groups.extend(self.held.iter().cloned());
        groups
    }

    /// Whether a run over a group waits for this binding's contribution.
    pub fn is_wanted(&self, binding: &BindingName) -> bool {
        self.wanted.contains(binding)
    }

    /// Whether the binding still holds what it asked before.
    pub fn is_wide(&self, binding: &BindingName) -> bool {
        self.bindings
            .get(binding)
            .is_some_and(|entry| !entry.before.is_empty())
    }

    /// Whether the binding has been worked out in this process.
    pub fn is_known(&self, binding: &BindingName) -> bool {
        self.bindings
            .get(binding)
            .is_some_and(|entry| entry.exact.is_some())
    }

    /// How far the rules of a binding are.
    pub fn state(&self, binding: &BindingName) -> RulesState {
        let Some(entry) = self.bindings.get(binding) else {
            return RulesState::Unmanaged;
        };
        let mut state = RulesState::Settled;
        for (group, version) in &entry.touched {
            let progress = self.groups.get(group).cloned().unwrap_or_default();
            if progress.granted < *version {
                return progress.failure.map_or(RulesState::Waiting, RulesState::Failed);
            }
            if progress.settled < *version {
                state = RulesState::Granted;
            }
        }
        state
    }

    /// Begins a run over a group. `managing` are the bindings with networking that exist.
    pub fn begin(&mut self, group: &str, managing: &BTreeSet<BindingName>, unrestricted: bool) -> GroupRun {
        let mut missing = BTreeSet::new();
        let mut unknown = false;
        for name in managing {
            let entry = self.bindings.get(name);
            if entry.is_none_or(|entry| entry.exact.is_none()) {
                unknown = true;
                if entry.is_none_or(|entry| entry.failure.is_none()) {
                    missing.insert(name.clone());
                }
            }
        }
        let asked = self
            .bindings
            .values()
            .flat_map(|e| e.exact.iter().chain([&e.before]));
        let wanted = aggregate(asked.filter_map(|c| c.get(group)), unrestricted);
        let progress = self.groups.entry(group.to_owned()).or_default();
        progress.doubted = false;
        progress.sources.extend(wanted.iter().map(|p| p.source.clone()));
        GroupRun {
            version: self.version,
            wanted,
            authorised: progress.authorised.clone(),
            missing,
            complete: !unknown,
        }
    }

    /// Enters rules that AWS has just added to a group on our word. A lost answer enters nothing: a rule that
    /// may be somebody else's is better left than taken from them.
    pub fn authorised<'a>(&mut self, group: &str, rules: impl IntoIterator<Item = &'a IngressPermission>) {
        let progress = self.groups.entry(group.to_owned()).or_default();
        progress.authorised.extend(rules.into_iter().cloned());
    }

    /// Enters rules that AWS has just removed from a group: whoever adds them again, they are theirs.
    pub fn revoked<'a>(&mut self, group: &str, rules: impl IntoIterator<Item = &'a IngressPermission>) {
        let progress = self.groups.entry(group.to_owned()).or_default();
        for rule in rules {
            progress.authorised.remove(rule);
        }
    }

    /// Ends a run over a group, which is forgotten where nothing of ours is left. Returns the bindings to wake:
    /// those it held up, and those it needs.
    pub fn finish(&mut self, group: &str, run: &GroupRun, result: &GroupResult) -> BTreeSet<BindingName> {
        let progress = self.groups.entry(group.to_owned()).or_default();
        let before = (progress.granted, progress.settled, progress.failure.clone());
        progress.failure = None;
        progress.checked = *result == GroupResult::Done && !progress.doubted;
        self.held.remove(group);
        match result {
            GroupResult::Done => (progress.granted, progress.settled) = (run.version, run.version),
            GroupResult::Held => {
                progress.granted = run.version;
                if run.missing.is_empty() {
                    // Bindings that cannot be worked out hold the revocation, nobody waits for them.
                    progress.settled = run.version;
                }
                self.held.insert(group.to_owned());
            }
            GroupResult::Failed(message) => progress.failure = Some(message.clone()),
        }
        let mut wake = BTreeSet::new();
        if before != (progress.granted, progress.settled, progress.failure.clone()) {
            let concerned = |entry: &Entry| {
                entry
                    .touched
                    .get(group)
                    .is_some_and(|version| *version > before.1)
            };
            let names = self.bindings.iter().filter(|(_, e)| concerned(e));
            wake.extend(names.map(|(name, _)| name.clone()));
        }
        if *result == GroupResult::Held {
            self.wanted.extend(run.missing.iter().cloned());
            wake.extend(run.missing.iter().cloned());
        }
        self.drop_if_done(group, run);
        wake
    }

    /// Forgets a group that holds none of our rules any more and that no binding names.
    fn drop_if_done(&mut self, group: &str, run: &GroupRun) {
        let settled = |p: &Progress| p.checked && p.settled >= p.changed && p.authorised.is_empty();
        if !run.wanted.is_empty() || !self.groups.get(group).is_some_and(settled) {
            return;
        }
        let names = |entry: &Entry| {
            let mut asked = entry.exact.iter().chain([&entry.before]);
            asked.any(|contribution| contribution.contains_key(group))
        };
        if self.bindings.values().any(names) {
            return;
        }
        self.groups.remove(group);
        for entry in self.bindings.values_mut() {
            entry.touched.remove(group);
        }
    }

    /// Whether a run over a group would find nothing to do.
    pub fn is_settled(&self, group: &str) -> bool {
        let settled = |p: &Progress| p.checked && p.failure.is_none() && p.settled >= p.changed;
        !self.held.contains(group) && self.groups.get(group).is_some_and(settled)
    }

    /// Makes the next run over a group compare its rules with AWS.
    pub fn distrust(&mut self, group: &str) {
        if let Some(progress) = self.groups.get_mut(group) {
            progress.checked = false;
            progress.doubted = true;
        }
    }

    /// Groups that bindings ask something of, or asked and that may still hold rules of ours.
    pub fn groups(&self) -> BTreeSet<String> {
        self.groups.keys().cloned().collect()
    }

    /// Security groups that are sources of rules bindings ask for, or that runs over groups have still to
    /// revoke.
    pub fn sources_held(&self) -> BTreeSet<String> {
        let asked = self
            .bindings
            .values()
            .flat_map(|e| e.exact.iter().chain([&e.before]))
            .flat_map(BTreeMap::values)
            .flatten()
            .map(|p| &p.source);
        let unsettled = self.groups.values().filter(|p| p.settled < p.changed);
        let leaving = unsettled.flat_map(|progress| &progress.sources);
        asked
            .chain(leaving)
            .filter_map(|source| match source {
                PermissionSource::Group(id) => Some(id.clone()),
                _ => None,
            })
            .collect()
    }

    fn touch(&mut self, binding: &BindingName, mut groups: BTreeSet<String>) -> BTreeSet<String> {
        if !groups.is_empty() {
            self.version += 1;
        }
        let version = self.version;
        for group in &groups {
            self.groups.entry(group.clone()).or_default().changed = version;
        }
        if let Some(entry) = self.bindings.get_mut(binding) {
            entry
                .touched
                .extend(groups.iter().map(|group| (group.clone(), version)));
        }
        groups.extend(self.answered(binding));
        groups
    }

    /// The groups whose revocation waited for this binding.
    fn answered(&mut self, binding: &BindingName) -> BTreeSet<String> {
        if self.wanted.remove(binding) {
            self.held.clone()
        } else {
            BTreeSet::new()
        }
    }
}

fn merge(into: &mut Contribution, from: Contribution) {
    for (group, permissions) in from {
        into.entry(group).or_default().extend(permissions);
    }
}

fn remove_covered(before: &mut Contribution, exact: &Contribution) {
    for (group, permissions) in before.iter_mut() {
        if let Some(kept) = exact.get(group) {
            permissions.retain(|permission| !kept.contains(permission));
        }
    }
    before.retain(|_, permissions| !permissions.is_empty());
}
