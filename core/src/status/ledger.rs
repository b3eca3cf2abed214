//! Which events have been written: news at once, what stands every 30 min, success only on change.
//!
//! After every pass of a key the shell calls [`Ledger::due`] with all events that stand, and
//! [`Ledger::success`] if the pass succeeded.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::ObjectRef;
use jiff::{SignedDuration, Timestamp};

use super::events::reconciled;
use crate::event::{Event, without_request_ids};
use crate::key::Key;

/// How often a standing problem is repeated.
pub const REPEAT_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// Events written for standing problems, by key.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    standing: BTreeMap<Key, BTreeMap<Event, Timestamp>>,
    failing: BTreeMap<Key, BTreeSet<ObjectRef>>,
}

impl Ledger {
    /// The events of a pass that have to be written now. `events` are all that stand after the pass of this
    /// key, warnings included and possibly none: what is missing from them is over and would be news when it
    /// comes again.
    pub fn due(&mut self, key: &Key, events: &[Event], now: Timestamp) -> Vec<Event> {
        let mut standing = self.standing.remove(key).unwrap_or_default();
        let distinct: BTreeMap<Event, &Event> = events.iter().map(|event| (gist(event), event)).collect();
        standing.retain(|gist, _| distinct.contains_key(gist));
        let mut due = Vec::new();
        for (gist, event) in distinct {
            let written = standing.get(&gist);
            if written.is_none_or(|at| now.duration_since(*at) >= REPEAT_AFTER) {
                standing.insert(gist, now);
                due.push(event.clone());
            }
        }
        for event in events.iter().filter(|event| event.reason.starts_with("Failed")) {
            let failing = self.failing.entry(key.clone()).or_default();
            failing.insert(event.object.clone());
        }
        if !standing.is_empty() {
            self.standing.insert(key.clone(), standing);
        }
        due
    }

    /// The events of a successful pass, one per owner given with its UID: only for those whose last pass failed,
    /// or for all if the pass changed something.
    pub fn success(&mut self, key: &Key, owners: &[(ObjectRef, String)], changed: bool) -> Vec<Event> {
        let mut failing = self.failing.remove(key).unwrap_or_default();
        let news = owners
            .iter()
            .filter(|(object, _)| failing.remove(object) || changed);
        let events = news.map(|(object, uid)| reconciled(object, uid)).collect();
        if !failing.is_empty() {
            self.failing.insert(key.clone(), failing);
        }
        events
    }

    /// When the next repetition for a key is due; `None` without standing problems.
    pub fn repeat_at(&self, key: &Key) -> Option<Timestamp> {
        let first = self.standing.get(key)?.values().min()?;
        first.checked_add(REPEAT_AFTER).ok()
    }

    /// Drops what is known about a key whose owner is gone.
    pub fn forget(&mut self, key: &Key) {
        self.standing.remove(key);
        self.failing.remove(key);
    }
}

/// An event as it is known again: every refusal of AWS has another request id.
fn gist(event: &Event) -> Event {
    Event {
        message: without_request_ids(&event.message),
        ..event.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]

    use super::super::events::{Reason, failed};
    use super::*;
    use crate::key::StackKey;

    fn key() -> Key {
        Key::Stack(StackKey::service("default", "web"))
    }

    fn object() -> ObjectRef {
        ObjectRef::new("Service", "default", "web")
    }

    fn problem(cause: &str) -> Event {
        failed(&object(), "u", Reason::FailedBuildModel, cause)
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_refusal_is_told_once_whatever_its_request_ids() {
        let mut ledger = Ledger::default();
        let first = problem("refused (request id 1)");
        assert_eq!(ledger.due(&key(), std::slice::from_ref(&first), at(0)), [first]);
        let again = problem("refused (request id 2)");
        assert_eq!(ledger.due(&key(), &[again], at(1)), []);
    }

    #[test]
    fn a_standing_problem_is_repeated_after_half_an_hour() {
        let mut ledger = Ledger::default();
        let events = [problem("a")];
        assert_eq!(ledger.due(&key(), &events, at(0)), events);
        assert_eq!(ledger.repeat_at(&key()), Some(at(30)));
        assert_eq!(ledger.due(&key(), &events, at(29)), []);
        assert_eq!(ledger.due(&key(), &events, at(30)), events);
        assert_eq!(ledger.due(&key(), &events, at(31)), []);
    }

    #[test]
    fn another_cause_is_news() {
        let mut ledger = Ledger::default();
        ledger.due(&key(), &[problem("a")], at(0));
        assert_eq!(ledger.due(&key(), &[problem("b")], at(1)), [problem("b")]);
        assert_eq!(ledger.due(&key(), &[problem("a")], at(2)), [problem("a")]);
    }

    #[test]
    fn success_is_told_on_change_and_after_a_problem_only() {
        let mut ledger = Ledger::default();
        let owners = [(object(), "u".to_owned())];
        assert_eq!(ledger.success(&key(), &owners, false), []);
        assert_eq!(ledger.success(&key(), &owners, true).len(), 1);
        ledger.due(&key(), &[problem("a")], at(0));
        ledger.due(&key(), &[], at(1));
        assert_eq!(ledger.success(&key(), &owners, false).len(), 1);
        assert_eq!(ledger.success(&key(), &owners, false), []);
        assert_eq!(ledger.repeat_at(&key()), None);
    }

    #[test]
    fn success_of_one_owner_says_nothing_about_another_that_failed() {
        let mut ledger = Ledger::default();
        let other = (ObjectRef::new("Service", "default", "other"), "v".to_owned());
        ledger.due(&key(), &[problem("a")], at(0));
        assert_eq!(ledger.success(&key(), std::slice::from_ref(&other), false), []);
        let told = ledger.success(&key(), &[other, (object(), "u".to_owned())], false);
        assert_eq!(told, [reconciled(&object(), "u")]);
    }
}
