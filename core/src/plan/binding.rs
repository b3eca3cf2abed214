//! TargetGroupBindings: matched by the ARN of their target group.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{Problem, ProblemCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::draft::Draft;
use super::pair::Pairs;
use super::{Action, StepId};
use crate::model::{
    Binding, BindingPeer, BindingSpec, IpFamily, Ref, ResourceAddress, ResourceId, ResourceKind, TargetGroup,
};

/// Creates what is missing and changes what stays. A binding that has the name of a new one and is bound to
/// something else, or is going away, is deleted first.
pub(super) fn open(draft: &mut Draft, groups: &Pairs<TargetGroup>) {
    let families: BTreeMap<&ResourceId, IpFamily> = groups
        .kept
        .iter()
        .map(|(wanted, actual)| (&wanted.id, actual.family))
        .collect();
    let (wanted, actual) = (draft.wanted, draft.actual);
    for binding in &wanted.bindings {
        let group = ResourceAddress::new(ResourceKind::TargetGroup, &binding.id);
        let binding = &Binding {
            name: draft.name_of(&group, &binding.name),
            ..binding.clone()
        };
        let mut spec = draft.resolve_binding(&binding.spec);
        if let Some(family) = families.get(&binding.id) {
            keep_family(draft, binding, &mut spec, *family);
        }
        match choose(draft, binding, &spec, &actual.bindings) {
            Some(existing) => change(draft, binding, existing, spec),
            None => create(draft, binding, spec, &actual.bindings),
        }
    }
}

/// The address family of a target group is fixed at creation; a binding of another family could only
/// register targets that AWS refuses.
fn keep_family(draft: &mut Draft, binding: &Binding, spec: &mut BindingSpec, actual: IpFamily) {
    let Some(wanted) = spec.family.filter(|wanted| *wanted != actual) else {
        return;
    };
    spec.family = Some(actual);
    let message = format!(
        "the target group of {} has {} targets and should have {} ones, which AWS cannot change in place; it \
         keeps serving as it is; set spec.ipFamilies back, or delete the object and create it again",
        binding.id,
        actual.as_str(),
        wanted.as_str()
    );
    draft.fault(&binding.origins, ProblemCode::NeedsReplacement, message);
}

/// The existing binding of the target group, preferably of the wanted name. Further ones are left alone:
/// deleting them would deregister the targets of a group in use.
fn choose<'s>(
    draft: &mut Draft,
    wanted: &Binding,
    spec: &BindingSpec,
    actual: &'s [Binding],
) -> Option<&'s Binding> {
    spec.target_group.known()?;
    let mut candidates: Vec<&Binding> = actual
        .iter()
        .filter(|binding| !binding.deleting && binding.spec.target_group == spec.target_group)
        .collect();
    candidates.sort_by_key(|binding| {
        let foreign = (&binding.namespace, &binding.name) != (&wanted.namespace, &wanted.name);
        (foreign, binding.namespace.clone(), binding.name.clone())
    });
    let mut candidates = candidates.into_iter();
    let chosen = candidates.next()?;
    draft.keep_binding(chosen);
    for other in candidates {
        draft.keep_binding(other);
        let message = format!(
            "TargetGroupBinding {}/{} is bound to the same target group as {}/{}; it is left alone; delete it \
             if it is not yours, or take the labels of the controller from it",
            other.namespace, other.name, chosen.namespace, chosen.name
        );
        let object = draft.owner_object();
        draft.problem(Problem::warning(&object, "", ProblemCode::Conflict, message));
    }
    Some(chosen)
}

fn create(draft: &mut Draft, wanted: &Binding, spec: BindingSpec, actual: &[Binding]) {
    let references: Vec<Ref> = references(&spec).cloned().collect();
    if !references.iter().all(|reference| draft.can_resolve(reference)) {
        return;
    }
    let mut needs = draft.producers(&references);
    let stale = actual
        .iter()
        .find(|binding| (&binding.namespace, &binding.name) == (&wanted.namespace, &wanted.name));
    if let Some(stale) = stale {
        let reason = if stale.deleting {
            "it is going away and comes back".to_owned()
        } else {
            "its name is needed for another target group".to_owned()
        };
        needs.insert(delete(draft, stale, BTreeSet::new(), reason));
    }
    let address = ResourceAddress::new(ResourceKind::Binding, &wanted.id);
    let binding = Binding {
        spec,
        uid: None,
        deleting: false,
        ..wanted.clone()
    };
    let action = Action::CreateBinding {
        address: address.clone(),
        binding: Box::new(binding),
    };
    draft.create(&address, action, needs, &wanted.origins, "");
    let name = (wanted.namespace.clone(), wanted.name.clone());
    draft.bindings.insert(wanted.id.clone(), name);
}

/// Deletes a binding and waits until it is gone.
pub(super) fn delete(
    draft: &mut Draft,
    binding: &Binding,
    needs: BTreeSet<StepId>,
    reason: String,
) -> StepId {
    draft.keep_binding(binding);
    let action = Action::DeleteBinding {
        namespace: binding.namespace.clone(),
        name: binding.name.clone(),
        uid: binding.uid.clone().unwrap_or_default(),
    };
    let origins = draft.removal_origins(&binding.origins);
    draft.push(action, needs, &origins, reason)
}

fn change(draft: &mut Draft, wanted: &Binding, actual: &Binding, mut spec: BindingSpec) {
    let name = (actual.namespace.clone(), actual.name.clone());
    draft.bindings.insert(wanted.id.clone(), name);
    if draft.frozen || !references(&spec).all(|reference| draft.can_resolve(reference)) {
        spec.networking.clone_from(&actual.spec.networking);
    }
    let reasons = differences(wanted, actual, &spec);
    if reasons.is_empty() {
        return;
    }
    let references: Vec<Ref> = references(&spec).cloned().collect();
    let mut needs = draft.producers(&references);
    if spec.networking != actual.spec.networking {
        needs.extend(draft.steps_where(|action| {
            matches!(
                action,
                Action::SetSecurityGroups { .. } | Action::AuthorizeIngress { .. }
            )
        }));
    }
    let binding = Binding {
        namespace: actual.namespace.clone(),
        name: actual.name.clone(),
        uid: actual.uid.clone(),
        deleting: false,
        spec,
        ..wanted.clone()
    };
    let action = Action::UpdateBinding {
        address: ResourceAddress::new(ResourceKind::Binding, &wanted.id),
        binding: Box::new(binding),
    };
    draft.push(action, needs, &wanted.origins, reasons.join(", "));
}

fn references(spec: &BindingSpec) -> impl Iterator<Item = &Ref> {
    let peers = spec
        .networking
        .iter()
        .flat_map(|networking| &networking.ingress)
        .flat_map(|rule| &rule.from)
        .filter_map(|peer| match peer {
            BindingPeer::SecurityGroup(group) => Some(group),
            BindingPeer::IpBlock(_) => None,
        });
    peers.chain([&spec.target_group])
}

/// Names of what differs. Labels and annotations have to be equal, additional ones count.
fn differences(wanted: &Binding, actual: &Binding, spec: &BindingSpec) -> Vec<String> {
    let old = &actual.spec;
    let parts = [
        ("targetType", spec.target_type != old.target_type),
        ("targetGroupProtocol", spec.protocol != old.protocol),
        (
            "serviceRef",
            (&spec.service_name, &spec.service_port) != (&old.service_name, &old.service_port),
        ),
        ("networking", spec.networking != old.networking),
        (
            "nodeSelector",
            essence(spec.node_selector.as_ref()) != essence(old.node_selector.as_ref()),
        ),
        ("ipAddressType", spec.family != old.family),
        ("vpcID", spec.vpc != old.vpc),
        ("multiClusterTargetGroup", spec.multi_cluster != old.multi_cluster),
        (
            "fields of hand-made bindings",
            spec.foreign_fields != old.foreign_fields,
        ),
        ("labels", wanted.labels != actual.labels),
        ("annotations", wanted.annotations != actual.annotations),
    ];
    parts
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(name, _)| format!("{name} changed"))
        .collect()
}

/// A selector with absent and empty parts made equal, as Kubernetes' semantic comparison does.
fn essence(selector: Option<&LabelSelector>) -> Option<LabelSelector> {
    selector.map(|selector| LabelSelector {
        match_labels: selector.match_labels.clone().filter(|labels| !labels.is_empty()),
        match_expressions: selector
            .match_expressions
            .clone()
            .filter(|expressions| !expressions.is_empty()),
    })
}
