//! Records in and out: one ConfigMap per stack, listed once after the lease is gained.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// The records of all stacks. They save work and decide nothing.
#[derive(Debug)]
pub struct Records {
    api: Api<ConfigMap>,
    settings: Arc<Settings>,
    clock: Clock,
    held: Mutex<BTreeMap<String, Record>>,
    distrusted: Mutex<BTreeSet<StackKey>>,
    trusted: AtomicBool,
    listed: AtomicBool,
}

impl Records {
    /// Records in `namespace`, not read yet.
    pub fn new(client: kube::Client, namespace: &str, settings: Arc<Settings>, clock: Clock) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            settings,
            clock,
            held: Mutex::default(),
            distrusted: Mutex::default(),
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
                let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.extend(
                    list.items
                        .iter()
                        .filter_map(unpack)
                        .map(|record| (record.key.clone(), record)),
                );
                self.listed.store(true, Ordering::Release);
            }
            Err(error) => tracing::warn!(%error, "cannot list records; they are read one by one"),
        }
    }

    /// The stacks that have a record, as far as records were read.
    pub fn keys(&self) -> BTreeSet<StackKey> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.keys().filter_map(|key| StackKey::parse(key)).collect()
    }

    /// Reads the record of a stack by name, where the list was denied.
    pub async fn fetch(&self, key: &StackKey) {
        if self.listed.load(Ordering::Acquire) || self.get(key).is_some() {
            return;
        }
        if let Ok(Some(map)) = self.api.get_opt(&record_name(key)).await {
            if let Some(record) = unpack(&map) {
                self.held
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(record.key.clone(), record);
            }
        }
    }

    /// The actual stack as far as a record vouches for it; `None`: read it.
    pub fn vouch(&self, wanted: &Stack, listed: &Stack) -> Option<Stack> {
        let distrusted = self
            .distrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&wanted.key);
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
        self.distrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone());
    }

    /// Drops the doubt about a stack whose owner is gone.
    pub fn forget(&self, key: &StackKey) {
        self.distrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    /// Keeps the record of a stack that was fully applied; written only if it says something new.
    pub async fn keep(&self, wanted: &Stack, actual: &Stack, verified: bool) -> Result<(), kube::Error> {
        self.distrusted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&wanted.key);
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
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(record.key.clone(), record);
        Ok(())
    }

    /// Deletes the record of a stack that is gone. It stays known until that has succeeded.
    pub async fn delete(&self, key: &StackKey) -> Result<(), kube::Error> {
        if self.get(key).is_none() {
            return Ok(());
        }
        match self.api.delete(&record_name(key), &DeleteParams::default()).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key.to_string());
        Ok(())
    }

    fn get(&self, key: &StackKey) -> Option<Record> {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key.to_string())
            .cloned()
    }

    /// We may create and update ConfigMaps, not patch them: one that we know of is replaced, another created,
    /// and the other way round where we were wrong.
    async fn write(&self, key: &StackKey, record: &Record, known: bool) -> Result<(), kube::Error> {
        let Some(map) = pack(key, record) else {
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
            self.api.replace(&record_name(key), &params, map).await
        } else {
            self.api.create(&params, map).await
        };
        sent.map(drop)
    }
}

fn pack(key: &StackKey, record: &Record) -> Option<ConfigMap> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(record.to_json().as_bytes()).ok()?;
    let bytes = encoder.finish().ok()?;
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let labels = [(LABEL.to_owned(), LABEL_VALUE.to_owned())].into();
    Some(ConfigMap {
        metadata: ObjectMeta {
            name: Some(record_name(key)),
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
        let map = pack(&key, &record).unwrap();
        assert_eq!(unpack(&map), Some(record));
        assert!(map.metadata.name.unwrap().starts_with("elbow-"));
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
