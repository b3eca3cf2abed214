//! Target groups.

use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{HealthCheck, IpFamily, Tags, TargetGroup};

use super::ListedTargetGroup;
use super::convert;
use super::described::{self, Described, Page, Selection};
use super::load_balancer::gone;
use super::request;
use crate::aws::batch::Batch;
use crate::aws::error::{AwsError, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

pub(in crate::aws) fn target_groups_batch() -> Arc<Batch<ListedTargetGroup>> {
    described::batch()
}

impl Described for ListedTargetGroup {
    const OPERATION: &'static str = "DescribeTargetGroups";

    fn own_arn(&self) -> &str {
        self.arn()
    }

    fn batch(aws: &Aws) -> &Arc<Batch<Self>> {
        &aws.0.batches.target_groups
    }

    async fn page(
        aws: &Aws,
        asker: &Asker,
        selection: &Selection,
        marker: Option<String>,
    ) -> Result<Page<Self>, AwsError> {
        let request = aws
            .elb()
            .describe_target_groups()
            .set_target_group_arns(selection.arns.clone())
            .set_names(selection.names.clone())
            .set_marker(marker);
        let output = aws
            .call(asker, Service::Elb, Self::OPERATION, || request.clone().send())
            .await?;
        let items = output.target_groups().iter().map(convert::target_group).collect();
        Ok((items, output.next_marker))
    }
}

impl Aws {
    /// All target groups of the account and region, in AWS's order. Left out are kinds this controller never
    /// makes; so absence from the list proves nothing.
    pub async fn list_target_groups(&self, cx: &Cx) -> Result<Vec<ListedTargetGroup>, AwsError> {
        self.list(cx).await
    }

    /// The target groups that exist of the given ARNs, sorted by ARN.
    pub async fn target_groups_by_arn(
        &self,
        cx: &Cx,
        arns: &[String],
    ) -> Result<Vec<ListedTargetGroup>, AwsError> {
        self.by_arn(cx, arns).await
    }

    /// The target group with a name.
    pub async fn target_group_by_name(
        &self,
        cx: &Cx,
        name: &str,
    ) -> Result<Option<ListedTargetGroup>, AwsError> {
        self.by_name(cx, name).await
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
