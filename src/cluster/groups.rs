//! Which Ingresses have to do with which stack: an index, so that a run touches the members of its own group only.
//!
//! An Ingress is placed anew when it changes; all are when a class, parameters of one or a Namespace change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use elbow_core::key::StackKey;
use elbow_core::settings::Settings;
use elbow_core::view::Ingress;

use super::wake_ingress::stacks_of;
use super::{Name, Stores, Trimmed};

/// The index. Empty until it is asked for the first time.
#[derive(Debug, Default)]
pub struct Groups {
    placed: Mutex<Placed>,
}

#[derive(Debug, Default)]
struct Placed {
    /// Versions of the stores that places depend on.
    surroundings: [u64; 3],
    stacks: BTreeMap<Name, BTreeSet<StackKey>>,
    members: BTreeMap<StackKey, BTreeSet<Name>>,
}

impl Stores {
    /// The Ingresses that belong to a stack, or belonged to it as far as their finalizers say, by namespace and
    /// name.
    pub fn ingresses_of(&self, stack: &StackKey, settings: &Settings) -> Vec<Arc<Ingress>> {
        let names = self.placed(settings).members.get(stack).cloned();
        let found = names.into_iter().flatten();
        found
            .filter_map(|(namespace, name)| self.ingresses.get(&namespace, &name))
            .collect()
    }

    /// Whether any Ingress has to do with a stack.
    pub fn has_ingress_stack(&self, stack: &StackKey, settings: &Settings) -> bool {
        self.placed(settings).members.contains_key(stack)
    }

    /// The stacks that Ingresses have to do with.
    pub fn ingress_stacks(&self, settings: &Settings) -> BTreeSet<StackKey> {
        self.placed(settings).members.keys().cloned().collect()
    }

    fn placed(&self, settings: &Settings) -> MutexGuard<'_, Placed> {
        let mut placed = self.groups.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.catch_up(self, |ingress| stacks_of(ingress, self, settings));
        placed
    }
}

impl Placed {
    /// Places what changed since the last time.
    fn catch_up(&mut self, stores: &Stores, place: impl Fn(&Ingress) -> BTreeSet<StackKey>) {
        // Read before the objects: what changes meanwhile is placed once more the next time.
        let surroundings = [
            stores.ingress_classes.version(),
            stores.class_params.version(),
            stores.namespaces.version(),
        ];
        let mut changed = stores.ingresses.take_changed();
        if self.surroundings != surroundings {
            *self = Self {
                surroundings,
                ..Self::default()
            };
            changed = stores
                .ingresses
                .all()
                .iter()
                .map(|ingress| ingress.name())
                .collect();
        }
        for name in changed {
            let ingress = stores.ingresses.get(&name.0, &name.1);
            let stacks = ingress.map(|ingress| place(&ingress));
            self.enter(name, stacks.unwrap_or_default());
        }
    }

    fn enter(&mut self, name: Name, stacks: BTreeSet<StackKey>) {
        for left in self.stacks.remove(&name).unwrap_or_default() {
            let members = self.members.entry(left.clone()).or_default();
            members.remove(&name);
            if members.is_empty() {
                self.members.remove(&left);
            }
        }
        if stacks.is_empty() {
            return;
        }
        for stack in &stacks {
            self.members
                .entry(stack.clone())
                .or_default()
                .insert(name.clone());
        }
        self.stacks.insert(name, stacks);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::cell::Cell;

    use elbow_core::view::{IngressClass, Meta};

    use super::*;

    fn ingress(name: &str, group: &str) -> Ingress {
        let annotations = [
            ("alb.ingress.kubernetes.io/group.name", group),
            ("kubernetes.io/ingress.class", "alb"),
        ];
        Ingress {
            meta: Meta {
                namespace: "demo".to_owned(),
                name: name.to_owned(),
                annotations: annotations
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                ..Meta::default()
            },
            ..Ingress::default()
        }
    }

    /// How many Ingresses are placed until the index has caught up.
    fn placed(stores: &Stores, settings: &Settings) -> usize {
        let count = Cell::new(0);
        stores.groups.placed.lock().unwrap().catch_up(stores, |ingress| {
            count.set(count.get() + 1);
            stacks_of(ingress, stores, settings)
        });
        count.get()
    }

    fn names(stores: &Stores, settings: &Settings, group: &str) -> Vec<String> {
        let members = stores.ingresses_of(&StackKey::ingress_group(group), settings);
        members.iter().map(|member| member.meta.name.clone()).collect()
    }

    #[test]
    fn an_ingress_is_placed_once_per_change_of_its_own() {
        let (stores, settings) = (Stores::default(), Settings::new("c", "us-west-2", "vpc-1"));
        for number in 0..1_000 {
            let group = format!("g{}", number % 50);
            stores.ingresses.apply(ingress(&format!("i{number:03}"), &group));
        }
        assert_eq!(placed(&stores, &settings), 1_000);
        assert_eq!(names(&stores, &settings, "g7").len(), 20);
        assert_eq!(placed(&stores, &settings), 0, "nothing changed");
        stores.ingresses.apply(ingress("i007", "g8"));
        stores.ingresses.apply(ingress("i008", "g8"));
        assert_eq!(placed(&stores, &settings), 1, "one changed, one stayed as it was");
        assert_eq!(names(&stores, &settings, "g7").len(), 19);
        assert_eq!(names(&stores, &settings, "g8").len(), 21);
        stores.ingresses.delete(&("demo".to_owned(), "i007".to_owned()));
        assert_eq!(placed(&stores, &settings), 0);
        assert_eq!(names(&stores, &settings, "g8").len(), 20);
    }

    #[test]
    fn a_class_places_all_anew_and_an_empty_group_is_none() {
        let (stores, settings) = (Stores::default(), Settings::new("c", "us-west-2", "vpc-1"));
        stores
            .ingresses
            .replace(vec![ingress("a", "one"), ingress("b", "two")]);
        assert_eq!(stores.ingress_stacks(&settings).len(), 2);
        stores.ingress_classes.apply(IngressClass::default());
        assert_eq!(placed(&stores, &settings), 2);
        stores.ingresses.replace(vec![ingress("a", "one")]);
        assert!(!stores.has_ingress_stack(&StackKey::ingress_group("two"), &settings));
        assert_eq!(names(&stores, &settings, "one"), ["a"]);
    }
}
