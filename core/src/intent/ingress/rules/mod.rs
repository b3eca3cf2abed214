//! Rules of a group of Ingresses (upstream `pkg/ingress/model_build_listener_rules.go`).
//!
//! In: one member and a listener. Out: its rules in order, one for each path, and default actions. Their place
//! among the rules of other members is for the caller, which puts them together in group order and then drops
//! what can never answer ([`optimise`]).

mod actions;
mod authentication;
mod conditions;
mod optimise;
mod paths;

use elbow_crds::ingress::condition;
use elbow_crds::ingress::transform::{self, parse_transforms};
use elbow_crds::problem::ProblemCode;

use super::member::Member;
use super::tags;
use super::target_groups::TargetGroups;
use super::wish::RuleWish;
use crate::intent::wish::ActionWish;
use crate::model::{Origins, Protocol, Tags, Transform};
use crate::view::{IngressPath, IngressRule, IngressServiceBackend};

pub use optimise::optimise;

const CONDITIONS: &str = "conditions";
const ACTIONS: &str = "actions";
const TRANSFORMS: &str = "transforms";

/// The rules of a member on one listener. A path with a fault has none; the member is sick then.
pub fn read(
    member: &mut Member<'_>,
    port: i32,
    protocol: Protocol,
    groups: &mut TargetGroups,
) -> Vec<RuleWish> {
    let ingress = member.of.ingress;
    let tags = tags::of_rule(member);
    let mut rules = Vec::new();
    for entry in &ingress.rules {
        for (index, path) in paths::sorted(member, entry) {
            let place = Place {
                field: format!("spec.rules[{}].http.paths[{index}]", entry.index),
                port,
                protocol,
            };
            rules.extend(rule(member, &place, entry, path, &tags, groups));
        }
    }
    rules
}

/// What a member's default backend does with requests; `None` without one or with a fault.
pub fn default_actions(
    member: &mut Member<'_>,
    protocol: Protocol,
    groups: &mut TargetGroups,
) -> Option<Vec<ActionWish>> {
    let backend = member.of.ingress.default_backend.as_ref()?;
    let service = named_service(member, backend.service.as_ref(), "spec.defaultBackend")?;
    // They have no effect here, but must be readable as for any backend.
    conditions::written(member, &service.name);
    transforms(member, &service.name);
    actions::read(member, service, "spec.defaultBackend", protocol, groups)
}

/// Where a rule stands and where it goes.
struct Place {
    field: String,
    port: i32,
    protocol: Protocol,
}

fn rule(
    member: &mut Member<'_>,
    place: &Place,
    entry: &IngressRule,
    path: &IngressPath,
    tags: &Tags,
    groups: &mut TargetGroups,
) -> Option<RuleWish> {
    let backend = format!("{}.backend", place.field);
    let service = named_service(member, path.backend.service.as_ref(), &backend)?;
    let patterns = paths::patterns(member, path, &format!("{}.path", place.field));
    let conditions = conditions::read(member, &entry.host, patterns?, &service.name);
    let transforms = transforms(member, &service.name);
    let actions = actions::read(member, service, &backend, place.protocol, groups);
    let conditions = conditions?;
    for breach in condition::breaches(&conditions) {
        member.warn(
            &place.field,
            ProblemCode::Limit,
            format!("the rule of this path: {breach}"),
        );
    }
    Some(RuleWish {
        port: place.port,
        conditions,
        actions: actions?,
        transforms: transforms?,
        tags: tags.clone(),
        origins: origins(member, &place.field, &service.name),
    })
}

fn named_service<'b>(
    member: &mut Member<'_>,
    service: Option<&'b IngressServiceBackend>,
    field: &str,
) -> Option<&'b IngressServiceBackend> {
    if service.is_none() {
        let message = "a resource backend is not supported; name a Service, or an action by \
                       port name use-annotation";
        member.fault(field, ProblemCode::NotAllowed, message);
    }
    service
}

fn transforms(member: &mut Member<'_>, service: &str) -> Option<Vec<Transform>> {
    let suffix = format!("{TRANSFORMS}.{service}");
    if member.string(&suffix).is_none() {
        return Some(Vec::new());
    }
    let transforms = member.parsed(&suffix, parse_transforms)?;
    for breach in transform::breaches(&transforms) {
        member.warn_at(&suffix, ProblemCode::Limit, breach);
    }
    Some(transforms)
}

fn origins(member: &Member<'_>, field: &str, service: &str) -> Origins {
    let suffixes = [CONDITIONS, ACTIONS, TRANSFORMS].map(|word| format!("{word}.{service}"));
    let mut origins = member.present(&suffixes.each_ref().map(String::as_str));
    origins.insert(member.origin(field));
    origins
}
