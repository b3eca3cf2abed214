//! DescribeVpcs, DescribeSubnets, DescribeRouteTables, DescribeAvailabilityZones.

use super::{
    Params, Xml,
    describe::{Described, Filters, select, tag_set},
    invalid,
};
use crate::world::{
    ApiError, World,
    ec2::{Route, RouteTable, Subnet, Tags, Vpc, Zone},
    ids::digits_of,
};

impl Described for Vpc {
    const ID_PARAMETER: &'static str = "VpcId";
    const NOT_FOUND: &'static str = "InvalidVpcID.NotFound";
    const NOUN: &'static str = "vpc ID";
    const FILTERS: &'static [&'static str] = &[
        "vpc-id",
        "cidr",
        "cidr-block-association.cidr-block",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "is-default",
        "isDefault",
        "owner-id",
        "state",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        match filter {
            "vpc-id" => vec![self.id.clone()],
            "cidr" => self.cidrs.first().map(ToString::to_string).into_iter().collect(),
            "cidr-block-association.cidr-block" => self.cidrs.iter().map(ToString::to_string).collect(),
            "ipv6-cidr-block-association.ipv6-cidr-block" => {
                self.ipv6_cidrs.iter().map(ToString::to_string).collect()
            }
            "is-default" | "isDefault" => vec![self.default.to_string()],
            "owner-id" => vec![world.account.clone()],
            _ => vec!["available".into()],
        }
    }
}

impl Described for Subnet {
    const ID_PARAMETER: &'static str = "SubnetId";
    const NOT_FOUND: &'static str = "InvalidSubnetID.NotFound";
    const NOUN: &'static str = "subnet ID";
    const FILTERS: &'static [&'static str] = &[
        "subnet-id",
        "vpc-id",
        "availability-zone",
        "availabilityZone",
        "availability-zone-id",
        "availabilityZoneId",
        "available-ip-address-count",
        "cidr-block",
        "cidr",
        "cidrBlock",
        "default-for-az",
        "defaultForAz",
        "ipv6-cidr-block-association.ipv6-cidr-block",
        "map-public-ip-on-launch",
        "outpost-arn",
        "owner-id",
        "state",
        "subnet-arn",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        match filter {
            "subnet-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "availability-zone" | "availabilityZone" => vec![self.zone.clone()],
            "availability-zone-id" | "availabilityZoneId" => vec![self.zone_id.clone()],
            "available-ip-address-count" => vec![world.ec2.free_addresses(self).to_string()],
            "cidr-block" | "cidr" | "cidrBlock" => vec![self.cidr.to_string()],
            "default-for-az" | "defaultForAz" => vec!["false".into()],
            "ipv6-cidr-block-association.ipv6-cidr-block" => {
                self.ipv6_cidr.map(|c| c.to_string()).into_iter().collect()
            }
            "map-public-ip-on-launch" => vec![self.public_addresses.to_string()],
            "outpost-arn" => self.outpost_arn.clone().into_iter().collect(),
            "owner-id" => vec![world.account.clone()],
            "subnet-arn" => vec![world.arn("ec2", &format!("subnet/{}", self.id))],
            _ => vec!["available".into()],
        }
    }
}

impl Described for RouteTable {
    const ID_PARAMETER: &'static str = "RouteTableId";
    const NOT_FOUND: &'static str = "InvalidRouteTableID.NotFound";
    const NOUN: &'static str = "routeTable ID";
    const LARGEST_PAGE: usize = 100;
    const FILTERS: &'static [&'static str] = &[
        "route-table-id",
        "vpc-id",
        "association.main",
        "association.route-table-association-id",
        "association.route-table-id",
        "association.subnet-id",
        "owner-id",
        "route.destination-cidr-block",
        "route.destination-ipv6-cidr-block",
        "route.gateway-id",
        "route.nat-gateway-id",
        "route.origin",
        "route.state",
        "route.transit-gateway-id",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        let destinations = |v6: bool| {
            self.routes
                .iter()
                .map(|r| r.destination.clone())
                .filter(|d| d.contains(':') == v6)
                .collect()
        };
        match filter {
            "route-table-id" | "association.route-table-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "association.main" => vec![self.main.to_string()],
            "association.route-table-association-id" => {
                associations(self).into_iter().map(|(id, _)| id).collect()
            }
            "association.subnet-id" => self.subnets.clone(),
            "owner-id" => vec![world.account.clone()],
            "route.destination-cidr-block" => destinations(false),
            "route.destination-ipv6-cidr-block" => destinations(true),
            "route.gateway-id" => with_prefix(&self.routes, &["igw-", "vgw-"], true),
            "route.nat-gateway-id" => with_prefix(&self.routes, &["nat-"], false),
            "route.transit-gateway-id" => with_prefix(&self.routes, &["tgw-"], false),
            "route.origin" => vec!["CreateRouteTable".into(), "CreateRoute".into()],
            _ => vec!["active".into()],
        }
    }
}

/// Gateways with one of the prefixes, and `local` where that counts as a gateway.
fn with_prefix(routes: &[Route], prefixes: &[&str], local: bool) -> Vec<String> {
    let named = routes
        .iter()
        .map(|r| r.gateway.clone())
        .filter(|g| prefixes.iter().any(|p| g.starts_with(p)));
    named.chain(local.then(|| "local".to_owned())).collect()
}

pub fn describe_vpcs(world: &World, params: &Params) -> Result<String, ApiError> {
    let page = select(world, params, world.ec2.vpcs.values())?;
    Ok(page.write("vpcSet", |xml, vpc| {
        xml.text("vpcId", &vpc.id)
            .text("ownerId", &world.account)
            .text("state", "available");
        xml.opt("cidrBlock", vpc.cidrs.first());
        xml.list("cidrBlockAssociationSet", "item", &vpc.cidrs, |xml, cidr| {
            xml.text("associationId", association_id("vpc-cidr-assoc", &vpc.id, cidr));
            xml.text("cidrBlock", cidr);
            xml.element("cidrBlockState", |xml| {
                xml.text("state", "associated");
            });
        });
        if !vpc.ipv6_cidrs.is_empty() {
            xml.list(
                "ipv6CidrBlockAssociationSet",
                "item",
                &vpc.ipv6_cidrs,
                |xml, cidr| {
                    xml.text("associationId", association_id("vpc-cidr-assoc", &vpc.id, cidr));
                    xml.text("ipv6CidrBlock", cidr)
                        .text("networkBorderGroup", &world.region);
                    xml.element("ipv6CidrBlockState", |xml| {
                        xml.text("state", "associated");
                    });
                },
            );
        }
        xml.text("dhcpOptionsId", "default")
            .text("instanceTenancy", "default")
            .text("isDefault", vpc.default);
        tag_set(xml, &vpc.tags);
    }))
}

pub fn describe_subnets(world: &World, params: &Params) -> Result<String, ApiError> {
    let page = select(world, params, world.ec2.subnets.values())?;
    Ok(page.write("subnetSet", |xml, subnet| {
        xml.text("subnetId", &subnet.id);
        xml.text("subnetArn", world.arn("ec2", &format!("subnet/{}", subnet.id)));
        xml.text("state", "available")
            .text("ownerId", &world.account)
            .text("vpcId", &subnet.vpc_id);
        xml.text("cidrBlock", subnet.cidr);
        let v6: Vec<_> = subnet.ipv6_cidr.into_iter().collect();
        xml.list("ipv6CidrBlockAssociationSet", "item", &v6, |xml, cidr| {
            xml.text(
                "associationId",
                association_id("subnet-cidr-assoc", &subnet.id, cidr),
            );
            xml.text("ipv6CidrBlock", cidr);
            xml.element("ipv6CidrBlockState", |xml| {
                xml.text("state", "associated");
            });
        });
        xml.text("availableIpAddressCount", world.ec2.free_addresses(subnet));
        xml.text("availabilityZone", &subnet.zone)
            .text("availabilityZoneId", &subnet.zone_id);
        xml.text("defaultForAz", false)
            .text("mapPublicIpOnLaunch", subnet.public_addresses);
        xml.text("assignIpv6AddressOnCreation", false)
            .text("ipv6Native", false);
        xml.opt("outpostArn", subnet.outpost_arn.as_ref());
        tag_set(xml, &subnet.tags);
    }))
}

pub fn describe_route_tables(world: &World, params: &Params) -> Result<String, ApiError> {
    let page = select(world, params, world.ec2.route_tables.values())?;
    Ok(page.write("routeTableSet", |xml, table| {
        xml.text("routeTableId", &table.id)
            .text("vpcId", &table.vpc_id)
            .text("ownerId", &world.account);
        xml.element("routeSet", |xml| {
            let vpc = world.ec2.vpc(&table.vpc_id);
            for cidr in vpc.iter().flat_map(|v| &v.cidrs) {
                route(xml, &cidr.to_string(), "local");
            }
            for cidr in vpc.iter().flat_map(|v| &v.ipv6_cidrs) {
                route(xml, &cidr.to_string(), "local");
            }
            for own in &table.routes {
                route(xml, &own.destination, &own.gateway);
            }
        });
        xml.list(
            "associationSet",
            "item",
            associations(table),
            |xml, (id, subnet)| {
                xml.text("routeTableAssociationId", id)
                    .text("routeTableId", &table.id);
                xml.text("main", subnet.is_none()).opt("subnetId", subnet);
                xml.element("associationState", |xml| {
                    xml.text("state", "associated");
                });
            },
        );
        xml.text("propagatingVgwSet", "");
        tag_set(xml, &table.tags);
    }))
}

fn route(xml: &mut Xml, destination: &str, gateway: &str) {
    let v6 = destination.contains(':');
    let field = match gateway.split_once('-').map(|(prefix, _)| prefix) {
        Some("nat") => "natGatewayId",
        Some("tgw") => "transitGatewayId",
        Some("pcx") => "vpcPeeringConnectionId",
        Some("eigw") => "egressOnlyInternetGatewayId",
        Some("cagw") => "carrierGatewayId",
        Some("eni") => "networkInterfaceId",
        Some("i") => "instanceId",
        Some("lgw") => "localGatewayId",
        _ => "gatewayId",
    };
    let origin = if gateway == "local" {
        "CreateRouteTable"
    } else {
        "CreateRoute"
    };
    xml.element("item", |xml| {
        xml.text(
            if v6 {
                "destinationIpv6CidrBlock"
            } else {
                "destinationCidrBlock"
            },
            destination,
        );
        xml.text(field, gateway)
            .text("state", "active")
            .text("origin", origin);
    });
}

/// Ids and subnets of a table's associations; the main one has no subnet.
fn associations(table: &RouteTable) -> Vec<(String, Option<String>)> {
    let main = table
        .main
        .then(|| (association_id("rtbassoc", &table.id, &"main"), None));
    let subnets = table
        .subnets
        .iter()
        .map(|s| (association_id("rtbassoc", &table.id, s), Some(s.clone())));
    main.into_iter().chain(subnets).collect()
}

/// An id that is always the same for the same two things.
fn association_id(prefix: &str, one: &str, other: &impl ToString) -> String {
    format!(
        "{prefix}-{}",
        digits_of(format!("{one} {}", other.to_string()), 17)
    )
}

const ZONE_FILTERS: [&str; 8] = [
    "zone-name",
    "zone-id",
    "zone-type",
    "region-name",
    "state",
    "group-name",
    "opt-in-status",
    "message",
];

pub fn describe_zones(world: &World, params: &Params) -> Result<String, ApiError> {
    let filters = Filters::read(params, &ZONE_FILTERS)?;
    let (names, ids) = (params.list("ZoneName"), params.list("ZoneId"));
    let zones: Vec<&Zone> = world.ec2.zones.values().collect();
    if let Some(name) = names.iter().find(|name| !zones.iter().any(|z| z.name == **name)) {
        return Err(invalid(format!("Invalid availability zone: [{name}]")));
    }
    if let Some(id) = ids.iter().find(|id| !zones.iter().any(|z| z.id == **id)) {
        return Err(invalid(format!("Invalid availability zone-id: [{id}]")));
    }
    let asked = |zone: &Zone| {
        (names.is_empty() || names.contains(&zone.name)) && (ids.is_empty() || ids.contains(&zone.id))
    };
    let kept = zones
        .into_iter()
        .filter(|z| asked(z) && filters.accept(&Tags::new(), |f| zone_values(world, z, f)));
    let mut xml = Xml::new();
    xml.list("availabilityZoneInfo", "item", kept, |xml, zone| {
        xml.text("zoneName", &zone.name)
            .text("zoneId", &zone.id)
            .text("zoneType", &zone.kind);
        xml.text("zoneState", "available")
            .text("regionName", &world.region);
        xml.text("groupName", zone_group(world, zone))
            .text("networkBorderGroup", &world.region);
        xml.text("optInStatus", opt_in(zone)).text("messageSet", "");
    });
    Ok(xml.finish())
}

fn zone_values(world: &World, zone: &Zone, filter: &str) -> Vec<String> {
    match filter {
        "zone-name" => vec![zone.name.clone()],
        "zone-id" => vec![zone.id.clone()],
        "zone-type" => vec![zone.kind.clone()],
        "region-name" => vec![world.region.clone()],
        "group-name" => vec![zone_group(world, zone)],
        "opt-in-status" => vec![opt_in(zone).to_owned()],
        "state" => vec!["available".into()],
        _ => Vec::new(),
    }
}

fn opt_in(zone: &Zone) -> &'static str {
    if zone.kind == "availability-zone" {
        "opt-in-not-required"
    } else {
        "opted-in"
    }
}

/// `us-west-2` gives `us-west-2-zg-1`; a local zone's group is its name without the last letter.
fn zone_group(world: &World, zone: &Zone) -> String {
    if zone.kind == "availability-zone" {
        return format!("{}-zg-1", world.region);
    }
    zone.name
        .trim_end_matches(|c: char| c.is_ascii_lowercase())
        .to_owned()
}
