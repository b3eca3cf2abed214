//! Load balancers.

use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{IpAddressType, LoadBalancer, LoadBalancerType, OnOff, SubnetMapping, Tags};

use super::convert;
use super::described::{self, Described, Page, Selection};
use super::request;
use super::{CreatedLoadBalancer, ListedLoadBalancer};
use crate::aws::batch::Batch;
use crate::aws::error::{AwsError, Fault, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

pub(in crate::aws) fn load_balancers_batch() -> Arc<Batch<ListedLoadBalancer>> {
    described::batch()
}

impl Described for ListedLoadBalancer {
    const OPERATION: &'static str = "DescribeLoadBalancers";

    fn own_arn(&self) -> &str {
        self.arn()
    }

    fn batch(aws: &Aws) -> &Arc<Batch<Self>> {
        &aws.0.batches.load_balancers
    }

    async fn page(
        aws: &Aws,
        asker: &Asker,
        selection: &Selection,
        marker: Option<String>,
    ) -> Result<Page<Self>, AwsError> {
        let request = aws
            .elb()
            .describe_load_balancers()
            .set_load_balancer_arns(selection.arns.clone())
            .set_names(selection.names.clone())
            .set_marker(marker);
        let output = aws
            .call(asker, Service::Elb, Self::OPERATION, || request.clone().send())
            .await?;
        let items = output
            .load_balancers()
            .iter()
            .map(convert::load_balancer)
            .collect();
        Ok((items, output.next_marker))
    }
}

impl Aws {
    /// All load balancers of the account and region, in AWS's order. Left out are kinds this controller never
    /// makes; so absence from the list proves nothing.
    pub async fn list_load_balancers(&self, cx: &Cx) -> Result<Vec<ListedLoadBalancer>, AwsError> {
        self.list(cx).await
    }

    /// The load balancers that exist of the given ARNs, sorted by ARN.
    pub async fn load_balancers_by_arn(
        &self,
        cx: &Cx,
        arns: &[String],
    ) -> Result<Vec<ListedLoadBalancer>, AwsError> {
        self.by_arn(cx, arns).await
    }

    /// The load balancer with a name.
    pub async fn load_balancer_by_name(
        &self,
        cx: &Cx,
        name: &str,
    ) -> Result<Option<ListedLoadBalancer>, AwsError> {
        self.by_name(cx, name).await
    }

    /// Creates a load balancer; one with the same name and settings that is there already is the answer, too.
    /// `security_groups` are the resolved ones of `wanted`; `tags` are all tags.
    pub async fn create_load_balancer(
        &self,
        cx: &Cx,
        wanted: &LoadBalancer,
        security_groups: &[String],
        tags: &Tags,
    ) -> Result<CreatedLoadBalancer, AwsError> {
        const OPERATION: &str = "CreateLoadBalancer";
        let request = self
            .elb()
            .create_load_balancer()
            .name(&wanted.name)
            .r#type(match wanted.kind {
                LoadBalancerType::Network => sdk::LoadBalancerTypeEnum::Network,
                LoadBalancerType::Application => sdk::LoadBalancerTypeEnum::Application,
            })
            .scheme(sdk::LoadBalancerSchemeEnum::from(wanted.scheme.as_str()))
            .ip_address_type(sdk::IpAddressType::from(wanted.ip_address_type.as_str()))
            .set_subnet_mappings(Some(wanted.subnets.iter().map(request::subnet_mapping).collect()))
            .set_security_groups((!security_groups.is_empty()).then(|| security_groups.to_vec()))
            .set_enable_prefix_for_ipv6_source_nat(wanted.ipv6_source_nat.get().copied().map(source_nat))
            .set_tags(request::tags(tags));
        let output = self
            .call(&cx.into(), Service::Elb, OPERATION, || request.clone().send())
            .await?;
        let created = output.load_balancers().first();
        match created.and_then(|created| Some((created.load_balancer_arn()?, created.dns_name()?))) {
            Some((arn, dns_name)) => Ok(CreatedLoadBalancer {
                arn: arn.to_owned(),
                dns_name: dns_name.to_owned(),
            }),
            None => Err(AwsError {
                answered: false,
                ..AwsError::unknown_value(Service::Elb, OPERATION, "the answer has no ARN and DNS name")
            }),
        }
    }

    /// Deletes a load balancer with its listeners; one that is gone already counts as deleted.
    pub async fn delete_load_balancer(&self, cx: &Cx, arn: &str) -> Result<(), AwsError> {
        let request = self.elb().delete_load_balancer().load_balancer_arn(arn);
        let deleted = self
            .call(&cx.into(), Service::Elb, "DeleteLoadBalancer", || {
                request.clone().send()
            })
            .await;
        gone(deleted.map(drop))
    }

    /// Replaces the security groups; the flag for private link traffic only where given.
    pub async fn set_security_groups(
        &self,
        cx: &Cx,
        arn: &str,
        security_groups: &[String],
        private_link_inbound: Option<OnOff>,
    ) -> Result<(), AwsError> {
        let flag =
            |flag: OnOff| sdk::EnforceSecurityGroupInboundRulesOnPrivateLinkTrafficEnum::from(flag.as_str());
        let request = self
            .elb()
            .set_security_groups()
            .load_balancer_arn(arn)
            .set_security_groups(Some(security_groups.to_vec()))
            .set_enforce_security_group_inbound_rules_on_private_link_traffic(private_link_inbound.map(flag));
        self.call(&cx.into(), Service::Elb, "SetSecurityGroups", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// Replaces the subnets.
    pub async fn set_subnets(
        &self,
        cx: &Cx,
        arn: &str,
        subnets: &[SubnetMapping],
        ipv6_source_nat: Option<OnOff>,
    ) -> Result<(), AwsError> {
        let request = self
            .elb()
            .set_subnets()
            .load_balancer_arn(arn)
            .set_subnet_mappings(Some(subnets.iter().map(request::subnet_mapping).collect()))
            .set_enable_prefix_for_ipv6_source_nat(ipv6_source_nat.map(source_nat));
        self.call(&cx.into(), Service::Elb, "SetSubnets", || request.clone().send())
            .await?;
        Ok(())
    }

    /// Changes the IP address type.
    pub async fn set_ip_address_type(
        &self,
        cx: &Cx,
        arn: &str,
        wanted: IpAddressType,
    ) -> Result<(), AwsError> {
        let request = self
            .elb()
            .set_ip_address_type()
            .load_balancer_arn(arn)
            .ip_address_type(sdk::IpAddressType::from(wanted.as_str()));
        self.call(&cx.into(), Service::Elb, "SetIpAddressType", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }

    /// The reserved capacity units; `None` without a reservation.
    pub async fn capacity_reservation(&self, cx: &Cx, arn: &str) -> Result<Option<i32>, AwsError> {
        const OPERATION: &str = "DescribeCapacityReservation";
        let arn = arn.to_owned();
        self.merged(
            cx,
            Service::Elb,
            format!("{OPERATION} {arn}"),
            |aws, asker| async move {
                let request = aws.elb().describe_capacity_reservation().load_balancer_arn(arn);
                let output = aws
                    .call(&asker, Service::Elb, OPERATION, || request.clone().send())
                    .await?;
                let units = output
                    .minimum_load_balancer_capacity()
                    .and_then(sdk::MinimumLoadBalancerCapacity::capacity_units);
                let reserved = !output.capacity_reservation_state().is_empty();
                Ok(units.or_else(|| reserved.then_some(0)))
            },
        )
        .await
    }

    /// Reserves capacity units; 0 gives the reservation up.
    pub async fn modify_capacity_reservation(&self, cx: &Cx, arn: &str, units: i32) -> Result<(), AwsError> {
        let request = self.elb().modify_capacity_reservation().load_balancer_arn(arn);
        let request = if units == 0 {
            request.reset_capacity_reservation(true)
        } else {
            let minimum = sdk::MinimumLoadBalancerCapacity::builder()
                .capacity_units(units)
                .build();
            request.minimum_load_balancer_capacity(minimum)
        };
        self.call(&cx.into(), Service::Elb, "ModifyCapacityReservation", || {
            request.clone().send()
        })
        .await?;
        Ok(())
    }
}

fn source_nat(flag: OnOff) -> sdk::EnablePrefixForIpv6SourceNatEnum {
    sdk::EnablePrefixForIpv6SourceNatEnum::from(flag.as_str())
}

/// What is gone already counts as deleted.
pub(super) fn gone(deleted: Result<(), AwsError>) -> Result<(), AwsError> {
    match deleted {
        Err(error) if error.fault == Fault::NotFound => Ok(()),
        other => other,
    }
}
