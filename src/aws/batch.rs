//! Single items asked for by many callers are read together.
//!
//! In: items (ARNs, ids, addresses). Out: what AWS knows of each. Items asked for within a few milliseconds
//! travel in one call. A call that fails because of one item (NotFound, Invalid*, ValidationError) is cut in
//! halves until the guilty item stands alone; only its askers see the error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use elbow_core::key::{Key, Lane};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tokio::sync::oneshot;

use super::error::{AwsError, Fault, Service};
use super::merge::Asker;
use super::{Aws, Cx};

/// How long items are collected before a call is made.
const WINDOW: Duration = Duration::from_millis(5);

/// Reads a batch of items: what exists, by item.
pub(super) type Read<V> =
    fn(Aws, Asker, Vec<String>) -> BoxFuture<'static, Result<BTreeMap<String, V>, AwsError>>;

/// What became of an item: found, absent, or an error of its own.
type Outcome<V> = Result<Option<V>, AwsError>;

/// A kind of item that can be read in batches.
pub(super) struct Batch<V> {
    service: Service,
    operation: &'static str,
    size: usize,
    read: Read<V>,
    waiting: Mutex<BTreeMap<String, Wanted<V>>>,
}

/// An item somebody waits for.
struct Wanted<V> {
    lane: Lane,
    key: Option<Key>,
    askers: Vec<oneshot::Sender<Outcome<V>>>,
}

impl<V: Clone + Send + Sync + 'static> Batch<V> {
    pub(super) fn new(service: Service, operation: &'static str, size: usize, read: Read<V>) -> Arc<Self> {
        Arc::new(Self {
            service,
            operation,
            size,
            read,
            waiting: Mutex::new(BTreeMap::new()),
        })
    }

    /// What exists of the items, by item. An item that fails on its own account fails the whole answer.
    pub(super) async fn get(
        self: &Arc<Self>,
        aws: &Aws,
        cx: &Cx,
        items: &[String],
    ) -> Result<BTreeMap<String, V>, AwsError> {
        let mut found = BTreeMap::new();
        for (item, outcome) in self.outcomes(aws, cx, items).await {
            if let Some(value) = outcome? {
                found.insert(item, value);
            }
        }
        Ok(found)
    }

    /// What became of each item.
    pub(super) async fn outcomes(
        self: &Arc<Self>,
        aws: &Aws,
        cx: &Cx,
        items: &[String],
    ) -> BTreeMap<String, Outcome<V>> {
        let answers: Vec<_> = items
            .iter()
            .map(|item| (item.clone(), self.want(aws, cx, item)))
            .collect();
        let answers = answers.into_iter().map(|(item, answer)| async move {
            let lost = |_| Err(self.lost());
            (item, answer.await.unwrap_or_else(lost))
        });
        join_all(answers).await.into_iter().collect()
    }

    fn want(self: &Arc<Self>, aws: &Aws, cx: &Cx, item: &str) -> oneshot::Receiver<Outcome<V>> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.is_empty() {
            tokio::spawn(Arc::clone(self).flush(aws.clone()));
        }
        let wanted = waiting.entry(item.to_owned()).or_insert_with(|| Wanted {
            lane: cx.lane,
            key: cx.key.clone(),
            askers: Vec::new(),
        });
        if cx.lane < wanted.lane {
            wanted.lane = cx.lane;
            wanted.key.clone_from(&cx.key);
        }
        wanted.askers.push(sender);
        receiver
    }

    async fn flush(self: Arc<Self>, aws: Aws) {
        tokio::time::sleep(WINDOW).await;
        let mut wanted: Vec<_> = std::mem::take(&mut *self.lock()).into_iter().collect();
        wanted.retain(|(_, wanted)| wanted.askers.iter().any(|asker| !asker.is_closed()));
        let mut chunks = Vec::new();
        while !wanted.is_empty() {
            let rest = wanted.split_off(self.size.min(wanted.len()));
            chunks.push(self.serve(aws.clone(), std::mem::replace(&mut wanted, rest)));
        }
        join_all(chunks).await;
    }

    async fn serve(&self, aws: Aws, wanted: Vec<(String, Wanted<V>)>) {
        let Some(first) = wanted
            .iter()
            .map(|(_, wanted)| wanted)
            .min_by_key(|wanted| wanted.lane)
        else {
            return;
        };
        let asker = Asker::from(&Cx {
            lane: first.lane,
            key: first.key.clone(),
        });
        let items = wanted.iter().map(|(item, _)| item.clone()).collect();
        let mut outcomes = bisected(self.read, aws, asker, items).await;
        for (item, wanted) in wanted {
            let outcome = outcomes.remove(&item).unwrap_or_else(|| Err(self.lost()));
            for asker in wanted.askers {
                let _ = asker.send(outcome.clone());
            }
        }
    }

    fn lost(&self) -> AwsError {
        AwsError {
            fault: Fault::Transient,
            code: "BatchLost".to_owned(),
            message: "the batch ended without an answer for this item".to_owned(),
            ..AwsError::answered(self.service, self.operation, "", "")
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Wanted<V>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one item may have failed the whole batch.
fn blames_an_item(error: &AwsError) -> bool {
    matches!(error.fault, Fault::NotFound | Fault::Invalid) || error.code == "UnknownValue"
}

fn bisected<V: Clone + Send + Sync + 'static>(
    read: Read<V>,
    aws: Aws,
    asker: Asker,
    mut items: Vec<String>,
) -> BoxFuture<'static, BTreeMap<String, Outcome<V>>> {
    async move {
        match read(aws.clone(), asker.clone(), items.clone()).await {
            Ok(mut found) => items
                .into_iter()
                .map(|item| {
                    let value = found.remove(&item);
                    (item, Ok(value))
                })
                .collect(),
            Err(error) if items.len() > 1 && blames_an_item(&error) => {
                let right = items.split_off(items.len() / 2);
                let left = bisected(read, aws.clone(), asker.clone(), items);
                let (mut outcomes, right) = futures::join!(left, bisected(read, aws, asker, right));
                outcomes.extend(right);
                outcomes
            }
            Err(error) if error.fault == Fault::NotFound => {
                items.into_iter().map(|item| (item, Ok(None))).collect()
            }
            Err(error) => items.into_iter().map(|item| (item, Err(error.clone()))).collect(),
        }
    }
    .boxed()
}
