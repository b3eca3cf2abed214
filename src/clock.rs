//! The clock of the shell: wall time for what is stored or shown, monotonic time for waiting.
//!
//! Both follow `tokio::time`, so a test that pauses tokio's clock runs the whole engine on virtual time.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Wall time that advances with tokio's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Timestamp,
    origin: Instant,
}

impl Clock {
    /// A clock that starts now at the machine's wall time.
    pub fn start() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that starts now at the given wall time.
    pub fn starting_at(started: Timestamp) -> Self {
        Self {
            started,
            origin: Instant::now(),
        }
    }

    /// Wall time.
    pub fn now(&self) -> Timestamp {
        self.started + self.origin.elapsed()
    }

    /// The monotonic instant of a wall time; now if it has passed.
    pub fn instant(&self, at: Timestamp) -> Instant {
        Instant::now() + Duration::try_from(at.duration_since(self.now())).unwrap_or_default()
    }
}
