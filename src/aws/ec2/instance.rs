//! Instances with their interfaces.

use std::sync::Arc;

use aws_sdk_ec2::types::Reservation;
use elbow_core::targets::Instance;
use futures::FutureExt;

use super::{convert, filter};
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

const DESCRIBE: &str = "DescribeInstances";

/// An instance takes about 8 KB of an answer, so this is a page of a megabyte.
const INSTANCES: usize = 100;

pub(in crate::aws) fn instances_batch() -> Arc<Batch<Instance>> {
    Batch::new(Service::Ec2, DESCRIBE, INSTANCES, |aws, asker, ids| {
        async move {
            let (aws, asker, ids) = (&aws, &asker, &ids);
            let found: Vec<Instance> = all_pages(Service::Ec2, DESCRIBE, |token| async move {
                let request = aws
                    .ec2()
                    .describe_instances()
                    .filters(filter("instance-id", ids))
                    .set_next_token(token);
                let output = aws
                    .call(asker, Service::Ec2, DESCRIBE, || request.clone().send())
                    .await?;
                let instances = output.reservations().iter().flat_map(Reservation::instances);
                Ok((instances.map(convert::instance).collect(), output.next_token))
            })
            .await?;
            Ok(found
                .into_iter()
                .map(|instance| (instance.id.clone(), instance))
                .collect())
        }
        .boxed()
    })
}

impl Aws {
    /// The instances that exist of the given ids, sorted by id. Ids of many callers travel in one call.
    pub async fn instances(&self, cx: &Cx, ids: &[String]) -> Result<Vec<Instance>, AwsError> {
        let found = self.0.batches.instances.get(self, cx, ids).await?;
        Ok(found.into_values().collect())
    }
}
