//! What plans leave behind for the keys that come after them: the bindings there will be, and who will hold the
//! shared backend security group. For `elbow plan`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_crds::problem::ObjectRef;

use super::backend_group;
use super::ledger::BindingName;
use crate::binding::object_spec;
use crate::model::{Binding, Ref, ResourceAddress};
use crate::plan::{Action, Plan};
use crate::settings::Settings;
use crate::view::{BindingObject, Meta};

/// A binding as it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The object. Where an id is not known yet, the name of what will be created stands in parentheses.
    pub object: BindingObject,
    /// Whether its target group does not exist yet, so that no target is registered in it.
    pub new_target_group: bool,
}

/// The bindings that are there, as `plans` leave them, by namespace and name.
pub fn bindings(
    present: &[Arc<BindingObject>],
    plans: &[&Plan],
    settings: &Settings,
) -> BTreeMap<BindingName, Expected> {
    let mut all: BTreeMap<BindingName, Expected> = present
        .iter()
        .map(|object| {
            let name = (object.meta.namespace.clone(), object.meta.name.clone());
            let expected = Expected {
                object: BindingObject::clone(object),
                new_target_group: false,
            };
            (name, expected)
        })
        .collect();
    for plan in plans {
        let names = names(plan);
        for step in &plan.steps {
            match &step.action {
                Action::CreateBinding { binding, .. } | Action::UpdateBinding { binding, .. } => {
                    write(&mut all, binding, &names, settings);
                }
                Action::DeleteBinding { namespace, name, .. } => {
                    if let Some(expected) = all.get_mut(&(namespace.clone(), name.clone())) {
                        expected.object.meta.deleting = true;
                    }
                }
                _ => {}
            }
        }
    }
    all
}

fn write(
    all: &mut BTreeMap<BindingName, Expected>,
    binding: &Binding,
    names: &BTreeMap<ResourceAddress, String>,
    settings: &Settings,
) {
    let resolve = |reference: &Ref| {
        Some(match reference {
            Ref::Known(id) => id.clone(),
            Ref::Pending(address) => format!("({})", names.get(address).unwrap_or(&address.id.0)),
            Ref::BackendGroup => format!("({})", backend_group::name(&settings.scope.cluster)),
        })
    };
    let Some(spec) = object_spec(&binding.spec, &resolve) else {
        return;
    };
    let name = (binding.namespace.clone(), binding.name.clone());
    let present = all.remove(&name).map(|expected| expected.object);
    let meta = present.as_ref().map_or_else(
        || Meta {
            namespace: binding.namespace.clone(),
            name: binding.name.clone(),
            ..Meta::default()
        },
        |object| object.meta.clone(),
    );
    let expected = Expected {
        object: BindingObject {
            meta: Meta {
                labels: binding.labels.clone(),
                ..meta
            },
            spec,
            status: present.map(|object| object.status).unwrap_or_default(),
        },
        new_target_group: binding.spec.target_group.known().is_none(),
    };
    all.insert(name, expected);
}

/// The names of what a plan creates.
fn names(plan: &Plan) -> BTreeMap<ResourceAddress, String> {
    let named = plan.steps.iter().filter_map(|step| match &step.action {
        Action::CreateSecurityGroup { address, group, .. } => Some((address.clone(), group.name.clone())),
        Action::CreateTargetGroup { address, group, .. } => Some((address.clone(), group.name.clone())),
        _ => None,
    });
    named.collect()
}

/// An object and a finalizer that it carries.
pub type Held = (ObjectRef, String);

/// The finalizers that keep the shared backend security group, as `plans` leave them.
pub fn finalizers(present: BTreeSet<Held>, plans: &[&Plan]) -> BTreeSet<Held> {
    let mut all = present;
    for step in plans.iter().flat_map(|plan| &plan.steps) {
        match &step.action {
            Action::AddFinalizer { object, finalizer } => {
                all.insert((object.clone(), finalizer.clone()));
            }
            Action::RemoveFinalizer {
                object, finalizer, ..
            } => {
                all.remove(&(object.clone(), finalizer.clone()));
            }
            _ => {}
        }
    }
    all
}
