//! How long something has been waited for, and when to look again: 2 s, then twice as long each time, 30 s
//! at most.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Interval before the first look.
const FIRST: SignedDuration = SignedDuration::from_secs(2);
/// Longest interval.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);
/// A wait that nobody has asked about for so long is over. What AWS refused is not sent again for ten minutes.
const FORGOTTEN: SignedDuration = SignedDuration::from_mins(15);

/// A look at something that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When the wait began.
    pub since: Timestamp,
    /// How often it has been looked at, this time included.
    pub looks: u32,
    /// When to look again.
    pub wake_at: Timestamp,
}

/// All waits by subject (operation and resource).
#[derive(Debug, Default)]
pub(super) struct Waits {
    by_subject: BTreeMap<String, Wait>,
}

impl Waits {
    /// Notes a look. A subject that was due to be looked at again long ago starts anew.
    pub fn enter(&mut self, subject: &str, now: Timestamp) -> Wait {
        self.by_subject
            .retain(|_, wait| now.duration_since(wait.wake_at) < FORGOTTEN);
        let (since, looks) = self
            .by_subject
            .get(subject)
            .map_or((now, 1), |wait| (wait.since, wait.looks.saturating_add(1)));
        let wait = Wait {
            since,
            looks,
            wake_at: now + interval(looks),
        };
        self.by_subject.insert(subject.to_owned(), wait);
        wait
    }

    /// Ends a wait.
    pub fn end(&mut self, subject: &str) {
        self.by_subject.remove(subject);
    }
}

fn interval(looks: u32) -> SignedDuration {
    let doublings = looks.saturating_sub(1).min(4);
    (FIRST * 2_i32.pow(doublings)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_doubles_from_two_seconds_to_thirty() {
        let mut waits = Waits::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut seen = Vec::new();
        for _ in 0..7 {
            let wait = waits.enter("DeleteSecurityGroup sg-1", now);
            seen.push(wait.wake_at.duration_since(now).as_secs());
            now = wait.wake_at;
            assert_eq!(wait.since, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(seen, [2, 4, 8, 16, 30, 30, 30]);
        waits.end("DeleteSecurityGroup sg-1");
        assert_eq!(waits.enter("DeleteSecurityGroup sg-1", now).looks, 1);
    }

    #[test]
    fn a_wait_nobody_asked_about_for_a_quarter_of_an_hour_starts_anew() {
        let mut waits = Waits::default();
        let start = Timestamp::UNIX_EPOCH;
        waits.enter("a", start);
        let later = start + SignedDuration::from_mins(16);
        assert_eq!(waits.enter("a", later).since, later);
    }
}
