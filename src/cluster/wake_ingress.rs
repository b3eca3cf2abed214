//! Which stacks an Ingress, or something it refers to, wakes.

use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_core::intent::ingress::{self, Resolution};
use elbow_core::key::{Key, Lane, StackKey};
use elbow_core::settings::Settings;
use elbow_core::view::{Ingress, IngressClass, IngressClassParams, Namespace};

use super::store::Change;
use super::view::View;
use super::wake::{Wakes, holds_backend_group};
use super::{Stores, Trimmed};

/// The stacks an Ingress belongs to, or belonged to as far as its finalizers say. One whose class or group is
/// not clear has a stack of its own, which tells so.
pub fn stacks_of(ingress: &Ingress, stores: &Stores, settings: &Settings) -> BTreeSet<StackKey> {
    let mut stacks = ingress::finalizer_groups(ingress);
    let own = StackKey::ingress(&ingress.meta.namespace, &ingress.meta.name);
    match ingress::resolve(ingress, &View::new(stores, &own), settings) {
        Resolution::Group(key) => drop(stacks.insert(key)),
        Resolution::NotOurs => {}
        Resolution::InvalidClass(_) | Resolution::InvalidGroup(_) | Resolution::Unresolvable(_) => {
            stacks.insert(own);
        }
    }
    stacks
}

/// Keys woken by an Ingress: the stacks it belongs to or belonged to, and the backend group when a finalizer
/// came or went.
pub fn by_ingress(change: &Change<Ingress>, stores: &Stores, settings: &Settings) -> Wakes {
    let mut wakes = Wakes::new();
    for ingress in change.old.iter().chain(&change.new) {
        let lane = if ingress.meta.deleting {
            Lane::Delete
        } else {
            Lane::Edit
        };
        let stacks = stacks_of(ingress, stores, settings);
        wakes.extend(stacks.into_iter().map(|stack| (Key::Stack(stack), lane)));
    }
    let held = |one: &Option<Arc<Ingress>>| one.as_ref().is_some_and(|one| holds_backend_group(&one.meta));
    if held(&change.old) != held(&change.new) {
        let vpc = settings.realm.vpc.clone();
        wakes.insert((Key::BackendGroup { vpc }, Lane::Edit));
    }
    wakes
}

/// Keys woken by an IngressClass: the stacks of the Ingresses that name it, or name none.
pub fn by_class(change: &Change<IngressClass>, stores: &Stores, settings: &Settings) -> Wakes {
    let name = name_of(change);
    of_ingresses(stores, settings, |ingress| {
        ingress.class.is_none() || ingress.class == name
    })
}

/// Keys woken by an IngressClassParams: the stacks of the Ingresses of all classes that name it.
pub fn by_params(change: &Change<IngressClassParams>, stores: &Stores, settings: &Settings) -> Wakes {
    let name = name_of(change);
    let classes = stores.ingress_classes.all();
    let names: BTreeSet<&str> = classes
        .iter()
        .filter(|class| class.parameters.as_ref().map(|p| &p.name) == name.as_ref())
        .map(|class| class.meta.name.as_str())
        .collect();
    of_ingresses(stores, settings, |ingress| {
        ingress
            .class
            .as_ref()
            .is_none_or(|class| names.contains(class.as_str()))
    })
}

/// Keys woken by a Namespace: the stacks of its Ingresses, since classes may select namespaces by label.
pub fn by_namespace(change: &Change<Namespace>, stores: &Stores, settings: &Settings) -> Wakes {
    let labels = |one: &Option<Arc<Namespace>>| one.as_ref().map(|one| one.meta.labels.clone());
    if labels(&change.old) == labels(&change.new) {
        return Wakes::new();
    }
    let name = name_of(change).unwrap_or_default();
    of_ingresses(stores, settings, |ingress| ingress.meta.namespace == name)
}

fn name_of<T: Trimmed>(change: &Change<T>) -> Option<String> {
    let any = change.new.as_ref().or(change.old.as_ref());
    any.map(|object| object.meta().name.clone())
}

fn of_ingresses(stores: &Stores, settings: &Settings, concerned: impl Fn(&Ingress) -> bool) -> Wakes {
    let ingresses = stores.ingresses.all();
    ingresses
        .iter()
        .filter(|ingress| concerned(ingress))
        .flat_map(|ingress| stacks_of(ingress, stores, settings))
        .map(|stack| (Key::Stack(stack), Lane::Edit))
        .collect()
}
