//! Attributes of load balancers, target groups and listeners.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

/// Attributes by key.
type Attributes = BTreeMap<String, String>;

/// The three SDK attribute types have the same two fields.
macro_rules! read {
    ($attributes:expr) => {
        $attributes
            .iter()
            .map(|attribute| {
                let key = attribute.key().unwrap_or_default().to_owned();
                (key, attribute.value().unwrap_or_default().to_owned())
            })
            .collect()
    };
}

macro_rules! write {
    ($kind:ty, $attributes:expr) => {
        Some(
            $attributes
                .iter()
                .map(|(key, value)| <$kind>::builder().key(key).value(value).build())
                .collect(),
        )
    };
}

impl Aws {
    /// All attributes of a load balancer.
    pub async fn load_balancer_attributes(&self, cx: &Cx, arn: &str) -> Result<Attributes, AwsError> {
        const OPERATION: &str = "DescribeLoadBalancerAttributes";
        let arn = arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let request = aws
                    .elb()
                    .describe_load_balancer_attributes()
                    .load_balancer_arn(arn);
                let output = aws
                    .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                    .await?;
                Ok(read!(output.attributes()))
            },
        )
        .await
    }

    /// Sets the given attributes of a load balancer, in one call.
    pub async fn modify_load_balancer_attributes(
        &self,
        cx: &Cx,
        arn: &str,
        attributes: &Attributes,
    ) -> Result<(), AwsError> {
        let request = self
            .elb()
            .modify_load_balancer_attributes()
            .load_balancer_arn(arn)
            .set_attributes(write!(sdk::LoadBalancerAttribute, attributes));
        self.call(&cx.into(), Service::Elb, "ModifyLoadBalancerAttributes", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// All attributes of a target group.
    pub async fn target_group_attributes(&self, cx: &Cx, arn: &str) -> Result<Attributes, AwsError> {
        const OPERATION: &str = "DescribeTargetGroupAttributes";
        let arn = arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let request = aws.elb().describe_target_group_attributes().target_group_arn(arn);
                let output = aws
                    .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                    .await?;
                Ok(read!(output.attributes()))
            },
        )
        .await
    }

    /// Sets the given attributes of a target group, in one call.
    pub async fn modify_target_group_attributes(
        &self,
        cx: &Cx,
        arn: &str,
        attributes: &Attributes,
    ) -> Result<(), AwsError> {
        let request = self
            .elb()
            .modify_target_group_attributes()
            .target_group_arn(arn)
            .set_attributes(write!(sdk::TargetGroupAttribute, attributes));
        self.call(&cx.into(), Service::Elb, "ModifyTargetGroupAttributes", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// All attributes of a listener.
    pub async fn listener_attributes(&self, cx: &Cx, arn: &str) -> Result<Attributes, AwsError> {
        const OPERATION: &str = "DescribeListenerAttributes";
        let arn = arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let request = aws.elb().describe_listener_attributes().listener_arn(arn);
                let output = aws
                    .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                    .await?;
                Ok(read!(output.attributes()))
            },
        )
        .await
    }

    /// Sets the given attributes of a listener, in one call.
    pub async fn modify_listener_attributes(
        &self,
        cx: &Cx,
        arn: &str,
        attributes: &Attributes,
    ) -> Result<(), AwsError> {
        let request = self
            .elb()
            .modify_listener_attributes()
            .listener_arn(arn)
            .set_attributes(write!(sdk::ListenerAttribute, attributes));
        self.call(&cx.into(), Service::Elb, "ModifyListenerAttributes", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }
}
