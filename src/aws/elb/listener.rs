//! Listeners and their certificates.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{Listener, Tags};

use super::load_balancer::gone;
use super::{convert, request};
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Service};
use crate::aws::{Aws, Cx};

impl Aws {
    /// The listeners of a load balancer, in AWS's order; without extra certificates, attributes and tags.
    pub async fn listeners(&self, cx: &Cx, load_balancer_arn: &str) -> Result<Vec<Listener>, AwsError> {
        const OPERATION: &str = "DescribeListeners";
        let arn = load_balancer_arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let (aws, asker, arn) = (&aws, &asker, &arn);
                all_pages(Service::Elb, OPERATION, |marker| async move {
                    let request = aws
                        .elb()
                        .describe_listeners()
                        .load_balancer_arn(arn)
                        .set_marker(marker);
                    let output = aws
                        .call(asker, Service::Elb, OPERATION, || request.clone().send())
                        .await?;
                    let items: Result<Vec<_>, _> = output.listeners().iter().map(convert::listener).collect();
                    Ok((
                        items.map_err(|strange| strange.error(OPERATION))?,
                        output.next_marker,
                    ))
                })
                .await
            },
        )
        .await
    }

    /// The certificates of a listener besides the default one.
    pub async fn listener_certificates(
        &self,
        cx: &Cx,
        listener_arn: &str,
    ) -> Result<BTreeSet<String>, AwsError> {
        const OPERATION: &str = "DescribeListenerCertificates";
        let arn = listener_arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let (aws, asker, arn) = (&aws, &asker, &arn);
                let extra = all_pages(Service::Elb, OPERATION, |marker| async move {
                    let request = aws
                        .elb()
                        .describe_listener_certificates()
                        .listener_arn(arn)
                        .set_marker(marker);
                    let output = aws
                        .call(asker, Service::Elb, OPERATION, || request.clone().send())
                        .await?;
                    let extra = output
                        .certificates()
                        .iter()
                        .filter(|one| !one.is_default().unwrap_or_default());
                    let arns = extra
                        .filter_map(|one| one.certificate_arn().map(str::to_owned))
                        .collect();
                    Ok((arns, output.next_marker))
                })
                .await?;
                Ok(extra.into_iter().collect())
            },
        )
        .await
    }

    /// Creates a listener whose references are all resolved. Returns the ARN. `tags` are all tags.
    pub async fn create_listener(&self, cx: &Cx, wanted: &Listener, tags: &Tags) -> Result<String, AwsError> {
        const OPERATION: &str = "CreateListener";
        let weighted = self.0.config.weighted_target_groups;
        let request = self
            .elb()
            .create_listener()
            .load_balancer_arn(request::known(OPERATION, &wanted.load_balancer)?)
            .port(wanted.port)
            .protocol(request::protocol(wanted.protocol))
            .set_default_actions(Some(request::actions(
                OPERATION,
                &wanted.default_actions,
                weighted,
            )?))
            .set_certificates(request::certificates(&wanted.certificates))
            .set_ssl_policy(wanted.ssl_policy.get().cloned())
            .set_alpn_policy(wanted.alpn_policy.get().map(|policy| vec![policy.clone()]))
            .set_tags(request::tags(tags));
        let output = self
            .call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        let arn = output
            .listeners()
            .first()
            .and_then(|listener| listener.listener_arn());
        arn.map(str::to_owned).ok_or_else(|| AwsError {
            answered: false,
            ..AwsError::unknown_value(Service::Elb, OPERATION, "the answer has no ARN")
        })
    }

    /// Replaces port, protocol, actions and default certificate of a listener; policies where set.
    pub async fn modify_listener(&self, cx: &Cx, arn: &str, wanted: &Listener) -> Result<(), AwsError> {
        const OPERATION: &str = "ModifyListener";
        let weighted = self.0.config.weighted_target_groups;
        let request = self
            .elb()
            .modify_listener()
            .listener_arn(arn)
            .port(wanted.port)
            .protocol(request::protocol(wanted.protocol))
            .set_default_actions(Some(request::actions(
                OPERATION,
                &wanted.default_actions,
                weighted,
            )?))
            .set_certificates(request::certificates(&wanted.certificates))
            .set_ssl_policy(wanted.ssl_policy.get().cloned())
            .set_alpn_policy(wanted.alpn_policy.get().map(|policy| vec![policy.clone()]));
        self.call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        Ok(())
    }

    /// Deletes a listener; one that is gone already counts as deleted.
    pub async fn delete_listener(&self, cx: &Cx, arn: &str) -> Result<(), AwsError> {
        let request = self.elb().delete_listener().listener_arn(arn);
        let deleted = self
            .call(&cx.into(), Service::Elb, "DeleteListener", || {
                request.clone().send()
            })
            .await;
        gone(deleted.map(drop))
    }

    /// Attaches a certificate besides the default one.
    pub async fn add_listener_certificate(
        &self,
        cx: &Cx,
        listener: &str,
        certificate: &str,
    ) -> Result<(), AwsError> {
        let certificate = sdk::Certificate::builder().certificate_arn(certificate).build();
        let request = self
            .elb()
            .add_listener_certificates()
            .listener_arn(listener)
            .certificates(certificate);
        self.call(&cx.into(), Service::Elb, "AddListenerCertificates", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// Detaches a certificate that is not the default one.
    pub async fn remove_listener_certificate(
        &self,
        cx: &Cx,
        listener: &str,
        certificate: &str,
    ) -> Result<(), AwsError> {
        let certificate = sdk::Certificate::builder().certificate_arn(certificate).build();
        let request = self
            .elb()
            .remove_listener_certificates()
            .listener_arn(listener)
            .certificates(certificate);
        self.call(&cx.into(), Service::Elb, "RemoveListenerCertificates", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }
}
