//! Plans for people and for programs.

use std::collections::BTreeSet;
use std::fmt::Write;

use elbow_crds::problem::{Problem, Severity};

use super::lint::subject;
use super::load_balancer::describe_ref;
use super::{Action, Plan, Step};
use crate::model::Ref;

/// How the reason of a creation begins that stands for an existing resource.
pub(super) const REPLACES: &str = "replaces ";

/// The plan as JSON: `key`, `steps` in order, `problems`.
pub fn render_json(plan: &Plan) -> serde_json::Value {
    serde_json::to_value(plan).unwrap_or(serde_json::Value::Null)
}

/// The plan as text, one line per step: number, verb, resource, what changes; below it who asked for it,
/// what it waits for and after which steps it comes. `no changes` if there is nothing to do.
pub fn render_text(plan: &Plan) -> String {
    let mut text = format!("{}\n", plan.key);
    for problem in &plan.problems {
        let _ = writeln!(text, "  {}", describe_problem(problem));
    }
    if plan.is_empty() {
        text.push_str("  no changes\n");
        return text;
    }
    for step in &plan.steps {
        write_step(&mut text, step);
    }
    let _ = writeln!(text, "  {}", summary(plan));
    text
}

fn describe_problem(problem: &Problem) -> String {
    let weight = match problem.severity {
        Severity::Warning => "warning",
        Severity::Fault => "problem",
    };
    format!("{weight}: {problem}")
}

fn write_step(text: &mut String, step: &Step) {
    let (verb, resource) = (verb(step), resource(&step.action));
    let _ = write!(text, "  {:>2}. {verb:<7} {resource}", step.id.0 + 1);
    if step.reason.is_empty() {
        text.push('\n');
    } else {
        let _ = writeln!(text, ": {}", step.reason);
    }
    let mut notes = Vec::new();
    let origins: BTreeSet<String> = step
        .origins
        .iter()
        .map(|origin| {
            if origin.field.is_empty() {
                origin.object.to_string()
            } else {
                format!("{} {}", origin.object, origin.field)
            }
        })
        .collect();
    if !origins.is_empty() {
        let origins: Vec<String> = origins.into_iter().collect();
        notes.push(format!("for {}", origins.join(", ")));
    }
    if let Some(wait) = wait(&step.action) {
        notes.push(format!("waits until {wait}"));
    }
    if !step.needs.is_empty() {
        let needs: Vec<String> = step.needs.iter().map(|need| (need.0 + 1).to_string()).collect();
        notes.push(format!("after {}", needs.join(", ")));
    }
    if !notes.is_empty() {
        let _ = writeln!(text, "      {}", notes.join("; "));
    }
}

/// What a step does to a resource: `create`, `change`, `replace` or `delete`; `set` is a further call for
/// something the same plan creates, `wait` touches nothing.
pub fn verb(step: &Step) -> &'static str {
    match &step.action {
        Action::MoveAddress { .. } => "move",
        action if action.is_wait() => "wait",
        Action::AddFinalizer { .. } => "set",
        action if action.is_creation() && step.reason.starts_with(REPLACES) => "replace",
        action if action.is_creation() => "create",
        action if action.is_deletion() => "delete",
        action => match subject(action) {
            Some(Ref::Pending(_)) => "set",
            _ => "change",
        },
    }
}

fn summary(plan: &Plan) -> String {
    let count = |wanted: &str| plan.steps.iter().filter(|step| verb(step) == wanted).count();
    format!(
        "{} to create, {} to change, {} to replace, {} to delete",
        count("create"),
        count("change"),
        count("replace"),
        count("delete")
    )
}

/// The name of the operation.
pub fn kind(action: &Action) -> &'static str {
    match action {
        Action::AddFinalizer { .. } => "AddFinalizer",
        Action::CreateSecurityGroup { .. } => "CreateSecurityGroup",
        Action::AuthorizeIngress { .. } => "AuthorizeSecurityGroupIngress",
        Action::RevokeIngress { .. } => "RevokeSecurityGroupIngress",
        Action::CreateTags { .. } => "CreateTags",
        Action::DeleteTags { .. } => "DeleteTags",
        Action::DeleteSecurityGroup { .. } => "DeleteSecurityGroup",
        Action::CreateTargetGroup { .. } => "CreateTargetGroup",
        Action::ModifyTargetGroup { .. } => "ModifyTargetGroup",
        Action::ModifyTargetGroupAttributes { .. } => "ModifyTargetGroupAttributes",
        Action::DeleteTargetGroup { .. } => "DeleteTargetGroup",
        Action::CreateLoadBalancer { .. } => "CreateLoadBalancer",
        Action::ModifyLoadBalancerAttributes { .. } => "ModifyLoadBalancerAttributes",
        Action::SetSecurityGroups { .. } => "SetSecurityGroups",
        Action::SetSubnets { .. } => "SetSubnets",
        Action::SetIpAddressType { .. } => "SetIpAddressType",
        Action::ModifyCapacityReservation { .. } => "ModifyCapacityReservation",
        Action::DeleteLoadBalancer { .. } => "DeleteLoadBalancer",
        Action::CreateListener { .. } => "CreateListener",
        Action::ModifyListener { .. } => "ModifyListener",
        Action::AddListenerCertificate { .. } => "AddListenerCertificates",
        Action::RemoveListenerCertificate { .. } => "RemoveListenerCertificates",
        Action::ModifyListenerAttributes { .. } => "ModifyListenerAttributes",
        Action::DeleteListener { .. } => "DeleteListener",
        Action::CreateRule { .. } => "CreateRule",
        Action::ModifyRule { .. } => "ModifyRule",
        Action::SetRulePriorities { .. } => "SetRulePriorities",
        Action::DeleteRule { .. } => "DeleteRule",
        Action::AddTags { .. } => "AddTags",
        Action::RemoveTags { .. } => "RemoveTags",
        Action::CreateBinding { .. } => "CreateBinding",
        Action::UpdateBinding { .. } => "UpdateBinding",
        Action::DeleteBinding { .. } => "DeleteBinding",
        Action::AwaitTargets { .. } => "AwaitTargets",
        Action::AwaitHealth { .. } => "AwaitHealth",
        Action::AwaitActive { .. } => "AwaitActive",
        Action::MoveAddress { .. } => "MoveAddress",
        Action::AwaitDrain { .. } => "AwaitDrain",
        Action::RemoveFinalizer { .. } => "RemoveFinalizer",
    }
}

/// The resource a step is about, in words.
pub(super) fn resource(action: &Action) -> String {
    match action {
        Action::AddFinalizer { object, finalizer } => format!("{object}: add finalizer {finalizer}"),
        Action::RemoveFinalizer {
            object, finalizer, ..
        } => format!("{object}: remove finalizer {finalizer}"),
        Action::CreateSecurityGroup { group, .. } => format!("security group {}", group.name),
        Action::AuthorizeIngress { group, .. }
        | Action::RevokeIngress { group, .. }
        | Action::CreateTags { group, .. }
        | Action::DeleteTags { group, .. } => format!("security group {}", describe_ref(group)),
        Action::DeleteSecurityGroup { group_id } => format!("security group {group_id}"),
        Action::CreateTargetGroup { group, .. } => format!("target group {}", group.name),
        Action::ModifyTargetGroupAttributes { group, .. } => format!("target group {}", describe_ref(group)),
        Action::ModifyTargetGroup { arn, .. } | Action::DeleteTargetGroup { arn } => {
            format!("target group {}", describe_arn(arn))
        }
        Action::CreateLoadBalancer { load_balancer, .. } => {
            let scheme = load_balancer.scheme.as_str();
            format!("load balancer {} ({scheme})", load_balancer.name)
        }
        Action::ModifyLoadBalancerAttributes { load_balancer, .. }
        | Action::SetSecurityGroups { load_balancer, .. }
        | Action::SetSubnets { load_balancer, .. }
        | Action::SetIpAddressType { load_balancer, .. }
        | Action::ModifyCapacityReservation { load_balancer, .. } => {
            format!("load balancer {}", describe_ref(load_balancer))
        }
        Action::DeleteLoadBalancer { arn } => format!("load balancer {}", describe_arn(arn)),
        Action::CreateListener { listener, .. } | Action::ModifyListener { listener, .. } => {
            format!("listener {} {}", listener.protocol, listener.port)
        }
        Action::AddListenerCertificate { listener, .. }
        | Action::RemoveListenerCertificate { listener, .. }
        | Action::ModifyListenerAttributes { listener, .. } => describe_listener(listener),
        Action::DeleteListener { arn } => describe_listener(&Ref::Known(arn.clone())),
        Action::CreateRule { rule, .. } => format!("rule {}", rule.id),
        Action::ModifyRule { arn, .. } | Action::DeleteRule { arn } => describe_rule(arn),
        Action::SetRulePriorities { listener, priorities } => {
            format!("{} rules of {}", priorities.len(), describe_listener(listener))
        }
        Action::AddTags { resource, .. } | Action::RemoveTags { resource, .. } => {
            format!("tags of {}", describe_tagged(resource))
        }
        Action::CreateBinding { binding, .. } | Action::UpdateBinding { binding, .. } => {
            format!("TargetGroupBinding {}/{}", binding.namespace, binding.name)
        }
        Action::DeleteBinding { namespace, name, .. } => format!("TargetGroupBinding {namespace}/{name}"),
        Action::AwaitTargets { namespace, name, .. } => {
            format!("targets of TargetGroupBinding {namespace}/{name}")
        }
        Action::AwaitHealth { target_group, .. } => format!("target group {}", describe_ref(target_group)),
        Action::AwaitActive { load_balancer } => format!("load balancer {}", describe_ref(load_balancer)),
        Action::MoveAddress { from, to } => {
            format!("address from {} to {}", describe_arn(from), describe_ref(to))
        }
        Action::AwaitDrain { load_balancer } => format!("load balancer {}", describe_arn(load_balancer)),
    }
}

fn describe_arn(arn: &str) -> String {
    describe_ref(&Ref::Known(arn.to_owned()))
}

/// `listener of LOAD BALANCER`; its port stands in the reason.
fn describe_listener(reference: &Ref) -> String {
    match reference {
        Ref::Known(arn) => format!("listener of {}", arn.split('/').nth(2).unwrap_or(arn)),
        Ref::Pending(_) | Ref::BackendGroup => "new listener".to_owned(),
    }
}

/// `rule of LOAD BALANCER`.
fn describe_rule(arn: &str) -> String {
    format!("rule of {}", arn.split('/').nth(2).unwrap_or(arn))
}

/// `load balancer NAME`, `target group NAME` or `listener ...` from an ARN.
fn describe_tagged(reference: &Ref) -> String {
    let kind = match reference.known() {
        Some(arn) if arn.contains(":targetgroup/") => "target group ",
        Some(arn) if arn.contains(":loadbalancer/") => "load balancer ",
        Some(arn) if arn.contains(":listener-rule/") => return describe_rule(arn),
        _ => return describe_listener(reference),
    };
    format!("{kind}{}", describe_ref(reference))
}

/// What the step waits for besides the steps it needs.
pub(super) fn wait(action: &Action) -> Option<&'static str> {
    match action {
        Action::DeleteSecurityGroup { .. } => Some("nothing uses the security group"),
        Action::DeleteTargetGroup { .. } => Some("no listener uses the target group"),
        Action::ModifyCapacityReservation { .. } => Some("the load balancer is active"),
        Action::DeleteBinding { .. } => Some("its targets are deregistered"),
        Action::AwaitTargets { .. } => Some("they are registered"),
        Action::AwaitHealth { .. } => Some("its targets are as healthy as the old ones"),
        Action::AwaitActive { .. } => Some("it is active"),
        Action::MoveAddress { .. } => Some("nobody shows the old name"),
        Action::AwaitDrain { .. } => Some("5 min are over"),
        _ => None,
    }
}
