//! Tags of load balancers, target groups and listeners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use elbow_core::model::Tags;
use futures::FutureExt;

use super::{convert, request};
use crate::aws::batch::Batch;
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

const DESCRIBE: &str = "DescribeTags";

/// DescribeTags takes 20 ARNs (ELBv2 API reference).
const ARNS: usize = 20;

/// All tags of a resource.
pub(in crate::aws) type ResourceTags = BTreeMap<String, String>;

pub(in crate::aws) fn tags_batch() -> Arc<Batch<ResourceTags>> {
    Batch::new(Service::Elb, DESCRIBE, ARNS, |aws, asker, arns| {
        async move {
            let request = aws.elb().describe_tags().set_resource_arns(Some(arns));
            let output = aws
                .call(&asker, Service::Elb, DESCRIBE, || request.clone().send())
                .await?;
            let described = output.tag_descriptions().iter().map(|description| {
                let arn = description.resource_arn().unwrap_or_default().to_owned();
                (arn, convert::read_tags(description.tags()))
            });
            Ok(described.collect())
        }
        .boxed()
    })
}

impl Aws {
    /// All tags of the resources that exist, by ARN.
    pub async fn tags(&self, cx: &Cx, arns: &[String]) -> Result<BTreeMap<String, ResourceTags>, AwsError> {
        self.0.batches.tags.get(self, cx, arns).await
    }

    /// Adds or overwrites tags.
    pub async fn add_tags(&self, cx: &Cx, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        let request = self
            .elb()
            .add_tags()
            .resource_arns(arn)
            .set_tags(request::tags(tags));
        self.call(&cx.into(), Service::Elb, "AddTags", || request.clone().send())
            .await?;
        Ok(())
    }

    /// Removes tags by key.
    pub async fn remove_tags(&self, cx: &Cx, arn: &str, keys: &BTreeSet<String>) -> Result<(), AwsError> {
        let keys = keys.iter().cloned().collect();
        let request = self
            .elb()
            .remove_tags()
            .resource_arns(arn)
            .set_tag_keys(Some(keys));
        self.call(&cx.into(), Service::Elb, "RemoveTags", || request.clone().send())
            .await?;
        Ok(())
    }
}
