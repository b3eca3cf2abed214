//! The seed file as it is written. Texts stay texts here; `build` gives them meaning, so that every fault can
//! name its field.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::world::{Delays, Quotas};

/// The whole file. Every key may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Document {
    /// Account number, twelve digits.
    pub account: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Zones; left out: a, b and c of the region.
    pub zones: Vec<Zone>,
    /// Networks; left out: those of the default seed.
    pub vpcs: Option<Vec<Vpc>>,
    /// Machines.
    pub instances: Vec<Instance>,
    /// Certificates that exist: ARNs, or more about them.
    pub certificates: Vec<Certificate>,
    /// Objects that trust stores can read; left out: every object exists.
    pub s3_objects: Option<Vec<S3Object>>,
    /// Managed prefix lists that rules may name.
    pub prefix_lists: Vec<PrefixList>,
    /// Quotas that differ from AWS's.
    pub quotas: Quotas,
    /// Delays that differ from the usual ones, in seconds.
    pub delays: Delays,
    /// Upper bound of items on a page.
    pub page_size: Option<u32>,
    /// `error` or `ignore`: what RevokeSecurityGroupIngress does about a rule that is not there.
    pub unknown_revoke: Option<String>,
}

/// An entry of `zones`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    pub name: String,
    pub id: String,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// An entry of `vpcs`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    pub id: String,
    pub cidrs: Vec<String>,
    #[serde(default)]
    pub ipv6_cidrs: Vec<String>,
    #[serde(default)]
    pub default: bool,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    #[serde(default)]
    pub route_tables: Vec<RouteTable>,
    #[serde(default)]
    pub security_groups: Vec<SecurityGroup>,
}

/// An entry of `vpcs[].subnets`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subnet {
    pub id: String,
    pub zone: String,
    pub cidr: String,
    #[serde(default)]
    pub ipv6_cidr: Option<String>,
    #[serde(default)]
    pub public_addresses: bool,
    #[serde(default)]
    pub outpost_arn: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An entry of `vpcs[].route_tables`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    pub id: String,
    #[serde(default)]
    pub main: bool,
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub routes: Vec<Route>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An entry of `vpcs[].route_tables[].routes`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub destination: String,
    pub gateway: String,
}

/// An entry of `vpcs[].security_groups`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub ingress: Vec<Rule>,
}

/// An entry of `vpcs[].security_groups[].ingress`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub protocol: String,
    #[serde(default)]
    pub from_port: Option<i32>,
    #[serde(default)]
    pub to_port: Option<i32>,
    /// A range, `sg-...` or `pl-...`.
    pub source: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// An entry of `instances`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    pub id: String,
    /// Left out: the zone of the subnet.
    #[serde(default)]
    pub zone: Option<String>,
    /// Left out: the subnet that the address lies in.
    #[serde(default)]
    pub subnet: Option<String>,
    pub address: String,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    #[serde(default)]
    pub interface: Interface,
}

/// `instances[].interface`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Interface {
    pub id: Option<String>,
    /// Left out: the default group of the VPC.
    pub security_groups: Vec<String>,
    pub secondary_addresses: Vec<String>,
    pub prefixes: Vec<String>,
    pub ipv6_addresses: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

/// An entry of `certificates`.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a certificate is an ARN, or has the keys arn, domains, type, key_algorithm, status, certificate_authority_arn and tags"
)]
pub enum Certificate {
    /// Its ARN.
    Arn(String),
    /// Its ARN and more.
    Described(DescribedCertificate),
}

/// An entry of `certificates` that says more than an ARN.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DescribedCertificate {
    pub arn: String,
    /// The common name first.
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub key_algorithm: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub certificate_authority_arn: Option<String>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// An entry of `s3_objects`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Object {
    pub bucket: String,
    pub key: String,
    #[serde(default)]
    pub ca_certificates: u32,
    #[serde(default)]
    pub revoked_entries: u64,
}

/// An entry of `prefix_lists`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixList {
    pub id: String,
    pub max_entries: u32,
}
