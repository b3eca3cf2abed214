//! The keyed queue: one run at a time per key, urgent work first, failures tried again with back-off.
//!
//! In: keys with a lane and a time. Out: runs to be made. A key that is woken while it runs runs once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use elbow_core::key::{Key, Lane};
use tokio::sync::Notify;
use tokio::time::Instant;

/// First back-off after a failure.
const BACK_OFF_START: Duration = Duration::from_millis(250);

/// A key that is due, handed to a worker. It must be given back with [`Queue::done`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The key.
    pub key: Key,
    /// The most urgent lane that asked for the run.
    pub lane: Lane,
}

/// Keys by time.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
    cap: Duration,
}

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<Key, Waiting>,
    running: BTreeSet<Key>,
    failures: BTreeMap<Key, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: Instant,
    lane: Lane,
}

impl Queue {
    /// An empty queue; `cap` bounds the back-off (30 s unless a flag says otherwise).
    pub fn new(cap: Duration) -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::new(),
            cap,
        }
    }

    /// Runs `key` as soon as possible. A new wake ends a back-off.
    pub fn wake(&self, key: Key, lane: Lane) {
        self.wake_at(key, lane, Instant::now());
    }

    /// Runs `key` at `at` or earlier; the more urgent of two lanes wins.
    pub fn wake_at(&self, key: Key, lane: Lane, at: Instant) {
        self.with(|state| {
            let waiting = state.waiting.entry(key).or_insert(Waiting { at, lane });
            waiting.at = waiting.at.min(at);
            waiting.lane = waiting.lane.min(lane);
        });
        self.changed.notify_waiters();
    }

    /// The next key that is due and not running: most urgent lane first, then the longest due.
    pub async fn next(&self) -> Due {
        loop {
            let changed = self.changed.notified();
            let next_at = match self.with(|state| state.take(Instant::now())) {
                Ok(due) => return due,
                Err(next_at) => next_at,
            };
            match next_at {
                Some(at) => {
                    tokio::select! { () = changed => {}, () = tokio::time::sleep_until(at) => {} }
                }
                None => changed.await,
            }
        }
    }

    /// Ends a run. `retry`: something failed, try again with back-off; `wake_at`: run again then at the
    /// latest.
    pub fn done(&self, due: &Due, retry: bool, wake_at: Option<Instant>) {
        let again = self.with(|state| {
            state.running.remove(&due.key);
            let back_off = state
                .back_off(&due.key, retry, self.cap)
                .map(|delay| Instant::now() + delay);
            [back_off, wake_at].into_iter().flatten().min()
        });
        if let Some(at) = again {
            self.wake_at(due.key.clone(), due.lane, at);
        }
        self.changed.notify_waiters();
    }

    /// How many keys run and how many are due or waiting.
    pub fn depth(&self) -> (usize, usize) {
        self.with(|state| (state.running.len(), state.waiting.len()))
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Takes the next due key, or says when one will be due.
    fn take(&mut self, now: Instant) -> Result<Due, Option<Instant>> {
        let ready = self
            .waiting
            .iter()
            .filter(|(key, _)| !self.running.contains(*key));
        let due = ready
            .clone()
            .filter(|(_, w)| w.at <= now)
            .min_by_key(|(_, w)| (w.lane, w.at));
        let Some((key, waiting)) = due else {
            return Err(ready.map(|(_, w)| w.at).min());
        };
        let due = Due {
            key: key.clone(),
            lane: waiting.lane,
        };
        self.waiting.remove(&due.key);
        self.running.insert(due.key.clone());
        Ok(due)
    }

    fn back_off(&mut self, key: &Key, retry: bool, cap: Duration) -> Option<Duration> {
        if !retry {
            self.failures.remove(key);
            return None;
        }
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let delay = BACK_OFF_START.saturating_mul(1 << (*failures).min(16)).min(cap);
        *failures += 1;
        Some(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use elbow_core::key::StackKey;

    fn key(name: &str) -> Key {
        Key::Stack(StackKey::service("default", name))
    }

    fn queue() -> Queue {
        Queue::new(Duration::from_secs(30))
    }

    #[tokio::test(start_paused = true)]
    async fn urgent_keys_run_first() {
        let queue = queue();
        queue.wake(key("resync"), Lane::Resync);
        queue.wake(key("edit"), Lane::Edit);
        assert_eq!(queue.next().await.key, key("edit"));
        assert_eq!(queue.next().await.key, key("resync"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_woken_while_it_runs_runs_once_more() {
        let queue = queue();
        queue.wake(key("a"), Lane::Edit);
        let first = queue.next().await;
        queue.wake(key("a"), Lane::Edit);
        queue.wake(key("a"), Lane::Edit);
        let waited = tokio::time::timeout(Duration::from_mins(1), queue.next()).await;
        assert!(waited.is_err(), "the key must not run twice at once");
        queue.done(&first, false, None);
        assert_eq!(queue.next().await.key, key("a"));
        assert_eq!(queue.depth(), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn back_off_doubles_up_to_the_cap_and_a_success_resets_it() {
        let queue = queue();
        queue.wake(key("a"), Lane::Edit);
        let mut waits = Vec::new();
        for _ in 0..9 {
            let before = Instant::now();
            let due = queue.next().await;
            waits.push(before.elapsed().as_millis());
            queue.done(&due, true, None);
        }
        let rounded: Vec<u128> = waits.iter().map(|ms| ms / 250 * 250).collect();
        assert_eq!(rounded, [0, 250, 500, 1000, 2000, 4000, 8000, 16000, 30000]);
        let due = queue.next().await;
        queue.done(&due, false, None);
        assert_eq!(queue.depth(), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_edit_ends_a_back_off() {
        let queue = queue();
        queue.wake(key("a"), Lane::Edit);
        for _ in 0..8 {
            let due = queue.next().await;
            queue.done(&due, true, None);
        }
        let before = Instant::now();
        queue.wake(key("a"), Lane::Edit);
        queue.next().await;
        assert!(before.elapsed() < Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_runs_again_when_it_asked_to() {
        let queue = queue();
        queue.wake(key("a"), Lane::Targets);
        let due = queue.next().await;
        let at = Instant::now() + Duration::from_secs(15);
        queue.done(&due, false, Some(at));
        queue.next().await;
        assert!(Instant::now() >= at);
    }
}
