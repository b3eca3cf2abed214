//! Addresses of a load balancer in its subnets (upstream `buildLoadBalancerSubnetMappings`).

use std::net::IpAddr;

use elbow_crds::cidr::Cidr;
use elbow_crds::problem::ProblemCode;

use super::inquiry::Inquiry;
use crate::intent::wish::{AddressWish, Asked, SourceNatPrefix};
use crate::model::{OnOff, Origin, Scheme, SubnetMapping};
use crate::question::Subnet;

/// One mapping per subnet, in order. `None` if a fault was found.
pub(super) fn map(
    wish: Option<&AddressWish>,
    scheme: Scheme,
    subnets: &[Subnet],
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<SubnetMapping>> {
    let Some(wish) = wish else {
        return Some(subnets.iter().map(by_id).collect());
    };
    let elastic = elastic_ips(wish, scheme, subnets, inquiry);
    let ipv4 = private_ipv4(wish, scheme, subnets, inquiry);
    let ipv6 = ipv6(wish, subnets, inquiry);
    let prefixes = source_nat(wish, subnets, inquiry);
    let (elastic, ipv4, ipv6, prefixes) = (elastic?, ipv4?, ipv6?, prefixes?);
    let mappings = subnets.iter().enumerate().map(|(index, subnet)| SubnetMapping {
        subnet: subnet.id.clone(),
        allocation_id: elastic.get(index).cloned(),
        private_ipv4: ipv4.get(index).cloned(),
        ipv6: ipv6.get(index).cloned(),
        source_nat_prefix: prefixes.get(index).cloned(),
    });
    Some(mappings.collect())
}

fn by_id(subnet: &Subnet) -> SubnetMapping {
    SubnetMapping {
        subnet: subnet.id.clone(),
        ..SubnetMapping::default()
    }
}

/// Whether a list has one item per subnet; `None` and a fault if not.
fn check_length<T>(asked: &Asked<Vec<T>>, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<()> {
    if asked.value.len() == subnets.len() {
        return Some(());
    }
    let message = format!(
        "it has {} entries and the load balancer {} subnets; write one entry per subnet",
        asked.value.len(),
        subnets.len()
    );
    inquiry.fault(&asked.origin, ProblemCode::Conflict, message);
    None
}

fn check_scheme(origin: &Origin, scheme: Scheme, needed: Scheme, inquiry: &mut Inquiry<'_>) -> Option<()> {
    if scheme == needed {
        return Some(());
    }
    let message = format!(
        "it needs an {} load balancer and this one is {}; change the scheme or remove the annotation",
        needed.as_str(),
        scheme.as_str()
    );
    inquiry.fault(origin, ProblemCode::Conflict, message);
    None
}

fn elastic_ips(
    wish: &AddressWish,
    scheme: Scheme,
    subnets: &[Subnet],
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<String>> {
    let Some(asked) = &wish.elastic_ips else {
        return Some(Vec::new());
    };
    check_scheme(&asked.origin, scheme, Scheme::InternetFacing, inquiry)?;
    check_length(asked, subnets, inquiry)?;
    Some(asked.value.clone())
}

fn private_ipv4(
    wish: &AddressWish,
    scheme: Scheme,
    subnets: &[Subnet],
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<String>> {
    let Some(asked) = &wish.private_ipv4 else {
        return Some(Vec::new());
    };
    check_scheme(&asked.origin, scheme, Scheme::Internal, inquiry)?;
    let addresses: Vec<IpAddr> = asked.value.iter().copied().map(IpAddr::V4).collect();
    let blocks = |subnet: &Subnet| vec![subnet.ipv4_cidr.clone()];
    by_block(asked, &addresses, subnets, blocks, inquiry)
}

fn ipv6(wish: &AddressWish, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<Vec<String>> {
    let Some(asked) = &wish.ipv6 else {
        return Some(Vec::new());
    };
    let addresses: Vec<IpAddr> = asked.value.iter().copied().map(IpAddr::V6).collect();
    by_block(
        asked,
        &addresses,
        subnets,
        |subnet| subnet.ipv6_cidrs.clone(),
        inquiry,
    )
}

/// Gives each subnet the one address that lies in its blocks.
fn by_block<T>(
    asked: &Asked<Vec<T>>,
    addresses: &[IpAddr],
    subnets: &[Subnet],
    blocks: impl Fn(&Subnet) -> Vec<String>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<String>> {
    check_length(asked, subnets, inquiry)?;
    let mut chosen = Vec::new();
    for subnet in subnets {
        let blocks = blocks(subnet);
        let inside: Vec<&IpAddr> = addresses
            .iter()
            .filter(|address| lies_in(**address, &blocks))
            .collect();
        if let [address] = inside.as_slice() {
            chosen.push(address.to_string());
            continue;
        }
        let message = format!(
            "{} of the addresses lie in the subnet {} ({}); write exactly one address per subnet",
            inside.len(),
            subnet.id,
            blocks.join(", ")
        );
        inquiry.fault(&asked.origin, ProblemCode::Conflict, message);
    }
    (chosen.len() == subnets.len()).then_some(chosen)
}

fn lies_in(address: IpAddr, blocks: &[String]) -> bool {
    blocks
        .iter()
        .filter_map(|block| Cidr::parse(block))
        .any(|block| block.contains(address))
}

fn source_nat(wish: &AddressWish, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<Vec<String>> {
    let without: Vec<&str> = subnets
        .iter()
        .filter(|subnet| subnet.ipv6_cidrs.is_empty())
        .map(|subnet| subnet.id.as_str())
        .collect();
    if wish.source_nat.value == OnOff::On && !without.is_empty() {
        let message = format!(
            "the subnets {} have no associated IPv6 CIDR block, which source NAT prefixes need",
            without.join(", ")
        );
        inquiry.fault(&wish.source_nat.origin, ProblemCode::Conflict, message);
        return None;
    }
    let Some(asked) = &wish.source_nat_prefixes else {
        return Some(Vec::new());
    };
    check_length(asked, subnets, inquiry)?;
    let mut good = true;
    for (prefix, subnet) in asked.value.iter().zip(subnets) {
        if let SourceNatPrefix::Block { text, address } = prefix
            && !lies_in(IpAddr::V6(*address), &subnet.ipv6_cidrs)
        {
            let message = format!(
                "the prefix {text} does not lie in the subnet {} ({}); prefixes stand in the order of the subnets",
                subnet.id,
                subnet.ipv6_cidrs.join(", ")
            );
            inquiry.fault(&asked.origin, ProblemCode::Conflict, message);
            good = false;
        }
    }
    good.then(|| {
        asked
            .value
            .iter()
            .map(|prefix| prefix.wire().to_owned())
            .collect()
    })
}
