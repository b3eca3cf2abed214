//! Network interfaces.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use aws_sdk_ec2::types::Filter;
use elbow_core::targets::Interface;
use futures::FutureExt;

use super::{FILTER_VALUES, convert, filter};
use crate::aws::batch::Batch;
use crate::aws::call::all_pages;
use crate::aws::error::{AwsError, Service};
use crate::aws::merge::Asker;
use crate::aws::{Aws, Cx};

const DESCRIBE: &str = "DescribeNetworkInterfaces";

pub(in crate::aws) fn interfaces_batch() -> Arc<Batch<Interface>> {
    Batch::new(Service::Ec2, DESCRIBE, FILTER_VALUES, |aws, asker, ids| {
        async move {
            let found = aws
                .describe_interfaces(&asker, vec![filter("network-interface-id", ids)])
                .await?;
            Ok(found
                .into_iter()
                .map(|interface| (interface.id.clone(), interface))
                .collect())
        }
        .boxed()
    })
}

/// One value of 200 is left for the VPC, as upstream does.
pub(in crate::aws) fn interfaces_by_ip_batch() -> Arc<Batch<Interface>> {
    Batch::new(Service::Ec2, DESCRIBE, FILTER_VALUES - 1, |aws, asker, ips| {
        async move {
            let is_ipv6 = |ip: &&String| matches!(ip.parse(), Ok(IpAddr::V6(_)));
            let (ipv6, ipv4): (Vec<_>, Vec<_>) = ips.iter().partition(is_ipv6);
            let mut found = Vec::new();
            for (field, ips) in [
                ("addresses.private-ip-address", ipv4),
                ("ipv6-addresses.ipv6-address", ipv6),
            ] {
                if !ips.is_empty() {
                    let filters = vec![filter("vpc-id", [&aws.realm().vpc]), filter(field, ips)];
                    found.extend(aws.describe_interfaces(&asker, filters).await?);
                }
            }
            Ok(by_ip(&ips, &found))
        }
        .boxed()
    })
}

/// The interface that carries each address.
fn by_ip(ips: &[String], found: &[Interface]) -> BTreeMap<String, Interface> {
    let carries = |interface: &Interface, ip: &String| {
        interface.private_ips.contains(ip)
            || ip.parse::<IpAddr>().is_ok_and(|ip| {
                interface
                    .ipv6_addresses
                    .iter()
                    .any(|address| address.parse() == Ok(ip))
            })
    };
    ips.iter()
        .filter_map(|ip| {
            Some((
                ip.clone(),
                found.iter().find(|interface| carries(interface, ip))?.clone(),
            ))
        })
        .collect()
}

impl Aws {
    /// The interfaces that exist of the given ids, sorted by id.
    pub async fn interfaces_by_id(&self, cx: &Cx, ids: &[String]) -> Result<Vec<Interface>, AwsError> {
        let found = self.0.batches.interfaces.get(self, cx, ids).await?;
        Ok(found.into_values().collect())
    }

    /// The interfaces of the realm's VPC that carry one of the given addresses (IPv4 or IPv6), by address.
    pub async fn interfaces_by_ip(
        &self,
        cx: &Cx,
        ips: &[String],
    ) -> Result<BTreeMap<String, Interface>, AwsError> {
        self.0.batches.interfaces_by_ip.get(self, cx, ips).await
    }

    async fn describe_interfaces(
        &self,
        asker: &Asker,
        filters: Vec<Filter>,
    ) -> Result<Vec<Interface>, AwsError> {
        all_pages(Service::Ec2, DESCRIBE, |token| {
            let request = self
                .ec2()
                .describe_network_interfaces()
                .set_filters(Some(filters.clone()))
                .set_next_token(token);
            async move {
                let output = self
                    .call(asker, Service::Ec2, DESCRIBE, || request.clone().send())
                    .await?;
                Ok((
                    output
                        .network_interfaces()
                        .iter()
                        .map(convert::interface)
                        .collect(),
                    output.next_token,
                ))
            }
        })
        .await
    }
}
