//! Steps: one per mutation, of AWS or of Kubernetes. Data, so that a plan can be printed, linted, stored and
//! replayed.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{ObjectRef, Problem};
use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::model::{
    Binding, HealthCheck, IngressPermission, IpAddressType, Listener, LoadBalancer, OnOff, Origins, Ref,
    ResourceAddress, Rule, SecurityGroup, SubnetMapping, Tags, TargetGroup,
};

/// Position of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId(pub usize);

/// A plan for one key. Steps stand in an order that satisfies all dependencies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The key it was made for.
    pub key: Key,
    /// Steps; `steps[i].id == StepId(i)`.
    pub steps: Vec<Step>,
    /// What was noticed while planning (a replacement that cannot be made, a limit in the way).
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// One mutation with what must be done before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Position in the plan.
    pub id: StepId,
    /// The mutation.
    pub action: Action,
    /// Steps that must have ended `Done` first.
    pub needs: BTreeSet<StepId>,
    /// Who asked for it; the object an AWS refusal is reported on.
    pub origins: Origins,
    /// Why it is there, as printed by `elbow plan` (`health check interval 10 -> 30`); may be empty.
    pub reason: String,
}

/// A mutation. References are resolved from the outputs of earlier steps when it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // fields carry the names of the AWS and Kubernetes parameters
pub enum Action {
    /// Adds our finalizer to an owner; every create depends on it.
    AddFinalizer { object: ObjectRef, finalizer: String },
    /// CreateSecurityGroup with all tags, tracking tags included. Output: the group id.
    CreateSecurityGroup {
        address: ResourceAddress,
        group: SecurityGroup,
        tags: Tags,
    },
    /// AuthorizeSecurityGroupIngress, one call; `description` goes with every rule.
    AuthorizeIngress {
        group: Ref,
        permissions: Vec<IngressPermission>,
        description: String,
    },
    /// RevokeSecurityGroupIngress, one call.
    RevokeIngress {
        group: Ref,
        permissions: Vec<IngressPermission>,
    },
    /// EC2 CreateTags.
    CreateTags { group: Ref, tags: Tags },
    /// EC2 DeleteTags, with values.
    DeleteTags { group: Ref, tags: Tags },
    /// DeleteSecurityGroup; waits out DependencyViolation.
    DeleteSecurityGroup { group_id: String },
    /// CreateTargetGroup with all tags. Output: the ARN.
    CreateTargetGroup {
        address: ResourceAddress,
        group: TargetGroup,
        tags: Tags,
    },
    /// ModifyTargetGroup with the whole health check.
    ModifyTargetGroup { arn: String, health_check: HealthCheck },
    /// ModifyTargetGroupAttributes. For a group created in the same plan attributes are described first and
    /// only differing ones sent; no call if none differs.
    ModifyTargetGroupAttributes {
        group: Ref,
        attributes: BTreeMap<String, String>,
    },
    /// DeleteTargetGroup; waits out ResourceInUse.
    DeleteTargetGroup { arn: String },
    /// CreateLoadBalancer with all tags. Outputs: ARN and DNS name.
    CreateLoadBalancer {
        address: ResourceAddress,
        load_balancer: LoadBalancer,
        tags: Tags,
    },
    /// ModifyLoadBalancerAttributes, as for target groups.
    ModifyLoadBalancerAttributes {
        load_balancer: Ref,
        attributes: BTreeMap<String, String>,
    },
    /// SetSecurityGroups; the enforcement flag only when it changes.
    SetSecurityGroups {
        load_balancer: Ref,
        security_groups: Vec<Ref>,
        private_link_inbound: Option<OnOff>,
    },
    /// SetSubnets with all mappings.
    SetSubnets {
        load_balancer: Ref,
        subnets: Vec<SubnetMapping>,
        ipv6_source_nat: Option<OnOff>,
    },
    /// SetIpAddressType.
    SetIpAddressType {
        load_balancer: Ref,
        ip_address_type: IpAddressType,
    },
    /// ModifyCapacityReservation once the load balancer is active; 0 resets.
    ModifyCapacityReservation { load_balancer: Ref, capacity_units: i32 },
    /// DeleteLoadBalancer.
    DeleteLoadBalancer { arn: String },
    /// CreateListener with all tags. Output: the ARN.
    CreateListener {
        address: ResourceAddress,
        listener: Listener,
        tags: Tags,
    },
    /// ModifyListener.
    ModifyListener { arn: String, listener: Listener },
    /// AddListenerCertificates, one certificate per call like upstream; waits out ListenerNotFound.
    AddListenerCertificate { listener: Ref, certificate: String },
    /// RemoveListenerCertificates, one certificate per call.
    RemoveListenerCertificate { listener: Ref, certificate: String },
    /// ModifyListenerAttributes, as for target groups.
    ModifyListenerAttributes {
        listener: Ref,
        attributes: BTreeMap<String, String>,
    },
    /// DeleteListener.
    DeleteListener { arn: String },
    /// CreateRule with all tags, at the number the rule carries. Output: the ARN.
    CreateRule {
        address: ResourceAddress,
        rule: Rule,
        tags: Tags,
    },
    /// ModifyRule: conditions, actions and transforms; not the number.
    ModifyRule { arn: String, rule: Rule },
    /// SetRulePriorities, one atomic call: rules of one listener and their new numbers.
    SetRulePriorities {
        listener: Ref,
        priorities: Vec<(Ref, i32)>,
    },
    /// DeleteRule.
    DeleteRule { arn: String },
    /// ELBv2 AddTags.
    AddTags { resource: Ref, tags: Tags },
    /// ELBv2 RemoveTags.
    RemoveTags { resource: Ref, keys: BTreeSet<String> },
    /// Creates a TargetGroupBinding.
    CreateBinding {
        address: ResourceAddress,
        binding: Box<Binding>,
    },
    /// Merge-patches spec, labels and annotations of a TargetGroupBinding; drops its checkpoint.
    UpdateBinding {
        address: ResourceAddress,
        binding: Box<Binding>,
    },
    /// Deletes a TargetGroupBinding and waits until it is gone.
    DeleteBinding {
        namespace: String,
        name: String,
        uid: String,
    },
    /// No mutation: waits until the targets of a binding are registered in the group (the binding was observed
    /// at its present generation), before traffic is switched to the group. Bounded by the shell; when the
    /// bound is over the switch goes on as upstream's does, which never waits.
    AwaitTargets {
        namespace: String,
        name: String,
        target_group: Ref,
    },
    /// No mutation: waits until the targets of a group are as healthy as those of the groups it replaces, before
    /// it takes their traffic ([`crate::targets::readiness`]). Bounded by the shell: when the bound is over, or AWS
    /// does not check the targets, the plan goes on.
    AwaitHealth {
        target_group: Ref,
        replaces: Vec<String>,
    },
    /// No mutation: waits until a load balancer is active, before the address moves to it.
    AwaitActive { load_balancer: Ref },
    /// No mutation of AWS: the owners are to show the name of another load balancer in their status, which is
    /// written after the steps. Ends only in a later plan, when nobody shows the old name.
    MoveAddress { from: String, to: Ref },
    /// No mutation: a load balancer whose address has moved serves on for 5 min, for clients that know the old name.
    AwaitDrain { load_balancer: String },
    /// Takes our finalizer from an owner; depends on every deletion of that origin.
    /// `last`: nobody else owns the stack, so AWS must hold nothing of it.
    RemoveFinalizer {
        object: ObjectRef,
        finalizer: String,
        last: bool,
    },
}

impl Action {
    /// Whether it makes a resource (finalizers are not resources).
    pub fn is_creation(&self) -> bool {
        matches!(
            self,
            Self::CreateSecurityGroup { .. }
                | Self::CreateTargetGroup { .. }
                | Self::CreateLoadBalancer { .. }
                | Self::CreateListener { .. }
                | Self::CreateRule { .. }
                | Self::CreateBinding { .. }
        )
    }

    /// Whether it changes nothing itself.
    pub fn is_wait(&self) -> bool {
        matches!(
            self,
            Self::AwaitTargets { .. }
                | Self::AwaitHealth { .. }
                | Self::AwaitActive { .. }
                | Self::MoveAddress { .. }
                | Self::AwaitDrain { .. }
        )
    }

    /// Whether it takes a resource away (finalizers are not resources).
    pub fn is_deletion(&self) -> bool {
        matches!(
            self,
            Self::DeleteSecurityGroup { .. }
                | Self::DeleteTargetGroup { .. }
                | Self::DeleteLoadBalancer { .. }
                | Self::DeleteListener { .. }
                | Self::DeleteRule { .. }
                | Self::DeleteBinding { .. }
        )
    }
}

/// A plan of steps that need nothing.
pub fn independent(key: &Key, steps: Vec<Step>) -> Plan {
    let steps = steps.into_iter().enumerate().map(|(position, step)| Step {
        id: StepId(position),
        needs: BTreeSet::new(),
        ..step
    });
    Plan {
        key: key.clone(),
        steps: steps.collect(),
        problems: Vec::new(),
    }
}
