//! Own writes that the watch has yet to show. In: what the last run of a stack wrote to Kubernetes. Out:
//! whether the stores show it: a stack that ran earlier would write it a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use elbow_core::key::StackKey;
use elbow_crds::problem::ObjectRef;
use jiff::{SignedDuration, Timestamp};

use crate::cluster::Stores;

/// A write that was undone at once is never seen; nobody waits longer.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// What a run wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Resource versions of the owners that were written, as the API server answered.
    pub owners: BTreeMap<ObjectRef, String>,
    /// Namespace, name and UID of the bindings that were created.
    pub bindings: BTreeSet<(String, String, String)>,
}

/// What is expected to be seen, by stack.
#[derive(Debug, Default)]
pub struct Expectations(Mutex<BTreeMap<StackKey, (Written, Timestamp)>>);

impl Expectations {
    /// Notes what a run wrote.
    pub fn note(&self, key: &StackKey, written: Written, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written == Written::default() {
            all.remove(key);
        } else {
            all.insert(key.clone(), (written, now + PATIENCE));
        }
    }

    /// Drops what is expected of a stack whose owner is gone.
    pub fn forget(&self, key: &StackKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Until when a stack waits for the watch at the latest; `None`: it may run.
    pub fn pending(&self, key: &StackKey, stores: &Stores, now: Timestamp) -> Option<Timestamp> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, until) = all.get(key)?;
        if now < *until && !written.is_seen(stores) {
            return Some(*until);
        }
        all.remove(key);
        None
    }
}

impl Written {
    fn is_seen(&self, stores: &Stores) -> bool {
        let shown = |(namespace, name, uid): &(String, String, String)| {
            stores
                .binding(namespace, name)
                .is_some_and(|binding| binding.meta.uid == *uid)
        };
        let seen = |(object, version): (&ObjectRef, &String)| {
            stores
                .version(object)
                .is_none_or(|shown| !is_older(&shown, version))
        };
        self.owners.iter().all(seen) && self.bindings.iter().all(shown)
    }
}

/// Whether a resource version is older than another; versions that are no numbers cannot be compared.
fn is_older(shown: &str, written: &str) -> bool {
    match (shown.parse::<u64>(), written.parse::<u64>()) {
        (Ok(shown), Ok(written)) => shown < written,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use elbow_core::view::{Meta, Service};

    use super::*;

    fn service(version: &str) -> Service {
        Service {
            meta: Meta {
                namespace: "default".into(),
                name: "web".into(),
                resource_version: version.into(),
                ..Meta::default()
            },
            ..Service::default()
        }
    }

    #[test]
    fn a_stack_waits_until_its_own_write_is_seen_but_not_for_ever() {
        let (key, now) = (StackKey::service("default", "web"), Timestamp::UNIX_EPOCH);
        let (stores, expectations) = (Stores::default(), Expectations::default());
        let written = || Written {
            owners: BTreeMap::from([(service("").object(), "10".to_owned())]),
            ..Written::default()
        };
        stores.services.apply(service("9"));
        assert_eq!(expectations.pending(&key, &stores, now), None);
        expectations.note(&key, written(), now);
        assert_eq!(expectations.pending(&key, &stores, now), Some(now + PATIENCE));
        assert_eq!(expectations.pending(&key, &stores, now + PATIENCE), None);
        expectations.note(&key, written(), now);
        stores.services.apply(service("10"));
        assert_eq!(expectations.pending(&key, &stores, now), None);
    }
}
