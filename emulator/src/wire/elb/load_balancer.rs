//! Operations on load balancers.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{
        capacity,
        load_balancer::{self, CreateLoadBalancer, DescribeLoadBalancers, LoadBalancer},
        placement::{self, SetSubnets},
        security_groups::{self, SetSecurityGroups},
        words::{IpAddressType, LoadBalancerType, Scheme},
        zones::{EnabledZone, SubnetMapping},
    },
};

pub(super) fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let request = CreateLoadBalancer {
        name: params.required("Name")?.to_owned(),
        kind: read::word(params, "Type", LoadBalancerType::parse)?,
        scheme: read::word(params, "Scheme", Scheme::parse)?,
        ip_address_type: read::word(params, "IpAddressType", IpAddressType::parse)?,
        subnets: subnets(params)?,
        security_groups: params.list("SecurityGroups.member"),
        prefix_for_source_nat: read::switch(params, "EnablePrefixForIpv6SourceNat")?,
        coip_pool: read::text(params, "CustomerOwnedIpv4Pool"),
        ipam_pool: read::text(params, "IpamPools.Ipv4IpamPoolId"),
        tags: read::pairs(params, "Tags.member")?,
    };
    let created = load_balancer::create(world, now, &request)?;
    Ok(answer([&created]))
}

fn subnets(params: &Params) -> Result<Vec<SubnetMapping>, ApiError> {
    let plain = params.list("Subnets.member");
    let mapped = params.children("SubnetMappings.member");
    if !plain.is_empty() && !mapped.is_empty() {
        return Err(ApiError::validation(
            "Subnets and subnet mappings cannot be specified at the same time",
        ));
    }
    if mapped.is_empty() {
        return Ok(plain
            .into_iter()
            .map(|subnet| SubnetMapping {
                subnet,
                ..SubnetMapping::default()
            })
            .collect());
    }
    let mapping = |one: &Params| {
        Ok(SubnetMapping {
            subnet: one.required("SubnetId")?.to_owned(),
            allocation: read::text(one, "AllocationId"),
            private_ipv4: read::text(one, "PrivateIPv4Address"),
            ipv6: read::text(one, "IPv6Address"),
            source_nat_prefix: read::text(one, "SourceNatIpv6Prefix"),
        })
    };
    mapped.iter().map(mapping).collect()
}

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let request = DescribeLoadBalancers {
        arns: params.list("LoadBalancerArns.member"),
        names: params.list("Names.member"),
        page: read::page(world, params)?,
    };
    let page = load_balancer::describe(&world.elb, &request)?;
    let mut xml = answer(&page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

pub(super) fn delete(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    load_balancer::delete(world, now, params.required("LoadBalancerArn")?)?;
    Ok(Xml::new())
}

pub(super) fn set_subnets(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let request = SetSubnets {
        load_balancer: params.required("LoadBalancerArn")?.to_owned(),
        subnets: subnets(params)?,
        ip_address_type: read::word(params, "IpAddressType", IpAddressType::parse)?,
        prefix_for_source_nat: read::switch(params, "EnablePrefixForIpv6SourceNat")?,
    };
    let changed = placement::set_subnets(world, now, &request)?;
    let mut xml = Xml::new();
    zones(&mut xml, &changed);
    xml.text("IpAddressType", changed.ip_address_type);
    xml.opt(
        "EnablePrefixForIpv6SourceNat",
        changed.prefix_for_source_nat.map(read::on_off),
    );
    Ok(xml)
}

pub(super) fn set_security_groups(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let field = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic";
    let request = SetSecurityGroups {
        load_balancer: params.required("LoadBalancerArn")?.to_owned(),
        groups: params.list("SecurityGroups.member"),
        enforce_private_link: read::switch(params, field)?,
    };
    let changed = security_groups::set(world, &request)?;
    let mut xml = Xml::new();
    xml.list(
        "SecurityGroupIds",
        "member",
        &changed.security_groups,
        |xml, id| {
            xml.data(id);
        },
    );
    xml.opt(field, changed.enforce_private_link.map(read::on_off));
    Ok(xml)
}

pub(super) fn set_ip_address_type(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let wanted = IpAddressType::parse("ipAddressType", params.required("IpAddressType")?)?;
    let changed = placement::set_ip_address_type(world, params.required("LoadBalancerArn")?, wanted)?;
    let mut xml = Xml::new();
    xml.text("IpAddressType", changed.ip_address_type);
    Ok(xml)
}

pub(super) fn modify_ip_pools(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let arn = params.required("LoadBalancerArn")?;
    let remove = !params.list("RemoveIpamPools.member").is_empty();
    let changed =
        placement::modify_ip_pools(world, arn, read::text(params, "IpamPools.Ipv4IpamPoolId"), remove)?;
    let mut xml = Xml::new();
    ipam_pools(&mut xml, &changed);
    Ok(xml)
}

pub(super) fn describe_capacity(world: &World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let found = world.elb.load_balancer(params.required("LoadBalancerArn")?)?;
    Ok(capacity_answer(found, now))
}

pub(super) fn modify_capacity(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let arn = params.required("LoadBalancerArn")?;
    let units = params.int("MinimumLoadBalancerCapacity.CapacityUnits")?;
    let reset = params.bool("ResetCapacityReservation")? == Some(true);
    if reset == units.is_some() {
        let message = "Either MinimumLoadBalancerCapacity or ResetCapacityReservation must be specified";
        return Err(ApiError::validation(message));
    }
    let changed = capacity::modify(world, now, arn, units)?;
    Ok(capacity_answer(&changed, now))
}

fn capacity_answer(found: &LoadBalancer, now: Timestamp) -> Xml {
    let capacity = &found.capacity;
    let mut xml = Xml::new();
    xml.opt("LastModifiedTime", capacity.modified.map(time));
    xml.text("DecreaseRequestsRemaining", capacity.decreases_left);
    let Some(units) = capacity.units else { return xml };
    xml.element("MinimumLoadBalancerCapacity", |xml| {
        xml.text("CapacityUnits", units);
    });
    let ready = capacity.state(now) == "provisioned";
    xml.list("CapacityReservationState", "member", &found.zones, |xml, zone| {
        xml.element("State", |xml| {
            xml.text("Code", capacity.state(now));
        });
        xml.text("AvailabilityZone", &zone.name);
        xml.text("EffectiveCapacityUnits", if ready { units } else { 0 });
    });
    xml
}

/// A time as AWS writes it, in milliseconds.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

fn answer<'a>(found: impl IntoIterator<Item = &'a LoadBalancer>) -> Xml {
    let mut xml = Xml::new();
    xml.list("LoadBalancers", "member", found, one);
    xml
}

fn one(xml: &mut Xml, found: &LoadBalancer) {
    xml.text("LoadBalancerArn", &found.arn)
        .text("DNSName", &found.dns_name)
        .text("CanonicalHostedZoneId", &found.hosted_zone)
        .text("CreatedTime", time(found.created))
        .text("LoadBalancerName", &found.name)
        .text("Scheme", found.scheme)
        .text("VpcId", &found.vpc)
        .element("State", |xml| {
            xml.text("Code", if found.active { "active" } else { "provisioning" });
        })
        .text("Type", found.kind);
    zones(xml, found);
    if !found.security_groups.is_empty() {
        xml.list("SecurityGroups", "member", &found.security_groups, |xml, id| {
            xml.data(id);
        });
    }
    xml.text("IpAddressType", found.ip_address_type);
    xml.opt("CustomerOwnedIpv4Pool", found.coip_pool.as_ref());
    xml.opt(
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        found.enforce_private_link.map(read::on_off),
    );
    xml.opt(
        "EnablePrefixForIpv6SourceNat",
        found.prefix_for_source_nat.map(read::on_off),
    );
    ipam_pools(xml, found);
}

fn ipam_pools(xml: &mut Xml, found: &LoadBalancer) {
    if let Some(pool) = &found.ipam_pool {
        xml.element("IpamPools", |xml| {
            xml.text("Ipv4IpamPoolId", pool);
        });
    }
}

fn zones(xml: &mut Xml, found: &LoadBalancer) {
    xml.list("AvailabilityZones", "member", &found.zones, |xml, zone| {
        xml.text("ZoneName", &zone.name)
            .text("SubnetId", &zone.mapping.subnet);
        xml.element("LoadBalancerAddresses", |xml| addresses(xml, zone));
        xml.list(
            "SourceNatIpv6Prefixes",
            "member",
            &zone.assigned_prefix,
            |xml, prefix| {
                xml.data(prefix);
            },
        );
    });
}

/// Only addresses that were asked for are shown.
fn addresses(xml: &mut Xml, zone: &EnabledZone) {
    let mapping = &zone.mapping;
    if mapping.allocation.is_none() && mapping.private_ipv4.is_none() && mapping.ipv6.is_none() {
        return;
    }
    xml.element("member", |xml| {
        xml.opt(
            "IpAddress",
            mapping.allocation.as_ref().map(|id| elastic_address(id)),
        );
        xml.opt("AllocationId", mapping.allocation.as_ref());
        xml.opt("PrivateIPv4Address", mapping.private_ipv4.as_ref());
        xml.opt("IPv6Address", mapping.ipv6.as_ref());
    });
}

/// An address of the documentation range for an Elastic IP allocation, always the same for the same id.
fn elastic_address(allocation: &str) -> String {
    let sum = allocation.bytes().fold(0_u8, u8::wrapping_add);
    format!("203.0.113.{sum}")
}
