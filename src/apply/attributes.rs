//! Attributes: of what the plan created they are described once and only differing ones sent, in one call.

use std::collections::BTreeMap;

use elbow_core::model::{Ref, ResourceKind};

use super::step::{End, Running};
use crate::aws::AwsError;

type Attributes = BTreeMap<String, String>;

impl Running<'_> {
    /// Sends attributes of a load balancer, target group or listener.
    pub async fn modify_attributes(&self, kind: ResourceKind, target: &Ref, wanted: &Attributes) -> End {
        let arn = match self.resolve(target) {
            Ok(arn) => arn,
            Err(end) => return end,
        };
        let differing = match target {
            Ref::Pending(_) => match self.differing(kind, &arn, wanted).await {
                Ok(differing) => differing,
                Err(error) => return self.refused(&error),
            },
            _ => wanted.clone(),
        };
        if differing.is_empty() {
            return End::done();
        }
        match self.send_attributes(kind, &arn, &differing).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    /// Wanted attributes whose value AWS reports otherwise or not at all.
    async fn differing(
        &self,
        kind: ResourceKind,
        arn: &str,
        wanted: &Attributes,
    ) -> Result<Attributes, AwsError> {
        let (aws, cx) = (self.context.aws, self.cx);
        let actual = match kind {
            ResourceKind::LoadBalancer => aws.load_balancer_attributes(cx, arn).await?,
            ResourceKind::Listener => aws.listener_attributes(cx, arn).await?,
            _ => aws.target_group_attributes(cx, arn).await?,
        };
        let mut differing = wanted.clone();
        differing.retain(|name, value| actual.get(name) != Some(value));
        if let Some(key) = self.key {
            self.context.mirror.described_attributes(key, arn, actual);
        }
        Ok(differing)
    }

    async fn send_attributes(
        &self,
        kind: ResourceKind,
        arn: &str,
        attributes: &Attributes,
    ) -> Result<(), AwsError> {
        let (aws, cx) = (self.context.aws, self.cx);
        match kind {
            ResourceKind::LoadBalancer => aws.modify_load_balancer_attributes(cx, arn, attributes).await,
            ResourceKind::Listener => aws.modify_listener_attributes(cx, arn, attributes).await,
            _ => aws.modify_target_group_attributes(cx, arn, attributes).await,
        }
    }
}
