//! Equal reads that are wanted at the same time are made once.
//!
//! In: a read with a name. Out: its answer, shared by everybody who asked while it was under way. It runs in
//! the highest lane that waits for it. A read is not joined any more once one of our writes has ended after
//! it began: its answer may be older than the write.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use elbow_core::key::{Key, Lane};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;

use super::Cx;
use super::error::{AwsError, Service};

/// Who asks, with a lane that may rise while the call waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) key: Option<Key>,
    lane: watch::Receiver<Lane>,
}

impl Asker {
    pub(super) fn lane(&mut self) -> Lane {
        *self.lane.borrow_and_update()
    }

    /// An asker on nobody's account whose lane the sender may raise.
    #[cfg(test)]
    pub(super) fn rising(lane: Lane) -> (watch::Sender<Lane>, Self) {
        let (sender, lane) = watch::channel(lane);
        (sender, Self { key: None, lane })
    }

    /// Ends when the lane has risen; never if it cannot.
    pub(super) async fn promoted(&mut self) {
        if self.lane.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl From<&Cx> for Asker {
    fn from(cx: &Cx) -> Self {
        Self {
            key: cx.key.clone(),
            lane: watch::channel(cx.lane).1,
        }
    }
}

type Value = Result<Arc<dyn Any + Send + Sync>, AwsError>;
type Running = BoxFuture<'static, Value>;

#[derive(Debug)]
struct Entry {
    id: u64,
    lane: watch::Sender<Lane>,
    read: WeakShared<Running>,
}

/// Reads under way, by service and name.
#[derive(Debug, Default)]
pub(super) struct Merge(Mutex<Reads>);

#[derive(Debug, Default)]
struct Reads {
    sequence: u64,
    running: HashMap<(Service, String), Entry>,
}

impl Merge {
    /// Makes a read, or joins an equal one. `name` must determine operation, parameters and type of the answer.
    pub(super) async fn read<T, F, Fut>(
        self: &Arc<Self>,
        cx: &Cx,
        service: Service,
        name: String,
        read: F,
    ) -> Result<T, AwsError>
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(Asker) -> Fut,
        Fut: Future<Output = Result<T, AwsError>> + Send + 'static,
    {
        let running = self.join(cx, service, name, read);
        let value = running.await?;
        value
            .downcast_ref::<T>()
            .cloned()
            .ok_or_else(|| AwsError::unknown_value(service, "Merge", "two different reads had one name"))
    }

    fn join<T, F, Fut>(self: &Arc<Self>, cx: &Cx, service: Service, name: String, read: F) -> Shared<Running>
    where
        T: Clone + Send + Sync + 'static,
        F: FnOnce(Asker) -> Fut,
        Fut: Future<Output = Result<T, AwsError>> + Send + 'static,
    {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (service, name);
        if let Some(entry) = reads.running.get(&name)
            && let Some(running) = entry.read.upgrade()
        {
            entry.lane.send_if_modified(|lane| {
                let rises = cx.lane < *lane;
                *lane = cx.lane.min(*lane);
                rises
            });
            return running;
        }
        reads.sequence += 1;
        let id = reads.sequence;
        let (sender, receiver) = watch::channel(cx.lane);
        let asker = Asker {
            key: cx.key.clone(),
            lane: receiver,
        };
        let place = Place {
            merge: Arc::clone(self),
            name: name.clone(),
            id,
        };
        let answer = read(asker);
        let running = async move {
            let _place = place;
            answer
                .await
                .map(|value| Arc::new(value) as Arc<dyn Any + Send + Sync>)
        };
        let running = running.boxed().shared();
        if let Some(weak) = running.downgrade() {
            reads.running.insert(
                name,
                Entry {
                    id,
                    lane: sender,
                    read: weak,
                },
            );
        }
        running
    }

    /// A write has ended: reads that began before it are not joined any more.
    pub(super) fn wrote(&self, service: Service) {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.running.retain(|(read, _), _| *read != service);
    }
}

/// Takes a read off the list when it ends or nobody waits for it any more.
struct Place {
    merge: Arc<Merge>,
    name: (Service, String),
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut reads = self.merge.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reads
            .running
            .get(&self.name)
            .is_some_and(|entry| entry.id == self.id)
        {
            reads.running.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn cx(lane: Lane) -> Cx {
        Cx { lane, key: None }
    }

    #[tokio::test(start_paused = true)]
    async fn equal_reads_are_made_once_and_in_the_highest_lane() {
        let merge = Arc::new(Merge::default());
        let made = Arc::new(AtomicUsize::new(0));
        let read = |lane| {
            let (merge, made) = (Arc::clone(&merge), Arc::clone(&made));
            async move {
                let counted = move |mut asker: Asker| async move {
                    made.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(asker.lane())
                };
                merge
                    .read(&cx(lane), Service::Elb, "same".to_owned(), counted)
                    .await
            }
        };
        let (first, second) = futures::join!(read(Lane::Sweep), read(Lane::Targets));
        assert_eq!(first.unwrap(), Lane::Targets);
        assert_eq!(second.unwrap(), Lane::Targets);
        assert_eq!(made.load(Ordering::SeqCst), 1);
        read(Lane::Edit).await.unwrap();
        assert_eq!(made.load(Ordering::SeqCst), 2, "a finished read is not joined");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_began_before_a_write_is_not_joined_after_it() {
        let merge = Arc::new(Merge::default());
        let made = Arc::new(AtomicUsize::new(0));
        let read = || {
            let (merge, made) = (Arc::clone(&merge), Arc::clone(&made));
            async move {
                let counted = move |_: Asker| async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    Ok(made.fetch_add(1, Ordering::SeqCst))
                };
                merge
                    .read(&cx(Lane::Edit), Service::Elb, "same".to_owned(), counted)
                    .await
            }
        };
        let after = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            merge.wrote(Service::Elb);
            read().await
        };
        let (before, after) = futures::join!(read(), after);
        assert_eq!(before.unwrap(), 0);
        assert_eq!(after.unwrap(), 1);
    }
}
