//! Zones, VPCs, subnets and route tables. They come from the seed and do not change.

use std::net::IpAddr;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::Serialize;

use super::{Ec2, Tags};

/// An availability, local or wavelength zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// For example `us-west-2a`.
    pub name: String,
    /// For example `usw2-az1`.
    pub id: String,
    /// `availability-zone`, `local-zone` or `wavelength-zone`.
    pub kind: String,
}

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vpc {
    /// `vpc-...`.
    pub id: String,
    /// IPv4 ranges, the primary one first.
    pub cidrs: Vec<Ipv4Net>,
    /// IPv6 ranges.
    pub ipv6_cidrs: Vec<Ipv6Net>,
    /// Whether it is the region's default VPC.
    pub default: bool,
    /// Tags.
    pub tags: Tags,
}

impl Vpc {
    /// Whether an address lies in one of its ranges.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.cidrs.iter().any(|c| c.contains(&v4)),
            IpAddr::V6(v6) => self.ipv6_cidrs.iter().any(|c| c.contains(&v6)),
        }
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subnet {
    /// `subnet-...`.
    pub id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Name of its zone.
    pub zone: String,
    /// Id of its zone.
    pub zone_id: String,
    /// IPv4 range.
    pub cidr: Ipv4Net,
    /// IPv6 range, if it has one.
    pub ipv6_cidr: Option<Ipv6Net>,
    /// Whether instances get public addresses.
    pub public_addresses: bool,
    /// The Outpost it lies on, if any.
    pub outpost_arn: Option<String>,
    /// Tags.
    pub tags: Tags,
}

impl Subnet {
    /// Whether an address lies in its ranges.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.cidr.contains(&v4),
            IpAddr::V6(v6) => self.ipv6_cidr.is_some_and(|c| c.contains(&v6)),
        }
    }
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteTable {
    /// `rtb-...`.
    pub id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Whether it is the VPC's main table, used by subnets without an association.
    pub main: bool,
    /// Subnets associated explicitly.
    pub subnets: Vec<String>,
    /// Routes, the local ones not included.
    pub routes: Vec<Route>,
    /// Tags.
    pub tags: Tags,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// IPv4 or IPv6 range.
    pub destination: String,
    /// `igw-...`, `nat-...`, `tgw-...`, `pcx-...`, `eigw-...`, `cagw-...`, `eni-...` or `i-...`.
    pub gateway: String,
}

impl Ec2 {
    /// How many IPv4 addresses of a subnet are free: AWS keeps five for itself.
    pub fn free_addresses(&self, subnet: &Subnet) -> usize {
        let all = 1_usize << (32 - u32::from(subnet.cidr.prefix_len())).min(31);
        let used: usize = self
            .interfaces
            .values()
            .filter(|i| i.subnet_id == subnet.id)
            .map(super::Interface::address_count)
            .sum();
        all.saturating_sub(5).saturating_sub(used)
    }

    /// The route table in force for a subnet: its own, else the main one of its VPC.
    pub fn route_table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let of_vpc = || self.route_tables.values().filter(|t| t.vpc_id == subnet.vpc_id);
        of_vpc()
            .find(|t| t.subnets.contains(&subnet.id))
            .or_else(|| of_vpc().find(|t| t.main))
    }
}
