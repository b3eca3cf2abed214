//! What AWS holds for one stack: the values, and a note about each.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::{
    Listener, LoadBalancer, Ref, ResourceId, ResourceKind, SecurityGroup, Setting, Stack, TargetGroup,
};
use jiff::Timestamp;

use super::doubt::Doubts;
use super::entry::{Condition, Note, Parts};
use super::tags::plain;

/// One stack. Bindings are not kept here: Kubernetes has them.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub stack: Stack,
    /// By ARN or security group id.
    pub notes: BTreeMap<String, Note>,
    pub doubts: Doubts,
    /// When everything was last read anew, on purpose.
    pub verified_at: Option<Timestamp>,
}

impl Holding {
    pub fn new(key: &StackKey) -> Self {
        Self {
            stack: Stack::empty(key),
            notes: BTreeMap::new(),
            doubts: Doubts::default(),
            verified_at: None,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.notes.is_empty() && self.doubts.is_empty()
    }

    /// ARNs and ids of everything in it.
    pub fn ids(&self) -> BTreeSet<String> {
        let stack = &self.stack;
        let groups = stack.security_groups.iter().filter_map(|g| g.group_id.clone());
        let balancers = stack.load_balancers.iter().filter_map(|l| l.arn.clone());
        let target_groups = stack.target_groups.iter().filter_map(|t| t.arn.clone());
        let listeners = stack.listeners.iter().filter_map(|l| l.arn.clone());
        let rules = stack.rules.iter().filter_map(|r| r.arn.clone());
        groups
            .chain(balancers)
            .chain(target_groups)
            .chain(listeners)
            .chain(rules)
            .collect()
    }

    /// Kind of the resource with this ARN or id.
    pub fn kind_of(&self, id: &str) -> Option<ResourceKind> {
        let stack = &self.stack;
        let is = |value: &Option<String>| value.as_deref() == Some(id);
        if stack.security_groups.iter().any(|g| is(&g.group_id)) {
            Some(ResourceKind::SecurityGroup)
        } else if stack.load_balancers.iter().any(|l| is(&l.arn)) {
            Some(ResourceKind::LoadBalancer)
        } else if stack.target_groups.iter().any(|t| is(&t.arn)) {
            Some(ResourceKind::TargetGroup)
        } else if stack.listeners.iter().any(|l| is(&l.arn)) {
            Some(ResourceKind::Listener)
        } else if stack.rules.iter().any(|r| is(&r.arn)) {
            Some(ResourceKind::Rule)
        } else {
            None
        }
    }

    /// Whether the value of this id may be replaced by one read at `read` (a sequence number).
    pub fn yields_to(&self, id: &str, read: u64) -> bool {
        self.notes.get(id).is_none_or(|note| note.sequence < read)
    }

    /// Enters a load balancer as lists show it; what was read deeply stays. Says whether anything but its
    /// state changed.
    pub fn put_load_balancer(&mut self, mut seen: LoadBalancer, legacy: bool, sequence: u64) -> bool {
        let Some(arn) = seen.arn.clone() else { return false };
        let position = self
            .stack
            .load_balancers
            .iter()
            .position(|l| l.arn.as_ref() == Some(&arn));
        let changed = if let Some(old) = position.and_then(|at| self.stack.load_balancers.get_mut(at)) {
            seen.attributes = std::mem::take(&mut old.attributes);
            seen.capacity_units = std::mem::take(&mut old.capacity_units);
            let mut same = seen.clone();
            same.state = old.state;
            same.attributes.clone_from(&old.attributes);
            same.capacity_units = old.capacity_units.clone();
            same.origins.clone_from(&old.origins);
            let changed = same != *old;
            *old = seen;
            changed
        } else {
            self.stack.load_balancers.push(seen);
            true
        };
        self.stack
            .load_balancers
            .sort_by(|a, b| (&a.id, &a.arn).cmp(&(&b.id, &b.arn)));
        self.note_listed(arn, legacy, sequence);
        changed
    }

    /// The same for a target group. Which load balancers use it does not count as a change.
    pub fn put_target_group(&mut self, mut seen: TargetGroup, legacy: bool, sequence: u64) -> bool {
        let Some(arn) = seen.arn.clone() else { return false };
        let position = self
            .stack
            .target_groups
            .iter()
            .position(|t| t.arn.as_ref() == Some(&arn));
        let changed = if let Some(old) = position.and_then(|at| self.stack.target_groups.get_mut(at)) {
            seen.attributes = std::mem::take(&mut old.attributes);
            let mut same = seen.clone();
            same.attributes.clone_from(&old.attributes);
            same.load_balancers.clone_from(&old.load_balancers);
            same.origins.clone_from(&old.origins);
            let changed = same != *old;
            *old = seen;
            changed
        } else {
            self.stack.target_groups.push(seen);
            true
        };
        self.stack
            .target_groups
            .sort_by(|a, b| (&a.id, &a.arn).cmp(&(&b.id, &b.arn)));
        self.note_listed(arn, legacy, sequence);
        changed
    }

    /// The same for a security group, whose rules lists bring along.
    pub fn put_security_group(&mut self, mut seen: SecurityGroup, legacy: bool, sequence: u64) -> bool {
        let Some(id) = seen.group_id.clone() else {
            return false;
        };
        seen.ingress.sort();
        let old = self
            .stack
            .security_groups
            .iter_mut()
            .find(|g| g.group_id.as_ref() == Some(&id));
        let changed = if let Some(old) = old {
            let changed = old.permissions() != seen.permissions()
                || (&old.id, &old.name, &old.tags) != (&seen.id, &seen.name, &seen.tags);
            *old = seen;
            changed
        } else {
            self.stack.security_groups.push(seen);
            true
        };
        self.stack
            .security_groups
            .sort_by(|a, b| (&a.id, &a.group_id).cmp(&(&b.id, &b.group_id)));
        self.note_listed(id, legacy, sequence);
        changed
    }

    /// Replaces all listeners of a load balancer by those AWS described. Parts read of listeners that are
    /// still there stay.
    pub fn put_listeners(&mut self, balancer: &str, seen: Vec<Listener>, sequence: u64) {
        let mut old: BTreeMap<String, Listener> = BTreeMap::new();
        self.stack.listeners.retain(|listener| {
            let of_this = listener.load_balancer.known() == Some(balancer);
            if of_this && let Some(arn) = &listener.arn {
                old.insert(arn.clone(), listener.clone());
            }
            !of_this
        });
        for mut listener in seen {
            let Some(arn) = listener.arn.clone() else { continue };
            match old.remove(&arn) {
                Some(before) => {
                    listener.attributes = before.attributes;
                    listener.extra_certificates = before.extra_certificates;
                    listener.tags = before.tags;
                }
                None => {
                    self.notes.remove(&arn);
                }
            }
            listener.id = ResourceId(listener.port.to_string());
            listener.load_balancer = Ref::Known(balancer.to_owned());
            self.stack.listeners.push(listener);
            self.note_listed(arn, false, sequence);
        }
        for arn in old.into_keys() {
            self.notes.remove(&arn);
        }
        self.stack
            .listeners
            .sort_by(|a, b| (a.port, &a.arn).cmp(&(b.port, &b.arn)));
        self.drop_stray_rules();
        self.read(balancer, Parts::LISTENERS);
    }

    /// Enters all attributes of a resource.
    pub fn put_attributes(&mut self, arn: &str, attributes: BTreeMap<String, String>) {
        let stack = &mut self.stack;
        let is = |value: &Option<String>| value.as_deref() == Some(arn);
        if let Some(balancer) = stack.load_balancers.iter_mut().find(|l| is(&l.arn)) {
            balancer.attributes = attributes;
        } else if let Some(group) = stack.target_groups.iter_mut().find(|t| is(&t.arn)) {
            group.attributes = attributes;
        } else if let Some(listener) = stack.listeners.iter_mut().find(|l| is(&l.arn)) {
            listener.attributes = attributes;
        } else {
            return;
        }
        self.read(arn, Parts::ATTRIBUTES);
    }

    /// Enters the capacity reservation of a load balancer; 0 is none.
    pub fn put_capacity(&mut self, arn: &str, units: i32) {
        if let Some(balancer) = self.load_balancer_mut(arn) {
            balancer.capacity_units = Setting::Set(units);
            self.read(arn, Parts::CAPACITY);
        }
    }

    /// Enters the additional certificates of a listener.
    pub fn put_certificates(&mut self, arn: &str, certificates: BTreeSet<String>) {
        if let Some(listener) = self.listener_mut(arn) {
            listener.extra_certificates = Setting::Set(certificates);
            self.read(arn, Parts::CERTIFICATES);
        }
    }

    /// Enters the tags of a listener or rule.
    pub fn put_tags(&mut self, arn: &str, tags: BTreeMap<String, String>) {
        if let Some(listener) = self.listener_mut(arn) {
            listener.tags = Setting::Set(plain(tags));
        } else {
            self.put_rule_tags(arn, tags);
        }
        self.read(arn, Parts::TAGS);
    }

    /// Takes a resource out, a load balancer with its listeners, a listener with its rules. Returns the ids
    /// that left.
    pub fn remove(&mut self, id: &str) -> Vec<String> {
        let before = self.ids();
        let stack = &mut self.stack;
        stack
            .security_groups
            .retain(|g| g.group_id.as_deref() != Some(id));
        stack.load_balancers.retain(|l| l.arn.as_deref() != Some(id));
        stack.target_groups.retain(|t| t.arn.as_deref() != Some(id));
        stack
            .listeners
            .retain(|l| l.arn.as_deref() != Some(id) && l.load_balancer.known() != Some(id));
        stack.rules.retain(|r| r.arn.as_deref() != Some(id));
        for group in &mut stack.target_groups {
            group.load_balancers.retain(|arn| arn != id);
        }
        self.drop_stray_rules();
        let after = self.ids();
        let gone: Vec<String> = before.difference(&after).cloned().collect();
        for id in &gone {
            self.notes.remove(id);
        }
        gone
    }

    /// Marks a resource as doubtful from `sequence` on: only what is read later counts. A doubtful rule makes
    /// its listener doubtful, a doubtful listener makes its load balancer's listeners unread.
    pub fn suspect(&mut self, id: &str, sequence: u64) {
        if let Some(note) = self.notes.get_mut(id) {
            note.sequence = sequence;
            note.condition = Condition::Suspect;
            note.parts = Parts::none();
        }
        if let Some(listener) = self.listener_of(id) {
            self.suspect(&listener, sequence);
        }
        let balancer = self
            .stack
            .listeners
            .iter()
            .find(|l| l.arn.as_deref() == Some(id))
            .and_then(|l| l.load_balancer.known().map(str::to_owned));
        if let Some(balancer) = balancer {
            self.suspect_listeners(&balancer, sequence);
        }
    }

    /// Makes the listeners of a load balancer unread.
    pub fn suspect_listeners(&mut self, balancer: &str, sequence: u64) {
        if let Some(note) = self.notes.get_mut(balancer) {
            note.sequence = sequence;
            note.condition = Condition::Suspect;
            note.parts = note.parts.without(Parts::LISTENERS);
        }
    }

    /// Whether a plan may be made from it.
    pub fn is_fresh(&self) -> bool {
        self.doubts.are_looked_at() && self.notes.values().all(|n| n.condition == Condition::Fresh)
    }

    pub(super) fn read(&mut self, id: &str, part: Parts) {
        if let Some(note) = self.notes.get_mut(id) {
            note.parts = note.parts.and(part);
        }
    }

    pub(super) fn note_listed(&mut self, id: String, legacy: bool, sequence: u64) {
        let note = self.notes.entry(id).or_insert_with(|| Note::fresh(sequence));
        note.sequence = sequence;
        note.condition = Condition::Fresh;
        note.legacy = legacy;
    }

    fn load_balancer_mut(&mut self, arn: &str) -> Option<&mut LoadBalancer> {
        self.stack
            .load_balancers
            .iter_mut()
            .find(|l| l.arn.as_deref() == Some(arn))
    }

    fn listener_mut(&mut self, arn: &str) -> Option<&mut Listener> {
        self.stack
            .listeners
            .iter_mut()
            .find(|l| l.arn.as_deref() == Some(arn))
    }
}
