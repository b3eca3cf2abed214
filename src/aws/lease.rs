//! The lease as AWS calls see it: a deadline on the local monotonic clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// Says until when mutations may be sent. Cheap to clone; all clones share one deadline.
#[derive(Clone, Debug)]
pub struct LeaseGuard {
    origin: Instant,
    /// Milliseconds after `origin`; `u64::MAX`: for ever.
    deadline: Arc<AtomicU64>,
}

impl LeaseGuard {
    /// Valid for ever: leader election is off, or nothing is written.
    pub fn always() -> Self {
        Self {
            origin: Instant::now(),
            deadline: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }

    /// Not held yet.
    pub fn not_held() -> Self {
        let guard = Self::always();
        guard.end();
        guard
    }

    /// The lease was renewed: mutations may be sent until `deadline` (the start of the renewal plus the renew
    /// deadline).
    pub fn extend(&self, deadline: Instant) {
        let millis = deadline.saturating_duration_since(self.origin).as_millis();
        self.deadline
            .store(u64::try_from(millis).unwrap_or(u64::MAX - 1), Ordering::Release);
    }

    /// The lease was lost or released.
    pub fn end(&self) {
        self.deadline.store(0, Ordering::Release);
    }

    /// Whether a mutation may be sent now.
    pub fn is_valid(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Acquire);
        deadline == u64::MAX || self.origin.elapsed().as_millis() < u128::from(deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_valid_until_its_deadline_and_again_after_a_renewal() {
        let guard = LeaseGuard::not_held();
        assert!(!guard.is_valid());
        guard.extend(Instant::now() + Duration::from_secs(10));
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert!(guard.is_valid());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!guard.is_valid());
        guard.extend(Instant::now() + Duration::from_secs(10));
        assert!(guard.is_valid());
        guard.clone().end();
        assert!(!guard.is_valid());
    }
}
