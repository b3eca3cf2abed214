//! Security groups and their inbound rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ec2::types::{Filter, ResourceType, TagSpecification};
use elbow_core::model::Tags;
use elbow_core::question::Group;
use elbow_core::targets::{GroupRule, SecurityGroupState};
use futures::FutureExt;

use super::{FILTER_VALUES, convert, filter, tag_filters};
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Fault, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

const DESCRIBE: &str = "DescribeSecurityGroups";

pub(in crate::aws) fn groups_batch() -> Arc<Batch<SecurityGroupState>> {
    Batch::new(Service::Ec2, DESCRIBE, FILTER_VALUES, |aws, asker, ids| {
        async move {
            let found = aws.describe_groups(&asker, vec![filter("group-id", ids)]).await?;
            Ok(found.into_iter().map(|group| (group.id.clone(), group)).collect())
        }
        .boxed()
    })
}

impl Aws {
    /// The groups that exist of the given ids, whatever their VPC, sorted by id.
    pub async fn groups_by_id(&self, cx: &Cx, ids: &[String]) -> Result<Vec<Group>, AwsError> {
        let found = self.group_states(cx, ids).await?;
        Ok(found.iter().map(convert::group).collect())
    }

    /// The groups of the realm's VPC whose `Name` tag is one of the given values, in AWS's order.
    pub async fn groups_by_name(&self, cx: &Cx, names: &[String]) -> Result<Vec<Group>, AwsError> {
        let filters = vec![filter("tag:Name", names), filter("vpc-id", [&self.realm().vpc])];
        let found = self.groups(cx, filters).await?;
        Ok(found.iter().map(convert::group).collect())
    }

    /// The groups of the realm's VPC that carry all given tags, with their rules, in AWS's order.
    pub async fn groups_by_tags(
        &self,
        cx: &Cx,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<SecurityGroupState>, AwsError> {
        let mut filters = tag_filters(tags);
        filters.push(filter("vpc-id", [&self.realm().vpc]));
        self.groups(cx, filters).await
    }

    /// The groups that exist of the given ids with their rules, whatever their VPC, sorted by id.
    pub async fn group_states(&self, cx: &Cx, ids: &[String]) -> Result<Vec<SecurityGroupState>, AwsError> {
        let found = self.0.batches.groups.get(self, cx, ids).await?;
        Ok(found.into_values().collect())
    }

    async fn groups(&self, cx: &Cx, filters: Vec<Filter>) -> Result<Vec<SecurityGroupState>, AwsError> {
        self.merged(
            cx,
            Service::Ec2,
            format!("{DESCRIBE} {filters:?}"),
            |aws, asker| async move { aws.describe_groups(&asker, filters).await },
        )
        .await
    }

    async fn describe_groups(
        &self,
        asker: &Asker,
        filters: Vec<Filter>,
    ) -> Result<Vec<SecurityGroupState>, AwsError> {
        all_pages(Service::Ec2, DESCRIBE, |token| {
            let request = self
                .ec2()
                .describe_security_groups()
                .set_filters(Some(filters.clone()))
                .set_next_token(token);
            async move {
                let output = self
                    .call(asker, Service::Ec2, DESCRIBE, || request.clone().send())
                    .await?;
                Ok((
                    output
                        .security_groups()
                        .iter()
                        .map(convert::group_state)
                        .collect(),
                    output.next_token,
                ))
            }
        })
        .await
    }

    /// Creates a security group. Returns its id. `tags` are all tags.
    pub async fn create_security_group(
        &self,
        cx: &Cx,
        name: &str,
        description: &str,
        vpc: &str,
        tags: &Tags,
    ) -> Result<String, AwsError> {
        const OPERATION: &str = "CreateSecurityGroup";
        let tags = TagSpecification::builder()
            .resource_type(ResourceType::SecurityGroup)
            .set_tags(Some(convert::tags(tags)))
            .build();
        let request = self
            .ec2()
            .create_security_group()
            .group_name(name)
            .description(description)
            .vpc_id(vpc)
            .tag_specifications(tags);
        let output = self
            .call(&cx.into(), Service::Ec2, OPERATION, || request.clone().send())
            .await?;
        output.group_id.ok_or_else(|| AwsError {
            answered: false,
            ..AwsError::unknown_value(Service::Ec2, OPERATION, "the answer has no group id")
        })
    }

    /// Deletes a security group; one that is gone already counts as deleted.
    pub async fn delete_security_group(&self, cx: &Cx, id: &str) -> Result<(), AwsError> {
        let request = self.ec2().delete_security_group().group_id(id);
        let deleted = self
            .call(&cx.into(), Service::Ec2, "DeleteSecurityGroup", || {
                request.clone().send()
            })
            .await;
        match deleted {
            Err(error) if error.fault != Fault::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Adds rules with their descriptions, all in one call. One that is there already fails all.
    pub async fn authorize_ingress(&self, cx: &Cx, group: &str, rules: &[GroupRule]) -> Result<(), AwsError> {
        let permissions = rules.iter().map(convert::permission).collect();
        let request = self
            .ec2()
            .authorize_security_group_ingress()
            .group_id(group)
            .set_ip_permissions(Some(permissions));
        self.call(&cx.into(), Service::Ec2, "AuthorizeSecurityGroupIngress", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// Removes rules, all in one call. AWS finds them whatever their descriptions; they are sent as they stand, as
    /// upstream does (`pkg/networking/security_group_manager.go`).
    pub async fn revoke_ingress(&self, cx: &Cx, group: &str, rules: &[GroupRule]) -> Result<(), AwsError> {
        let permissions = rules.iter().map(convert::permission).collect();
        let request = self
            .ec2()
            .revoke_security_group_ingress()
            .group_id(group)
            .set_ip_permissions(Some(permissions));
        self.call(&cx.into(), Service::Ec2, "RevokeSecurityGroupIngress", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }
}
