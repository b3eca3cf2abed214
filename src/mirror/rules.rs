//! Rules in the picture of a stack. They belong to their listener: no list shows them, they are read with it,
//! and a doubt about one is a doubt about it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::{ResourceId, Rule, Setting, tracking};
use jiff::Timestamp;

use super::entry::Parts;
use super::holding::Holding;
use super::state::State;
use super::tags::plain;

impl Holding {
    /// Replaces the rules of a listener by those AWS described. Tags and resource ids of those that are still
    /// there stay. What we made less than 60 s ago stays even if it is not shown: it may only not be visible
    /// yet.
    pub fn put_rules(&mut self, listener: &str, seen: Vec<Rule>, sequence: u64, now: Timestamp) {
        let mut listeners = self.stack.listeners.iter();
        let found = listeners.find(|l| l.arn.as_deref() == Some(listener));
        let Some(port) = found.map(|listener| listener.port) else {
            return;
        };
        let mut old = self.take_rules(listener);
        for mut rule in seen {
            let Some(arn) = rule.arn.clone() else { continue };
            if let Some(before) = old.remove(&arn) {
                rule.id = before.id;
                rule.tags = before.tags;
            } else {
                self.notes.remove(&arn);
                rule.id = ResourceId(format!("{port}:{}", rule.priority));
            }
            self.stack.rules.push(rule);
            self.note_listed(arn, false, sequence);
        }
        for (arn, rule) in old {
            if self.notes.get(&arn).is_some_and(|note| note.is_young(now)) {
                self.stack.rules.push(rule);
            } else {
                self.notes.remove(&arn);
            }
        }
        self.stack
            .rules
            .sort_by(|a, b| (&a.listener, a.priority, &a.arn).cmp(&(&b.listener, b.priority, &b.arn)));
        self.read(listener, Parts::RULES);
    }

    /// Takes the rules of a listener out, by ARN.
    fn take_rules(&mut self, listener: &str) -> BTreeMap<String, Rule> {
        let rules = std::mem::take(&mut self.stack.rules).into_iter();
        let (taken, kept) = rules.partition::<Vec<_>, _>(|rule| rule.listener.known() == Some(listener));
        self.stack.rules = kept;
        let taken = taken.into_iter();
        taken.filter_map(|rule| Some((rule.arn.clone()?, rule))).collect()
    }

    /// Enters the tags of a rule, and the resource id that they name.
    pub(super) fn put_rule_tags(&mut self, arn: &str, tags: BTreeMap<String, String>) {
        let tag = tracking::resource_tag(&self.stack.key);
        let mut rules = self.stack.rules.iter_mut();
        if let Some(rule) = rules.find(|rule| rule.arn.as_deref() == Some(arn)) {
            if let Some(id) = tags.get(&tag) {
                rule.id = ResourceId(id.clone());
            }
            rule.tags = Setting::Set(plain(tags));
        }
    }

    /// The listener of a rule.
    pub(super) fn listener_of(&self, rule: &str) -> Option<String> {
        let mut rules = self.stack.rules.iter();
        let rule = rules.find(|other| other.arn.as_deref() == Some(rule))?;
        rule.listener.known().map(str::to_owned)
    }

    /// Takes rules out whose listener is gone.
    pub(super) fn drop_stray_rules(&mut self) {
        let listeners = self.stack.listeners.iter();
        let listeners: BTreeSet<String> = listeners.filter_map(|l| l.arn.clone()).collect();
        let notes = &mut self.notes;
        self.stack.rules.retain(|rule| {
            let kept = rule.listener.known().is_some_and(|arn| listeners.contains(arn));
            if !kept && let Some(arn) = &rule.arn {
                notes.remove(arn);
            }
            kept
        });
    }
}

impl State {
    /// Makes the rules unread of every listener that one of these belongs to: they are doubtful, and a read
    /// of their listener has not shown them.
    pub fn unread_rules(&mut self, key: &StackKey, rules: &[String]) {
        let Some(holding) = self.holdings.get_mut(key) else {
            return;
        };
        let listeners: BTreeSet<String> = rules
            .iter()
            .filter_map(|rule| holding.listener_of(rule))
            .collect();
        for listener in listeners {
            if let Some(note) = holding.notes.get_mut(&listener) {
                note.parts = note.parts.without(Parts::RULES);
            }
        }
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
    use super::super::entry::{Condition, Note};
    use super::*;
    use elbow_core::model::{Listener, Origins, Protocol, Ref};
    use jiff::SignedDuration;

    const BALANCER: &str = "arn:lb/1";
    const LISTENER: &str = "arn:listener/1";

    fn listener() -> Listener {
        Listener {
            id: ResourceId::from("80"),
            arn: Some(LISTENER.to_owned()),
            load_balancer: Ref::Known(BALANCER.to_owned()),
            port: 80,
            protocol: Protocol::Http,
            default_actions: Vec::new(),
            certificates: Vec::new(),
            extra_certificates: Setting::Unmanaged,
            certificate_origins: BTreeMap::new(),
            ssl_policy: Setting::Unmanaged,
            alpn_policy: Setting::Unmanaged,
            attributes: BTreeMap::new(),
            tags: Setting::Unmanaged,
            origins: Origins::new(),
        }
    }

    fn rule(name: &str, priority: i32) -> Rule {
        Rule {
            id: ResourceId(String::new()),
            arn: Some(format!("arn:rule/{name}")),
            listener: Ref::Known(LISTENER.to_owned()),
            priority,
            conditions: Vec::new(),
            actions: Vec::new(),
            transforms: Vec::new(),
            tags: Setting::Unmanaged,
            origins: Origins::new(),
        }
    }

    fn holding(rules: Vec<Rule>) -> Holding {
        let mut holding = Holding::new(&StackKey::ingress("demo", "web"));
        holding.put_listeners(BALANCER, vec![listener()], 1);
        holding.put_rules(LISTENER, rules, 1, Timestamp::UNIX_EPOCH);
        holding
    }

    fn ids(holding: &Holding) -> Vec<&str> {
        holding
            .stack
            .rules
            .iter()
            .map(|rule| rule.id.0.as_str())
            .collect()
    }

    #[test]
    fn tags_name_the_resource_and_survive_the_next_read() {
        let mut holding = holding(vec![rule("b", 7), rule("a", 3)]);
        assert_eq!(ids(&holding), ["80:3", "80:7"], "in AWS's order, without tags");
        let tags = [("ingress.k8s.aws/resource", "80:1"), ("team", "a")];
        let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
        holding.put_tags("arn:rule/b", BTreeMap::from(tags));
        holding.put_rules(LISTENER, vec![rule("b", 9)], 2, Timestamp::UNIX_EPOCH);
        assert_eq!(ids(&holding), ["80:1"]);
        let team = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        assert_eq!(holding.stack.rules[0].tags, Setting::Set(team));
        assert!(!holding.notes.contains_key("arn:rule/a"));
    }

    #[test]
    fn a_rule_we_made_less_than_a_minute_ago_is_not_gone_because_a_read_lacks_it() {
        let made = Timestamp::UNIX_EPOCH;
        let mut holding = holding(vec![rule("a", 3)]);
        let note = Note {
            created_at: Some(made),
            ..Note::fresh(2)
        };
        holding.notes.insert("arn:rule/a".to_owned(), note);
        holding.put_rules(LISTENER, Vec::new(), 3, made + SignedDuration::from_secs(59));
        assert_eq!(holding.stack.rules.len(), 1);
        holding.put_rules(LISTENER, Vec::new(), 4, made + SignedDuration::from_secs(60));
        assert_eq!(holding.stack.rules, []);
        assert!(!holding.notes.contains_key("arn:rule/a"));
    }

    #[test]
    fn a_doubt_about_a_rule_is_a_doubt_about_its_listener() {
        let mut holding = holding(vec![rule("a", 3)]);
        holding.suspect("arn:rule/a", 2);
        let listener = holding.notes[LISTENER];
        assert_eq!(listener.condition, Condition::Suspect);
        assert!(!listener.parts.has(Parts::RULES));
        holding.put_listeners(BALANCER, vec![self::listener()], 3);
        holding.put_rules(LISTENER, vec![rule("a", 3)], 3, Timestamp::UNIX_EPOCH);
        assert!(holding.is_fresh());
    }

    #[test]
    fn rules_go_with_their_listener_and_load_balancer() {
        let mut without = holding(vec![rule("a", 3)]);
        without.put_listeners(BALANCER, Vec::new(), 2);
        assert!(without.stack.rules.is_empty() && without.is_empty());
        for gone in [LISTENER, BALANCER] {
            let mut holding = holding(vec![rule("a", 3)]);
            let left = holding.remove(gone);
            assert!(left.contains(&"arn:rule/a".to_owned()), "{gone}: {left:?}");
            assert!(holding.is_empty());
        }
    }
}
