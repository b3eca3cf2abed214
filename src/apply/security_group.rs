//! Steps on security groups: the group, its rules, its tags.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use elbow_core::model::{IngressPermission, Ref, ResourceAddress, SecurityGroup, Tags};
use elbow_core::plan::{Action, Output, Step};
use elbow_crds::problem::ProblemCode;
use jiff::SignedDuration;

use super::step::{End, Running};
use elbow_core::targets::GroupRule;

use crate::aws::{AwsError, Fault};

/// How long interfaces and rules of others may hold on to a group: AWS releases the interfaces of a deleted
/// load balancer after some minutes.
const HELD: SignedDuration = SignedDuration::from_mins(15);
/// How long a name may be taken by a group that we cannot see yet.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);

impl Running<'_> {
    pub async fn run_security_group(&self) -> End {
        match &self.step.action {
            Action::CreateSecurityGroup { address, group, tags } => {
                self.create_security_group(address, group, tags).await
            }
            Action::AuthorizeIngress {
                group,
                permissions,
                description,
            } => self.authorize(group, &rules(permissions, description)).await,
            Action::RevokeIngress { group, permissions } => self.revoke(group, permissions).await,
            Action::CreateTags { group, tags } => self.change_tags(group, tags, true).await,
            Action::DeleteTags { group, tags } => self.change_tags(group, tags, false).await,
            Action::DeleteSecurityGroup { group_id } => self.delete_security_group(group_id).await,
            _ => End::done(),
        }
    }

    async fn create_security_group(
        &self,
        address: &ResourceAddress,
        wanted: &SecurityGroup,
        tags: &Tags,
    ) -> End {
        let vpc = &self.context.settings.realm.vpc;
        let aws = self.context.aws;
        let result = aws
            .create_security_group(self.cx, &wanted.name, &wanted.description, vpc, tags)
            .await;
        match result {
            Ok(id) => End::Done(Some((address.clone(), Output::id(id)))),
            Err(error) if error.answered && error.fault == Fault::Duplicate => {
                self.group_name_in_use(&wanted.name, &error).await
            }
            Err(error) => self.refused(&error),
        }
    }

    /// A group of that name exists. If it carries our tags the next plan uses it; if it does not for a minute,
    /// it is somebody else's.
    async fn group_name_in_use(&self, name: &str, error: &AwsError) -> End {
        let Some(key) = self.key else {
            return self.failed(ProblemCode::Refused, &error.to_string());
        };
        let mirror = self.context.mirror;
        if let Err(error) = mirror.find_groups(key, self.cx).await {
            return self.refused(&error);
        }
        let ours = mirror
            .picture(key)
            .security_groups
            .iter()
            .any(|group| group.name == name);
        if ours {
            let next = format!("the next plan, which uses the existing security group {name}");
            return self.wait(&next, UNSEEN);
        }
        match self.wait(
            &format!("the tags of security group {name} to show whose it is"),
            UNSEEN,
        ) {
            End::Failed(_) => self.failed(
                ProblemCode::Conflict,
                &format!(
                    "a security group named {name} exists already and does not carry the tags of this stack. \
                     Delete or rename it. {error}"
                ),
            ),
            end => end,
        }
    }

    async fn authorize(&self, group: &Ref, rules: &[GroupRule]) -> End {
        let id = match self.resolve(group) {
            Ok(id) => id,
            Err(end) => return end,
        };
        let aws = self.context.aws;
        match aws.authorize_ingress(self.cx, &id, rules).await {
            Ok(()) => End::done(),
            Err(error) if error.code == "RulesPerSecurityGroupLimitExceeded" => {
                self.make_room_for(&id, rules, error).await
            }
            Err(error) => self.refused(&error),
        }
    }

    /// The group is full: the plan's revocations on it go first (upstream `security_group_reconciler.go`).
    async fn make_room_for(&self, id: &str, rules: &[GroupRule], error: AwsError) -> End {
        let Some((later, permissions)) = self.later_revocation() else {
            return self.refused(&error);
        };
        let aws = self.context.aws;
        if let Err(error) = aws
            .revoke_ingress(self.cx, id, &self::rules(permissions, ""))
            .await
        {
            return self.refused(&error);
        }
        self.early
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(later.id);
        if let Some(key) = self.key {
            self.context.mirror.wrote(key, later, &self.outputs);
        }
        match aws.authorize_ingress(self.cx, id, rules).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    fn later_revocation(&self) -> Option<(&Step, &[IngressPermission])> {
        let Action::AuthorizeIngress { group: full, .. } = &self.step.action else {
            return None;
        };
        self.plan.steps.iter().find_map(|step| match &step.action {
            Action::RevokeIngress { group, permissions } if group == full => {
                Some((step, permissions.as_slice()))
            }
            _ => None,
        })
    }

    async fn revoke(&self, group: &Ref, permissions: &[IngressPermission]) -> End {
        if self.is_done_early() {
            return End::done();
        }
        let id = match self.resolve(group) {
            Ok(id) => id,
            Err(end) => return end,
        };
        let aws = self.context.aws;
        match aws.revoke_ingress(self.cx, &id, &rules(permissions, "")).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    fn is_done_early(&self) -> bool {
        let early: BTreeSet<_> = self.early.lock().unwrap_or_else(PoisonError::into_inner).clone();
        early.contains(&self.step.id)
    }

    async fn change_tags(&self, group: &Ref, tags: &Tags, add: bool) -> End {
        let id = match self.resolve(group) {
            Ok(id) => id,
            Err(end) => return end,
        };
        let (aws, cx) = (self.context.aws, self.cx);
        let result = if add {
            aws.create_tags(cx, &id, tags).await
        } else {
            aws.delete_tags(cx, &id, tags).await
        };
        match result {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    async fn delete_security_group(&self, id: &str) -> End {
        match self.context.aws.delete_security_group(self.cx, id).await {
            Ok(()) => End::done(),
            Err(error) if error.answered && error.fault == Fault::NotFound => End::done(),
            Err(error) if error.answered && error.fault == Fault::InUse => {
                self.wait(&format!("security group {id} to be free: {error}"), HELD)
            }
            Err(error) => self.refused(&error),
        }
    }
}

fn rules(permissions: &[IngressPermission], description: &str) -> Vec<GroupRule> {
    let permissions = permissions.iter().cloned();
    permissions
        .map(|permission| GroupRule {
            permission,
            description: description.to_owned(),
        })
        .collect()
}
