//! Entering what lists and descriptions show. Pure.

use std::collections::BTreeMap;

use elbow_core::key::StackKey;
use elbow_core::model::{LoadBalancer, ResourceId, TargetGroup};
use jiff::Timestamp;

use super::state::State;
use super::tags::{Ownership, ownership, plain};

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
        if self.is_gone(&arn, now) {
            return None;
        }
        let Ownership::Stack(claim) = ownership(cluster, &tags) else {
            return self.disown(&arn, read, now);
        };
        self.own(&arn, &claim.key);
        let holding = self.holding_mut(&claim.key);
        if !holding.yields_to(&arn, read) {
            return None;
        }
        seen.id = ResourceId(claim.resource);
        seen.tags = plain(tags);
        holding
            .put_load_balancer(seen, claim.legacy, read)
            .then_some(claim.key)
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
        if self.is_gone(&arn, now) {
            return None;
        }
        let Ownership::Stack(claim) = ownership(cluster, &tags) else {
            return self.disown(&arn, read, now);
        };
        self.own(&arn, &claim.key);
        let holding = self.holding_mut(&claim.key);
        if !holding.yields_to(&arn, read) {
            return None;
        }
        seen.id = ResourceId(claim.resource);
        seen.tags = plain(tags);
        holding
            .put_target_group(seen, claim.legacy, read)
            .then_some(claim.key)
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
