//! Words for steps: the operation, and what it is about.

use elbow_core::key::StackKey;
use elbow_core::plan::Action;

use crate::mirror::{Subject, subject};

/// The API operation of a step, or what it does in Kubernetes.
pub(super) fn operation(action: &Action) -> &'static str {
    use Action as A;
    match action {
        A::AddFinalizer { .. } => "AddFinalizer",
        A::CreateSecurityGroup { .. } => "CreateSecurityGroup",
        A::AuthorizeIngress { .. } => "AuthorizeSecurityGroupIngress",
        A::RevokeIngress { .. } => "RevokeSecurityGroupIngress",
        A::CreateTags { .. } => "CreateTags",
        A::DeleteTags { .. } => "DeleteTags",
        A::DeleteSecurityGroup { .. } => "DeleteSecurityGroup",
        A::CreateTargetGroup { .. } => "CreateTargetGroup",
        A::ModifyTargetGroup { .. } => "ModifyTargetGroup",
        A::ModifyTargetGroupAttributes { .. } => "ModifyTargetGroupAttributes",
        A::DeleteTargetGroup { .. } => "DeleteTargetGroup",
        A::CreateLoadBalancer { .. } => "CreateLoadBalancer",
        A::ModifyLoadBalancerAttributes { .. } => "ModifyLoadBalancerAttributes",
        A::SetSecurityGroups { .. } => "SetSecurityGroups",
        A::SetSubnets { .. } => "SetSubnets",
        A::SetIpAddressType { .. } => "SetIpAddressType",
        A::ModifyCapacityReservation { .. } => "ModifyCapacityReservation",
        A::DeleteLoadBalancer { .. } => "DeleteLoadBalancer",
        A::CreateListener { .. } => "CreateListener",
        A::ModifyListener { .. } => "ModifyListener",
        A::AddListenerCertificate { .. } => "AddListenerCertificates",
        A::RemoveListenerCertificate { .. } => "RemoveListenerCertificates",
        A::ModifyListenerAttributes { .. } => "ModifyListenerAttributes",
        A::DeleteListener { .. } => "DeleteListener",
        A::CreateRule { .. } => "CreateRule",
        A::ModifyRule { .. } => "ModifyRule",
        A::SetRulePriorities { .. } => "SetRulePriorities",
        A::DeleteRule { .. } => "DeleteRule",
        A::AddTags { .. } => "AddTags",
        A::RemoveTags { .. } => "RemoveTags",
        A::CreateBinding { .. } => "CreateBinding",
        A::UpdateBinding { .. } => "UpdateBinding",
        A::DeleteBinding { .. } => "DeleteBinding",
        A::AwaitTargets { .. } => "AwaitTargets",
        A::AwaitHealth { .. } => "AwaitHealth",
        A::AwaitActive { .. } => "AwaitActive",
        A::MoveAddress { .. } => "MoveAddress",
        A::AwaitDrain { .. } => "AwaitDrain",
        A::RemoveFinalizer { .. } => "RemoveFinalizer",
    }
}

/// What a step is about, unique within the realm.
pub(super) fn subject_text(action: &Action, key: Option<&StackKey>) -> String {
    match subject(action) {
        Subject::Id(id) => id,
        Subject::Address(address) => {
            let key = key.map(ToString::to_string).unwrap_or_default();
            format!("{key} {address}")
        }
    }
}

/// The step as the beginning of a sentence: `CreateListener port 80`.
pub(super) fn doing(action: &Action) -> String {
    use Action as A;
    let about = match action {
        A::CreateSecurityGroup { group, .. } => format!("security group {}", group.name),
        A::CreateTargetGroup { group, .. } => format!("target group {}", group.name),
        A::CreateLoadBalancer { load_balancer, .. } => format!("load balancer {}", load_balancer.name),
        A::CreateListener { listener, .. } | A::ModifyListener { listener, .. } => {
            format!("port {}", listener.port)
        }
        A::AddListenerCertificate { certificate, .. } | A::RemoveListenerCertificate { certificate, .. } => {
            format!("certificate {certificate}")
        }
        A::AddFinalizer { finalizer, .. } | A::RemoveFinalizer { finalizer, .. } => finalizer.clone(),
        other => match subject(other) {
            Subject::Id(id) => id,
            Subject::Address(address) => address.to_string(),
        },
    };
    format!("{} {about}", operation(action))
}
