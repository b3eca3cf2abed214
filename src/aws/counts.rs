//! Counters of calls, for the metrics room (upstream `pkg/metrics/aws`): read with [`Counts::snapshot`].

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::Service;

/// What a counter counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountKey {
    /// The service.
    pub service: Service,
    /// API operation.
    pub operation: &'static str,
    /// HTTP status; 0 without an answer.
    pub status: u16,
    /// Error code; empty on success.
    pub code: String,
}

/// How often and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls that ended so, whatever their number of attempts.
    pub calls: u64,
    /// Single attempts that ended so.
    pub attempts: u64,
    /// Sum of the time of these attempts.
    pub time: Duration,
}

/// All counters of a client.
#[derive(Debug, Default)]
pub struct Counts(Mutex<BTreeMap<CountKey, Count>>);

impl Counts {
    /// The counters as they stand.
    pub fn snapshot(&self) -> BTreeMap<CountKey, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Attempts made so far, by operation.
    pub fn attempts(&self) -> BTreeMap<&'static str, u64> {
        let mut attempts = BTreeMap::new();
        for (key, count) in self.snapshot() {
            *attempts.entry(key.operation).or_default() += count.attempts;
        }
        attempts
    }

    pub(super) fn attempt(&self, key: CountKey, time: Duration, ends_call: bool) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        count.attempts += 1;
        count.time += time;
        count.calls += u64::from(ends_call);
    }
}
