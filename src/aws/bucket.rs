//! One token bucket whose rate follows what AWS tolerates.

use std::time::Duration;

use tokio::time::Instant;

/// After this long without throttling the rate is raised, and again after each further such time.
const QUIET: Duration = Duration::from_mins(1);
/// Share of the ceiling by which it is raised.
const RAISE: f64 = 0.1;
/// Answers to calls that were under way together count as one throttling.
const SAME_THROTTLING: Duration = Duration::from_secs(1);
/// The rate never falls below this share of the ceiling.
const FLOOR: f64 = 1.0 / 64.0;

/// A token bucket. `factor` scales rate and capacity between [`FLOOR`] and 1.
#[derive(Debug)]
pub(super) struct Bucket {
    capacity: f64,
    rate: f64,
    factor: f64,
    tokens: f64,
    refilled: Instant,
    quiet_since: Instant,
    throttled: Option<Instant>,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(capacity: u32, rate: f64, now: Instant) -> Self {
        Self {
            capacity: f64::from(capacity),
            rate,
            factor: 1.0,
            tokens: f64::from(capacity),
            refilled: now,
            quiet_since: now,
            throttled: None,
        }
    }

    /// Adds what has flowed in, and raises the rate if it has been quiet.
    pub(super) fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled);
        self.refilled = now;
        let capacity = (self.capacity * self.factor).max(1.0);
        self.tokens = (self.tokens + elapsed.as_secs_f64() * self.rate * self.factor).min(capacity);
        while self.factor < 1.0 && now.saturating_duration_since(self.quiet_since) >= QUIET {
            self.quiet_since += QUIET;
            self.factor = (self.factor + RAISE).min(1.0);
        }
    }

    /// Whether a token is there.
    pub(super) fn is_ready(&self) -> bool {
        self.tokens >= 1.0 - 1e-9
    }

    /// Takes a token that is there.
    pub(super) fn take(&mut self) {
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// How long until a token is there.
    pub(super) fn wait(&self) -> Duration {
        if self.is_ready() {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64((1.0 - self.tokens) / (self.rate * self.factor)).unwrap_or(QUIET)
    }

    /// AWS throttled a call: the rate is halved and what was saved up is gone.
    pub(super) fn throttle(&mut self, now: Instant) {
        self.refill(now);
        self.tokens = 0.0;
        self.quiet_since = now;
        let again = self
            .throttled
            .is_some_and(|before| now.saturating_duration_since(before) < SAME_THROTTLING);
        if !again {
            self.throttled = Some(now);
            self.factor = (self.factor / 2.0).max(FLOOR);
        }
    }

    #[cfg(test)]
    /// Calls per second at present.
    pub(super) fn rate(&self) -> f64 {
        self.rate * self.factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn a_throttling_halves_the_rate_once_per_second_and_quiet_minutes_raise_it() {
        let start = Instant::now();
        let mut bucket = Bucket::new(40, 10.0, start);
        bucket.throttle(start);
        bucket.throttle(start + Duration::from_millis(900));
        assert!(close(bucket.rate(), 5.0));
        bucket.throttle(start + Duration::from_secs(2));
        assert!(close(bucket.rate(), 2.5));
        bucket.refill(start + Duration::from_secs(61));
        assert!(close(bucket.rate(), 2.5));
        bucket.refill(start + Duration::from_secs(62));
        assert!(close(bucket.rate(), 3.5));
        bucket.refill(start + Duration::from_secs(2 + 60 * 20));
        assert!(close(bucket.rate(), 10.0));
    }

    #[test]
    fn tokens_flow_in_at_the_rate_up_to_the_capacity() {
        let start = Instant::now();
        let mut bucket = Bucket::new(2, 4.0, start);
        bucket.take();
        bucket.take();
        assert!(!bucket.is_ready());
        assert_eq!(bucket.wait(), Duration::from_millis(250));
        bucket.refill(start + Duration::from_millis(250));
        assert!(bucket.is_ready());
        bucket.refill(start + Duration::from_mins(1));
        bucket.take();
        bucket.take();
        assert!(!bucket.is_ready());
    }

    #[test]
    fn a_bucket_throttled_for_ever_still_lets_a_call_through() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 0.2, start);
        for second in 0..100 {
            bucket.throttle(start + Duration::from_secs(second * 2));
        }
        assert!(bucket.wait() < Duration::from_secs(400));
    }
}
