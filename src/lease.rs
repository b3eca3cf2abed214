//! Leader election on a Lease, with client-go's rules.
//!
//! A holder is dead when *we* have seen no renewal for one lease duration by our own monotonic clock, so
//! skewed clocks do no harm. On SIGTERM the lease is released. On acquiring we note the number of
//! transitions in an annotation: an unequal number later means that somebody else held the lease meanwhile,
//! for client-go keeps annotations and counts every change of holder
//! (`k8s.io/client-go/tools/leaderelection`).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::ids::Ids;
use crate::kubernetes::chain;

/// Annotation that holds `leaseTransitions` as of our last acquisition.
pub const TRANSITIONS_ANNOTATION: &str = "elbow.dev/lease-transitions";
/// How long a holder is trusted without a renewal.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long we try to renew before we stop leading.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two tries; a candidate's is up to twice as long, so that two do not try at the same moment.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// What standing in the election says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// Somebody else leads, or nobody yet.
    Standby,
    /// We lead until `until` at least; mutations after it must not be sent.
    Leading {
        /// End of the guarantee, on the local monotonic clock.
        until: Instant,
        /// Whether the last holder before us was not Elbow: what AWS holds must be verified deeply.
        foreign: bool,
    },
    /// We led and could not renew: the process must end.
    Lost,
}

/// What was last seen of the lease.
#[derive(Clone, Debug)]
struct Seen {
    spec: LeaseSpec,
    at: Instant,
}

/// A candidate.
#[derive(Debug)]
pub struct Election {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: Clock,
    ids: Ids,
    seen: Option<Seen>,
    leadership: watch::Sender<Leadership>,
}

impl Election {
    /// A candidate for the lease `name`, under the name of `host` and a UUID as upstream's.
    pub fn new(
        api: Api<Lease>,
        name: &str,
        host: &str,
        clock: Clock,
        ids: Ids,
    ) -> (Self, watch::Receiver<Leadership>) {
        let (leadership, receiver) = watch::channel(Leadership::Standby);
        let election = Self {
            api,
            name: name.to_owned(),
            identity: format!("{host}_{}", ids.uuid()),
            clock,
            ids,
            seen: None,
            leadership,
        };
        (election, receiver)
    }

    /// The name under which the lease is held.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Stands until the lease is lost or `stop` ends; then releases it. Returns whether it was lost.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> bool {
        tokio::pin!(stop);
        loop {
            let attempt = tokio::time::timeout(RETRY_PERIOD * 2, self.attempt());
            match attempt.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %chain(&error), lease = %self.name, "could not read or write the lease");
                }
                Err(_) => tracing::warn!(lease = %self.name, "the API server did not answer about the lease"),
            }
            if self.expired() || *self.leadership.borrow() == Leadership::Lost {
                self.leadership.send_replace(Leadership::Lost);
                return true;
            }
            tokio::select! {
                () = &mut stop => { self.release().await; return false }
                () = tokio::time::sleep(self.pause()) => {}
            }
        }
    }

    fn pause(&self) -> Duration {
        match *self.leadership.borrow() {
            Leadership::Standby => self.ids.jitter(RETRY_PERIOD, 1),
            Leadership::Leading { .. } | Leadership::Lost => RETRY_PERIOD,
        }
    }

    fn expired(&self) -> bool {
        matches!(*self.leadership.borrow(), Leadership::Leading { until, .. } if Instant::now() >= until)
    }

    async fn attempt(&mut self) -> Result<(), kube::Error> {
        let started = Instant::now();
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let lease = self.first_lease();
            let created = self.api.create(&PostParams::default(), &lease).await?;
            self.won(&created, started, true);
            return Ok(());
        };
        self.observe(&lease);
        if !self.may_take(&lease) {
            self.leadership.send_if_modified(stand_back);
            return Ok(());
        }
        let foreign = is_foreign(&lease);
        let wanted = self.taken(lease);
        match self
            .api
            .replace(&self.name, &PostParams::default(), &wanted)
            .await
        {
            Ok(written) => {
                self.won(&written, started, foreign);
                Ok(())
            }
            // Somebody was quicker; the next attempt sees who.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn observe(&mut self, lease: &Lease) {
        let spec = lease.spec.clone().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|seen| seen.spec != spec) {
            self.seen = Some(Seen {
                spec,
                at: Instant::now(),
            });
        }
    }

    fn may_take(&self, lease: &Lease) -> bool {
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        let duration = spec
            .lease_duration_seconds
            .and_then(|s| u64::try_from(s).ok())
            .map(Duration::from_secs);
        let dead = self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.at.elapsed() >= duration.unwrap_or(LEASE_DURATION));
        holder.is_empty() || holder == self.identity || dead
    }

    fn first_lease(&self) -> Lease {
        let annotations = [(TRANSITIONS_ANNOTATION.to_owned(), "0".to_owned())].into();
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        };
        Lease {
            metadata,
            spec: Some(self.spec(0, None)),
        }
    }

    /// The lease as ours: renewed, or taken over with one more transition.
    fn taken(&self, mut lease: Lease) -> Lease {
        let spec = lease.spec.take().unwrap_or_default();
        let ours = spec.holder_identity.as_deref() == Some(self.identity.as_str());
        let transitions = spec.lease_transitions.unwrap_or(0) + i32::from(!ours);
        let acquired = if ours { spec.acquire_time } else { None };
        lease.spec = Some(self.spec(transitions, acquired));
        lease
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(TRANSITIONS_ANNOTATION.to_owned(), transitions.to_string());
        lease
    }

    fn spec(&self, transitions: i32, acquired: Option<MicroTime>) -> LeaseSpec {
        let now = MicroTime(self.clock.now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: Some(acquired.unwrap_or_else(|| now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }

    fn won(&mut self, lease: &Lease, started: Instant, foreign: bool) {
        self.observe(lease);
        let until = started + RENEW_DEADLINE;
        self.leadership.send_modify(|now| {
            let foreign = if let Leadership::Leading { foreign, .. } = *now {
                foreign
            } else {
                foreign
            };
            *now = Leadership::Leading { until, foreign };
        });
    }

    /// Gives the lease back so that the next candidate need not wait for it to run out.
    async fn release(&mut self) {
        if !matches!(*self.leadership.borrow(), Leadership::Leading { .. }) {
            return;
        }
        self.leadership.send_replace(Leadership::Standby);
        let released = async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else {
                return Ok(());
            };
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
                spec.holder_identity = Some(String::new());
                spec.lease_duration_seconds = Some(1);
                self.api
                    .replace(&self.name, &PostParams::default(), &lease)
                    .await?;
            }
            Ok::<(), kube::Error>(())
        };
        match tokio::time::timeout(RENEW_DEADLINE, released).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), lease = %self.name, "could not release the lease");
            }
            Err(_) => tracing::warn!(lease = %self.name, "no answer to the release of the lease"),
        }
    }
}

/// Who holds a lease now, as far as the clocks agree; `None` if it was released or has run out.
pub fn holder(lease: &Lease, now: Timestamp) -> Option<String> {
    let spec = lease.spec.as_ref()?;
    let holder = spec.holder_identity.clone().filter(|holder| !holder.is_empty())?;
    let renewed = spec.renew_time.as_ref()?.0;
    let lasts = SignedDuration::from_secs(spec.lease_duration_seconds.unwrap_or_default().into());
    (now < renewed + lasts).then_some(holder)
}

/// Somebody else holds the lease: a standby waits, a leader that slept too long has lost it. Whether that is
/// news.
fn stand_back(now: &mut Leadership) -> bool {
    let led = matches!(now, Leadership::Leading { .. });
    if led {
        *now = Leadership::Lost;
    }
    led
}

/// Whether somebody else than Elbow held the lease since we last noted the transitions. A missing lease
/// counts: nobody knows who worked before.
fn is_foreign(lease: &Lease) -> bool {
    let noted = lease
        .metadata
        .annotations
        .as_ref()
        .and_then(|a| a.get(TRANSITIONS_ANNOTATION));
    let transitions = lease.spec.as_ref().and_then(|s| s.lease_transitions).unwrap_or(0);
    noted.and_then(|n| n.parse::<i32>().ok()) != Some(transitions)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lease(holder: &str, transitions: i32, noted: Option<&str>) -> Lease {
        let annotations = noted.map(|n| [(TRANSITIONS_ANNOTATION.to_owned(), n.to_owned())].into());
        Lease {
            metadata: ObjectMeta {
                annotations,
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                lease_duration_seconds: Some(15),
                lease_transitions: Some(transitions),
                ..LeaseSpec::default()
            }),
        }
    }

    fn election() -> Election {
        let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(kube::client::Body::empty()))
        });
        let client = kube::Client::new(service, "kube-system");
        let api = Api::namespaced(client, "kube-system");
        Election::new(api, "lease", "me", Clock::start(), Ids::seeded(1)).0
    }

    #[tokio::test(start_paused = true)]
    async fn two_candidates_of_one_host_have_two_names_and_do_not_try_in_step() {
        let mut election = election();
        assert!(election.identity().starts_with("me_"));
        assert_eq!(election.identity().len(), "me_".len() + 36);
        election.ids = Ids::seeded(2);
        let (first, second) = (election.pause(), election.pause());
        assert_ne!(first, second);
        election.leadership.send_replace(Leadership::Lost);
        assert_eq!(election.pause(), RETRY_PERIOD);
    }

    #[test]
    fn a_lease_held_by_somebody_else_since_our_note_is_foreign() {
        assert!(!is_foreign(&lease("other", 3, Some("3"))));
        assert!(is_foreign(&lease("other", 4, Some("3"))));
        assert!(is_foreign(&lease("other", 0, None)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_holder_is_dead_only_after_we_saw_no_renewal_for_the_whole_duration() {
        let mut election = election();
        let held = lease("other", 0, Some("0"));
        election.observe(&held);
        assert!(!election.may_take(&held));
        tokio::time::advance(Duration::from_secs(14)).await;
        election.observe(&held);
        assert!(!election.may_take(&held));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(election.may_take(&held));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_starts_the_duration_anew_whatever_its_clock_says() {
        let mut election = election();
        let mut held = lease("other", 0, Some("0"));
        election.observe(&held);
        tokio::time::advance(Duration::from_secs(14)).await;
        held.spec.as_mut().unwrap().renew_time = Some(MicroTime("1970-01-01T00:00:00Z".parse().unwrap()));
        election.observe(&held);
        tokio::time::advance(Duration::from_secs(14)).await;
        assert!(!election.may_take(&held));
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_finds_somebody_else_holding_the_lease_has_lost_it() {
        let mut leading = Leadership::Leading {
            until: Instant::now() + RENEW_DEADLINE,
            foreign: false,
        };
        assert!(stand_back(&mut leading));
        assert_eq!(leading, Leadership::Lost);
        let mut standby = Leadership::Standby;
        assert!(!stand_back(&mut standby));
        assert_eq!(standby, Leadership::Standby);
    }

    #[tokio::test(start_paused = true)]
    async fn taking_over_counts_a_transition_and_notes_it() {
        let election = election();
        let taken = election.taken(lease("other", 3, Some("1")));
        assert_eq!(taken.spec.as_ref().unwrap().lease_transitions, Some(4));
        assert!(!is_foreign(&taken));
        let renewed = election.taken(taken);
        assert_eq!(renewed.spec.unwrap().lease_transitions, Some(4));
    }
}
