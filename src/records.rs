//! Records in and out: one ConfigMap per stack, listed once after the lease is gained.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use elbow_core::key::StackKey;
use elbow_core::model::Stack;
use elbow_core::record::{LABEL, LABEL_VALUE, MAX_BYTES, Record, record_name};
use elbow_core::settings::Settings;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};

use crate::clock::Clock;

/// Key of the compressed record in a ConfigMap.
const DATA_KEY: &str = "record.json.gz";
/// Most bytes a record unpacks to: far more than any stack, far less than what would hurt.
const UNPACKED_LIMIT: u64 = 16 * 1024 * 1024;

/// The records of all stacks. They save work and decide nothing. Records of controllers of another scope, which
/// may share the namespace, are neither read nor touched: their names differ.
#[derive(Debug)]
pub struct Records {
    api: Api<ConfigMap>,
    settings: Arc<Settings>,
    clock: Clock,
    known: Mutex<Known>,
    trusted: AtomicBool,
    listed: AtomicBool,
}

/// What is known of records.
#[derive(Debug, Default)]
struct Known {
    held: BTreeMap<StackKey, Held>,
    distrusted: BTreeSet<StackKey>,
}

/// What Kubernetes holds for a stack.
#[derive(Clone, Debug)]
enum Held {
    Record(Box<Record>),
    /// A ConfigMap that is no record of ours; it goes with the stack, or when a record takes its place.
    Unreadable,
    /// Nothing, as reading it by name has shown.
    Absent,
}

impl Records {
    /// Records in `namespace`, not read yet.
    pub fn new(client: kube::Client, namespace: &str, settings: Arc<Settings>, clock: Clock) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            settings,
            clock,
            known: Mutex::default(),
            trusted: AtomicBool::new(true),
            listed: AtomicBool::new(false),
        }
    }

    /// Whether records count at all: not if somebody else than Elbow worked meanwhile.
    pub fn set_trusted(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::Release);
    }

    /// Lists all records once. Where that is denied they are read by name when they are needed.
    pub async fn load(&self) {
        let params = ListParams::default().labels(&format!("{LABEL}={LABEL_VALUE}"));
        match self.api.list(&params).await {
            Ok(list) => {
                let ours = list.items.iter().filter_map(|map| self.own(map));
                self.known()
                    .held
                    .extend(ours.map(|(key, record)| (key, Held::Record(Box::new(record)))));
                self.listed.store(true, Ordering::Release);
            }
            Err(error) => tracing::warn!(%error, "cannot list records; they are read one by one"),
        }
    }

    /// The stacks that have a record, as far as records were read.
    pub fn keys(&self) -> BTreeSet<StackKey> {
        let known = self.known();
        let recorded = known
            .held
            .iter()
            .filter(|(_, held)| matches!(held, Held::Record(_)));
        recorded.map(|(key, _)| key.clone()).collect()
    }

    /// Reads the record of a stack by name, where the list was denied.
    pub async fn fetch(&self, key: &StackKey) {
        if let Err(error) = self.look_up(key).await {
            tracing::warn!(%key, %error, "cannot read the record; the stack is read instead");
        }
    }

    async fn look_up(&self, key: &StackKey) -> Result<(), kube::Error> {
        if self.listed.load(Ordering::Acquire) || self.known().held.contains_key(key) {
            return Ok(());
        }
        let held = match self.api.get_opt(&self.name(key)).await {
            Ok(Some(map)) => self
                .own(&map)
                .map_or(Held::Unreadable, |(_, record)| Held::Record(Box::new(record))),
            Ok(None) => Held::Absent,
            // Who may not read records keeps none.
            Err(kube::Error::Api(status)) if matches!(status.code, 401 | 403) => Held::Absent,
            Err(error) => return Err(error),
        };
        self.known().held.insert(key.clone(), held);
        Ok(())
    }

    /// The actual stack as far as a record vouches for it; `None`: read it.
    pub fn vouch(&self, wanted: &Stack, listed: &Stack) -> Option<Stack> {
        let distrusted = self.known().distrusted.contains(&wanted.key);
        if distrusted || !self.trusted.load(Ordering::Acquire) {
            return None;
        }
        self.get(&wanted.key)?.vouch(wanted, listed, &self.settings)
    }

    /// Whether the record of a stack, if there is one, was made of this wanted stack.
    pub fn is_of(&self, wanted: &Stack) -> bool {
        self.get(&wanted.key)
            .is_none_or(|record| record.is_of(wanted, &self.settings))
    }

    /// The next run of a stack reads it whatever its record says.
    pub fn distrust(&self, key: &StackKey) {
        self.known().distrusted.insert(key.clone());
    }

    /// Keeps the record of a stack that was fully applied; written only if it says something new.
    pub async fn keep(&self, wanted: &Stack, actual: &Stack, verified: bool) -> Result<(), kube::Error> {
        self.known().distrusted.remove(&wanted.key);
        let before = self.get(&wanted.key);
        let verified_at = if verified {
            Some(self.clock.now())
        } else {
            before.as_ref().and_then(|record| record.verified_at)
        };
        let record = Record::new(wanted, actual, &self.settings, verified_at);
        if before
            .as_ref()
            .is_some_and(|before| before.says_the_same(&record))
        {
            return Ok(());
        }
        self.write(&wanted.key, &record, before.is_some()).await?;
        let held = Held::Record(Box::new(record));
        self.known().held.insert(wanted.key.clone(), held);
        Ok(())
    }

    /// Deletes the record of a stack that is gone or not ours. It stays known until that has succeeded; one
    /// that was never read is looked up first.
    pub async fn delete(&self, key: &StackKey) -> Result<(), kube::Error> {
        self.look_up(key).await?;
        if matches!(self.known().held.get(key), None | Some(Held::Absent)) {
            return Ok(());
        }
        match self.api.delete(&self.name(key), &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
        self.known().held.insert(key.clone(), Held::Absent);
        Ok(())
    }

    /// Forgets what is kept about a stack whose owner is gone, except a record that is still there.
    pub fn forget(&self, key: &StackKey) {
        let mut known = self.known();
        known.distrusted.remove(key);
        if matches!(known.held.get(key), Some(Held::Absent)) {
            known.held.remove(key);
        }
    }

    fn get(&self, key: &StackKey) -> Option<Record> {
        match self.known().held.get(key)? {
            Held::Record(record) => Some(Record::clone(record)),
            Held::Unreadable | Held::Absent => None,
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, key: &StackKey) -> String {
        record_name(&self.settings.scope, key)
    }

    /// The record in a ConfigMap, if a controller of our scope wrote it.
    fn own(&self, map: &ConfigMap) -> Option<(StackKey, Record)> {
        let record = unpack(map)?;
        let key = StackKey::parse(&record.key)?;
        (map.metadata.name.as_deref() == Some(self.name(&key).as_str())).then_some((key, record))
    }

    /// We may create and update ConfigMaps, not patch them: one that we know of is replaced, another created,
    /// and the other way round where we were wrong.
    async fn write(&self, key: &StackKey, record: &Record, known: bool) -> Result<(), kube::Error> {
        let Some(map) = pack(&self.name(key), record) else {
            tracing::warn!(%key, "the record is too large and is not kept; a restart reads this stack");
            return Ok(());
        };
        match self.send(key, &map, known).await {
            Err(kube::Error::Api(status)) if known && status.code == 404 => self.send(key, &map, false).await,
            Err(kube::Error::Api(status)) if !known && status.code == 409 => self.send(key, &map, true).await,
            sent => sent,
        }
    }

    async fn send(&self, key: &StackKey, map: &ConfigMap, replace: bool) -> Result<(), kube::Error> {
        let params = PostParams::default();
        let sent = if replace {
            self.api.replace(&self.name(key), &params, map).await
        } else {
            self.api.create(&params, map).await
        };
        sent.map(drop)
    }
}

fn pack(name: &str, record: &Record) -> Option<ConfigMap> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(record.to_json().as_bytes()).ok()?;
    let bytes = encoder.finish().ok()?;
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let labels = [(LABEL.to_owned(), LABEL_VALUE.to_owned())].into();
    Some(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        binary_data: Some([(DATA_KEY.to_owned(), ByteString(bytes))].into()),
        ..ConfigMap::default()
    })
}

/// A record that cannot be read does not count: the stack is read instead.
fn unpack(map: &ConfigMap) -> Option<Record> {
    let bytes = &map.binary_data.as_ref()?.get(DATA_KEY)?.0;
    let mut text = String::new();
    GzDecoder::new(bytes.as_slice())
        .take(UNPACKED_LIMIT)
        .read_to_string(&mut text)
        .ok()?;
    Record::from_json(&text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let key = StackKey::service("default", "web");
        let stack = Stack::empty(&key);
        let record = Record::new(&stack, &stack, &Settings::new("c", "us-west-2", "vpc-1"), None);
        let map = pack("elbow-1", &record).unwrap();
        assert_eq!(unpack(&map), Some(record));
        assert_eq!(map.metadata.name.as_deref(), Some("elbow-1"));
    }

    #[test]
    fn a_damaged_record_does_not_count() {
        let data = [(DATA_KEY.to_owned(), ByteString(b"nonsense".to_vec()))].into();
        assert_eq!(
            unpack(&ConfigMap {
                binary_data: Some(data),
                ..ConfigMap::default()
            }),
            None
        );
    }
}
