//! VPCs, zones, subnets, route tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;
use elbow_core::question::{RouteTable, Subnet, Vpc};
use futures::FutureExt;

use super::{FILTER_VALUES, convert, filter, tag_filters};
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

const SUBNETS: &str = "DescribeSubnets";

pub(in crate::aws) fn subnets_batch() -> Arc<Batch<Subnet>> {
    Batch::new(Service::Ec2, SUBNETS, FILTER_VALUES, |aws, asker, ids| {
        async move {
            let found = aws.describe_subnets(&asker, filter("subnet-id", ids)).await?;
            Ok(found
                .into_iter()
                .map(|subnet| (subnet.id.clone(), subnet))
                .collect())
        }
        .boxed()
    })
}

impl Aws {
    /// All subnets of the realm's VPC, sorted by id.
    pub async fn vpc_subnets(&self, cx: &Cx) -> Result<Vec<Subnet>, AwsError> {
        self.merged(cx, Service::Ec2, SUBNETS.to_owned(), |aws, asker| async move {
            let mut found = aws
                .describe_subnets(&asker, filter("vpc-id", [&aws.realm().vpc]))
                .await?;
            found.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(found)
        })
        .await
    }

    /// The subnets that exist of the given ids, whatever their VPC, sorted by id.
    pub async fn subnets_by_id(&self, cx: &Cx, ids: &[String]) -> Result<Vec<Subnet>, AwsError> {
        let found = self.0.batches.subnets.get(self, cx, ids).await?;
        Ok(found.into_values().collect())
    }

    async fn describe_subnets(&self, asker: &Asker, filter: Filter) -> Result<Vec<Subnet>, AwsError> {
        all_pages(Service::Ec2, SUBNETS, |token| {
            let request = self
                .ec2()
                .describe_subnets()
                .filters(filter.clone())
                .set_next_token(token);
            async move {
                let output = self
                    .call(asker, Service::Ec2, SUBNETS, || request.clone().send())
                    .await?;
                Ok((
                    output.subnets().iter().map(convert::subnet).collect(),
                    output.next_token,
                ))
            }
        })
        .await
    }

    /// All route tables of the realm's VPC, sorted by id.
    pub async fn route_tables(&self, cx: &Cx) -> Result<Vec<RouteTable>, AwsError> {
        const OPERATION: &str = "DescribeRouteTables";
        self.merged(cx, Service::Ec2, OPERATION.to_owned(), |aws, asker| async move {
            let (aws, asker) = (&aws, &asker);
            let mut found = all_pages(Service::Ec2, OPERATION, |token| async move {
                let vpc = filter("vpc-id", [&aws.realm().vpc]);
                let request = aws
                    .ec2()
                    .describe_route_tables()
                    .filters(vpc)
                    .set_next_token(token);
                let output = aws
                    .call(asker, Service::Ec2, OPERATION, || request.clone().send())
                    .await?;
                Ok((
                    output.route_tables().iter().map(convert::route_table).collect(),
                    output.next_token,
                ))
            })
            .await?;
            found.sort_by(|a, b| a.id.cmp(&b.id));
            Ok(found)
        })
        .await
    }

    /// Zone types by zone id, of the zones that exist.
    pub async fn zones(&self, cx: &Cx, ids: &BTreeSet<String>) -> Result<BTreeMap<String, String>, AwsError> {
        const OPERATION: &str = "DescribeAvailabilityZones";
        let ids = ids.clone();
        self.merged(
            cx,
            Service::Ec2,
            format!("{OPERATION} {ids:?}"),
            |aws, asker| async move {
                let request = aws
                    .ec2()
                    .describe_availability_zones()
                    .filters(filter("zone-id", ids));
                let output = aws
                    .call(&asker, Service::Ec2, OPERATION, || request.clone().send())
                    .await?;
                let zone = |zone: &aws_sdk_ec2::types::AvailabilityZone| {
                    Some((zone.zone_id()?.to_owned(), zone.zone_type()?.to_owned()))
                };
                Ok(output.availability_zones().iter().filter_map(zone).collect())
            },
        )
        .await
    }

    /// The realm's VPC; `None` if there is none of that id.
    pub async fn vpc(&self, cx: &Cx) -> Result<Option<Vpc>, AwsError> {
        self.vpc_by_id(cx, &self.realm().vpc).await
    }

    /// A VPC; `None` if there is none of that id.
    pub async fn vpc_by_id(&self, cx: &Cx, id: &str) -> Result<Option<Vpc>, AwsError> {
        let filters = vec![filter("vpc-id", [id])];
        Ok(self.describe_vpcs(cx, filters).await?.into_iter().next())
    }

    /// The VPCs that carry all given tags.
    pub async fn vpcs_by_tags(&self, cx: &Cx, tags: &BTreeMap<String, String>) -> Result<Vec<Vpc>, AwsError> {
        self.describe_vpcs(cx, tag_filters(tags)).await
    }

    async fn describe_vpcs(&self, cx: &Cx, filters: Vec<Filter>) -> Result<Vec<Vpc>, AwsError> {
        const OPERATION: &str = "DescribeVpcs";
        self.merged(
            cx,
            Service::Ec2,
            format!("{OPERATION} {filters:?}"),
            |aws, asker| async move {
                let (aws, asker, filters) = (&aws, &asker, &filters);
                all_pages(Service::Ec2, OPERATION, |token| async move {
                    let request = aws
                        .ec2()
                        .describe_vpcs()
                        .set_filters(Some(filters.clone()))
                        .set_next_token(token);
                    let output = aws
                        .call(asker, Service::Ec2, OPERATION, || request.clone().send())
                        .await?;
                    Ok((
                        output.vpcs().iter().map(convert::vpc).collect(),
                        output.next_token,
                    ))
                })
                .await
            },
        )
        .await
    }
}
