//! Randomness of the shell: identities, and the jitter of pauses. An input like [`crate::clock::Clock`], so
//! that a test can seed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::{Builder, Uuid};

/// A source of random values. Clones draw from the same source.
#[derive(Clone, Debug)]
pub struct Ids(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The operating system.
    System,
    /// A fixed sequence.
    Seeded(Arc<AtomicU64>),
}

impl Ids {
    /// Values nobody can foretell.
    pub fn random() -> Self {
        Self(Source::System)
    }

    /// The same values for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(AtomicU64::new(seed))))
    }

    /// A UUID of version 4.
    pub fn uuid(&self) -> Uuid {
        match &self.0 {
            #[allow(clippy::disallowed_methods)] // the one place
            Source::System => Uuid::new_v4(),
            Source::Seeded(state) => {
                let bytes = (u128::from(next(state)) << 64) | u128::from(next(state));
                Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
            }
        }
    }

    /// A pause between `period` and `period` times `1 + factor`, so that processes that began together do not
    /// stay together.
    pub fn jitter(&self, period: Duration, factor: u32) -> Duration {
        let (_, number) = self.uuid().as_u64_pair();
        // The low half of a UUID begins with its variant; below are 32 random bits.
        let share = f64::from(u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0)) / f64::from(u32::MAX);
        period + (period * factor).mul_f64(share)
    }
}

/// The next number of a sequence (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
fn next(state: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut mixed = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_values_and_they_differ_from_each_other() {
        let draw = |seed| {
            let ids = Ids::seeded(seed);
            [ids.uuid(), ids.clone().uuid(), ids.uuid()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let [first, second, third] = draw(7);
        assert!(first != second && second != third && first != third);
        assert_eq!(first.get_version_num(), 4);
        assert_ne!(Ids::random().uuid(), Ids::random().uuid());
    }

    #[test]
    fn jitter_only_lengthens_a_pause_and_within_its_bound() {
        let ids = Ids::seeded(1);
        let pauses: Vec<_> = (0..200).map(|_| ids.jitter(Duration::from_secs(2), 1)).collect();
        assert!(pauses.iter().all(|p| (2.0..=4.0).contains(&p.as_secs_f64())));
        assert!(pauses.iter().any(|p| p.as_secs_f64() < 2.5));
        assert!(pauses.iter().any(|p| p.as_secs_f64() > 3.5));
    }
}
