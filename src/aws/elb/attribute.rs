//! Attributes of load balancers, target groups and listeners.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types as sdk;

use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

/// Attributes by key.
type Attributes = BTreeMap<String, String>;

/// The two calls for a kind of resource: the SDK has types of their own for each kind, with the same fields.
macro_rules! attributes {
    (
        $kind:literal, $arn:ident, $attribute:ty,
        $read:ident = $describe:ident $describe_name:literal,
        $modify:ident $modify_name:literal
    ) => {
        impl Aws {
            #[doc = concat!("All attributes of a ", $kind, ".")]
            pub async fn $read(&self, cx: &Cx, arn: &str) -> Result<Attributes, AwsError> {
                const OPERATION: &str = $describe_name;
                let arn = arn.to_owned();
                let name = format!("{OPERATION} {arn}");
                self.merged(cx, Service::Elb, name, |aws, asker| async move {
                    let request = aws.elb().$describe().$arn(arn);
                    let output = aws
                        .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                        .await?;
                    let attributes = output.attributes().iter().map(|attribute| {
                        let key = attribute.key().unwrap_or_default().to_owned();
                        (key, attribute.value().unwrap_or_default().to_owned())
                    });
                    Ok(attributes.collect())
                })
                .await
            }

            #[doc = concat!("Sets the given attributes of a ", $kind, ", in one call.")]
            pub async fn $modify(&self, cx: &Cx, arn: &str, attributes: &Attributes) -> Result<(), AwsError> {
                let attributes = attributes
                    .iter()
                    .map(|(key, value)| <$attribute>::builder().key(key).value(value).build());
                let request = self
                    .elb()
                    .$modify()
                    .$arn(arn)
                    .set_attributes(Some(attributes.collect()));
                self.call(&cx.into(), Service::Elb, $modify_name, || {
                    request.clone().send()
                })
                .await?;
                Ok(())
            }
        }
    };
}

attributes!(
    "load balancer", load_balancer_arn, sdk::LoadBalancerAttribute,
    load_balancer_attributes = describe_load_balancer_attributes "DescribeLoadBalancerAttributes",
    modify_load_balancer_attributes "ModifyLoadBalancerAttributes"
);
attributes!(
    "target group", target_group_arn, sdk::TargetGroupAttribute,
    target_group_attributes = describe_target_group_attributes "DescribeTargetGroupAttributes",
    modify_target_group_attributes "ModifyTargetGroupAttributes"
);
attributes!(
    "listener", listener_arn, sdk::ListenerAttribute,
    listener_attributes = describe_listener_attributes "DescribeListenerAttributes",
    modify_listener_attributes "ModifyListenerAttributes"
);
