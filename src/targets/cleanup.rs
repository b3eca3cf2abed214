//! Carries out the end of a binding: its deletion, or the loss of its backend.

use elbow_core::event::EventType;
use elbow_core::targets::cleanup::{CleanupWork, Release, release};
use elbow_core::targets::conclude::event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::json;

use super::binding::{Ended, Pass, is_nothing_there};
use super::writes::WriteError;
use super::{lock, tracked};

impl Pass<'_> {
    pub(super) async fn clean_up(&mut self, work: &CleanupWork) -> Result<(), Ended> {
        if !work.emptied {
            self.let_go(work).await?;
        }
        let opened = self.patch_conditions(&work.conditions).await;
        self.unless_failed(opened).await?;
        match &work.missing_backend {
            Some(message) => self.without_backend(message).await,
            None => self.release().await,
        }
    }

    /// Deregisters all targets, then takes back what was asked of security groups.
    async fn let_go(&mut self, work: &CleanupWork) -> Result<(), Ended> {
        if !work.deregister.is_empty() {
            let arn = self.binding.spec.target_group_arn.clone();
            let targets = self.targets;
            let done = targets
                .aws
                .deregister_targets(self.cx, &arn, &work.deregister)
                .await;
            match done {
                Ok(()) => {
                    if let Some(listing) = &mut self.memory.listing {
                        listing.deregistered(&work.deregister);
                    }
                }
                Err(error) if is_nothing_there(&error) => {}
                Err(error) => {
                    self.memory.listing = None;
                    let ended = Err(self.fail_aws(&error));
                    return self.unless_failed(ended).await;
                }
            }
        }
        if work.drop_tracked {
            self.memory.tracked = None;
            let deleted = tracked::delete(&self.targets.kube, &self.binding).await;
            let deleted = deleted.map_err(|error| self.fail(&error.to_string()));
            self.unless_failed(deleted).await?;
        }
        let unknown = !lock(&self.targets.ledger).is_known(&self.name) && self.claimed.is_none();
        let last = self.claimed.take();
        self.withdraw(last);
        if unknown && self.binding.spec.networking.is_some() && self.binding.meta.deleting {
            self.wake_leftovers().await;
        }
        Ok(())
    }

    /// Nobody in this process knows which groups hold the rules: those tagged for the cluster are looked
    /// through.
    async fn wake_leftovers(&mut self) {
        match self.targets.leftover_groups(self.cx).await {
            Ok(groups) => self.wake_groups(groups),
            Err(error) => {
                tracing::warn!(%error, "could not look for rules of a deleted binding; the next verification does");
            }
        }
    }

    async fn without_backend(&mut self, message: &str) -> Result<(), Ended> {
        let now = self.targets.clock.now();
        if self.memory.is_news(message, now) {
            let made = event(&self.binding, EventType::Warning, "BackendNotFound", message);
            self.run.events.push(made);
        }
        let generation = self.binding.meta.generation;
        if self.binding.status.observed_generation != Some(generation) {
            self.write_status(json!({ "observedGeneration": generation }))
                .await?;
        }
        let checkpoint = elbow_core::targets::checkpoint::CHECKPOINT;
        let stored = self.binding.meta.annotations.get(checkpoint);
        if stored.is_some_and(|stored| !stored.is_empty()) {
            self.write_checkpoint("").await?;
        }
        self.memory.cleaned_for = Some(message.to_owned());
        if now >= self.memory.verify_at {
            self.memory.verify_at = now + self.targets.settings.sync_period;
        }
        self.run.wake_at = Some(self.memory.verify_at);
        Ok(())
    }

    /// Takes the finalizer away once the rules are revoked, or a minute later.
    async fn release(&mut self) -> Result<(), Ended> {
        let now = self.targets.clock.now();
        self.memory.emptied_at = self.memory.emptied_at.or(Some(now));
        let rules = lock(&self.targets.ledger).state(&self.name);
        if let Release::At(at) = release(&self.memory, &rules, now) {
            self.run
                .waits
                .push("security group rules to be revoked".to_owned());
            self.run.wake(at);
            return Ok(());
        }
        let targets = self.targets;
        match targets
            .writes
            .remove_finalizer(&targets.kube, &self.binding)
            .await
        {
            Ok(()) => Ok(()),
            Err(error) => {
                let problem = self.problem(&error.to_string());
                Err(self.fail_with(
                    problem,
                    "FailedRemoveFinalizer",
                    "Failed remove finalizer due to ",
                ))
            }
        }
    }

    /// After a failure of cleaning up a deleted binding, says so in its status.
    async fn unless_failed(&mut self, result: Result<(), Ended>) -> Result<(), Ended> {
        let Some(problem) = self.run.problems.last().filter(|_| result.is_err()) else {
            return result;
        };
        if !self.binding.meta.deleting {
            return result;
        }
        let conditions = &self.binding.status.conditions;
        let generation = Some(self.binding.meta.generation);
        let same = conditions.iter().any(|c| {
            c.type_ == "Ready"
                && c.status == "False"
                && c.reason == "FailedCleanup"
                && c.message == problem.message
                && c.observed_generation == generation
        });
        if !same {
            let mut conditions: Vec<_> = conditions
                .iter()
                .filter(|c| c.type_ != "Ready")
                .cloned()
                .collect();
            conditions.push(Condition {
                type_: "Ready".to_owned(),
                status: "False".to_owned(),
                reason: "FailedCleanup".to_owned(),
                message: problem.message.clone(),
                observed_generation: generation,
                last_transition_time: Time(self.targets.clock.now()),
            });
            let status = json!({ "conditions": conditions });
            let targets = self.targets;
            if let Err(error) = targets.writes.status(&targets.kube, &self.binding, status).await
                && error != WriteError::Gone
            {
                tracing::warn!(%error, "the failed cleanup could not be written to the status");
            }
        }
        result
    }
}
