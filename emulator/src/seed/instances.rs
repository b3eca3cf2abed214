//! The instances of a seed, each with its network interface.

use std::{
    collections::BTreeSet,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::Ipv4Net;

use super::{
    SeedError,
    build::{Build, join},
    document,
};
use crate::world::ec2::{Instance, Interface, Owner, Subnet, interface::mac_of};

const STATES: [&str; 6] = [
    "pending",
    "running",
    "shutting-down",
    "stopping",
    "stopped",
    "terminated",
];

impl Build<'_> {
    pub(super) fn instance(&mut self, path: &str, instance: &document::Instance) -> Result<(), SeedError> {
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
            groups: BTreeSet::new(),
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
