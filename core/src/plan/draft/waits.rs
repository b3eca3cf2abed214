//! Steps that wait before traffic moves, each made once.

use std::collections::BTreeSet;

use super::Draft;
use crate::model::{Origins, Ref, ResourceId, ResourceKind, TargetGroup};
use crate::plan::{Action, StepId};

impl Draft<'_> {
    /// The step that waits for the targets of a group, made on first need; `None` without a binding.
    pub fn await_targets(&mut self, id: &ResourceId, origins: &Origins) -> Option<StepId> {
        if let Some(step) = self.awaited.get(id) {
            return Some(*step);
        }
        let (namespace, name) = self.bindings.get(id)?.clone();
        let binding = Ref::pending(ResourceKind::Binding, id);
        let action = Action::AwaitTargets {
            namespace,
            name,
            target_group: self.handle(ResourceKind::TargetGroup, id),
        };
        let needs = self.producers([&binding, &Ref::pending(ResourceKind::TargetGroup, id)]);
        let step = self.push(
            action,
            needs,
            origins,
            "targets are registered before traffic moves",
        );
        self.awaited.insert(id.clone(), step);
        Some(step)
    }

    /// The step that waits until the targets of a group are registered and as healthy as those of the groups whose
    /// place it takes. `used`: the steps after which it is in use.
    pub fn await_health(&mut self, group: &TargetGroup, old: Vec<String>, used: &BTreeSet<StepId>) -> StepId {
        if let Some(step) = self.healthy.get(&group.id) {
            return *step;
        }
        let action = Action::AwaitHealth {
            target_group: self.handle(ResourceKind::TargetGroup, &group.id),
            replaces: old,
        };
        let mut needs = self.producers([&Ref::pending(ResourceKind::TargetGroup, &group.id)]);
        needs.extend(used);
        needs.extend(self.await_targets(&group.id, &group.origins));
        let reason = "traffic moves to a group that is as healthy as the old one";
        let step = self.push(action, needs, &group.origins, reason);
        self.healthy.insert(group.id.clone(), step);
        step
    }

    /// Steps that wait for the health of those of these groups that take the place of others.
    pub fn health_of<'r>(&self, groups: impl Iterator<Item = &'r Ref>) -> BTreeSet<StepId> {
        groups
            .filter_map(|group| match group {
                Ref::Pending(address) if address.kind == ResourceKind::TargetGroup => {
                    self.healthy.get(&address.id).copied()
                }
                _ => None,
            })
            .collect()
    }

    /// Notes a group that no action can hold beside the one whose place it takes.
    pub fn stands_alone(&mut self, id: &ResourceId) {
        self.alone.insert(id.clone());
    }

    /// Whether one of these groups takes the place of another one by a single call.
    pub fn is_switched<'r>(&self, mut groups: impl Iterator<Item = &'r Ref>) -> bool {
        groups.any(|group| match group {
            Ref::Pending(address) => self.alone.contains(&address.id),
            Ref::Known(_) | Ref::BackendGroup => false,
        })
    }
}
