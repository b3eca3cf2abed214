//! The writer of events: `events.k8s.io` with upstream's reasons and texts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use elbow_core::event::{Event, EventType, without_request_ids};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{self, Recorder, Reporter};

use crate::kubernetes::chain;

/// Longest note the API takes, in bytes.
const NOTE_LIMIT: usize = 1024;

/// Texts whose repetitions are counted in one event; beyond that the count begins anew.
const REMEMBERED: usize = 1024;

/// Writes events; a refusal is logged once and stops nothing.
pub struct Events {
    client: Client,
    reporter: Reporter,
    /// One recorder per text: a recorder takes events of one object and reason for repetitions of the first,
    /// whatever their notes, so a second text would never be seen.
    recorders: Mutex<HashMap<String, Recorder>>,
    refused: AtomicBool,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

impl Events {
    /// A writer that reports as `elbow` from `instance` (the host name).
    pub fn new(client: Client, instance: &str) -> Self {
        let reporter = Reporter {
            controller: "elbow".to_owned(),
            instance: Some(instance.to_owned()),
        };
        Self {
            client,
            reporter,
            recorders: Mutex::default(),
            refused: AtomicBool::new(false),
        }
    }

    /// Writes one event.
    pub async fn write(&self, event: &Event) {
        let api_event = api_event(event);
        let recorder = self.recorder(without_request_ids(&event.message));
        let written = recorder.publish(&api_event, &reference(event)).await;
        let Err(error) = written else { return };
        let denied = matches!(&error, kube::Error::Api(status) if status.code == 403);
        if !denied || !self.refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %chain(&error), object = %event.object, reason = %event.reason, "could not write an event");
        }
    }

    fn recorder(&self, note: String) -> Recorder {
        let mut recorders = self.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        if recorders.len() >= REMEMBERED && !recorders.contains_key(&note) {
            recorders.clear();
        }
        let new = || Recorder::new(self.client.clone(), self.reporter.clone());
        recorders.entry(note).or_insert_with(new).clone()
    }
}

fn api_event(event: &Event) -> events::Event {
    events::Event {
        type_: match event.kind {
            EventType::Normal => events::EventType::Normal,
            EventType::Warning => events::EventType::Warning,
        },
        reason: event.reason.clone(),
        note: Some(shorten(&event.message)),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

fn shorten(message: &str) -> String {
    if message.len() <= NOTE_LIMIT {
        return message.to_owned();
    }
    let end = (0..NOTE_LIMIT - 3)
        .rev()
        .find(|i| message.is_char_boundary(*i))
        .unwrap_or(0);
    format!("{}...", message.get(..end).unwrap_or_default())
}

fn reference(event: &Event) -> ObjectReference {
    let api_version = match event.object.kind.as_str() {
        "TargetGroupBinding" | "IngressClassParams" => "elbv2.k8s.aws/v1beta1",
        "Ingress" | "IngressClass" => "networking.k8s.io/v1",
        _ => "v1",
    };
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(event.object.kind.clone()),
        namespace: Some(event.object.namespace.clone()).filter(|ns| !ns.is_empty()),
        name: Some(event.object.name.clone()),
        uid: Some(event.uid.clone()).filter(|uid| !uid.is_empty()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_at_a_character_within_the_limit() {
        let short = shorten(&"é".repeat(600));
        assert!(short.len() <= NOTE_LIMIT && short.ends_with("é..."));
        assert_eq!(shorten("as it is"), "as it is");
    }
}
