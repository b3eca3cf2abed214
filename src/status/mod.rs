//! Kubernetes out: events and statuses, written only on change.

pub mod events;
pub mod load_balancer;

use std::sync::{Mutex, PoisonError};

use elbow_core::event::{Event, EventType};
use elbow_core::key::Key;
use elbow_core::status::Ledger;
use jiff::Timestamp;

use crate::outcome::Run;
use events::Events;

/// Reports what came of runs.
#[derive(Debug)]
pub struct Reporter {
    events: Events,
    ledger: Mutex<Ledger>,
}

impl Reporter {
    /// A reporter under the name of this host.
    pub fn new(client: kube::Client, instance: &str) -> Self {
        Self {
            events: Events::new(client, instance),
            ledger: Mutex::default(),
        }
    }

    /// Writes the events of a run that are news or due again, and asks for a run when the next repetition is
    /// due.
    pub async fn report(&self, key: &Key, run: &mut Run, now: Timestamp) {
        if !run.inconclusive {
            for event in self.due(key, run, now) {
                log(&event);
                self.events.write(&event).await;
            }
        }
        let repeat_at = self
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .repeat_at(key);
        if let Some(at) = repeat_at {
            run.wake(at);
        }
    }

    /// Drops what is known about a key whose owner is gone.
    pub fn forget(&self, key: &Key) {
        self.ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget(key);
    }

    fn due(&self, key: &Key, run: &Run, now: Timestamp) -> Vec<Event> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let success = match &run.success {
            Some(done) => ledger.success(key, &done.owners, done.changed),
            _ => Vec::new(),
        };
        let mut due = ledger.due(key, &run.events, now);
        due.extend(success);
        due
    }
}

/// What an object is told stands in the log too.
fn log(event: &Event) {
    let (object, reason, note) = (&event.object, &event.reason, &event.message);
    match event.kind {
        EventType::Normal => tracing::info!(%object, reason, note, "event"),
        EventType::Warning => tracing::warn!(%object, reason, note, "event"),
    }
}
