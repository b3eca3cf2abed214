//! Target groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{HealthCheck, IpFamily, Tags, TargetGroup};
use futures::FutureExt;

use super::ListedTargetGroup;
use super::convert::{self, Strange};
use super::load_balancer::gone;
use super::request;
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Fault, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

const DESCRIBE: &str = "DescribeTargetGroups";

/// As for load balancers; for target groups AWS names no limit.
const ARNS: usize = 20;

pub(in crate::aws) fn target_groups_batch() -> Arc<Batch<ListedTargetGroup>> {
    Batch::new(Service::Elb, DESCRIBE, ARNS, |aws, asker, arns| {
        async move {
            let read = aws.describe_target_groups(&asker, Some(arns), None).await?;
            let mut found = BTreeMap::new();
            for item in read {
                match item {
                    Ok(listed) => {
                        found.insert(listed.arn().to_owned(), listed);
                    }
                    Err(strange) => return Err(strange.error(DESCRIBE)),
                }
            }
            Ok(found)
        }
        .boxed()
    })
}

impl Aws {
    /// All target groups of the account and region, in AWS's order; left out are kinds this controller never
    /// makes.
    pub async fn list_target_groups(&self, cx: &Cx) -> Result<Vec<ListedTargetGroup>, AwsError> {
        self.merged(cx, Service::Elb, DESCRIBE.to_owned(), |aws, asker| async move {
            let read = aws.describe_target_groups(&asker, None, None).await?;
            Ok(convert::keep_readable(DESCRIBE, read))
        })
        .await
    }

    /// The target groups that exist of the given ARNs, sorted by ARN.
    pub async fn target_groups_by_arn(
        &self,
        cx: &Cx,
        arns: &[String],
    ) -> Result<Vec<ListedTargetGroup>, AwsError> {
        let found = self.0.batches.target_groups.get(self, cx, arns).await?;
        Ok(found.into_values().collect())
    }

    /// The target group with a name.
    pub async fn target_group_by_name(
        &self,
        cx: &Cx,
        name: &str,
    ) -> Result<Option<ListedTargetGroup>, AwsError> {
        let names = vec![name.to_owned()];
        self.merged(
            cx,
            Service::Elb,
            format!("{DESCRIBE} name {name}"),
            |aws, asker| async move {
                match aws.describe_target_groups(&asker, None, Some(names)).await {
                    Ok(read) => read
                        .into_iter()
                        .next()
                        .transpose()
                        .map_err(|strange| strange.error(DESCRIBE)),
                    Err(error) if error.fault == Fault::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            },
        )
        .await
    }

    async fn describe_target_groups(
        &self,
        asker: &Asker,
        arns: Option<Vec<String>>,
        names: Option<Vec<String>>,
    ) -> Result<Vec<Result<ListedTargetGroup, Strange>>, AwsError> {
        all_pages(Service::Elb, DESCRIBE, |marker| {
            let request = self
                .elb()
                .describe_target_groups()
                .set_target_group_arns(arns.clone())
                .set_names(names.clone())
                .set_marker(marker);
            async move {
                let output = self
                    .call(asker, Service::Elb, DESCRIBE, || request.clone().send())
                    .await?;
                let items = output.target_groups().iter().map(convert::target_group).collect();
                Ok((items, output.next_marker))
            }
        })
        .await
    }

    /// Creates a target group in the realm's VPC; one with the same name and settings that is there already is
    /// the answer, too. Returns the ARN. `tags` are all tags.
    pub async fn create_target_group(
        &self,
        cx: &Cx,
        wanted: &TargetGroup,
        tags: &Tags,
    ) -> Result<String, AwsError> {
        const OPERATION: &str = "CreateTargetGroup";
        let check = &wanted.health_check;
        let request = self
            .elb()
            .create_target_group()
            .name(&wanted.name)
            .target_type(sdk::TargetTypeEnum::from(wanted.target_type.as_str()))
            .port(wanted.port)
            .protocol(request::protocol(wanted.protocol))
            .set_protocol_version(wanted.protocol_version.get().cloned())
            .set_target_control_port(wanted.control_port.get().copied())
            .vpc_id(&self.realm().vpc)
            .set_ip_address_type(match wanted.family {
                IpFamily::Ipv4 => None,
                IpFamily::Ipv6 => Some(sdk::TargetGroupIpAddressTypeEnum::Ipv6),
            })
            .health_check_enabled(true)
            .health_check_protocol(request::protocol(check.protocol))
            .health_check_port(check.port.wire())
            .set_health_check_path(check.path.get().cloned())
            .set_matcher(check.matcher.get().map(request::matcher))
            .health_check_interval_seconds(check.interval_seconds)
            .set_health_check_timeout_seconds(check.timeout_seconds.get().copied())
            .healthy_threshold_count(check.healthy_threshold)
            .unhealthy_threshold_count(check.unhealthy_threshold)
            .set_tags(request::tags(tags));
        let output = self
            .call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        let arn = output
            .target_groups()
            .first()
            .and_then(|group| group.target_group_arn());
        arn.map(str::to_owned).ok_or_else(|| AwsError {
            answered: false,
            ..AwsError::unknown_value(Service::Elb, OPERATION, "the answer has no ARN")
        })
    }

    /// Replaces the health check.
    pub async fn modify_target_group(&self, cx: &Cx, arn: &str, check: &HealthCheck) -> Result<(), AwsError> {
        let request = self
            .elb()
            .modify_target_group()
            .target_group_arn(arn)
            .health_check_enabled(true)
            .health_check_protocol(request::protocol(check.protocol))
            .health_check_port(check.port.wire())
            .set_health_check_path(check.path.get().cloned())
            .set_matcher(check.matcher.get().map(request::matcher))
            .health_check_interval_seconds(check.interval_seconds)
            .set_health_check_timeout_seconds(check.timeout_seconds.get().copied())
            .healthy_threshold_count(check.healthy_threshold)
            .unhealthy_threshold_count(check.unhealthy_threshold);
        self.call(&cx.into(), Service::Elb, "ModifyTargetGroup", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// Deletes a target group; one that is gone already counts as deleted.
    pub async fn delete_target_group(&self, cx: &Cx, arn: &str) -> Result<(), AwsError> {
        let request = self.elb().delete_target_group().target_group_arn(arn);
        let deleted = self
            .call(&cx.into(), Service::Elb, "DeleteTargetGroup", || {
                request.clone().send()
            })
            .await;
        gone(deleted.map(drop))
    }
}
