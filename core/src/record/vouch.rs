//! From a record and the lists of a sweep to an actual stack, without reading the stack.

use std::collections::BTreeSet;

use super::Record;
use crate::model::{
    Action, Binding, Listener, LoadBalancer, Ref, ResourceAddress, ResourceId, ResourceKind, SecurityGroup,
    Setting, Stack, TargetGroup,
};
use crate::settings::Settings;

impl Record {
    /// The actual stack, if the record counts: `wanted` is what was last fully applied, under the same
    /// configuration, and `listed` (the stack as a sweep sees it: load balancers and target groups without
    /// attributes; security groups where known; no listeners) holds exactly the recorded resources.
    ///
    /// What the lists show comes from the lists, so that drift in it is planned for; the rest is as it was
    /// applied. Bindings are taken from `listed` and are usually replaced by the caller's.
    pub fn vouch(&self, wanted: &Stack, listed: &Stack, settings: &Settings) -> Option<Stack> {
        if !self.is_of(wanted, settings) {
            return None;
        }
        let stack = Stack {
            key: wanted.key.clone(),
            security_groups: self.security_groups(wanted, listed)?,
            load_balancers: self.load_balancers(wanted, listed)?,
            target_groups: self.target_groups(wanted, listed)?,
            listeners: wanted
                .listeners
                .iter()
                .map(|listener| self.listener(listener))
                .collect::<Option<Vec<Listener>>>()?,
            rules: self.rules(wanted)?,
            bindings: listed.bindings.iter().map(Binding::clone).collect(),
        };
        (self.ids.len() == count(&stack)).then_some(stack)
    }

    fn load_balancers(&self, wanted: &Stack, listed: &Stack) -> Option<Vec<LoadBalancer>> {
        if wanted.load_balancers.len() != listed.load_balancers.len() {
            return None;
        }
        let vouched = wanted.load_balancers.iter().map(|wanted| {
            let arn = self.id(ResourceKind::LoadBalancer, &wanted.id)?;
            let found = listed
                .load_balancers
                .iter()
                .find(|balancer| balancer.arn.as_ref() == Some(&arn) && balancer.id == wanted.id)?;
            Some(LoadBalancer {
                attributes: wanted.attributes.clone(),
                capacity_units: wanted.capacity_units.clone(),
                ..found.clone()
            })
        });
        vouched.collect()
    }

    fn target_groups(&self, wanted: &Stack, listed: &Stack) -> Option<Vec<TargetGroup>> {
        if wanted.target_groups.len() != listed.target_groups.len() {
            return None;
        }
        let vouched = wanted.target_groups.iter().map(|wanted| {
            let arn = self.id(ResourceKind::TargetGroup, &wanted.id)?;
            let found = listed
                .target_groups
                .iter()
                .find(|group| group.arn.as_ref() == Some(&arn) && group.id == wanted.id)?;
            Some(TargetGroup {
                attributes: wanted.attributes.clone(),
                ..found.clone()
            })
        });
        vouched.collect()
    }

    /// From the list where there is one, else as applied.
    fn security_groups(&self, wanted: &Stack, listed: &Stack) -> Option<Vec<SecurityGroup>> {
        let ids: BTreeSet<String> = wanted
            .security_groups
            .iter()
            .map(|group| self.id(ResourceKind::SecurityGroup, &group.id))
            .collect::<Option<_>>()?;
        if !listed.security_groups.is_empty() {
            let found: BTreeSet<String> = listed
                .security_groups
                .iter()
                .filter_map(|group| group.group_id.clone())
                .collect();
            return (found == ids).then(|| listed.security_groups.clone());
        }
        let vouched = wanted.security_groups.iter().map(|group| SecurityGroup {
            group_id: self.id(ResourceKind::SecurityGroup, &group.id),
            ..group.clone()
        });
        Some(vouched.collect())
    }

    /// As applied, with everything that was assigned.
    fn listener(&self, wanted: &Listener) -> Option<Listener> {
        let mut listener = wanted.clone();
        let id = ResourceId(wanted.port.to_string());
        listener.arn = Some(self.id(ResourceKind::Listener, &id)?);
        listener.load_balancer = self.known(&wanted.load_balancer)?;
        self.settle(&mut listener.default_actions)?;
        listener.certificates.truncate(1);
        if listener.extra_certificates == Setting::Unmanaged {
            listener.extra_certificates = Setting::Set(BTreeSet::new());
        }
        Some(listener)
    }

    /// Actions with the references of their target groups known.
    pub(super) fn settle(&self, actions: &mut [Action]) -> Option<()> {
        for tuple in actions.iter_mut().flat_map(Action::target_groups_mut) {
            tuple.target_group = self.known(&tuple.target_group)?;
        }
        Some(())
    }

    fn known(&self, reference: &Ref) -> Option<Ref> {
        match reference {
            Ref::Known(_) => Some(reference.clone()),
            Ref::Pending(ResourceAddress { kind, id }) => self.id(*kind, id).map(Ref::Known),
            Ref::BackendGroup => None,
        }
    }
}

fn count(stack: &Stack) -> usize {
    stack.security_groups.len()
        + stack.load_balancers.len()
        + stack.target_groups.len()
        + stack.listeners.len()
}
