//! Which parts of a stack have not been read. Pure.

use std::collections::BTreeSet;

use elbow_core::model::{Listener, LoadBalancerType, Protocol};

use super::entry::Parts;
use super::holding::Holding;

/// One read of a part that lists do not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    LoadBalancerAttributes(String),
    Capacity(String),
    Listeners(String),
    TargetGroupAttributes(String),
    ListenerAttributes(String),
    Certificates(String),
    Rules(String),
    /// Tags of several listeners and rules.
    Tags(Vec<String>),
}

/// What the settings make worth reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interest {
    pub capacity: bool,
    pub listener_tags: bool,
}

impl Read {
    /// The resource that is read; `None` for several.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::LoadBalancerAttributes(arn)
            | Self::Capacity(arn)
            | Self::Listeners(arn)
            | Self::TargetGroupAttributes(arn)
            | Self::ListenerAttributes(arn)
            | Self::Certificates(arn)
            | Self::Rules(arn) => Some(arn),
            Self::Tags(_) => None,
        }
    }
}

/// Which parts of what a stack holds have been read.
struct Progress<'a> {
    holding: &'a Holding,
    interest: Interest,
}

/// The parts that have not been read, and that anybody compares.
pub(super) fn unread(holding: &Holding, interest: Interest) -> Vec<Read> {
    let progress = Progress { holding, interest };
    let mut reads = progress.of_load_balancers();
    for group in &holding.stack.target_groups {
        if !progress.has(group.arn.as_ref(), Parts::ATTRIBUTES) {
            reads.extend(group.arn.clone().map(Read::TargetGroupAttributes));
        }
    }
    reads.extend(progress.of_listeners());
    let untagged = progress.untagged();
    if interest.listener_tags && !untagged.is_empty() {
        reads.push(Read::Tags(untagged));
    }
    reads
}

impl Progress<'_> {
    /// Whether a part has been read; true of what is not in the picture.
    fn has(&self, id: Option<&String>, part: Parts) -> bool {
        let note = id.and_then(|id| self.holding.notes.get(id));
        note.is_none_or(|note| note.parts.has(part))
    }

    fn of_load_balancers(&self) -> Vec<Read> {
        let mut reads = Vec::new();
        for balancer in &self.holding.stack.load_balancers {
            let arn = balancer.arn.clone().unwrap_or_default();
            if !self.has(balancer.arn.as_ref(), Parts::LISTENERS) {
                reads.push(Read::Listeners(arn.clone()));
            }
            if !self.has(balancer.arn.as_ref(), Parts::ATTRIBUTES) {
                reads.push(Read::LoadBalancerAttributes(arn.clone()));
            }
            if self.interest.capacity && !self.has(balancer.arn.as_ref(), Parts::CAPACITY) {
                reads.push(Read::Capacity(arn));
            }
        }
        reads
    }

    /// Listeners that are known to be there: only their parts are read.
    fn listed(&self) -> impl Iterator<Item = &Listener> {
        let listeners = self.holding.stack.listeners.iter();
        listeners.filter(|listener| {
            let balancer = listener.load_balancer.known().map(str::to_owned);
            self.has(balancer.as_ref(), Parts::LISTENERS)
        })
    }

    fn of_listeners(&self) -> Vec<Read> {
        let balancers = self.holding.stack.load_balancers.iter();
        let applications: BTreeSet<&str> = balancers
            .filter(|balancer| balancer.kind == LoadBalancerType::Application)
            .filter_map(|balancer| balancer.arn.as_deref())
            .collect();
        let mut reads = Vec::new();
        for listener in self.listed() {
            let arn = listener.arn.as_ref();
            // Attributes of TLS listeners are never compared (upstream `listener_manager.go`).
            if listener.protocol != Protocol::Tls && !self.has(arn, Parts::ATTRIBUTES) {
                reads.extend(arn.cloned().map(Read::ListenerAttributes));
            }
            let secure = matches!(listener.protocol, Protocol::Tls | Protocol::Https);
            if secure && !self.has(arn, Parts::CERTIFICATES) {
                reads.extend(arn.cloned().map(Read::Certificates));
            }
            let balancer = listener.load_balancer.known();
            let has_rules = balancer.is_some_and(|arn| applications.contains(arn));
            if has_rules && !self.has(arn, Parts::RULES) {
                reads.extend(arn.cloned().map(Read::Rules));
            }
        }
        reads
    }

    /// Listeners and rules that are known to be there and whose tags are not.
    fn untagged(&self) -> Vec<String> {
        let listeners = self.listed().filter_map(|listener| listener.arn.as_ref());
        let rules = self.holding.stack.rules.iter().filter(|rule| {
            let listener = rule.listener.known().map(str::to_owned);
            self.has(listener.as_ref(), Parts::RULES)
        });
        listeners
            .chain(rules.filter_map(|rule| rule.arn.as_ref()))
            .filter(|arn| !self.has(Some(arn), Parts::TAGS))
            .cloned()
            .collect()
    }
}
