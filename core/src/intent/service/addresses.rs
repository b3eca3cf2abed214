//! Addresses of a Service's load balancer, as far as they can be checked without its subnets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use elbow_crds::problem::ProblemCode;

use super::Reader;
use crate::intent::wish::{AddressWish, Asked, SourceNatPrefix};
use crate::model::{IpAddressType, OnOff};

pub(super) const ELASTIC_IPS: &str = "aws-load-balancer-eip-allocations";
pub(super) const PRIVATE_IPV4: &str = "aws-load-balancer-private-ipv4-addresses";
pub(super) const IPV6: &str = "aws-load-balancer-ipv6-addresses";
pub(super) const SOURCE_NAT: &str = "aws-load-balancer-enable-prefix-for-ipv6-source-nat";
pub(super) const SOURCE_NAT_PREFIXES: &str = "aws-load-balancer-source-nat-ipv6-prefixes";

const NEEDS_DUALSTACK: &str = "it needs a dualstack load balancer; set service.beta.kubernetes.io/aws-load-balancer-ip-address-type \
     to dualstack or remove it";

/// Reads all address annotations.
pub(super) fn read(reader: &mut Reader<'_>, ip_address_type: IpAddressType) -> AddressWish {
    let dualstack = ip_address_type == IpAddressType::Dualstack;
    let source_nat = source_nat(reader, dualstack);
    let source_nat_prefixes = source_nat_prefixes(reader, dualstack, source_nat.value);
    AddressWish {
        elastic_ips: reader
            .list(ELASTIC_IPS)
            .map(|list| reader.asked(ELASTIC_IPS, list)),
        private_ipv4: private_ipv4(reader),
        ipv6: ipv6(reader, dualstack),
        source_nat,
        source_nat_prefixes,
    }
}

/// Parses each item; those that `pick` refuses become faults.
fn addresses<T>(
    reader: &mut Reader<'_>,
    suffix: &str,
    family: &str,
    pick: impl Fn(IpAddr) -> Option<T>,
) -> Option<Asked<Vec<T>>> {
    let mut picked = Vec::new();
    for text in reader.list(suffix)? {
        if let Some(address) = text.parse::<IpAddr>().ok().and_then(&pick) {
            picked.push(address);
        } else {
            let message = format!("'{text}' is no {family} address; list one per subnet");
            reader.fault_at(suffix, ProblemCode::Malformed, message);
        }
    }
    Some(reader.asked(suffix, picked))
}

fn private_ipv4(reader: &mut Reader<'_>) -> Option<Asked<Vec<Ipv4Addr>>> {
    addresses(reader, PRIVATE_IPV4, "IPv4", |address| match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    })
}

fn ipv6(reader: &mut Reader<'_>, dualstack: bool) -> Option<Asked<Vec<Ipv6Addr>>> {
    let asked = addresses(reader, IPV6, "IPv6", |address| match address {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    })?;
    if !dualstack {
        reader.fault_at(IPV6, ProblemCode::Conflict, NEEDS_DUALSTACK);
    }
    Some(asked)
}

fn source_nat(reader: &mut Reader<'_>, dualstack: bool) -> Asked<OnOff> {
    let value = reader
        .word(SOURCE_NAT, |text| OnOff::parse(text).ok(), "on or off")
        .unwrap_or(OnOff::Off);
    if value == OnOff::On && !dualstack {
        reader.fault_at(SOURCE_NAT, ProblemCode::Conflict, NEEDS_DUALSTACK);
    }
    reader.asked(SOURCE_NAT, value)
}

fn source_nat_prefixes(
    reader: &mut Reader<'_>,
    dualstack: bool,
    source_nat: OnOff,
) -> Option<Asked<Vec<SourceNatPrefix>>> {
    let items = reader.list(SOURCE_NAT_PREFIXES)?;
    if !dualstack {
        reader.fault_at(SOURCE_NAT_PREFIXES, ProblemCode::Conflict, NEEDS_DUALSTACK);
    }
    if source_nat == OnOff::Off {
        let message = format!("it needs {} set to on", reader.key(SOURCE_NAT));
        reader.fault_at(SOURCE_NAT_PREFIXES, ProblemCode::Conflict, message);
    }
    let mut prefixes = Vec::new();
    for text in items {
        if let Some(prefix) = parse_prefix(&text) {
            prefixes.push(prefix);
        } else {
            let message =
                format!("'{text}' is not allowed; write auto_assigned or an IPv6 block of length /80");
            reader.fault_at(SOURCE_NAT_PREFIXES, ProblemCode::Malformed, message);
        }
    }
    Some(reader.asked(SOURCE_NAT_PREFIXES, prefixes))
}

/// `auto_assigned` or `<ipv6>/80`; upstream looks at the first two parts between slashes only.
fn parse_prefix(text: &str) -> Option<SourceNatPrefix> {
    if text == "auto_assigned" {
        return Some(SourceNatPrefix::AutoAssigned);
    }
    let mut parts = text.split('/');
    let address = parts.next()?.parse().ok()?;
    (parts.next() == Some("80")).then(|| SourceNatPrefix::Block {
        text: text.to_owned(),
        address,
    })
}
