//! Entering what lists and descriptions show. Pure.

use std::collections::BTreeMap;

use elbow_core::key::StackKey;
use elbow_core::model::{LoadBalancer, ResourceId, Tags, TargetGroup};
use jiff::Timestamp;

use super::holding::Holding;
use super::state::State;
use super::tags::{Ownership, ownership, plain};

/// Enters a resource with all its tags, read at a sequence number: see [`State::put_load_balancer`].
pub(super) type Put<T> =
    fn(&mut State, &str, T, BTreeMap<String, String>, u64, Timestamp) -> Option<StackKey>;

impl State {
    /// Enters a load balancer with all its tags, read at `read`. Says which stack changed by it.
    pub fn put_load_balancer(
        &mut self,
        cluster: &str,
        mut seen: LoadBalancer,
        tags: BTreeMap<String, String>,
        read: u64,
        now: Timestamp,
    ) -> Option<StackKey> {
        let arn = seen.arn.clone()?;
        let enter = |holding: &mut Holding, resource, tags, legacy| {
            seen.id = resource;
            seen.tags = tags;
            holding.put_load_balancer(seen, legacy, read)
        };
        self.put(&arn, ownership(cluster, &tags), tags, read, now, enter)
    }

    /// The same for a target group.
    pub fn put_target_group(
        &mut self,
        cluster: &str,
        mut seen: TargetGroup,
        tags: BTreeMap<String, String>,
        read: u64,
        now: Timestamp,
    ) -> Option<StackKey> {
        let arn = seen.arn.clone()?;
        let enter = |holding: &mut Holding, resource, tags, legacy| {
            seen.id = resource;
            seen.tags = tags;
            holding.put_target_group(seen, legacy, read)
        };
        self.put(&arn, ownership(cluster, &tags), tags, read, now, enter)
    }

    /// Enters what its tags say is ours, if the value is newer than ours; forgets what they say is not.
    fn put(
        &mut self,
        arn: &str,
        owner: Ownership,
        tags: BTreeMap<String, String>,
        read: u64,
        now: Timestamp,
        enter: impl FnOnce(&mut Holding, ResourceId, Tags, bool) -> bool,
    ) -> Option<StackKey> {
        if self.is_gone(arn, now) {
            return None;
        }
        let Ownership::Stack(claim) = owner else {
            return self.disown(arn, read, now);
        };
        self.own(arn, &claim.key);
        let holding = self.holding_mut(&claim.key);
        let changed = holding.yields_to(arn, read)
            && enter(holding, ResourceId(claim.resource), plain(tags), claim.legacy);
        changed.then_some(claim.key)
    }

    /// Tags say that it is not ours: believed, unless we wrote it after they were read.
    fn disown(&mut self, arn: &str, read: u64, now: Timestamp) -> Option<StackKey> {
        if self
            .note(arn)
            .is_some_and(|note| note.sequence >= read || note.is_young(now))
        {
            return None;
        }
        self.remember_foreign(arn, now);
        self.forget(arn)
    }

    /// What should have been in the lists of a sweep that began at `read`, and was not.
    pub fn missing(&self, listed: &std::collections::BTreeSet<String>, read: u64) -> Missing {
        let mut missing = Missing::default();
        for holding in self.holdings.values() {
            let absent = |id: &Option<String>| {
                let id = id.as_ref()?;
                let older = holding.notes.get(id).is_some_and(|n| n.sequence < read);
                (older && !listed.contains(id)).then(|| id.clone())
            };
            let stack = &holding.stack;
            missing
                .load_balancers
                .extend(stack.load_balancers.iter().filter_map(|l| absent(&l.arn)));
            missing
                .target_groups
                .extend(stack.target_groups.iter().filter_map(|t| absent(&t.arn)));
            missing
                .groups
                .extend(stack.security_groups.iter().filter_map(|g| absent(&g.group_id)));
        }
        let shared = self.shared.iter();
        missing.groups.extend(
            shared
                .filter(|(id, group)| group.sequence < read && !listed.contains(*id))
                .map(|(id, _)| id.clone()),
        );
        missing
    }
}

/// Ids of what a list did not show although it was expected there.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub load_balancers: Vec<String>,
    pub target_groups: Vec<String>,
    pub groups: Vec<String>,
}
