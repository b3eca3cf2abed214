//! Entering our own writes, and their doubtful ends. Pure.

use std::collections::BTreeMap;

use elbow_core::key::StackKey;
use elbow_core::model::{Ref, ResourceAddress};
use elbow_core::plan::{Action, Outputs, Step, apply_step};
use jiff::Timestamp;

use super::doubt::Doubt;
use super::entry::{Note, Parts};
use super::holding::Holding;
use super::state::State;

impl State {
    /// Enters a confirmed step. Nothing of a new resource counts as read: the create may have met one that
    /// was there before. Only a rule is always new.
    pub fn wrote(&mut self, key: &StackKey, step: &Step, outputs: &Outputs, now: Timestamp) {
        if is_kubernetes(&step.action) || step.action.is_wait() {
            return;
        }
        let sequence = self.next();
        let holding = self.holding_mut(key);
        let before = holding.ids();
        apply_step(&mut holding.stack, step, outputs);
        holding.stack.bindings.clear();
        if let Some(doubt) = Doubt::of(&step.action) {
            holding.doubts.end(&doubt);
        }
        let after = holding.ids();
        for id in before.difference(&after) {
            holding.notes.remove(id);
        }
        for id in after.difference(&before) {
            holding.notes.insert(
                id.clone(),
                Note {
                    created_at: Some(now),
                    parts: known_of_new(&step.action),
                    ..Note::fresh(sequence)
                },
            );
        }
        if let Some(id) = resolve(&subject(&step.action), outputs)
            && let Some(note) = holding.notes.get_mut(&id)
        {
            note.sequence = sequence;
        }
        self.reindex(key, &before, now);
    }

    /// Marks what a step touches as doubtful.
    pub fn suspect(&mut self, key: &StackKey, step: &Step, now: Timestamp) {
        let sequence = self.next();
        // Not `holding_mut`: what may exist has not been met.
        let holding = self
            .holdings
            .entry(key.clone())
            .or_insert_with(|| Holding::new(key));
        if let Some(doubt) = Doubt::of(&step.action) {
            holding.doubts.begin(doubt, now);
        } else if let Action::CreateListener { .. } = &step.action {
            for arn in balancers(holding) {
                holding.suspect_listeners(&arn, sequence);
            }
        } else {
            match subject(&step.action) {
                Subject::Id(id) => holding.suspect(&id, sequence),
                Subject::Address(address) => suspect_address(holding, &address, sequence),
            }
        }
        if holding.is_empty() {
            self.holdings.remove(key);
        }
    }

    /// Marks everything of a stack as doubtful, so that it is read again.
    pub fn suspect_all(&mut self, key: &StackKey) {
        let sequence = self.next();
        let Some(holding) = self.holdings.get_mut(key) else {
            return;
        };
        for id in holding.ids() {
            holding.suspect(&id, sequence);
        }
    }

    /// Marks a resource as doubtful by its id.
    pub fn suspect_id(&mut self, id: &str) {
        let sequence = self.next();
        let Some(key) = self.owner(id).cloned() else {
            return;
        };
        if let Some(holding) = self.holdings.get_mut(&key) {
            holding.suspect(id, sequence);
        }
    }

    /// Enters attributes as AWS described them.
    pub fn described_attributes(&mut self, key: &StackKey, arn: &str, attributes: BTreeMap<String, String>) {
        if let Some(holding) = self.holdings.get_mut(key) {
            holding.put_attributes(arn, attributes);
        }
    }
}

/// What a step changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Something known.
    Id(String),
    /// Something that the plan creates.
    Address(ResourceAddress),
}

impl From<&Ref> for Subject {
    fn from(target: &Ref) -> Self {
        match target {
            Ref::Known(id) => Self::Id(id.clone()),
            Ref::Pending(address) => Self::Address(address.clone()),
            Ref::BackendGroup => Self::Id("backend-sg".to_owned()),
        }
    }
}

/// The AWS resource or Kubernetes object that a step changes; steps on one subject keep their order.
pub(crate) fn subject(action: &Action) -> Subject {
    use Action as A;
    match action {
        A::CreateSecurityGroup { address, .. }
        | A::CreateTargetGroup { address, .. }
        | A::CreateLoadBalancer { address, .. }
        | A::CreateListener { address, .. }
        | A::CreateRule { address, .. } => Subject::Address(address.clone()),
        A::AuthorizeIngress { group, .. }
        | A::RevokeIngress { group, .. }
        | A::CreateTags { group, .. }
        | A::DeleteTags { group, .. }
        | A::ModifyTargetGroupAttributes { group, .. } => group.into(),
        A::ModifyLoadBalancerAttributes { load_balancer, .. }
        | A::SetSecurityGroups { load_balancer, .. }
        | A::SetSubnets { load_balancer, .. }
        | A::SetIpAddressType { load_balancer, .. }
        | A::ModifyCapacityReservation { load_balancer, .. }
        | A::AwaitActive { load_balancer } => load_balancer.into(),
        A::AddListenerCertificate { listener, .. }
        | A::RemoveListenerCertificate { listener, .. }
        | A::ModifyListenerAttributes { listener, .. }
        | A::SetRulePriorities { listener, .. } => listener.into(),
        A::AddTags { resource, .. } | A::RemoveTags { resource, .. } => resource.into(),
        A::ModifyTargetGroup { arn, .. }
        | A::DeleteTargetGroup { arn }
        | A::DeleteLoadBalancer { arn }
        | A::ModifyListener { arn, .. }
        | A::DeleteListener { arn }
        | A::ModifyRule { arn, .. }
        | A::DeleteRule { arn }
        | A::MoveAddress { from: arn, .. }
        | A::AwaitDrain { load_balancer: arn } => Subject::Id(arn.clone()),
        A::DeleteSecurityGroup { group_id } => Subject::Id(group_id.clone()),
        A::AddFinalizer { object, .. } | A::RemoveFinalizer { object, .. } => Subject::Id(object.to_string()),
        A::CreateBinding { binding, .. } | A::UpdateBinding { binding, .. } => {
            binding_subject(&binding.namespace, &binding.name)
        }
        A::DeleteBinding { namespace, name, .. } | A::AwaitTargets { namespace, name, .. } => {
            binding_subject(namespace, name)
        }
        A::AwaitHealth { target_group, .. } => target_group.into(),
    }
}

fn binding_subject(namespace: &str, name: &str) -> Subject {
    Subject::Id(format!("TargetGroupBinding {namespace}/{name}"))
}

/// Whether a step writes Kubernetes and not AWS.
fn is_kubernetes(action: &Action) -> bool {
    matches!(
        action,
        Action::AddFinalizer { .. }
            | Action::RemoveFinalizer { .. }
            | Action::CreateBinding { .. }
            | Action::UpdateBinding { .. }
            | Action::DeleteBinding { .. }
    )
}

/// What is known of something new without reading it. CreateRule never answers with a rule that was there
/// before (PriorityInUse), so its tags are those it was sent with.
fn known_of_new(action: &Action) -> Parts {
    match action {
        Action::CreateRule { .. } => Parts::TAGS,
        _ => Parts::none(),
    }
}

fn resolve(subject: &Subject, outputs: &Outputs) -> Option<String> {
    match subject {
        Subject::Id(id) => Some(id.clone()),
        Subject::Address(address) => outputs.get(address).map(|output| output.id.clone()),
    }
}

fn balancers(holding: &Holding) -> Vec<String> {
    let balancers = holding.stack.load_balancers.iter();
    balancers.filter_map(|balancer| balancer.arn.clone()).collect()
}

/// A resource created in this plan: everything of that kind and id.
fn suspect_address(holding: &mut Holding, address: &ResourceAddress, sequence: u64) {
    use elbow_core::model::ResourceKind as Kind;
    let stack = &holding.stack;
    let ids: Vec<String> = match address.kind {
        Kind::SecurityGroup => {
            let groups = stack.security_groups.iter().filter(|g| g.id == address.id);
            groups.filter_map(|g| g.group_id.clone()).collect()
        }
        Kind::LoadBalancer => {
            let balancers = stack.load_balancers.iter().filter(|l| l.id == address.id);
            balancers.filter_map(|l| l.arn.clone()).collect()
        }
        Kind::TargetGroup => {
            let groups = stack.target_groups.iter().filter(|t| t.id == address.id);
            groups.filter_map(|t| t.arn.clone()).collect()
        }
        Kind::Listener => {
            let listeners = stack.listeners.iter().filter(|l| l.id == address.id);
            listeners.filter_map(|l| l.arn.clone()).collect()
        }
        // A rule is read with its listener.
        Kind::Rule => {
            let listeners = stack.listeners.iter();
            let concerned = listeners.filter(|l| {
                let port = address.id.0.split(':').next();
                port == Some(l.port.to_string().as_str())
            });
            concerned.filter_map(|l| l.arn.clone()).collect()
        }
        Kind::Binding => Vec::new(),
    };
    for id in ids {
        holding.suspect(&id, sequence);
    }
}
