//! DescribeInstances.

use super::{
    Params, Xml,
    describe::{Described, select, tag_set},
    interfaces,
};
use crate::world::{
    ApiError, World,
    ec2::{Instance, Interface, Tags},
};

impl Described for Instance {
    const ID_PARAMETER: &'static str = "InstanceId";
    const NOT_FOUND: &'static str = "InvalidInstanceID.NotFound";
    const NOUN: &'static str = "instance ID";
    const IDS_OR_PAGES: bool = true;
    const FILTERS: &'static [&'static str] = &[
        "instance-id",
        "vpc-id",
        "subnet-id",
        "availability-zone",
        "instance-state-name",
        "instance-state-code",
        "instance-type",
        "private-ip-address",
        "private-dns-name",
        "instance.group-id",
        "instance.group-name",
        "network-interface.addresses.private-ip-address",
        "network-interface.group-id",
        "network-interface.network-interface-id",
        "network-interface.subnet-id",
        "network-interface.vpc-id",
        "owner-id",
        "reservation-id",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        let interfaces = || world.ec2.interfaces_of(&self.id).into_iter();
        match filter {
            "instance-id" => vec![self.id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "subnet-id" => vec![self.subnet_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "instance-state-name" => vec![self.state.clone()],
            "instance-state-code" => vec![state_code(&self.state).to_string()],
            "instance-type" => vec![self.kind.clone()],
            "private-ip-address" => vec![self.address.to_string()],
            "private-dns-name" => vec![interfaces::private_name(world, self.address)],
            "instance.group-id" | "network-interface.group-id" => {
                interfaces().flat_map(|i| i.groups.iter().cloned()).collect()
            }
            "instance.group-name" => interfaces()
                .flat_map(|i| i.groups.iter())
                .map(|g| interfaces::group_name(world, g))
                .collect(),
            "network-interface.addresses.private-ip-address" => interfaces()
                .flat_map(Interface::addresses)
                .map(|a| a.to_string())
                .collect(),
            "network-interface.network-interface-id" => interfaces().map(|i| i.id.clone()).collect(),
            "network-interface.subnet-id" => interfaces().map(|i| i.subnet_id.clone()).collect(),
            "network-interface.vpc-id" => interfaces().map(|i| i.vpc_id.clone()).collect(),
            "owner-id" => vec![world.account.clone()],
            _ => vec![reservation(self)],
        }
    }
}

pub fn describe(world: &World, params: &Params) -> Result<String, ApiError> {
    let page = select(world, params, world.ec2.instances.values())?;
    Ok(page.write("reservationSet", |xml, instance| {
        xml.text("reservationId", reservation(instance))
            .text("ownerId", &world.account)
            .text("groupSet", "");
        xml.element("instancesSet", |xml| {
            xml.element("item", |xml| write(xml, world, instance));
        });
    }))
}

fn write(xml: &mut Xml, world: &World, instance: &Instance) {
    xml.text("instanceId", &instance.id)
        .text("instanceType", &instance.kind);
    xml.element("instanceState", |xml| {
        xml.text("code", state_code(&instance.state))
            .text("name", &instance.state);
    });
    xml.text(
        "privateDnsName",
        interfaces::private_name(world, instance.address),
    )
    .text("dnsName", "");
    xml.element("placement", |xml| {
        xml.text("availabilityZone", &instance.zone)
            .text("tenancy", "default");
    });
    xml.text("subnetId", &instance.subnet_id)
        .text("vpcId", &instance.vpc_id);
    xml.text("privateIpAddress", instance.address)
        .text("architecture", "x86_64")
        .text("sourceDestCheck", true);
    let own = world.ec2.interfaces_of(&instance.id);
    if let Some(primary) = own.first() {
        interfaces::group_set(xml, world, &primary.groups);
    }
    xml.list("networkInterfaceSet", "item", own, |xml, interface| {
        interfaces::write_common(xml, world, interface);
        xml.element("attachment", |xml| {
            xml.text("attachmentId", interfaces::attachment_id(interface))
                .text("status", "attached");
            xml.text("deviceIndex", interface.instance().map_or(0, |(_, index)| index));
            xml.text("networkCardIndex", 0).text("deleteOnTermination", true);
        });
    });
    tag_set(xml, &instance.tags);
}

fn reservation(instance: &Instance) -> String {
    instance.id.replacen("i-", "r-", 1)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html>
fn state_code(state: &str) -> u16 {
    match state {
        "pending" => 0,
        "running" => 16,
        "shutting-down" => 32,
        "terminated" => 48,
        "stopping" => 64,
        _ => 80,
    }
}
