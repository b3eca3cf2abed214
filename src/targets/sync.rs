//! Carries out what was decided for a binding's targets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use elbow_core::event::EventType;
use elbow_core::targets::Target;
use elbow_core::targets::conclude::{Conclusion, SyncOutcome, conclude, remember};
use elbow_core::targets::decide::SyncWork;
use elbow_core::targets::gates::ConditionPatch;
use elbow_core::targets::memory::Tracked;
use elbow_core::targets::zones::ip_targets;
use futures::stream::{self, StreamExt};
use serde_json::json;

use super::binding::{Ended, Pass};
use super::register::{Registered, register};
use super::writes::WriteError;
use super::{is_lease_lost, lock, tracked};
use crate::aws::AwsError;

/// Pods patched at a time.
const PATCHES: usize = 8;
/// How long targets outside the VPC are registered with their node's zone after AWS asked for one.
const NODE_ZONES: Duration = Duration::from_hours(1);

impl Pass<'_> {
    /// Registers, deregisters, then writes conditions, status and checkpoint.
    pub(super) async fn sync(&mut self, work: &SyncWork) -> Result<(), Ended> {
        if work.reset_checkpoint {
            self.write_checkpoint("").await?;
        }
        if let Some(set) = &work.track_before {
            self.write_tracked(set).await?;
        }
        let mut outcome = self.dropped(work);
        if work.deregister_first {
            self.deregister(&work.deregister, &mut outcome).await;
        }
        self.register(work, &mut outcome).await;
        if !work.deregister_first {
            self.deregister(&work.deregister, &mut outcome).await;
        }
        if outcome.failures.is_empty()
            && let Some(set) = &work.track_after
        {
            self.write_tracked(set).await?;
        }
        if self.lease_lost {
            self.run.retry = true;
            return Err(Ended);
        }
        let conclusion = conclude(&self.input(), work, &outcome);
        let now = self.targets.clock.now();
        remember(&mut self.memory, now, &self.facts.rules, work, &outcome);
        self.write(conclusion).await
    }

    /// Endpoints of a QUIC group without a server id count as registered, though they cannot be.
    fn dropped(&self, work: &SyncWork) -> SyncOutcome {
        let sent: BTreeSet<_> = work.targets.iter().map(Target::identity).collect();
        let identities = work.register.iter().map(|e| e.target.identity());
        let dropped: BTreeSet<_> = identities.filter(|identity| !sent.contains(identity)).collect();
        if !dropped.is_empty() {
            tracing::warn!(binding = %self.binding.object(), ?dropped, "endpoints without a QUIC server id are left out");
        }
        SyncOutcome {
            registered: dropped,
            ..SyncOutcome::default()
        }
    }

    async fn register(&mut self, work: &SyncWork, outcome: &mut SyncOutcome) {
        if work.targets.is_empty() {
            return;
        }
        let arn = self.binding.spec.target_group_arn.clone();
        let mut registered = register(&self.targets.aws, self.cx, &arn, &work.targets).await;
        let now = self.targets.clock.now();
        let known = self.memory.node_zones_until.is_some_and(|until| now < until);
        if registered.needs_zone() && !known {
            self.memory.node_zones_until = Some(now + NODE_ZONES);
            if let Some(targets) = self.zoned(work) {
                registered = register(&self.targets.aws, self.cx, &arn, &targets).await;
            }
        }
        self.note_registered(&registered, outcome);
    }

    fn zoned(&self, work: &SyncWork) -> Option<Vec<Target>> {
        let sent: BTreeSet<_> = work.targets.iter().map(Target::identity).collect();
        let endpoints = work
            .register
            .iter()
            .filter(|e| sent.contains(&e.target.identity()));
        let endpoints: Vec<_> = endpoints.cloned().collect();
        let vpc = self.facts.vpc.as_ref()?;
        ip_targets(&endpoints, vpc, true, &self.seen.backends).ok()
    }

    fn note_registered(&mut self, registered: &Registered, outcome: &mut SyncOutcome) {
        let done = &registered.done;
        outcome.registered.extend(done.iter().map(Target::identity));
        outcome.quota_reached = registered.is_full();
        if let Some(listing) = &mut self.memory.listing {
            listing.registered(done);
        }
        if !done.is_empty() {
            tracing::info!(binding = %self.binding.object(), targets = done.len(), "registered targets");
        }
        for error in &registered.failures {
            self.note_failure(error, outcome);
        }
        if registered.is_doubtful() {
            self.memory.listing = None;
        }
    }

    async fn deregister(&mut self, targets: &[Target], outcome: &mut SyncOutcome) {
        if targets.is_empty() {
            return;
        }
        let arn = self.binding.spec.target_group_arn.clone();
        match self.targets.aws.deregister_targets(self.cx, &arn, targets).await {
            Ok(()) => {
                if let Some(listing) = &mut self.memory.listing {
                    listing.deregistered(targets);
                }
                tracing::info!(binding = %self.binding.object(), targets = targets.len(), "deregistered targets");
            }
            Err(error) => {
                // Some of several calls may have been made.
                self.memory.listing = None;
                self.note_failure(&error, outcome);
            }
        }
    }

    fn note_failure(&mut self, error: &AwsError, outcome: &mut SyncOutcome) {
        self.lease_lost |= is_lease_lost(error);
        outcome.failures.push(error.to_string());
    }

    async fn write(&mut self, conclusion: Conclusion) -> Result<(), Ended> {
        self.run.wake_at = conclusion.wake_at;
        self.run.retry |= conclusion.retry;
        self.report(&conclusion);
        self.patch_conditions(&conclusion.conditions).await?;
        if conclusion.narrow {
            let groups = lock(&self.targets.ledger).narrow(&self.name);
            self.memory.contribution_is_wide = false;
            self.memory.revoking_since = Some(self.targets.clock.now());
            self.wake_groups(groups);
        }
        if let Some(generation) = conclusion.observed_generation {
            self.write_status(json!({ "observedGeneration": generation }))
                .await?;
        }
        if let Some(checkpoint) = &conclusion.checkpoint {
            self.write_checkpoint(checkpoint).await?;
        }
        if let Some(verify_at) = conclusion.verified {
            self.memory.verify_at = verify_at;
        }
        Ok(())
    }

    /// Problems and events; those of a failure that stands are not told again and again.
    fn report(&mut self, conclusion: &Conclusion) {
        let messages: Vec<_> = conclusion.problems.iter().map(|p| p.message.as_str()).collect();
        let news = messages.is_empty() || {
            let now = self.targets.clock.now();
            self.memory.is_news(&messages.join("; "), now)
        };
        for event in &conclusion.events {
            if news || event.kind == EventType::Normal {
                self.run.events.push(event.clone());
            }
        }
        self.run.problems.extend(conclusion.problems.iter().cloned());
    }

    pub(super) async fn patch_conditions(&mut self, patches: &[ConditionPatch]) -> Result<(), Ended> {
        let (writes, kube) = (&self.targets.writes, &self.targets.kube);
        let writes: Vec<_> = patches
            .iter()
            .map(|patch| writes.condition(kube, patch))
            .collect();
        let results: Vec<_> = stream::iter(writes).buffer_unordered(PATCHES).collect().await;
        let failed = results.into_iter().find_map(Result::err);
        match failed {
            Some(error) => {
                let message = format!("a pod condition could not be written: {error}");
                Err(self.fail(&message))
            }
            None => Ok(()),
        }
    }

    pub(super) async fn write_tracked(&mut self, set: &BTreeSet<String>) -> Result<(), Ended> {
        let written = tracked::write(&self.targets.kube, &self.binding, set).await;
        written.map_err(|error| self.fail(&error.to_string()))?;
        self.memory.tracked = Some(Tracked::Set(set.clone()));
        Ok(())
    }

    pub(super) async fn write_checkpoint(&mut self, checkpoint: &str) -> Result<(), Ended> {
        let targets = self.targets;
        let now = targets.clock.now();
        let written = targets
            .writes
            .checkpoint(&targets.kube, &self.binding, checkpoint, now)
            .await;
        match written {
            Ok(binding) => {
                self.binding = Arc::new(binding);
                Ok(())
            }
            Err(WriteError::Gone) => Err(Ended),
            Err(error) => {
                let name = format!("{}/{}", self.name.0, self.name.1);
                let message = format!("failed to update targetGroupBinding checkpoint: {name}: {error}");
                Err(self.fail(&message))
            }
        }
    }

    pub(super) async fn write_status(&mut self, status: serde_json::Value) -> Result<(), Ended> {
        let targets = self.targets;
        let written = targets.writes.status(&targets.kube, &self.binding, status).await;
        match written {
            Ok(binding) => {
                self.binding = Arc::new(binding);
                Ok(())
            }
            Err(WriteError::Gone) => Err(Ended),
            Err(error) => {
                let problem = self.problem(&error.to_string());
                Err(self.fail_with(problem, "FailedUpdateStatus", "Failed update status due to "))
            }
        }
    }
}
