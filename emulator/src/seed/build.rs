//! From the written seed to the account: every value is checked, and a fault names its field.

use std::{
    collections::BTreeMap,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    SeedError,
    document::{self, Document},
};
use crate::world::{
    World,
    ec2::{
        Instance, Interface, Owner, Peer, Route, RouteTable, Rule, RuleEntry, SecurityGroup, Subnet, Tags,
        Vpc, Zone, interface::mac_of, security_group::everything,
    },
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
    for (at, arn) in document.certificates.iter().enumerate() {
        if !(arn.starts_with("arn:") && (arn.contains(":acm:") || arn.contains(":iam:"))) {
            let allowed =
                "give the ARN of an ACM or IAM certificate, arn:aws:acm:REGION:ACCOUNT:certificate/ID";
            return Err(build.fault(format!("certificates[{at}]"), arn, allowed));
        }
    }
    build.world.certificates = document.certificates.into_iter().collect();
    build.world.quotas = document.quotas;
    build.world.delays = document.delays;
    build.world.page_size = document.page_size;
    Ok(build.world)
}

struct Build<'a> {
    file: &'a str,
    world: World,
}

impl Build<'_> {
    fn fault(&self, field: impl Display, value: impl Display, allowed: impl Display) -> SeedError {
        SeedError::Value {
            file: self.file.to_owned(),
            field: field.to_string(),
            value: value.to_string(),
            allowed: allowed.to_string(),
        }
    }

    fn parse<T: FromStr>(&self, field: impl Display, value: &str, allowed: &str) -> Result<T, SeedError> {
        value.parse().map_err(|_| self.fault(field, value, allowed))
    }

    /// An id with the prefix of its kind that nothing else has.
    fn id(&self, field: impl Display, id: &str, prefix: &str) -> Result<(), SeedError> {
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
        self.world.account = account.to_owned();
        self.world.region = region.to_owned();
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

    fn security_group(
        &mut self,
        path: &str,
        vpc_id: &str,
        group: &document::SecurityGroup,
    ) -> Result<(), SeedError> {
        self.id(format!("{path}.id"), &group.id, "sg")?;
        let same_name = |g: &SecurityGroup| g.vpc_id == vpc_id && g.name == group.name;
        if self.world.ec2.security_groups.values().any(same_name) {
            let allowed = "another group of the VPC has this name; names must differ";
            return Err(self.fault(format!("{path}.name"), &group.name, allowed));
        }
        self.add_group(
            &group.id,
            &group.name,
            &group.description,
            vpc_id,
            group.tags.clone(),
        );
        Ok(())
    }

    fn add_group(&mut self, id: &str, name: &str, description: &str, vpc_id: &str, tags: Tags) {
        let rule_id = format!("sgr-{}", self.world.ids.hex(17));
        let group = SecurityGroup {
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            vpc_id: vpc_id.to_owned(),
            ingress: BTreeMap::new(),
            egress: BTreeMap::from([(
                everything(),
                RuleEntry {
                    id: rule_id,
                    ..RuleEntry::default()
                },
            )]),
            tags,
            created_at: None,
        };
        self.world.ec2.security_groups.insert(id.to_owned(), group);
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
            let id = vpc_id.replacen("vpc-", "sg-", 1);
            self.add_group(&id, "default", "default VPC security group", vpc_id, Tags::new());
        }
        if !main {
            let id = vpc_id.replacen("vpc-", "rtb-", 1);
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

    /// Rules come after all groups, because they may name any of them.
    fn ingress(&mut self, path: &str, vpc: &document::Vpc) -> Result<(), SeedError> {
        for (at, group) in vpc.security_groups.iter().enumerate() {
            for (number, rule) in group.ingress.iter().enumerate() {
                let path = format!("{path}.security_groups[{at}].ingress[{number}]");
                let parsed = self.rule(&path, rule)?;
                let entry = RuleEntry {
                    id: format!("sgr-{}", self.world.ids.hex(17)),
                    description: rule.description.clone(),
                    tags: Tags::new(),
                };
                if let Some(made) = self.world.ec2.security_groups.get_mut(&group.id) {
                    made.ingress.insert(parsed, entry);
                }
            }
        }
        Ok(())
    }

    fn rule(&self, path: &str, rule: &document::Rule) -> Result<Rule, SeedError> {
        let with_ports = match rule.protocol.as_str() {
            "tcp" | "udp" | "icmp" | "icmpv6" => true,
            "-1" => false,
            other => {
                let allowed = "write tcp, udp, icmp, icmpv6 or \"-1\" (all)";
                return Err(self.fault(format!("{path}.protocol"), other, allowed));
            }
        };
        let ports = match (with_ports, rule.from_port, rule.to_port) {
            (false, _, _) => None,
            (true, Some(from), Some(to)) if from <= to => Some((from, to)),
            (true, from, to) => {
                let value = format!("{from:?} to {to:?}");
                return Err(self.fault(
                    format!("{path}.from_port"),
                    value,
                    "give from_port and to_port, the lower first",
                ));
            }
        };
        let known = |id: &str| {
            self.world.ec2.security_groups.contains_key(id) || self.world.ec2.prefix_lists.contains_key(id)
        };
        let peer = match rule.source.as_str() {
            id if id.starts_with("sg-") && known(id) => Peer::Group(id.to_owned()),
            id if id.starts_with("pl-") && known(id) => Peer::PrefixList(id.to_owned()),
            text => match (text.parse::<Ipv4Net>(), text.parse::<Ipv6Net>()) {
                (Ok(cidr), _) => Peer::Ipv4(cidr.trunc()),
                (_, Ok(cidr)) => Peer::Ipv6(cidr.trunc()),
                _ => {
                    let allowed = "give a range such as 10.0.0.0/8, or the id of a security group or prefix list of this seed";
                    return Err(self.fault(format!("{path}.source"), text, allowed));
                }
            },
        };
        Ok(Rule {
            protocol: rule.protocol.clone(),
            ports,
            peer,
        })
    }

    fn instance(&mut self, path: &str, instance: &document::Instance) -> Result<(), SeedError> {
        self.id(format!("{path}.id"), &instance.id, "i")?;
        let address: Ipv4Addr = self.parse(
            format!("{path}.address"),
            &instance.address,
            "give an IPv4 address",
        )?;
        let subnet = self.subnet_of(path, instance, address)?;
        if let Some(zone) = instance.zone.as_ref().filter(|zone| **zone != subnet.zone) {
            let allowed = format!("its subnet {} lies in {}", subnet.id, subnet.zone);
            return Err(self.fault(format!("{path}.zone"), zone, allowed));
        }
        self.free(format!("{path}.address"), address)?;
        let state = instance.state.as_deref().unwrap_or("running");
        const STATES: [&str; 6] = [
            "pending",
            "running",
            "shutting-down",
            "stopping",
            "stopped",
            "terminated",
        ];
        if !STATES.contains(&state) {
            return Err(self.fault(
                format!("{path}.state"),
                state,
                format!("write {}", STATES.join(", ")),
            ));
        }
        let interface = self.interface(&format!("{path}.interface"), instance, address, &subnet)?;
        self.world.ec2.interfaces.insert(interface.id.clone(), interface);
        let made = Instance {
            id: instance.id.clone(),
            kind: instance.kind.clone().unwrap_or_else(|| "m5.large".into()),
            state: state.to_owned(),
            zone: subnet.zone,
            vpc_id: subnet.vpc_id,
            subnet_id: subnet.id,
            address,
            tags: instance.tags.clone(),
        };
        self.world.ec2.instances.insert(instance.id.clone(), made);
        Ok(())
    }

    fn subnet_of(
        &self,
        path: &str,
        instance: &document::Instance,
        address: Ipv4Addr,
    ) -> Result<Subnet, SeedError> {
        let subnets = &self.world.ec2.subnets;
        if let Some(id) = &instance.subnet {
            let subnet = subnets.get(id).ok_or_else(|| {
                self.fault(
                    format!("{path}.subnet"),
                    id,
                    "name a subnet of this seed, or leave it out to take the one around the address",
                )
            })?;
            if subnet.cidr.contains(&address) {
                return Ok(subnet.clone());
            }
            return Err(self.fault(
                format!("{path}.address"),
                address,
                format!("give an address inside {} of {id}", subnet.cidr),
            ));
        }
        subnets
            .values()
            .find(|s| s.cidr.contains(&address))
            .cloned()
            .ok_or_else(|| {
                let cidrs: Vec<Ipv4Net> = subnets.values().map(|s| s.cidr).collect();
                self.fault(
                    format!("{path}.address"),
                    address,
                    format!("give an address inside one of the subnets {}", join(&cidrs)),
                )
            })
    }

    fn free(&self, field: impl Display, address: Ipv4Addr) -> Result<(), SeedError> {
        match self.world.ec2.interfaces.values().find(|i| i.holds(address)) {
            Some(other) => Err(self.fault(field, address, format!("{} has this address already", other.id))),
            None => Ok(()),
        }
    }

    fn interface(
        &self,
        path: &str,
        instance: &document::Instance,
        address: Ipv4Addr,
        subnet: &Subnet,
    ) -> Result<Interface, SeedError> {
        let written = &instance.interface;
        let id = written
            .id
            .clone()
            .unwrap_or_else(|| instance.id.replacen("i-", "eni-", 1));
        self.id(format!("{path}.id"), &id, "eni")?;
        let mut made = Interface {
            id,
            subnet_id: subnet.id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            zone: subnet.zone.clone(),
            description: String::new(),
            mac: mac_of(address),
            groups: std::collections::BTreeSet::new(),
            address,
            secondary_addresses: Vec::new(),
            prefixes: Vec::new(),
            ipv6_addresses: Vec::new(),
            owner: Owner::Instance {
                id: instance.id.clone(),
                index: 0,
            },
            remove_at: None,
            tags: written.tags.clone(),
        };
        self.groups(path, written, &mut made)?;
        self.addresses(path, written, subnet, &mut made)?;
        Ok(made)
    }

    fn groups(
        &self,
        path: &str,
        written: &document::Interface,
        made: &mut Interface,
    ) -> Result<(), SeedError> {
        let groups = &self.world.ec2.security_groups;
        for (at, id) in written.security_groups.iter().enumerate() {
            if groups.get(id).is_none_or(|g| g.vpc_id != made.vpc_id) {
                let of_vpc = groups
                    .values()
                    .filter(|g| g.vpc_id == made.vpc_id)
                    .map(|g| g.id.as_str());
                let allowed = format!(
                    "the groups of {} are {}",
                    made.vpc_id,
                    of_vpc.collect::<Vec<_>>().join(", ")
                );
                return Err(self.fault(format!("{path}.security_groups[{at}]"), id, allowed));
            }
            made.groups.insert(id.clone());
        }
        if made.groups.is_empty() {
            let default = groups
                .values()
                .find(|g| g.vpc_id == made.vpc_id && g.name == "default");
            made.groups.extend(default.map(|g| g.id.clone()));
        }
        Ok(())
    }

    fn addresses(
        &self,
        path: &str,
        written: &document::Interface,
        subnet: &Subnet,
        made: &mut Interface,
    ) -> Result<(), SeedError> {
        let inside = format!("give an address inside {} of {}", subnet.cidr, subnet.id);
        for (at, text) in written.secondary_addresses.iter().enumerate() {
            let field = format!("{path}.secondary_addresses[{at}]");
            let address: Ipv4Addr = self.parse(&field, text, &inside)?;
            if !subnet.cidr.contains(&address) {
                return Err(self.fault(field, address, inside));
            }
            if made.holds(address) {
                return Err(self.fault(
                    field,
                    address,
                    "this interface has the address already; give each once",
                ));
            }
            self.free(&field, address)?;
            made.secondary_addresses.push(address);
        }
        let allowed = format!("give a /28 range inside {} of {}", subnet.cidr, subnet.id);
        for (at, text) in written.prefixes.iter().enumerate() {
            let field = format!("{path}.prefixes[{at}]");
            let prefix: Ipv4Net = self.parse(&field, text, &allowed)?;
            if prefix.prefix_len() != 28 || prefix != prefix.trunc() || !subnet.cidr.contains(&prefix) {
                return Err(self.fault(field, prefix, allowed));
            }
            for address in prefix.hosts() {
                if made.holds(address) {
                    let taken =
                        format!("{address} in it is an address of this interface; prefixes must be free");
                    return Err(self.fault(field, prefix, taken));
                }
                self.free(&field, address)?;
            }
            made.prefixes.push(prefix);
        }
        for (at, text) in written.ipv6_addresses.iter().enumerate() {
            let field = format!("{path}.ipv6_addresses[{at}]");
            let allowed = "give an IPv6 address inside the subnet's ipv6_cidr";
            let address = self.parse(&field, text, allowed)?;
            if !subnet.contains(IpAddr::V6(address)) {
                return Err(self.fault(field, address, allowed));
            }
            made.ipv6_addresses.push(address);
        }
        Ok(())
    }
}

fn join(cidrs: &[Ipv4Net]) -> String {
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
