//! The report of `elbow plan -o json`. The names of fields are stable; `docs/plan.md` lists them.

use elbow_crds::problem::{ObjectRef, Problem, Severity};
use serde_json::{Value, json};

use super::render::{kind, resource, verb, wait};
use super::report::{Outcome, Report, StackReport};
use super::{Plan, Step};
use crate::key::Key;
use crate::model::{IngressPermission, PermissionSource};
use crate::targets::preview::{BackendChange, BackendPreview, Preview, RulesPreview};
use crate::targets::{GroupRule, Target};

/// Version of the format: counted up when a field goes or changes its meaning.
const VERSION: u32 = 1;

impl Report {
    /// For programs: one document.
    pub fn json(&self) -> Value {
        json!({
            "version": VERSION,
            "changes": self.has_changes(),
            "stacks": self.stacks.iter().map(stack).collect::<Vec<_>>(),
            "bindings": self.bindings.iter().map(binding).collect::<Vec<_>>(),
            "groupRules": self.rules.iter().map(rules).collect::<Vec<_>>(),
            "backendGroup": self.backend.as_ref().map(backend),
            "problems": problems(&self.unread),
            "notes": self.notes,
        })
    }
}

fn stack(stack: &StackReport) -> Value {
    let key = &stack.key;
    let mut value = json!({
        "kind": key.kind.word(),
        "namespace": key.namespace,
        "name": key.name,
        "state": "planned",
        "reason": "",
        "steps": [],
        "problems": [],
    });
    let (state, fields) = match &stack.outcome {
        Outcome::Planned { plan, warnings, .. } => {
            let all: Vec<Problem> = plan.problems.iter().chain(warnings).cloned().collect();
            (
                "planned",
                vec![("steps", steps(plan)), ("problems", problems(&all))],
            )
        }
        Outcome::Held(all) => ("held", vec![("problems", problems(all))]),
        Outcome::Waits(reason) => ("waiting", vec![("reason", json!(reason))]),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("state".to_owned(), state.into());
        object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    value
}

fn steps(plan: &Plan) -> Value {
    plan.steps.iter().map(step).collect()
}

fn step(step: &Step) -> Value {
    let origins = step.origins.iter().map(|origin| {
        let mut value = object(&origin.object);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("field".to_owned(), origin.field.clone().into());
        }
        value
    });
    json!({
        "number": step.id.0 + 1,
        "verb": verb(step),
        "action": kind(&step.action),
        "resource": resource(&step.action),
        "reason": step.reason,
        "origins": origins.collect::<Vec<_>>(),
        "waits": wait(&step.action).map(|wait| vec![wait]).unwrap_or_default(),
        "after": step.needs.iter().map(|need| need.0 + 1).collect::<Vec<_>>(),
    })
}

fn binding(preview: &Preview) -> Value {
    let (namespace, name) = match &preview.key {
        Key::Binding { namespace, name } => (namespace.as_str(), name.as_str()),
        Key::Stack(_) | Key::GroupRules { .. } | Key::BackendGroup { .. } => ("", ""),
    };
    json!({
        "namespace": namespace,
        "name": name,
        "targetGroup": preview.target_group,
        "addFinalizer": preview.add_finalizer,
        "register": targets(&preview.register),
        "deregister": targets(&preview.deregister),
        "problems": one(preview.problem.as_ref()),
    })
}

fn targets(targets: &[Target]) -> Vec<Value> {
    let all = targets.iter().map(|target| {
        json!({
            "id": target.id,
            "port": target.port,
            "zone": target.availability_zone,
            "quicServerId": target.quic_server_id,
        })
    });
    all.collect()
}

fn rules(preview: &RulesPreview) -> Value {
    let (vpc, group) = match &preview.key {
        Key::GroupRules { vpc, group } => (vpc.as_str(), group.as_str()),
        Key::Stack(_) | Key::Binding { .. } | Key::BackendGroup { .. } => ("", ""),
    };
    let listed = |rules: &[GroupRule]| {
        rules
            .iter()
            .map(|rule| permission(&rule.permission))
            .collect::<Vec<_>>()
    };
    json!({
        "vpc": vpc,
        "group": group,
        "authorise": listed(&preview.changes.grant),
        "revoke": listed(&preview.changes.revoke),
        "keep": listed(&preview.changes.held),
        "problems": one(preview.problem.as_ref()),
    })
}

fn permission(permission: &IngressPermission) -> Value {
    let (kind, source) = match &permission.source {
        PermissionSource::Ipv4(text) => ("ipv4", text),
        PermissionSource::Ipv6(text) => ("ipv6", text),
        PermissionSource::PrefixList(text) => ("prefixList", text),
        PermissionSource::Group(text) => ("securityGroup", text),
    };
    json!({
        "protocol": permission.protocol,
        "fromPort": permission.from_port,
        "toPort": permission.to_port,
        "sourceType": kind,
        "source": source,
    })
}

fn backend(preview: &BackendPreview) -> Value {
    let change = match &preview.change {
        BackendChange::Nothing => "none",
        BackendChange::Create(_) => "create",
        BackendChange::Tag { .. } => "tag",
        BackendChange::Delete => "delete",
    };
    let (set, removed) = match &preview.change {
        BackendChange::Create(tags) => (Some(tags), None),
        BackendChange::Tag { set, remove } => (Some(set), Some(remove)),
        BackendChange::Nothing | BackendChange::Delete => (None, None),
    };
    json!({
        "name": preview.name,
        "id": preview.id,
        "change": change,
        "tags": set.cloned().unwrap_or_default(),
        "removedTags": removed.map(|tags| tags.keys().cloned().collect::<Vec<_>>()).unwrap_or_default(),
        "problems": one(preview.problem.as_ref()),
    })
}

fn one(problem: Option<&Problem>) -> Value {
    problems(problem.map(std::slice::from_ref).unwrap_or_default())
}

fn problems(all: &[Problem]) -> Value {
    let all = all.iter().map(|problem| {
        json!({
            "object": object(&problem.object),
            "field": problem.field,
            "code": format!("{:?}", problem.code),
            "severity": match problem.severity {
                Severity::Warning => "warning",
                Severity::Fault => "fault",
            },
            "message": problem.message,
        })
    });
    all.collect()
}

fn object(object: &ObjectRef) -> Value {
    json!({"kind": object.kind, "namespace": object.namespace, "name": object.name})
}
