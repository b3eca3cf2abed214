//! Targets of target groups.

use elbow_core::targets::{Target, TargetHealth};

use super::{convert, request};
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

/// Targets per registration: AWS documents no limit, the ELB team advised 200 (upstream PR 1342).
const TARGETS: usize = 200;

impl Aws {
    /// Health of all targets of a group, or of the given ones; an unregistered one is `unused` with reason
    /// `Target.NotRegistered`.
    pub async fn target_health(
        &self,
        cx: &Cx,
        target_group: &str,
        targets: Option<&[Target]>,
    ) -> Result<Vec<TargetHealth>, AwsError> {
        const OPERATION: &str = "DescribeTargetHealth";
        let targets = targets.map(|targets| targets.iter().map(request::target).collect::<Vec<_>>());
        let name = format!("{OPERATION} {target_group} {targets:?}");
        let arn = target_group.to_owned();
        self.merged(cx, Service::Elb, name, |aws, asker| async move {
            let request = aws
                .elb()
                .describe_target_health()
                .target_group_arn(arn)
                .set_targets(targets);
            let output = aws
                .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                .await?;
            Ok(output
                .target_health_descriptions()
                .iter()
                .map(convert::target_health)
                .collect())
        })
        .await
    }

    /// Registers targets, 200 per call; stops at the first call that fails.
    pub async fn register_targets(
        &self,
        cx: &Cx,
        target_group: &str,
        targets: &[Target],
    ) -> Result<(), AwsError> {
        for chunk in targets.chunks(TARGETS) {
            let targets = chunk.iter().map(request::target).collect();
            let request = self
                .elb()
                .register_targets()
                .target_group_arn(target_group)
                .set_targets(Some(targets));
            self.call(&cx.into(), Service::Elb, "RegisterTargets", || {
                request.clone().send()
            })
            .await?;
        }
        Ok(())
    }

    /// Deregisters targets, 200 per call; stops at the first call that fails. An unregistered one is no error.
    pub async fn deregister_targets(
        &self,
        cx: &Cx,
        target_group: &str,
        targets: &[Target],
    ) -> Result<(), AwsError> {
        for chunk in targets.chunks(TARGETS) {
            let targets = chunk.iter().map(request::target).collect();
            let request = self
                .elb()
                .deregister_targets()
                .target_group_arn(target_group)
                .set_targets(Some(targets));
            self.call(&cx.into(), Service::Elb, "DeregisterTargets", || {
                request.clone().send()
            })
            .await?;
        }
        Ok(())
    }
}
