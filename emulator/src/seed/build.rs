//! From the written seed to the account: every value is checked, and a fault names its field.

use std::{fmt::Display, str::FromStr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    SeedError,
    document::{self, Document},
};
use crate::world::{
    World,
    ec2::{Route, RouteTable, Subnet, Tags, Vpc, Zone},
    ids::digits_of,
};

/// Builds the account.
pub fn world(file: &str, document: Document) -> Result<World, SeedError> {
    let mut build = Build {
        file,
        world: World::default(),
    };
    build.account(&document)?;
    build.zones(document.zones)?;
    for (at, list) in document.prefix_lists.iter().enumerate() {
        build.id(format!("prefix_lists[{at}].id"), &list.id, "pl")?;
        build
            .world
            .ec2
            .prefix_lists
            .insert(list.id.clone(), list.max_entries);
    }
    let vpcs = document.vpcs.unwrap_or_default();
    for (at, vpc) in vpcs.iter().enumerate() {
        build.vpc(&format!("vpcs[{at}]"), vpc)?;
    }
    for (at, vpc) in vpcs.iter().enumerate() {
        build.ingress(&format!("vpcs[{at}]"), vpc)?;
    }
    for (at, instance) in document.instances.iter().enumerate() {
        build.instance(&format!("instances[{at}]"), instance)?;
    }
    for (at, certificate) in document.certificates.iter().enumerate() {
        build.certificate(&format!("certificates[{at}]"), certificate)?;
    }
    build.s3(document.s3_objects);
    build.world.quotas = document.quotas;
    build.world.delays = document.delays;
    build.world.page_size = document.page_size;
    Ok(build.world)
}

/// An account under construction.
pub(super) struct Build<'a> {
    file: &'a str,
    pub(super) world: World,
}

impl Build<'_> {
    pub(super) fn fault(&self, field: impl Display, value: impl Display, allowed: impl Display) -> SeedError {
        SeedError::Value {
            file: self.file.to_owned(),
            field: field.to_string(),
            value: value.to_string(),
            allowed: allowed.to_string(),
        }
    }

    pub(super) fn parse<T: FromStr>(
        &self,
        field: impl Display,
        value: &str,
        allowed: &str,
    ) -> Result<T, SeedError> {
        value.parse().map_err(|_| self.fault(field, value, allowed))
    }

    /// An id with the prefix of its kind that nothing else has.
    pub(super) fn id(&self, field: impl Display, id: &str, prefix: &str) -> Result<(), SeedError> {
        let ec2 = &self.world.ec2;
        let rest = id
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('-'))
            .unwrap_or_default();
        if rest.is_empty() || !rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            let allowed = format!("give an id of the form {prefix}-... with letters, digits and hyphens");
            return Err(self.fault(field, id, allowed));
        }
        if ec2.tags_of(id).is_some() || ec2.prefix_lists.contains_key(id) {
            return Err(self.fault(
                field,
                id,
                "this id is used above already; every id must be given once",
            ));
        }
        Ok(())
    }

    fn account(&mut self, document: &Document) -> Result<(), SeedError> {
        let account = document.account.as_deref().unwrap_or("000000000000");
        if account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()) {
            return Err(self.fault("account", account, "give twelve digits in quotes"));
        }
        let region = document.region.as_deref().unwrap_or("us-west-2");
        if region.split('-').count() < 3 || !region.ends_with(|c: char| c.is_ascii_digit()) {
            return Err(self.fault("region", region, "give a region such as us-west-2"));
        }
        account.clone_into(&mut self.world.account);
        region.clone_into(&mut self.world.region);
        self.world.ec2.ignore_unknown_revoke = match document.unknown_revoke.as_deref() {
            None | Some("error") => false,
            Some("ignore") => true,
            Some(other) => return Err(self.fault("unknown_revoke", other, "write error or ignore")),
        };
        Ok(())
    }

    fn zones(&mut self, zones: Vec<document::Zone>) -> Result<(), SeedError> {
        const KINDS: [&str; 3] = ["availability-zone", "local-zone", "wavelength-zone"];
        for (at, zone) in zones.into_iter().enumerate() {
            let kind = zone.kind.unwrap_or_else(|| "availability-zone".to_owned());
            if !KINDS.contains(&kind.as_str()) {
                return Err(self.fault(
                    format!("zones[{at}].type"),
                    kind,
                    format!("write {}", KINDS.join(", ")),
                ));
            }
            self.world.ec2.zones.insert(
                zone.name.clone(),
                Zone {
                    name: zone.name,
                    id: zone.id,
                    kind,
                },
            );
        }
        if self.world.ec2.zones.is_empty() {
            let region = self.world.region.clone();
            for (letter, number) in [("a", 1), ("b", 2), ("c", 3)] {
                let (name, id) = (
                    format!("{region}{letter}"),
                    format!("{}-az{number}", short_region(&region)),
                );
                self.world.ec2.zones.insert(
                    name.clone(),
                    Zone {
                        name,
                        id,
                        kind: "availability-zone".into(),
                    },
                );
            }
        }
        Ok(())
    }

    fn vpc(&mut self, path: &str, vpc: &document::Vpc) -> Result<(), SeedError> {
        self.id(format!("{path}.id"), &vpc.id, "vpc")?;
        let cidrs = self.ranges::<Ipv4Net>(
            &format!("{path}.cidrs"),
            &vpc.cidrs,
            "give an IPv4 range such as 10.0.0.0/16",
        )?;
        if cidrs.is_empty() {
            return Err(self.fault(
                format!("{path}.cidrs"),
                "[]",
                "give at least one IPv4 range such as 10.0.0.0/16",
            ));
        }
        let ipv6_cidrs = self.ranges::<Ipv6Net>(
            &format!("{path}.ipv6_cidrs"),
            &vpc.ipv6_cidrs,
            "give an IPv6 range such as fd00:1::/56",
        )?;
        let made = Vpc {
            id: vpc.id.clone(),
            cidrs,
            ipv6_cidrs,
            default: vpc.default,
            tags: vpc.tags.clone(),
        };
        self.world.ec2.vpcs.insert(vpc.id.clone(), made.clone());
        for (at, subnet) in vpc.subnets.iter().enumerate() {
            self.subnet(&format!("{path}.subnets[{at}]"), &made, subnet)?;
        }
        for (at, table) in vpc.route_tables.iter().enumerate() {
            self.route_table(&format!("{path}.route_tables[{at}]"), &vpc.id, table)?;
        }
        for (at, group) in vpc.security_groups.iter().enumerate() {
            self.security_group(&format!("{path}.security_groups[{at}]"), &vpc.id, group)?;
        }
        self.complete(&vpc.id);
        Ok(())
    }

    fn ranges<T: FromStr>(&self, path: &str, texts: &[String], allowed: &str) -> Result<Vec<T>, SeedError> {
        texts
            .iter()
            .enumerate()
            .map(|(at, text)| self.parse(format!("{path}[{at}]"), text, allowed))
            .collect()
    }

    fn subnet(&mut self, path: &str, vpc: &Vpc, subnet: &document::Subnet) -> Result<(), SeedError> {
        self.id(format!("{path}.id"), &subnet.id, "subnet")?;
        let zones = &self.world.ec2.zones;
        let zone = zones.get(&subnet.zone).ok_or_else(|| {
            let names: Vec<&str> = zones.keys().map(String::as_str).collect();
            self.fault(
                format!("{path}.zone"),
                &subnet.zone,
                format!("the zones are {}", names.join(", ")),
            )
        })?;
        let allowed = format!("give an IPv4 range inside {}", join(&vpc.cidrs));
        let cidr: Ipv4Net = self.parse(format!("{path}.cidr"), &subnet.cidr, &allowed)?;
        if !vpc.cidrs.iter().any(|outer| outer.contains(&cidr)) {
            return Err(self.fault(format!("{path}.cidr"), cidr, allowed));
        }
        let overlaps = |other: &&Subnet| {
            other.vpc_id == vpc.id && (other.cidr.contains(&cidr) || cidr.contains(&other.cidr))
        };
        if let Some(other) = self.world.ec2.subnets.values().find(overlaps) {
            let allowed = format!(
                "it overlaps {} of {}; subnets must not overlap",
                other.cidr, other.id
            );
            return Err(self.fault(format!("{path}.cidr"), cidr, allowed));
        }
        let ipv6_cidr = match &subnet.ipv6_cidr {
            None => None,
            Some(text) => {
                Some(self.parse(format!("{path}.ipv6_cidr"), text, "give an IPv6 range of the VPC")?)
            }
        };
        let made = Subnet {
            id: subnet.id.clone(),
            vpc_id: vpc.id.clone(),
            zone: zone.name.clone(),
            zone_id: zone.id.clone(),
            cidr: cidr.trunc(),
            ipv6_cidr,
            public_addresses: subnet.public_addresses,
            outpost_arn: subnet.outpost_arn.clone(),
            tags: subnet.tags.clone(),
        };
        self.world.ec2.subnets.insert(subnet.id.clone(), made);
        Ok(())
    }

    fn route_table(
        &mut self,
        path: &str,
        vpc_id: &str,
        table: &document::RouteTable,
    ) -> Result<(), SeedError> {
        self.id(format!("{path}.id"), &table.id, "rtb")?;
        for (at, subnet) in table.subnets.iter().enumerate() {
            if self.world.ec2.subnet(subnet).is_none_or(|s| s.vpc_id != vpc_id) {
                let allowed = "name a subnet of the same VPC";
                return Err(self.fault(format!("{path}.subnets[{at}]"), subnet, allowed));
            }
        }
        for (at, route) in table.routes.iter().enumerate() {
            let field = format!("{path}.routes[{at}].destination");
            self.parse::<ipnet::IpNet>(field, &route.destination, "give a range such as 0.0.0.0/0")?;
        }
        let routes = table
            .routes
            .iter()
            .map(|r| Route {
                destination: r.destination.clone(),
                gateway: r.gateway.clone(),
            })
            .collect();
        let made = RouteTable {
            id: table.id.clone(),
            vpc_id: vpc_id.to_owned(),
            main: table.main,
            subnets: table.subnets.clone(),
            routes,
            tags: table.tags.clone(),
        };
        self.world.ec2.route_tables.insert(table.id.clone(), made);
        Ok(())
    }

    /// Every VPC has a default security group and a main route table.
    fn complete(&mut self, vpc_id: &str) {
        let ec2 = &self.world.ec2;
        let default = ec2
            .security_groups
            .values()
            .any(|g| g.vpc_id == vpc_id && g.name == "default");
        let main = ec2.route_tables.values().any(|t| t.vpc_id == vpc_id && t.main);
        if !default {
            let id = format!("sg-{}", digits_of(vpc_id, 17));
            self.add_group(&id, "default", "default VPC security group", vpc_id, Tags::new());
        }
        if !main {
            let id = format!("rtb-{}", digits_of(vpc_id, 17));
            let (subnets, routes, tags) = (Vec::new(), Vec::new(), Tags::new());
            let table = RouteTable {
                id: id.clone(),
                vpc_id: vpc_id.to_owned(),
                main: true,
                subnets,
                routes,
                tags,
            };
            self.world.ec2.route_tables.insert(id, table);
        }
    }
}

/// Ranges in a sentence.
pub(super) fn join(cidrs: &[Ipv4Net]) -> String {
    cidrs
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `us-west-2` becomes `usw2`, `ap-southeast-1` becomes `apse1`: the start of AWS's zone ids.
fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut word = part;
        for direction in ["north", "south", "east", "west", "central", "gov"] {
            if word.starts_with(direction) {
                short.extend(direction.chars().next());
                word = word.get(direction.len()..).unwrap_or_default();
                if let Some(second) = ["east", "west"].into_iter().find(|d| word == *d) {
                    short.extend(second.chars().next());
                    word = "";
                }
            }
        }
        short.push_str(word);
    }
    short
}
