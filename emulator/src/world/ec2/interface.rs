//! Network interfaces: those of instances come from the seed, those of load balancers from the ELBv2 side.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::Serialize;

use super::{Ec2, Subnet, Tags};
use crate::world::{ApiError, Ids};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// `eni-...`.
    pub id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Name of its zone.
    pub zone: String,
    /// Free text; `ELB net/NAME/ID` for a network load balancer.
    pub description: String,
    /// Hardware address.
    pub mac: String,
    /// Ids of its security groups.
    pub groups: BTreeSet<String>,
    /// Primary address.
    pub address: Ipv4Addr,
    /// Further addresses.
    pub secondary_addresses: Vec<Ipv4Addr>,
    /// Delegated /28 ranges.
    pub prefixes: Vec<Ipv4Net>,
    /// IPv6 addresses.
    pub ipv6_addresses: Vec<Ipv6Addr>,
    /// What it is attached to.
    pub owner: Owner,
    /// When it vanishes; absent: it stays.
    pub remove_at: Option<Timestamp>,
    /// Tags.
    pub tags: Tags,
}

/// What an interface is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// An instance.
    Instance {
        /// `i-...`.
        id: String,
        /// Device index; 0 is the primary interface.
        index: u32,
    },
    /// A load balancer, by ARN.
    LoadBalancer {
        /// Its ARN, also after its deletion.
        arn: String,
    },
}

impl Interface {
    /// The instance it is attached to, and the device index.
    pub fn instance(&self) -> Option<(&str, u32)> {
        match &self.owner {
            Owner::Instance { id, index } => Some((id, *index)),
            Owner::LoadBalancer { .. } => None,
        }
    }

    /// Primary address first, then the secondary ones.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        std::iter::once(self.address).chain(self.secondary_addresses.iter().copied())
    }

    /// Whether an IPv4 address belongs to it, delegated ranges included.
    pub fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses().any(|a| a == address) || self.prefixes.iter().any(|p| p.contains(&address))
    }

    /// How many IPv4 addresses of its subnet it takes.
    pub fn address_count(&self) -> usize {
        let delegated: usize = self
            .prefixes
            .iter()
            .map(|p| 1_usize << (32 - u32::from(p.prefix_len())).min(31))
            .sum();
        1 + self.secondary_addresses.len() + delegated
    }

    fn owned_by(&self, arn: &str) -> bool {
        matches!(&self.owner, Owner::LoadBalancer { arn: own } if own == arn)
    }
}

impl Ec2 {
    /// Gives a load balancer one interface in each subnet where it has none yet; lingering ones do not count.
    /// Answers the ids of the new interfaces.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound` and `InsufficientFreeAddressesInSubnet`; nothing is attached then.
    pub fn attach_interfaces(
        &mut self,
        ids: &mut Ids,
        owner: &str,
        description: &str,
        subnet_ids: &[String],
        groups: &[String],
    ) -> Result<Vec<String>, ApiError> {
        let mut planned = Vec::new();
        for subnet_id in subnet_ids {
            let subnet = self.subnet(subnet_id).ok_or_else(|| {
                ApiError::new(
                    "InvalidSubnetID.NotFound",
                    format!("The subnet ID '{subnet_id}' does not exist"),
                )
            })?;
            if !self.live_interfaces(owner).any(|i| i.subnet_id == *subnet_id) {
                planned.push((subnet.clone(), self.free_address(subnet)?));
            }
        }
        Ok(planned
            .into_iter()
            .map(|(s, a)| self.attach_at(ids, owner, description, &s, a, groups))
            .collect())
    }

    /// Gives a load balancer an interface in a subnet with an address of its choice.
    ///
    /// # Errors
    /// `InvalidIPAddress.InUse` if the address is taken, `InvalidParameterValue` if it lies outside the subnet.
    pub fn attach_interface_at(
        &mut self,
        ids: &mut Ids,
        owner: &str,
        description: &str,
        subnet_id: &str,
        address: Ipv4Addr,
        groups: &[String],
    ) -> Result<String, ApiError> {
        let subnet = self.subnet(subnet_id).cloned().ok_or_else(|| {
            ApiError::new(
                "InvalidSubnetID.NotFound",
                format!("The subnet ID '{subnet_id}' does not exist"),
            )
        })?;
        if !subnet.cidr.contains(&address) {
            let message = format!("Address {address} does not fall within the subnet's address range");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if self
            .interfaces
            .values()
            .any(|i| i.subnet_id == subnet_id && i.holds(address))
        {
            return Err(ApiError::new(
                "InvalidIPAddress.InUse",
                format!("Address {address} is in use."),
            ));
        }
        Ok(self.attach_at(ids, owner, description, &subnet, address, groups))
    }

    /// Lets all interfaces of a load balancer linger until `until`, then vanish.
    pub fn detach_interfaces_after(&mut self, owner: &str, until: Timestamp) {
        self.detach_where(until, |i| i.owned_by(owner));
    }

    /// Lets a load balancer's interfaces outside the given subnets linger until `until`, then vanish.
    pub fn keep_interfaces_in(&mut self, owner: &str, subnet_ids: &[String], until: Timestamp) {
        self.detach_where(until, |i| i.owned_by(owner) && !subnet_ids.contains(&i.subnet_id));
    }

    /// Replaces the security groups of a load balancer's interfaces.
    pub fn set_interface_groups(&mut self, owner: &str, groups: &[String]) {
        for interface in self
            .interfaces
            .values_mut()
            .filter(|i| i.owned_by(owner) && i.remove_at.is_none())
        {
            interface.groups = groups.iter().cloned().collect();
        }
    }

    /// The interfaces of a load balancer that is not deleted, by id.
    pub fn live_interfaces(&self, owner: &str) -> impl Iterator<Item = &Interface> {
        self.interfaces
            .values()
            .filter(move |i| i.owned_by(owner) && i.remove_at.is_none())
    }

    /// The interface of an instance that holds an address: the one that a target with that address is behind.
    pub fn interface_with_address(&self, vpc_id: &str, address: Ipv4Addr) -> Option<&Interface> {
        self.interfaces
            .values()
            .find(|i| i.vpc_id == vpc_id && i.holds(address))
    }

    fn detach_where(&mut self, until: Timestamp, which: impl Fn(&Interface) -> bool) {
        for interface in self
            .interfaces
            .values_mut()
            .filter(|i| i.remove_at.is_none() && which(i))
        {
            interface.remove_at = Some(until);
        }
    }

    fn attach_at(
        &mut self,
        ids: &mut Ids,
        owner: &str,
        description: &str,
        subnet: &Subnet,
        address: Ipv4Addr,
        groups: &[String],
    ) -> String {
        let id = format!("eni-{}", ids.hex(17));
        let interface = Interface {
            id: id.clone(),
            subnet_id: subnet.id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            zone: subnet.zone.clone(),
            description: description.to_owned(),
            mac: mac_of(address),
            groups: groups.iter().cloned().collect(),
            address,
            secondary_addresses: Vec::new(),
            prefixes: Vec::new(),
            ipv6_addresses: Vec::new(),
            owner: Owner::LoadBalancer {
                arn: owner.to_owned(),
            },
            remove_at: None,
            tags: Tags::new(),
        };
        self.interfaces.insert(id.clone(), interface);
        id
    }

    /// The highest free address of a subnet: seeds use the low ones.
    fn free_address(&self, subnet: &Subnet) -> Result<Ipv4Addr, ApiError> {
        let inside: Vec<&Interface> = self
            .interfaces
            .values()
            .filter(|i| i.subnet_id == subnet.id)
            .collect();
        let first = subnet.cidr.network().to_bits().saturating_add(4);
        let last = subnet.cidr.broadcast().to_bits().saturating_sub(1);
        let free = (first..=last)
            .rev()
            .map(Ipv4Addr::from_bits)
            .find(|a| !inside.iter().any(|i| i.holds(*a)));
        free.ok_or_else(|| {
            let message = format!("Insufficient free addresses in subnet '{}'.", subnet.id);
            ApiError::new("InsufficientFreeAddressesInSubnet", message)
        })
    }
}

/// A locally administered hardware address made from an IPv4 address.
pub fn mac_of(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
