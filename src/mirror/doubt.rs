//! What may exist although nobody has shown it: creates without an answer. Pure.

use std::collections::BTreeMap;

use elbow_core::plan::Action;
use jiff::{SignedDuration, Timestamp};

use super::entry::YOUNG;

/// Looks at one doubt are at least so far apart: the reads of one run share one.
const LOOK: SignedDuration = SignedDuration::from_secs(2);

/// Something that may exist although we do not know it: a create without an answer, or one that met an
/// existing name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// A load balancer of this name.
    LoadBalancer(String),
    /// A target group of this name.
    TargetGroup(String),
    /// A security group of this name with the tags of the stack.
    SecurityGroup(String),
}

impl Doubt {
    /// What may exist if a step got no answer; `None` for a step that makes nothing with a name.
    pub fn of(action: &Action) -> Option<Self> {
        match action {
            Action::CreateLoadBalancer { load_balancer, .. } => {
                Some(Self::LoadBalancer(load_balancer.name.clone()))
            }
            Action::CreateTargetGroup { group, .. } => Some(Self::TargetGroup(group.name.clone())),
            Action::CreateSecurityGroup { group, .. } => Some(Self::SecurityGroup(group.name.clone())),
            _ => None,
        }
    }
}

/// When a doubt began, and when it was last looked at.
#[derive(Clone, Copy, Debug)]
struct Age {
    since: Timestamp,
    looked_at: Option<Timestamp>,
}

/// The doubts of one stack. AWS may carry out a call late, and show late what it made: a doubt ends when the
/// thing is found, or with a look a minute after the call. One look is enough to plan again, because creates
/// are safe to repeat; only that nothing is there is not certain before.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts(BTreeMap<Doubt, Age>);

impl Doubts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Begins a doubt, or begins it anew.
    pub fn begin(&mut self, doubt: Doubt, now: Timestamp) {
        let age = Age {
            since: now,
            looked_at: None,
        };
        self.0.insert(doubt, age);
    }

    /// The thing is there, or has turned out to be somebody else's.
    pub fn end(&mut self, doubt: &Doubt) {
        self.0.remove(doubt);
    }

    /// A look that began at `at` showed nothing.
    pub fn looked(&mut self, doubt: &Doubt, at: Timestamp) {
        let Some(age) = self.0.get_mut(doubt) else { return };
        age.looked_at = Some(at);
        if at >= age.since + YOUNG {
            self.0.remove(doubt);
        }
    }

    /// Whether all have been looked at.
    pub fn are_looked_at(&self) -> bool {
        self.0.values().all(|age| age.looked_at.is_some())
    }

    /// Those to look at now.
    pub fn due(&self, now: Timestamp) -> Vec<Doubt> {
        let is_due = |age: &Age| age.looked_at.is_none_or(|at| now >= at + LOOK);
        let due = self.0.iter().filter(|(_, age)| is_due(age));
        due.map(|(doubt, _)| doubt.clone()).collect()
    }

    /// When the last of them ends at the latest, if somebody looks then.
    pub fn over_at(&self) -> Option<Timestamp> {
        self.0.values().map(|age| age.since + YOUNG).max()
    }

    /// For people.
    pub fn describe(&self) -> Vec<String> {
        self.0.keys().map(|doubt| format!("{doubt:?}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_doubt_lasts_a_minute_after_the_call_and_is_looked_at_until_then() {
        let doubt = Doubt::TargetGroup("web".to_owned());
        let mut doubts = Doubts::default();
        doubts.begin(doubt.clone(), at(0));
        assert!(!doubts.are_looked_at());
        for seconds in [1, 30, 59] {
            assert_eq!(doubts.due(at(seconds)), std::slice::from_ref(&doubt));
            doubts.looked(&doubt, at(seconds));
            assert!(doubts.are_looked_at() && !doubts.is_empty(), "{seconds}");
            assert_eq!(doubts.over_at(), Some(at(60)));
        }
        assert_eq!(doubts.due(at(60)), [], "one look for all reads of a run");
        assert_eq!(doubts.due(at(61)), std::slice::from_ref(&doubt));
        doubts.looked(&doubt, at(61));
        assert!(doubts.is_empty());
    }

    #[test]
    fn another_call_without_an_answer_begins_the_doubt_anew() {
        let doubt = Doubt::SecurityGroup("web".to_owned());
        let mut doubts = Doubts::default();
        doubts.begin(doubt.clone(), at(0));
        doubts.looked(&doubt, at(40));
        doubts.begin(doubt.clone(), at(50));
        assert!(!doubts.are_looked_at());
        doubts.looked(&doubt, at(70));
        assert!(!doubts.is_empty());
        doubts.end(&doubt);
        assert!(doubts.is_empty());
    }
}
