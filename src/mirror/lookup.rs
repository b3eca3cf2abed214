//! Questions to the mirror that need no call: existing load balancers, orphans, the shared groups.

use std::collections::BTreeSet;

use elbow_core::key::{StackKey, StackKind};
use elbow_core::model::{LoadBalancer, LoadBalancerState, ResourceKind};
use elbow_core::question::ExistingLoadBalancer;
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use serde::Serialize;

use super::Mirror;
use super::holding::Holding;
use elbow_core::targets::SecurityGroupState;

/// A resource with our tags whose stack nobody owns. It is shown and counted, never touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Orphan {
    /// The stack its tags name.
    pub key: StackKey,
    /// Kind.
    pub kind: ResourceKind,
    /// ARN or security group id.
    pub id: String,
    /// Name.
    pub name: String,
}

impl Mirror {
    /// The load balancers tagged for a stack, those with the first generation's tags left out
    /// (`aws-deploy.md` 19.1).
    pub fn existing(&self, key: &StackKey) -> Vec<ExistingLoadBalancer> {
        let state = self.state();
        let Some(holding) = state.holding(key) else {
            return Vec::new();
        };
        let balancers = holding.stack.load_balancers.iter();
        balancers
            .filter(|b| !is_legacy(holding, b.arn.as_deref()))
            .map(existing)
            .collect()
    }

    /// Resources of a stack that carry its tags but no resource tag: nothing may be done with them, and
    /// nothing with the stack until they are tagged or removed.
    pub fn problems(&self, key: &StackKey) -> Vec<Problem> {
        let state = self.state();
        let Some(holding) = state.holding(key) else {
            return Vec::new();
        };
        let stack = &holding.stack;
        let groups = stack.security_groups.iter().filter(|g| g.id.0.is_empty());
        let balancers = stack.load_balancers.iter().filter(|l| l.id.0.is_empty());
        let targets = stack.target_groups.iter().filter(|t| t.id.0.is_empty());
        groups
            .map(|g| ("securityGroup", g.group_id.clone()))
            .chain(balancers.map(|l| ("loadBalancer", l.arn.clone())))
            .chain(targets.map(|t| ("targetGroup", t.arn.clone())))
            .map(|(kind, id)| untagged(key, kind, &id.unwrap_or_default()))
            .collect()
    }

    /// Tagged resources of stacks that are not among `known`, in order.
    pub fn orphans(&self, known: &BTreeSet<StackKey>) -> Vec<Orphan> {
        let state = self.state();
        let strange = state.holdings.iter().filter(|(key, _)| !known.contains(key));
        let mut orphans: Vec<Orphan> = strange.flat_map(|(_, holding)| resources(holding)).collect();
        orphans.sort();
        orphans
    }

    /// All stacks that tags name.
    pub fn stacks(&self) -> BTreeSet<StackKey> {
        let state = self.state();
        let held = state
            .holdings
            .iter()
            .filter(|(_, holding)| !holding.notes.is_empty());
        held.map(|(key, _)| key.clone()).collect()
    }

    /// The shared backend security group, as last read; the smallest id if several carry its tags.
    pub fn backend_group(&self) -> Option<SecurityGroupState> {
        let state = self.state();
        let mut groups = state.shared.values();
        groups
            .find(|shared| shared.resource == "backend-sg")
            .map(|shared| shared.group.clone())
    }

    /// Whether any load balancer of ours has this security group.
    pub fn is_group_used(&self, group: &str) -> bool {
        let state = self.state();
        let mut balancers = state
            .holdings
            .values()
            .flat_map(|holding| holding.stack.load_balancers.iter());
        balancers.any(|b| b.security_groups.iter().any(|g| g.known() == Some(group)))
    }

    /// Enters the backend security group as its key just created or read it.
    pub fn found_backend_group(&self, group: SecurityGroupState) {
        let now = self.shared.clock.now();
        let cluster = &self.shared.settings.scope.cluster;
        let mut state = self.state();
        let read = state.next();
        state.put_group(cluster, group, read, now);
    }

    /// Notes that its key deleted a shared security group.
    pub fn deleted_backend_group(&self, id: &str) {
        let now = self.shared.clock.now();
        self.state().gone(id, now);
    }
}

fn is_legacy(holding: &Holding, arn: Option<&str>) -> bool {
    arn.and_then(|arn| holding.notes.get(arn))
        .is_some_and(|note| note.legacy)
}

fn existing(balancer: &LoadBalancer) -> ExistingLoadBalancer {
    let groups = balancer.security_groups.iter();
    ExistingLoadBalancer {
        resource_id: balancer.id.0.clone(),
        arn: balancer.arn.clone().unwrap_or_default(),
        name: balancer.name.clone(),
        kind: balancer.kind,
        scheme: balancer.scheme,
        ip_address_type: balancer.ip_address_type,
        subnets: balancer.subnets.iter().map(|s| s.subnet.clone()).collect(),
        security_groups: groups.filter_map(|g| g.known().map(str::to_owned)).collect(),
        state: balancer.state.unwrap_or(LoadBalancerState::Active),
    }
}

/// The object that a problem of a whole stack is reported on.
fn object(key: &StackKey) -> ObjectRef {
    match key.kind {
        StackKind::Service => ObjectRef::new("Service", &key.namespace, &key.name),
        StackKind::Ingress => ObjectRef::new("Ingress", &key.namespace, &key.name),
    }
}

fn untagged(key: &StackKey, kind: &str, id: &str) -> Problem {
    let tag = elbow_core::model::tracking::resource_tag(key);
    let message = format!(
        "unexpected {kind} with no resourceID: {id}. It carries the tags of this stack but no tag {tag}; \
         remove its stack tag, or delete it"
    );
    Problem::fault(&object(key), "", ProblemCode::Conflict, message)
}

fn resources(holding: &Holding) -> Vec<Orphan> {
    let stack = &holding.stack;
    let orphan = |kind: ResourceKind, id: &Option<String>, name: &str| Orphan {
        key: stack.key.clone(),
        kind,
        id: id.clone().unwrap_or_default(),
        name: name.to_owned(),
    };
    let groups = stack.security_groups.iter();
    let balancers = stack.load_balancers.iter();
    let targets = stack.target_groups.iter();
    groups
        .map(|g| orphan(ResourceKind::SecurityGroup, &g.group_id, &g.name))
        .chain(balancers.map(|l| orphan(ResourceKind::LoadBalancer, &l.arn, &l.name)))
        .chain(targets.map(|t| orphan(ResourceKind::TargetGroup, &t.arn, &t.name)))
        .collect()
}
