//! Emulated time: real (or paused, in tests) tokio time in, time of the emulated account out.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that starts at a given moment and runs `speed` times as fast as real time.
///
/// Every delay of the emulator (provisioning, health check intervals, draining, lingering interfaces) is
/// expressed in emulated time. It reads [`tokio::time::Instant`], so `tokio::time::pause` drives it.
#[derive(Clone, Debug)]
pub struct EmulatedClock {
    started: Instant,
    start: Timestamp,
    speed: f64,
}

impl EmulatedClock {
    /// A clock that shows `start` now. A `speed` that is not above zero counts as 1.
    pub fn new(start: Timestamp, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        Self {
            started: Instant::now(),
            start,
            speed,
        }
    }

    /// How many emulated seconds pass in a real second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// The emulated time.
    pub fn now(&self) -> Timestamp {
        self.start
            .saturating_add(self.emulated(self.started.elapsed()))
            .unwrap_or(self.start)
    }

    /// The emulated length of a real duration.
    pub fn emulated(&self, real: Duration) -> SignedDuration {
        SignedDuration::from_secs_f64(real.as_secs_f64() * self.speed)
    }

    /// The real length of an emulated duration.
    pub fn real(&self, emulated: Duration) -> Duration {
        emulated.div_f64(self.speed)
    }

    /// Waits for an emulated duration.
    pub async fn sleep(&self, emulated: Duration) {
        tokio::time::sleep(self.real(emulated)).await;
    }

    /// Waits until the emulated time is `at`; not at all if that has passed.
    pub async fn sleep_until(&self, at: Timestamp) {
        let left = at.duration_since(self.now());
        self.sleep(Duration::try_from(left).unwrap_or_default()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn emulated_time_runs_faster_by_the_speed() {
        let clock = EmulatedClock::new(Timestamp::UNIX_EPOCH, 10.0);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH + SignedDuration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_until_a_moment_ends_at_that_moment() {
        let clock = EmulatedClock::new(Timestamp::UNIX_EPOCH, 4.0);
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(60);
        clock.sleep_until(at).await;
        assert!(
            clock.now() >= at && clock.now() < at + SignedDuration::from_secs(1),
            "{}",
            clock.now()
        );
        clock.sleep_until(Timestamp::UNIX_EPOCH).await;
    }
}
