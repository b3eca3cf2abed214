//! Steps on target groups.

use elbow_core::model::{ResourceAddress, ResourceKind, Tags, TargetGroup};
use elbow_core::plan::{Action, Output};
use jiff::SignedDuration;

use super::step::{End, Running};
use crate::aws::Fault;

/// How long a listener may hold on to a target group that is to be deleted.
const HELD: SignedDuration = SignedDuration::from_mins(10);

impl Running<'_> {
    pub async fn run_target_group(&self) -> End {
        let (aws, cx) = (self.context.aws, self.cx);
        let result = match &self.step.action {
            Action::CreateTargetGroup { address, group, tags } => {
                return self.create_target_group(address, group, tags).await;
            }
            Action::ModifyTargetGroupAttributes { group, attributes } => {
                return self
                    .modify_attributes(ResourceKind::TargetGroup, group, attributes)
                    .await;
            }
            Action::DeleteTargetGroup { arn } => return self.delete_target_group(arn).await,
            Action::ModifyTargetGroup { arn, health_check } => {
                aws.modify_target_group(cx, arn, health_check).await
            }
            _ => Ok(()),
        };
        match result {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    async fn create_target_group(&self, address: &ResourceAddress, wanted: &TargetGroup, tags: &Tags) -> End {
        match self.context.aws.create_target_group(self.cx, wanted, tags).await {
            Ok(arn) => self.created(address, &wanted.name, Output::id(arn)).await,
            Err(error) if error.fault == Fault::Duplicate => {
                self.name_in_use(address, &wanted.name, &error).await
            }
            Err(error) => self.refused(&error),
        }
    }

    async fn delete_target_group(&self, arn: &str) -> End {
        match self.context.aws.delete_target_group(self.cx, arn).await {
            Ok(()) => End::done(),
            Err(error) if error.answered && error.fault == Fault::NotFound => End::done(),
            Err(error) if error.answered && error.fault == Fault::InUse => {
                // What uses it may be something we do not know: the next plan looks.
                self.suspect();
                self.wait(&format!("target group {arn} to be free: {error}"), HELD)
            }
            Err(error) => self.refused(&error),
        }
    }
}
