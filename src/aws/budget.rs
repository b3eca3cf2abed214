//! Budgets of AWS calls: which attempt goes next.
//!
//! In: attempts with a lane and a key. Out: permission, when every bucket concerned has a token; it takes one
//! from each, all or none. Lanes share a contested service by weight (start-time fair queueing, so an idle
//! lane's share goes to the others); inside a lane keys take turns. A call that cannot go because one of its
//! buckets is empty holds up nobody and keeps its turn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use elbow_core::key::{Key, Lane};
use regex::Regex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::bucket::Bucket;
use super::error::Service;
use super::merge::Asker;
use super::published;
use super::throttle::Throttle;

/// The budget of one client. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    state: Arc<Mutex<State>>,
    /// Somebody new waits: the driver may have to wake up earlier.
    joined: Arc<Notify>,
}

impl Budget {
    /// AWS's published buckets, or the operator's for the services he names.
    pub(super) fn new(throttle: &Throttle) -> Self {
        let mut state = State::default();
        for service in [Service::Elb, Service::Ec2] {
            if let Some(rules) = throttle.0.get(service.id()) {
                let rules = rules.iter().map(|rule| {
                    let bucket = state.buckets.len();
                    state
                        .buckets
                        .push(Bucket::new(rule.burst, rule.rate, Instant::now()));
                    (rule.operations.clone(), bucket)
                });
                let rules = rules.collect();
                state.replaced.insert(service, rules);
            }
        }
        Self {
            state: Arc::new(Mutex::new(state)),
            joined: Arc::default(),
        }
    }

    /// Waits for a token from every bucket that an operation draws on. Dropping the future gives the place up.
    pub(super) async fn take(&self, service: Service, operation: &'static str, asker: &mut Asker) {
        loop {
            let lane = asker.lane();
            let (id, mut granted) = self.enqueue(service, operation, lane, asker.key.clone());
            tokio::select! {
                biased;
                _ = &mut granted => return,
                () = asker.promoted() => {
                    if !self.lock().withdraw(id) {
                        return;
                    }
                }
            }
        }
    }

    /// AWS throttled an operation: its buckets are slowed down.
    pub(super) fn throttled(&self, service: Service, operation: &'static str) {
        let mut state = self.lock();
        let (_, buckets) = state.concerned(service, operation);
        let now = Instant::now();
        for index in buckets {
            if let Some(bucket) = state.buckets.get_mut(index) {
                bucket.throttle(now);
            }
        }
    }

    fn enqueue(
        &self,
        service: Service,
        operation: &'static str,
        lane: Lane,
        key: Option<Key>,
    ) -> (u64, oneshot::Receiver<()>) {
        let mut state = self.lock();
        let (domain, buckets) = state.concerned(service, operation);
        let (sender, receiver) = oneshot::channel();
        state.sequence += 1;
        let id = state.sequence;
        let waiter = Waiter {
            id,
            buckets,
            granted: sender,
        };
        state.domains.entry(domain).or_default().join(lane, key, waiter);
        if state.pump(Instant::now()).is_some() {
            self.joined.notify_one();
            if !state.driven {
                state.driven = true;
                tokio::spawn(drive(Arc::clone(&self.state), Arc::clone(&self.joined)));
            }
        }
        (id, receiver)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Grants tokens as they flow in, until nobody waits.
async fn drive(state: Arc<Mutex<State>>, joined: Arc<Notify>) {
    loop {
        let wait = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(wait) = state.pump(Instant::now()) else {
                state.driven = false;
                return;
            };
            wait
        };
        tokio::select! {
            () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
            () = joined.notified() => {}
        }
    }
}

/// Calls that compete with each other: all of ELBv2 (they share the account's bucket), each API of EC2.
type DomainName = (Service, &'static str);

#[derive(Debug, Default)]
struct State {
    buckets: Vec<Bucket>,
    /// Services with the operator's own buckets.
    replaced: BTreeMap<Service, Vec<(Regex, usize)>>,
    /// Our buckets by service and published name, made on first use.
    named: BTreeMap<(Service, &'static str), usize>,
    domains: BTreeMap<DomainName, Domain>,
    sequence: u64,
    driven: bool,
}

impl State {
    fn concerned(&mut self, service: Service, operation: &'static str) -> (DomainName, Vec<usize>) {
        if let Some(rules) = self.replaced.get(&service) {
            let matching = rules.iter().filter(|(regex, _)| regex.is_match(operation));
            return ((service, ""), matching.map(|(_, bucket)| *bucket).collect());
        }
        let published = published::buckets(service, operation);
        let domain = published.first().map_or("", |bucket| bucket.name);
        let buckets = published.into_iter().map(|bucket| {
            *self.named.entry((service, bucket.name)).or_insert_with(|| {
                self.buckets
                    .push(Bucket::new(bucket.capacity, bucket.rate, Instant::now()));
                self.buckets.len() - 1
            })
        });
        ((service, domain), buckets.collect())
    }

    /// Grants whatever can be granted now; how long until more can be, if anybody still waits.
    fn pump(&mut self, now: Instant) -> Option<Duration> {
        for bucket in &mut self.buckets {
            bucket.refill(now);
        }
        let mut next: Option<Duration> = None;
        for domain in self.domains.values_mut() {
            while domain.grant_one(&mut self.buckets) {}
            if let Some(wait) = domain.wait(&self.buckets) {
                next = Some(next.map_or(wait, |other| other.min(wait)));
            }
        }
        next
    }

    fn withdraw(&mut self, id: u64) -> bool {
        self.domains.values_mut().any(|domain| domain.withdraw(id))
    }
}

#[derive(Debug, Default)]
struct Domain {
    /// Start time of the last call granted, in units of weighted calls.
    time: f64,
    lanes: BTreeMap<Lane, LaneQueue>,
}

#[derive(Debug, Default)]
struct LaneQueue {
    /// When the lane's last call ends, in the domain's time.
    finish: f64,
    turns: VecDeque<Turn>,
}

/// The calls of one key that wait in a lane.
#[derive(Debug)]
struct Turn {
    key: Option<Key>,
    waiters: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    buckets: Vec<usize>,
    granted: oneshot::Sender<()>,
}

impl Waiter {
    fn is_ready(&self, buckets: &[Bucket]) -> bool {
        self.buckets
            .iter()
            .all(|index| buckets.get(*index).is_some_and(Bucket::is_ready))
    }
}

impl Domain {
    fn join(&mut self, lane: Lane, key: Option<Key>, waiter: Waiter) {
        let turns = &mut self.lanes.entry(lane).or_default().turns;
        match turns.iter_mut().find(|turn| turn.key == key) {
            Some(turn) => turn.waiters.push_back(waiter),
            None => turns.push_back(Turn {
                key,
                waiters: VecDeque::from([waiter]),
            }),
        }
    }

    /// Grants the call whose lane is furthest behind its share. `false` if nothing can go.
    fn grant_one(&mut self, buckets: &mut [Bucket]) -> bool {
        self.forget_dropped();
        let mut order: Vec<(f64, Lane)> = self
            .lanes
            .iter()
            .map(|(lane, queue)| (queue.finish.max(self.time), *lane))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (start, lane) in order {
            let Some(queue) = self.lanes.get_mut(&lane) else {
                continue;
            };
            let Some(waiter) = queue.next_ready(buckets) else {
                continue;
            };
            queue.finish = start + 1.0 / f64::from(lane.weight());
            self.time = start;
            if waiter.granted.send(()).is_ok() {
                for index in waiter.buckets {
                    if let Some(bucket) = buckets.get_mut(index) {
                        bucket.take();
                    }
                }
            }
            return true;
        }
        false
    }

    fn forget_dropped(&mut self) {
        for queue in self.lanes.values_mut() {
            for turn in &mut queue.turns {
                turn.waiters.retain(|waiter| !waiter.granted.is_closed());
            }
            queue.turns.retain(|turn| !turn.waiters.is_empty());
        }
    }

    fn withdraw(&mut self, id: u64) -> bool {
        for turn in self.lanes.values_mut().flat_map(|queue| &mut queue.turns) {
            let before = turn.waiters.len();
            turn.waiters.retain(|waiter| waiter.id != id);
            if turn.waiters.len() < before {
                return true;
            }
        }
        false
    }

    /// How long until the first of the waiting calls can go.
    fn wait(&self, buckets: &[Bucket]) -> Option<Duration> {
        let waiters = self
            .lanes
            .values()
            .flat_map(|queue| &queue.turns)
            .flat_map(|turn| &turn.waiters);
        waiters
            .map(|waiter| {
                let waits = waiter
                    .buckets
                    .iter()
                    .filter_map(|index| buckets.get(*index))
                    .map(Bucket::wait);
                waits.max().unwrap_or_default()
            })
            .min()
    }
}

impl LaneQueue {
    /// Takes the first call that can go, in the order of turns; its key goes to the end of the line.
    fn next_ready(&mut self, buckets: &[Bucket]) -> Option<Waiter> {
        let (index, position) = self.turns.iter().enumerate().find_map(|(index, turn)| {
            let position = turn.waiters.iter().position(|waiter| waiter.is_ready(buckets))?;
            Some((index, position))
        })?;
        let mut turn = self.turns.remove(index)?;
        let waiter = turn.waiters.remove(position);
        if !turn.waiters.is_empty() {
            self.turns.push_back(turn);
        }
        waiter
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
