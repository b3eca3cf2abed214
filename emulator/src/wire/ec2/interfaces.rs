//! DescribeNetworkInterfaces, and the parts of an interface that DescribeInstances writes as well.

use std::{collections::BTreeSet, net::Ipv4Addr};

use super::{
    Params, Xml,
    describe::{Described, select, tag_set},
};
use crate::world::{
    ApiError, World,
    ec2::{Interface, Owner, Tags},
};

impl Described for Interface {
    const ID_PARAMETER: &'static str = "NetworkInterfaceId";
    const NOT_FOUND: &'static str = "InvalidNetworkInterfaceID.NotFound";
    const NOUN: &'static str = "networkInterface ID";
    const IDS_OR_PAGES: bool = true;
    const FILTERS: &'static [&'static str] = &[
        "network-interface-id",
        "vpc-id",
        "subnet-id",
        "availability-zone",
        "addresses.private-ip-address",
        "addresses.primary",
        "private-ip-address",
        "private-dns-name",
        "ipv6-addresses.ipv6-address",
        "group-id",
        "group-name",
        "attachment.attachment-id",
        "attachment.device-index",
        "attachment.instance-id",
        "attachment.instance-owner-id",
        "attachment.status",
        "description",
        "interface-type",
        "mac-address",
        "owner-id",
        "requester-id",
        "requester-managed",
        "status",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        let device = self.instance();
        match filter {
            "network-interface-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "subnet-id" => vec![self.subnet_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "addresses.private-ip-address" => self.addresses().map(|a| a.to_string()).collect(),
            "addresses.primary" => vec!["true".into(), "false".into()],
            "private-ip-address" => vec![self.address.to_string()],
            "private-dns-name" => vec![private_name(world, self.address)],
            "ipv6-addresses.ipv6-address" => self.ipv6_addresses.iter().map(ToString::to_string).collect(),
            "group-id" => self.groups.iter().cloned().collect(),
            "group-name" => self.groups.iter().map(|g| group_name(world, g)).collect(),
            "attachment.attachment-id" => vec![attachment_id(self)],
            "attachment.device-index" => vec![device.map_or(1, |(_, index)| index).to_string()],
            "attachment.instance-id" => device.map(|(id, _)| id.to_owned()).into_iter().collect(),
            "attachment.instance-owner-id" => vec![attached_by(world, self)],
            "attachment.status" => vec!["attached".into()],
            "description" => vec![self.description.clone()],
            "interface-type" => vec![interface_type(self).to_owned()],
            "mac-address" => vec![self.mac.clone()],
            "owner-id" => vec![world.account.clone()],
            "requester-id" => requester(self).map(str::to_owned).into_iter().collect(),
            "requester-managed" => vec![requester(self).is_some().to_string()],
            _ => vec!["in-use".into()],
        }
    }
}

pub fn describe(world: &World, params: &Params) -> Result<String, ApiError> {
    let page = select(world, params, world.ec2.interfaces.values())?;
    Ok(page.write("networkInterfaceSet", |xml, interface| {
        write_common(xml, world, interface);
        xml.text("availabilityZone", &interface.zone);
        xml.element("attachment", |xml| {
            xml.text("attachmentId", attachment_id(interface))
                .text("status", "attached");
            xml.text("instanceOwnerId", attached_by(world, interface));
            let device = interface.instance();
            xml.opt("instanceId", device.map(|(id, _)| id))
                .text("deviceIndex", device.map_or(1, |(_, index)| index));
            xml.text("deleteOnTermination", device.is_some());
        });
        xml.opt("requesterId", requester(interface))
            .text("requesterManaged", requester(interface).is_some());
        tag_set(xml, &interface.tags);
    }))
}

/// What the two describe calls write in the same words.
pub fn write_common(xml: &mut Xml, world: &World, interface: &Interface) {
    xml.text("networkInterfaceId", &interface.id)
        .text("subnetId", &interface.subnet_id);
    xml.text("vpcId", &interface.vpc_id)
        .text("description", &interface.description);
    xml.text("ownerId", &world.account)
        .text("status", "in-use")
        .text("macAddress", &interface.mac);
    xml.text("interfaceType", interface_type(interface));
    xml.text("privateIpAddress", interface.address)
        .text("privateDnsName", private_name(world, interface.address));
    xml.text("sourceDestCheck", interface.instance().is_some());
    group_set(xml, world, &interface.groups);
    xml.list(
        "privateIpAddressesSet",
        "item",
        interface.addresses(),
        |xml, address| {
            xml.text("privateIpAddress", address)
                .text("privateDnsName", private_name(world, address));
            xml.text("primary", address == interface.address);
        },
    );
    xml.list(
        "ipv6AddressesSet",
        "item",
        &interface.ipv6_addresses,
        |xml, address| {
            xml.text("ipv6Address", address);
        },
    );
    if !interface.prefixes.is_empty() {
        xml.list("ipv4PrefixSet", "item", &interface.prefixes, |xml, prefix| {
            xml.text("ipv4Prefix", prefix);
        });
    }
}

/// `<groupSet>`.
pub fn group_set(xml: &mut Xml, world: &World, groups: &BTreeSet<String>) {
    xml.list("groupSet", "item", groups, |xml, id| {
        xml.text("groupId", id).text("groupName", group_name(world, id));
    });
}

/// Name of a group; empty for one that is gone.
pub fn group_name(world: &World, id: &str) -> String {
    world
        .ec2
        .security_group(id)
        .map(|g| g.name.clone())
        .unwrap_or_default()
}

/// `ip-10-0-1-2.us-west-2.compute.internal`.
pub fn private_name(world: &World, address: Ipv4Addr) -> String {
    let host = format!("ip-{}", address.to_string().replace('.', "-"));
    if world.region == "us-east-1" {
        return format!("{host}.ec2.internal");
    }
    format!("{host}.{}.compute.internal", world.region)
}

/// `eni-attach-...` with the digits of the interface.
pub fn attachment_id(interface: &Interface) -> String {
    interface.id.replacen("eni-", "eni-attach-", 1)
}

fn network_load_balancer(interface: &Interface) -> bool {
    matches!(&interface.owner, Owner::LoadBalancer { arn } if arn.contains(":loadbalancer/net/"))
}

fn interface_type(interface: &Interface) -> &'static str {
    if network_load_balancer(interface) {
        "network_load_balancer"
    } else {
        "interface"
    }
}

fn requester(interface: &Interface) -> Option<&'static str> {
    matches!(interface.owner, Owner::LoadBalancer { .. }).then_some("amazon-elb")
}

fn attached_by(world: &World, interface: &Interface) -> String {
    match interface.owner {
        Owner::Instance { .. } => world.account.clone(),
        Owner::LoadBalancer { .. } if network_load_balancer(interface) => "amazon-aws".to_owned(),
        Owner::LoadBalancer { .. } => "amazon-elb".to_owned(),
    }
}
