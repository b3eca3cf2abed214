//! Facts about AWS: answers to Questions, read on demand, cached, refreshed while they are in use.
//!
//! In: Questions (all but `Existing` and `BackendGroup`, which the mirror answers). Out: Answers. The cache
//! holds single items (a subnet, a group, the route tables), so that questions share what they have in
//! common. Lifetimes are in `aws/lifetimes.rs`.

mod item;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use elbow_core::key::{Key, Lane};
use elbow_core::question::{Answers, Question};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::aws::{Aws, Cx, lifetimes};
use crate::clock::Clock;
use item::{Item, Value};

/// Answers Questions. Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub struct Facts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    aws: Aws,
    clock: Clock,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    slots: BTreeMap<Item, Slot>,
    /// Questions somebody asked, with the time of the last asking.
    asked: BTreeMap<Question, Instant>,
    /// Questions that sick keys stand on.
    doubts: BTreeMap<Key, BTreeSet<Question>>,
    /// Items whose value has changed since the last refresh told so.
    changed: BTreeSet<Item>,
}

/// A value with its age.
#[derive(Clone, Debug)]
struct Slot {
    value: Value,
    read: Instant,
    read_at: Timestamp,
}

impl Slot {
    fn is_older_than(&self, age: Duration) -> bool {
        self.read.elapsed() >= age
    }
}

impl Facts {
    /// An empty cache.
    pub fn new(aws: Aws, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            aws,
            clock,
            cache: Mutex::default(),
        }))
    }

    /// Answers questions; `Existing` and `BackendGroup` are left out.
    pub async fn answer(&self, questions: &BTreeSet<Question>, cx: &Cx) -> Answers {
        let mut items: BTreeSet<Item> = questions.iter().flat_map(item::items).collect();
        let missing = {
            let mut cache = self.lock();
            for question in questions {
                cache.asked.insert(question.clone(), Instant::now());
            }
            items.retain(|item| !cache.is_fresh(item));
            items
        };
        self.load(&missing, cx).await;
        let now = self.0.clock.now();
        let cache = self.lock();
        let answer = |question: &Question| {
            let slot = |item: &Item| cache.slots.get(item).map(|slot| (&slot.value, slot.read_at));
            Some((
                question.clone(),
                item::assemble(question, self.0.aws.realm(), now, &slot)?,
            ))
        };
        questions.iter().filter_map(answer).collect()
    }

    /// A key is sick, or about to make something for good, and these are the questions it asked: what they are about
    /// is looked at every half minute, because somebody may be mending it in AWS.
    pub fn doubt(&self, key: &Key, questions: &BTreeSet<Question>) {
        self.lock().doubts.insert(key.clone(), questions.clone());
    }

    /// The same of more questions.
    pub fn doubt_also(&self, key: &Key, questions: BTreeSet<Question>) {
        self.lock()
            .doubts
            .entry(key.clone())
            .or_default()
            .extend(questions);
    }

    /// A key is well again, or gone.
    pub fn trust(&self, key: &Key) {
        self.lock().doubts.remove(key);
    }

    /// Reads what is due of the answers in use. Returns the questions whose answer has changed since the last
    /// call, so that the caller can wake the keys that asked them.
    pub async fn refresh(&self) -> BTreeSet<Question> {
        let due: BTreeSet<Item> = {
            let mut cache = self.lock();
            cache.asked.retain(|_, asked| asked.elapsed() < lifetimes::UNUSED);
            cache.drop_unused();
            cache.due()
        };
        self.load(&due, &Cx::lane(Lane::Resync)).await;
        let mut cache = self.lock();
        let changed = std::mem::take(&mut cache.changed);
        let touched = |question: &&Question| item::items(question).iter().any(|item| changed.contains(item));
        cache.asked.keys().filter(touched).cloned().collect()
    }

    /// Refreshes for ever; reports questions whose answer has changed.
    pub async fn keep_fresh(&self, mut changed: impl FnMut(BTreeSet<Question>)) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(lifetimes::LOOK).await;
            let questions = self.refresh().await;
            if !questions.is_empty() {
                changed(questions);
            }
        }
    }

    async fn load(&self, items: &BTreeSet<Item>, cx: &Cx) {
        if items.is_empty() {
            return;
        }
        let values = read::read(&self.0.aws, cx, items).await;
        let read_at = self.0.clock.now();
        let mut cache = self.lock();
        for (item, value) in values {
            cache.store(item, value, read_at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// How long an item's value is believed.
    fn lifetime(&self, item: &Item, slot: &Slot) -> Duration {
        let doubted = || {
            self.doubts
                .values()
                .flatten()
                .any(|question| item::items(question).contains(item))
        };
        let lifetime = slot.value.lifetime(item);
        if lifetime > lifetimes::DOUBTED && item.is_mortal() && doubted() {
            return lifetimes::DOUBTED;
        }
        lifetime
    }

    fn is_fresh(&self, item: &Item) -> bool {
        self.slots
            .get(item)
            .is_some_and(|slot| !slot.is_older_than(self.lifetime(item, slot)))
    }

    /// Items to read anew: at three quarters of their lifetime, so that an answer in use never runs out.
    fn due(&self) -> BTreeSet<Item> {
        let is_due = |(item, slot): &(&Item, &Slot)| slot.is_older_than(self.lifetime(item, slot) * 3 / 4);
        self.slots
            .iter()
            .filter(is_due)
            .map(|(item, _)| item.clone())
            .collect()
    }

    /// Keeps a new value. An old known one stands in for an unreadable one within bounds.
    fn store(&mut self, item: Item, value: Value, read_at: Timestamp) {
        let slot = Slot {
            value,
            read: Instant::now(),
            read_at,
        };
        match self.slots.get(&item) {
            Some(old) if slot.value.is_unknown() && old.value.is_known() && !old.is_too_stale(&item) => {}
            Some(old) => {
                if !old.value.is_same(&slot.value) {
                    self.changed.insert(item.clone());
                }
                self.slots.insert(item, slot);
            }
            None => {
                self.slots.insert(item, slot);
            }
        }
    }

    fn drop_unused(&mut self) {
        let used: BTreeSet<Item> = self.asked.keys().flat_map(item::items).collect();
        self.slots.retain(|item, _| used.contains(item));
    }
}

impl Slot {
    fn is_too_stale(&self, item: &Item) -> bool {
        self.is_older_than(self.value.lifetime(item) + lifetimes::STALE)
    }
}

#[cfg(test)]
mod tests;
