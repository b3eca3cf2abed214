//! One trimmed store per kind: what the watch last said, readable by anyone at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use elbow_core::view::Meta;
use tokio::sync::watch;

/// Namespace (empty for cluster-scoped objects) and name.
pub type Name = (String, String);

/// A trimmed object, addressable by namespace and name.
pub trait Trimmed: PartialEq + Send + Sync + 'static {
    /// Its metadata.
    fn meta(&self) -> &Meta;

    /// The same, to be changed.
    fn meta_mut(&mut self) -> &mut Meta;

    /// Its address in a store.
    fn name(&self) -> Name {
        (self.meta().namespace.clone(), self.meta().name.clone())
    }
}

/// What changed: the object before and after.
#[derive(Debug)]
pub struct Change<T> {
    /// Before; `None` for a new object.
    pub old: Option<Arc<T>>,
    /// After; `None` for a deleted object.
    pub new: Option<Arc<T>>,
}

#[derive(Debug)]
struct Objects<T> {
    by_name: BTreeMap<Name, Arc<T>>,
    /// How often anything changed.
    version: u64,
    /// Names of objects that are there and have never parsed.
    unread: BTreeSet<Name>,
    /// Names of what changed since somebody asked; `None` until somebody does.
    changed: Option<BTreeSet<Name>>,
}

impl<T: Trimmed> Objects<T> {
    /// Puts or removes an object; what was there, and whether that is a change.
    fn put(&mut self, name: Name, object: Option<&Arc<T>>) -> (Option<Arc<T>>, bool) {
        self.unread.remove(&name);
        let old = match object {
            Some(new) => self.by_name.insert(name.clone(), new.clone()),
            None => self.by_name.remove(&name),
        };
        let changed = old.as_ref() != object;
        if changed {
            self.version += 1;
            if let Some(names) = &mut self.changed {
                names.insert(name);
            }
        }
        (old, changed)
    }
}

/// The objects of one kind.
#[derive(Debug)]
pub struct Store<T> {
    objects: RwLock<Objects<T>>,
    synced: watch::Sender<bool>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            objects: RwLock::new(Objects {
                by_name: BTreeMap::new(),
                version: 0,
                unread: BTreeSet::new(),
                changed: None,
            }),
            synced: watch::Sender::new(false),
        }
    }
}

impl<T: Trimmed> Store<T> {
    /// The object of that name.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        self.read(|objects| objects.get(&(namespace.to_owned(), name.to_owned())).cloned())
    }

    /// All objects, by namespace and name.
    pub fn all(&self) -> Vec<Arc<T>> {
        self.read(|objects| objects.values().cloned().collect())
    }

    /// The objects of one namespace, by name.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<T>> {
        let from = (namespace.to_owned(), String::new());
        self.read(|objects| {
            objects
                .range(from..)
                .take_while(|((ns, _), _)| ns == namespace)
                .map(|(_, o)| o.clone())
                .collect()
        })
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.read(BTreeMap::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often anything changed; only then a reader has to look again.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Names of what changed since the last call, deleted objects included; the first call gives all names. For one
    /// reader only.
    pub fn take_changed(&self) -> BTreeSet<Name> {
        self.write(|objects| match objects.changed.replace(BTreeSet::new()) {
            Some(changed) => changed,
            None => objects.by_name.keys().cloned().collect(),
        })
    }

    /// Puts an object; `None` if it is equal to the one that was there.
    pub fn apply(&self, object: T) -> Option<Change<T>> {
        let new = Arc::new(object);
        let (old, changed) = self.write(|objects| objects.put(new.name(), Some(&new)));
        changed.then_some(Change { old, new: Some(new) })
    }

    /// Takes an object out; `None` if it was not there.
    pub fn delete(&self, name: &Name) -> Option<Change<T>> {
        let (old, _) = self.write(|objects| objects.put(name.clone(), None));
        old.map(|old| Change {
            old: Some(old),
            new: None,
        })
    }

    /// Replaces everything by a fresh list; the changes in order of name.
    pub fn replace(&self, list: Vec<T>) -> Vec<Change<T>> {
        self.replace_but(list, &BTreeSet::new())
    }

    /// The same, but objects of these names stay as they are: the list had them, and they did not parse.
    pub fn replace_but(&self, list: Vec<T>, unread: &BTreeSet<Name>) -> Vec<Change<T>> {
        let mut fresh: BTreeMap<Name, Arc<T>> = list.into_iter().map(|o| (o.name(), Arc::new(o))).collect();
        let before = self.write(|objects| {
            let before = objects.by_name.clone();
            let kept = unread.iter().filter_map(|name| before.get_key_value(name));
            fresh.extend(kept.map(|(name, object)| (name.clone(), object.clone())));
            for name in before.keys().filter(|name| !fresh.contains_key(*name)) {
                objects.put(name.clone(), None);
            }
            for (name, object) in &fresh {
                objects.put(name.clone(), Some(object));
            }
            objects.unread = unread
                .iter()
                .filter(|name| !fresh.contains_key(*name))
                .cloned()
                .collect();
            before
        });
        let mut changes: Vec<Change<T>> = fresh
            .iter()
            .filter(|(name, new)| before.get(*name).is_none_or(|old| **old != ***new))
            .map(|(name, new)| Change {
                old: before.get(name).cloned(),
                new: Some(new.clone()),
            })
            .collect();
        let gone = before.iter().filter(|(name, _)| !fresh.contains_key(*name));
        changes.extend(gone.map(|(_, old)| Change {
            old: Some(old.clone()),
            new: None,
        }));
        changes
    }

    /// Notes that an object is there and does not parse. One that was seen before stays as it was.
    pub fn note_unread(&self, name: Name) {
        self.write(|objects| {
            if !objects.by_name.contains_key(&name) {
                objects.unread.insert(name);
            }
        });
    }

    /// Names of objects that are there and of which nothing is known: they have never parsed.
    pub fn unread(&self) -> BTreeSet<Name> {
        self.lock().unread.clone()
    }

    /// Marks the first list as complete. A store of a kind that is not watched is complete from the start.
    pub fn mark_synced(&self) {
        self.synced.send_replace(true);
    }

    /// Whether the first list is complete: before, absence proves nothing.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until the first list is complete.
    pub async fn synced(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    fn lock(&self) -> RwLockReadGuard<'_, Objects<T>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<R>(&self, f: impl FnOnce(&BTreeMap<Name, Arc<T>>) -> R) -> R {
        f(&self.lock().by_name)
    }

    fn write<R>(&self, f: impl FnOnce(&mut Objects<T>) -> R) -> R {
        f(&mut self.objects.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use elbow_core::view::Node;

    fn node(name: &str, ready: &str) -> Node {
        Node {
            meta: Meta {
                name: name.into(),
                ..Meta::default()
            },
            ready: ready.into(),
            ..Node::default()
        }
    }

    #[test]
    fn an_equal_object_is_no_change() {
        let store = Store::default();
        assert!(store.apply(node("a", "True")).is_some());
        assert!(store.apply(node("a", "True")).is_none());
        assert!(store.apply(node("a", "False")).is_some());
    }

    #[test]
    fn a_fresh_list_reports_what_is_new_changed_and_gone() {
        let store = Store::default();
        store.replace(vec![node("a", "True"), node("b", "True")]);
        let changes = store.replace(vec![node("b", "False"), node("c", "True")]);
        let names: Vec<_> = changes
            .iter()
            .map(|c| (c.old.is_some(), c.new.as_ref().map(|n| n.meta.name.clone())))
            .collect();
        assert_eq!(
            names,
            [(true, Some("b".into())), (false, Some("c".into())), (true, None)]
        );
    }

    #[test]
    fn what_never_parsed_is_unknown_until_it_parses_or_goes() {
        let (store, name) = (Store::default(), |name: &str| (String::new(), name.to_owned()));
        store.replace_but(vec![node("b", "True")], &BTreeSet::from([name("a"), name("b")]));
        assert_eq!(store.unread(), BTreeSet::from([name("a")]));
        store.apply(node("a", "True"));
        store.note_unread(name("a"));
        assert_eq!(store.unread(), BTreeSet::new());
        store.note_unread(name("c"));
        assert_eq!(store.unread(), BTreeSet::from([name("c")]));
        assert!(store.delete(&name("c")).is_none());
        assert_eq!(store.unread(), BTreeSet::new());
    }

    #[test]
    fn a_namespace_is_listed_alone() {
        let store = Store::default();
        for (ns, name) in [("a", "1"), ("b", "1"), ("b", "2"), ("bb", "1")] {
            store.apply(Node {
                meta: Meta {
                    namespace: ns.into(),
                    name: name.into(),
                    ..Meta::default()
                },
                ..Node::default()
            });
        }
        assert_eq!(store.in_namespace("b").len(), 2);
    }
}
