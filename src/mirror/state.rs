//! All holdings with their indexes. Pure: time and AWS's answers come in as values.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::{ResourceId, SecurityGroup};
use jiff::{SignedDuration, Timestamp};

use super::doubt::Doubt;
use super::entry::Note;
use super::holding::Holding;
use super::tags::{Ownership, ownership, plain};
use super::waits::Waits;
use elbow_core::targets::SecurityGroupState;

/// How long a list may still show what we deleted.
const LISTS_LAG: SignedDuration = SignedDuration::from_mins(10);
/// How long the tags of what is not ours are believed.
const FOREIGN_TAGS: SignedDuration = SignedDuration::from_hours(6);
/// How long a verification counts.
const VERIFIED: SignedDuration = SignedDuration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct State {
    /// Grows with every read and write.
    sequence: u64,
    pub swept_at: Option<Timestamp>,
    pub first_swept_at: Option<Timestamp>,
    /// Stacks that held something at some time.
    pub met: BTreeSet<StackKey>,
    /// Stacks whose picture changed other than by our own writes, since a sweep last told so.
    pub changed: BTreeSet<StackKey>,
    pub holdings: BTreeMap<StackKey, Holding>,
    /// Stack of each ARN or security group id.
    owners: BTreeMap<String, StackKey>,
    /// Security groups that the cluster shares, by id, with the value of their resource tag.
    pub shared: BTreeMap<String, SharedGroup>,
    /// What is not ours, and when its tags were read.
    foreign: BTreeMap<String, Timestamp>,
    /// What is gone, and since when.
    gone: BTreeMap<String, Timestamp>,
    pub waits: Waits,
}

/// A security group that the whole cluster shares.
#[derive(Clone, Debug)]
pub(super) struct SharedGroup {
    pub resource: String,
    pub group: SecurityGroupState,
    pub sequence: u64,
}

impl State {
    /// The next sequence number.
    pub fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub fn holding(&self, key: &StackKey) -> Option<&Holding> {
        self.holdings.get(key)
    }

    pub fn holding_mut(&mut self, key: &StackKey) -> &mut Holding {
        self.met.insert(key.clone());
        self.holdings
            .entry(key.clone())
            .or_insert_with(|| Holding::new(key))
    }

    /// Forgets what is kept about a stack of which nothing is left.
    pub fn forget_key(&mut self, key: &StackKey) {
        if !self.holdings.contains_key(key) {
            self.met.remove(key);
        }
    }

    /// Notes the outcome of a look at a doubt that began at `at`.
    pub fn looked(&mut self, key: &StackKey, doubt: &Doubt, found: bool, at: Timestamp) {
        let Some(holding) = self.holdings.get_mut(key) else {
            return;
        };
        if found {
            holding.doubts.end(doubt);
        } else {
            holding.doubts.looked(doubt, at);
        }
        if holding.is_empty() {
            self.holdings.remove(key);
        }
    }

    /// Whether everything of a stack was read anew less than a minute ago.
    pub fn is_verified(&self, key: &StackKey, now: Timestamp) -> bool {
        let verified_at = self.holding(key).and_then(|holding| holding.verified_at);
        verified_at.is_some_and(|at| now.duration_since(at) < VERIFIED)
    }

    /// Notes that everything of a stack was read anew from `at` on.
    pub fn verified(&mut self, key: &StackKey, at: Timestamp) {
        if let Some(holding) = self.holdings.get_mut(key) {
            holding.verified_at = Some(at);
        }
    }

    /// The stack a resource belongs to.
    pub fn owner(&self, id: &str) -> Option<&StackKey> {
        self.owners.get(id)
    }

    pub fn note(&self, id: &str) -> Option<&Note> {
        self.holdings.get(self.owners.get(id)?)?.notes.get(id)
    }

    pub fn is_young(&self, id: &str, now: Timestamp) -> bool {
        self.note(id).is_some_and(|note| note.is_young(now))
    }

    /// Whether it is in the picture.
    pub fn is_ours(&self, id: &str) -> bool {
        self.owners.contains_key(id) || self.shared.contains_key(id)
    }

    /// Whether the tags of this ARN have been read within six hours and named somebody else.
    pub fn is_foreign(&self, arn: &str, now: Timestamp) -> bool {
        self.foreign
            .get(arn)
            .is_some_and(|at| now.duration_since(*at) < FOREIGN_TAGS)
    }

    pub fn remember_foreign(&mut self, arn: &str, now: Timestamp) {
        self.foreign.insert(arn.to_owned(), now);
    }

    /// Forgets what lists no longer show, and tombstones whose time has passed.
    pub fn expire(&mut self, listed: &BTreeSet<String>, now: Timestamp) {
        self.foreign
            .retain(|arn, at| listed.contains(arn) && now.duration_since(*at) < FOREIGN_TAGS);
        self.gone.retain(|_, at| now.duration_since(*at) < LISTS_LAG);
    }

    /// Whether this is known to be gone, whatever a list says.
    pub fn is_gone(&self, id: &str, now: Timestamp) -> bool {
        self.gone
            .get(id)
            .is_some_and(|at| now.duration_since(*at) < LISTS_LAG)
    }

    /// Enters a resource's place in the index; out of another stack if its tags were changed.
    pub fn own(&mut self, id: &str, key: &StackKey) {
        if self.owners.get(id).is_some_and(|owner| owner != key) {
            self.forget(id);
        }
        self.foreign.remove(id);
        self.owners.insert(id.to_owned(), key.clone());
    }

    /// Takes a resource out of the picture without saying that it is gone.
    pub fn forget(&mut self, id: &str) -> Option<StackKey> {
        let key = self.owners.remove(id)?;
        if let Some(holding) = self.holdings.get_mut(&key) {
            for gone in holding.remove(id) {
                self.owners.remove(&gone);
            }
            if holding.is_empty() {
                self.holdings.remove(&key);
            }
        }
        Some(key)
    }

    /// A resource is gone: out of the picture, and no list brings it back for a while.
    pub fn gone(&mut self, id: &str, now: Timestamp) -> Option<StackKey> {
        self.gone.insert(id.to_owned(), now);
        self.shared.remove(id);
        self.forget(id)
    }

    /// Enters new owners after a holding changed under our own hands.
    pub fn reindex(&mut self, key: &StackKey, before: &BTreeSet<String>, now: Timestamp) {
        let Some(holding) = self.holdings.get(key) else {
            return;
        };
        let after = holding.ids();
        for id in before.difference(&after) {
            self.owners.remove(id);
            self.gone.insert(id.clone(), now);
        }
        for id in after.difference(before) {
            self.gone.remove(id);
            self.foreign.remove(id);
            self.owners.insert(id.clone(), key.clone());
        }
        if self.holdings.get(key).is_some_and(Holding::is_empty) {
            self.holdings.remove(key);
        }
    }

    /// Enters a security group that AWS described at `read`; says which stack changed by it.
    pub fn put_group(
        &mut self,
        cluster: &str,
        seen: SecurityGroupState,
        read: u64,
        now: Timestamp,
    ) -> Option<StackKey> {
        if self.is_gone(&seen.id, now) {
            return None;
        }
        match ownership(cluster, &seen.tags) {
            Ownership::Stack(claim) => {
                self.own(&seen.id, &claim.key);
                let holding = self.holding_mut(&claim.key);
                if !holding.yields_to(&seen.id, read) {
                    return None;
                }
                let group = group_value(&claim.resource, seen);
                holding
                    .put_security_group(group, claim.legacy, read)
                    .then_some(claim.key)
            }
            Ownership::Shared(resource) => {
                if self.shared.get(&seen.id).is_none_or(|old| old.sequence < read) {
                    self.shared.insert(
                        seen.id.clone(),
                        SharedGroup {
                            resource,
                            group: seen,
                            sequence: read,
                        },
                    );
                }
                None
            }
            Ownership::Foreign => {
                self.remember_foreign(&seen.id, now);
                self.forget(&seen.id)
            }
        }
    }
}

/// A security group as a resource of a stack.
fn group_value(resource: &str, seen: SecurityGroupState) -> SecurityGroup {
    SecurityGroup {
        id: ResourceId::from(resource),
        group_id: Some(seen.id),
        name: seen.name,
        description: seen.description,
        ingress: seen.rules.into_iter().map(|rule| rule.permission).collect(),
        tags: plain(seen.tags),
        origins: std::collections::BTreeSet::new(),
    }
}
