//! The shared backend security group of the VPC: found or made when a stack asks for it, deleted when nobody
//! has wanted it for a minute.

use std::collections::BTreeSet;
use std::time::Duration;

use elbow_core::key::{Key, StackKey};
use elbow_core::targets::SecurityGroupState;
use elbow_core::targets::backend_group::{DESCRIPTION, name, tag_changes, tags, tracking_tags};
use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use jiff::{SignedDuration, Timestamp};

use super::{Targets, TargetsContext, is_lease_lost, lock};
use crate::aws::{AwsError, Cx, Fault};
use crate::mirror::Mirror;
use crate::outcome::Run;

/// How long the group stays after the last owner is gone.
const UNWANTED: Duration = Duration::from_mins(1);
/// How long rules and interfaces may hold on to a group that nobody wants: AWS releases the interfaces of a
/// deleted load balancer after some minutes.
const HELD: SignedDuration = SignedDuration::from_mins(15);
/// Pause between two looks at a group that was held for longer.
const STILL_HELD: SignedDuration = SignedDuration::from_mins(10);
/// Pause before another look while the mirror does not know yet what there is.
const NOT_SWEPT: Duration = Duration::from_secs(5);

/// What is known besides what the mirror holds.
#[derive(Debug, Default)]
pub(super) struct BackendState {
    /// Stacks that wait for it.
    pub askers: BTreeSet<StackKey>,
    unwanted_since: Option<Timestamp>,
    tags_are_right: bool,
    /// How often the tags were called in doubt.
    doubts: u64,
    failure: Option<String>,
}

impl BackendState {
    pub fn distrust(&mut self) {
        self.tags_are_right = false;
        self.doubts += 1;
    }

    /// The tags were set or found right; a doubt raised since `doubts` stands.
    fn tags_were_right(&mut self, doubts: u64) {
        self.tags_are_right = self.doubts == doubts;
    }
}

impl Targets {
    /// Id of the group for a stack that needs it, which keeps it; `None` while it has to be found or made: the key `BackendGroup` does that
    /// and wakes the stack.
    pub fn backend_group(&self, mirror: &Mirror, asker: &StackKey) -> Option<String> {
        if let Some(given) = &self.settings.backend_security_group {
            return Some(given.clone());
        }
        let mut state = lock(&self.backend);
        state.unwanted_since = None;
        if let Some(group) = mirror.backend_group() {
            Some(group.id)
        } else {
            state.askers.insert(asker.clone());
            None
        }
    }

    /// Why the group could not be made, if that was tried in vain.
    pub fn backend_group_failure(&self) -> Option<String> {
        lock(&self.backend).failure.clone()
    }

    pub(super) async fn run_backend_group(&self, context: &TargetsContext<'_>, vpc: &str, cx: &Cx) -> Run {
        if self.settings.backend_security_group.is_some() || vpc != self.settings.realm.vpc {
            return Run::default();
        }
        let mut run = Run::default();
        if !context.stores.is_synced() {
            run.wake(self.clock.now() + NOT_SWEPT);
            return run;
        }
        let done = if context.stores.has_finalized_owner() {
            self.want_backend_group(context, cx, &mut run).await
        } else {
            self.drop_backend_group(context, cx, &mut run).await
        };
        if let Err(error) = done {
            run.retry = true;
            if !is_lease_lost(&error) {
                let object = self.backend_object();
                let problem = Problem::fault(&object, "", ProblemCode::Refused, error.to_string());
                run.problems.push(problem);
                lock(&self.backend).failure = Some(error.to_string());
            }
        } else {
            lock(&self.backend).failure = None;
        }
        run
    }

    async fn want_backend_group(
        &self,
        context: &TargetsContext<'_>,
        cx: &Cx,
        run: &mut Run,
    ) -> Result<(), AwsError> {
        lock(&self.backend).unwanted_since = None;
        context.mirror.end_wait(&self.held_subject());
        let group = match context.mirror.backend_group() {
            Some(group) => group,
            None if lock(&self.backend).askers.is_empty() => return Ok(()),
            None => self.find_or_create(context.mirror, cx).await?,
        };
        let askers = std::mem::take(&mut lock(&self.backend).askers);
        run.enqueue.extend(askers.into_iter().map(Key::Stack));
        self.mend_tags(context.mirror, group, cx).await
    }

    async fn find_or_create(&self, mirror: &Mirror, cx: &Cx) -> Result<SecurityGroupState, AwsError> {
        if let Some(found) = self.find(cx).await? {
            mirror.found_backend_group(found.clone());
            return Ok(found);
        }
        let settings = &self.settings;
        let name = name(&settings.scope.cluster);
        let vpc = &settings.realm.vpc;
        let tags = tags(settings);
        let created = self
            .aws
            .create_security_group(cx, &name, DESCRIPTION, vpc, &tags)
            .await;
        let id = match created {
            Ok(id) => id,
            Err(error) if error.fault == Fault::Duplicate => {
                // Ours if it came into being meanwhile; never taken over without our tags.
                let found = self.find(cx).await?.ok_or_else(|| AwsError {
                    message: format!(
                        "a security group named {name} exists in {vpc} without the tags of this cluster; delete \
                         or rename it"
                    ),
                    ..error
                })?;
                mirror.found_backend_group(found.clone());
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        tracing::info!(group = id, "created the shared backend security group");
        let made = SecurityGroupState {
            id,
            vpc: vpc.clone(),
            name,
            description: DESCRIPTION.to_owned(),
            tags,
            rules: Vec::new(),
        };
        mirror.found_backend_group(made.clone());
        Ok(made)
    }

    pub(super) async fn find(&self, cx: &Cx) -> Result<Option<SecurityGroupState>, AwsError> {
        let mut found = self
            .aws
            .groups_by_tags(cx, &tracking_tags(&self.settings))
            .await?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found.into_iter().next())
    }

    async fn mend_tags(&self, mirror: &Mirror, group: SecurityGroupState, cx: &Cx) -> Result<(), AwsError> {
        let doubts = {
            let state = lock(&self.backend);
            if state.tags_are_right {
                return Ok(());
            }
            state.doubts
        };
        let (set, remove) = tag_changes(&group, &self.settings);
        if !set.is_empty() {
            self.aws.create_tags(cx, &group.id, &set).await?;
        }
        if !remove.is_empty() {
            self.aws.delete_tags(cx, &group.id, &remove).await?;
        }
        if !set.is_empty() || !remove.is_empty() {
            let mut tagged = group;
            tagged.tags.extend(set);
            tagged.tags.retain(|key, _| !remove.contains_key(key));
            mirror.found_backend_group(tagged);
        }
        lock(&self.backend).tags_were_right(doubts);
        Ok(())
    }

    async fn drop_backend_group(
        &self,
        context: &TargetsContext<'_>,
        cx: &Cx,
        run: &mut Run,
    ) -> Result<(), AwsError> {
        let now = self.clock.now();
        let Some(group) = context.mirror.backend_group() else {
            if !context.mirror.is_swept() {
                run.wake(now + NOT_SWEPT);
            }
            return Ok(());
        };
        let since = *lock(&self.backend).unwanted_since.get_or_insert(now);
        if now < since + UNWANTED {
            run.wake(since + UNWANTED);
            return Ok(());
        }
        if context.mirror.is_group_used(&group.id) || self.sources_held().contains(&group.id) {
            self.wait_for_release(context.mirror, &group.id, run);
            return Ok(());
        }
        match self.aws.delete_security_group(cx, &group.id).await {
            Ok(()) => {
                tracing::info!(group = group.id, "deleted the shared backend security group");
                context.mirror.deleted_backend_group(&group.id);
                context.mirror.end_wait(&self.held_subject());
                lock(&self.backend).unwanted_since = None;
                Ok(())
            }
            Err(error) if error.fault == Fault::InUse => {
                // A rule on the targets may still name it, left by a process that ended before it could revoke.
                let leftovers = self.leftover_groups(cx).await?;
                run.enqueue
                    .extend(leftovers.into_iter().map(|group| self.group_key(group)));
                self.wait_for_release(context.mirror, &group.id, run);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the group to be free: 2 s, then longer and longer. When that took too long it is a problem,
    /// and the group is looked at now and then.
    fn wait_for_release(&self, mirror: &Mirror, id: &str, run: &mut Run) {
        let now = self.clock.now();
        let wait = mirror.wait(&self.held_subject());
        let waited = now.duration_since(wait.since);
        if waited <= HELD {
            run.wake(wait.wake_at);
            run.waits.push(format!("security group {id} to be unused"));
            return;
        }
        run.wake(now + STILL_HELD);
        let message = format!(
            "nobody wants {id} any more, but it has been in use for {} minutes; find the rules or network \
             interfaces that name it and take it out of them",
            waited.as_mins()
        );
        let object = self.backend_object();
        let problem = Problem::fault(&object, "", ProblemCode::TimedOut, message);
        run.problems.push(problem);
    }

    /// Under which name the wait for the group's release is entered.
    fn held_subject(&self) -> String {
        format!("DeleteSecurityGroup {}", name(&self.settings.scope.cluster))
    }

    pub(super) fn backend_object(&self) -> ObjectRef {
        ObjectRef::new("SecurityGroup", "", &name(&self.settings.scope.cluster))
    }
}
