//! Tags of EC2 resources.

use elbow_core::model::Tags;

use super::convert;
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

impl Aws {
    /// Adds or overwrites tags of an EC2 resource.
    pub async fn create_tags(&self, cx: &Cx, resource: &str, tags: &Tags) -> Result<(), AwsError> {
        let request = self
            .ec2()
            .create_tags()
            .resources(resource)
            .set_tags(Some(convert::tags(tags)));
        self.call(&cx.into(), Service::Ec2, "CreateTags", || request.clone().send())
            .await?;
        Ok(())
    }

    /// Deletes tags of an EC2 resource where they still have the given values.
    pub async fn delete_tags(&self, cx: &Cx, resource: &str, tags: &Tags) -> Result<(), AwsError> {
        let request = self
            .ec2()
            .delete_tags()
            .resources(resource)
            .set_tags(Some(convert::tags(tags)));
        self.call(&cx.into(), Service::Ec2, "DeleteTags", || request.clone().send())
            .await?;
        Ok(())
    }
}
