//! Between the words of the EC2 API and ours.

use std::collections::BTreeMap;

use aws_sdk_ec2::types as sdk;
use elbow_core::model::{IngressPermission, PermissionSource, Tags};
use elbow_core::question::{Group, RouteTable, Subnet, Vpc};
use elbow_core::targets::{GroupRule, Instance, Interface, SecurityGroupState};

/// An interface alone and one in an instance are two types of the SDK with the same fields.
macro_rules! read_interface {
    ($interface:expr) => {
        Interface {
            id: text($interface.network_interface_id()),
            device_index: $interface.attachment().and_then(|a| a.device_index()),
            groups: texts($interface.groups(), |group| group.group_id()),
            private_ips: texts($interface.private_ip_addresses(), |one| one.private_ip_address()),
            ipv6_addresses: texts($interface.ipv6_addresses(), |one| one.ipv6_address()),
            ipv4_prefixes: texts($interface.ipv4_prefixes(), |one| one.ipv4_prefix()),
            ipv6_prefixes: texts($interface.ipv6_prefixes(), |one| one.ipv6_prefix()),
        }
    };
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

pub(super) fn read_tags(tags: &[sdk::Tag]) -> BTreeMap<String, String> {
    tags.iter()
        .map(|tag| (text(tag.key()), text(tag.value())))
        .collect()
}

pub(super) fn tags(tags: &Tags) -> Vec<sdk::Tag> {
    tags.iter()
        .map(|(key, value)| sdk::Tag::builder().key(key).value(value).build())
        .collect()
}

pub(super) fn subnet(subnet: &sdk::Subnet) -> Subnet {
    let associated = |block: &&sdk::SubnetIpv6CidrBlockAssociation| {
        let state = block.ipv6_cidr_block_state().and_then(|state| state.state());
        state == Some(&sdk::SubnetCidrBlockStateCode::Associated)
    };
    Subnet {
        id: text(subnet.subnet_id()),
        vpc: text(subnet.vpc_id()),
        zone: text(subnet.availability_zone()),
        zone_id: text(subnet.availability_zone_id()),
        ipv4_cidr: text(subnet.cidr_block()),
        ipv6_cidrs: subnet
            .ipv6_cidr_block_association_set()
            .iter()
            .filter(associated)
            .map(|block| text(block.ipv6_cidr_block()))
            .collect(),
        available_ips: subnet.available_ip_address_count().unwrap_or_default(),
        outpost_arn: subnet
            .outpost_arn()
            .filter(|arn| !arn.is_empty())
            .map(str::to_owned),
        tags: read_tags(subnet.tags()),
    }
}

pub(super) fn vpc(vpc: &sdk::Vpc) -> Vpc {
    let associated = |state: Option<&sdk::VpcCidrBlockState>| {
        state.and_then(|state| state.state()) == Some(&sdk::VpcCidrBlockStateCode::Associated)
    };
    Vpc {
        id: text(vpc.vpc_id()),
        ipv4_cidrs: vpc
            .cidr_block_association_set()
            .iter()
            .filter(|block| associated(block.cidr_block_state()))
            .map(|block| text(block.cidr_block()))
            .collect(),
        ipv6_cidrs: vpc
            .ipv6_cidr_block_association_set()
            .iter()
            .filter(|block| associated(block.ipv6_cidr_block_state()))
            .map(|block| text(block.ipv6_cidr_block()))
            .collect(),
    }
}

pub(super) fn route_table(table: &sdk::RouteTable) -> RouteTable {
    RouteTable {
        id: text(table.route_table_id()),
        main: table
            .associations()
            .iter()
            .any(|association| association.main().unwrap_or_default()),
        subnets: texts(table.associations(), sdk::RouteTableAssociation::subnet_id),
        gateways: texts(table.routes(), sdk::Route::gateway_id),
    }
}

pub(super) fn group(state: &SecurityGroupState) -> Group {
    Group {
        id: state.id.clone(),
        tags: state.tags.clone(),
    }
}

pub(super) fn group_state(group: &sdk::SecurityGroup) -> SecurityGroupState {
    SecurityGroupState {
        id: text(group.group_id()),
        vpc: text(group.vpc_id()),
        name: text(group.group_name()),
        description: text(group.description()),
        tags: read_tags(group.tags()),
        rules: group.ip_permissions().iter().flat_map(rules).collect(),
    }
}

/// The rules of a permission, one per source. A source group without an id (EC2-Classic) cannot be ours.
fn rules(permission: &sdk::IpPermission) -> Vec<GroupRule> {
    let rule = |source: PermissionSource, description: Option<&str>| GroupRule {
        permission: IngressPermission {
            protocol: text(permission.ip_protocol()),
            from_port: permission.from_port(),
            to_port: permission.to_port(),
            source,
        },
        description: text(description),
    };
    let ipv4 = permission
        .ip_ranges()
        .iter()
        .map(|range| rule(PermissionSource::Ipv4(text(range.cidr_ip())), range.description()));
    let ipv6 = permission.ipv6_ranges().iter().map(|range| {
        rule(
            PermissionSource::Ipv6(text(range.cidr_ipv6())),
            range.description(),
        )
    });
    let lists = permission.prefix_list_ids().iter().map(|list| {
        rule(
            PermissionSource::PrefixList(text(list.prefix_list_id())),
            list.description(),
        )
    });
    let groups = permission.user_id_group_pairs().iter().filter_map(|pair| {
        Some(rule(
            PermissionSource::Group(pair.group_id()?.to_owned()),
            pair.description(),
        ))
    });
    ipv4.chain(ipv6).chain(lists).chain(groups).collect()
}

/// A rule as a permission of the API.
pub(super) fn permission(rule: &GroupRule) -> sdk::IpPermission {
    let description = (!rule.description.is_empty()).then(|| rule.description.clone());
    let permission = sdk::IpPermission::builder()
        .ip_protocol(&rule.permission.protocol)
        .set_from_port(rule.permission.from_port)
        .set_to_port(rule.permission.to_port);
    match &rule.permission.source {
        PermissionSource::Ipv4(cidr) => {
            let range = sdk::IpRange::builder().cidr_ip(cidr).set_description(description);
            permission.ip_ranges(range.build())
        }
        PermissionSource::Ipv6(cidr) => {
            let range = sdk::Ipv6Range::builder()
                .cidr_ipv6(cidr)
                .set_description(description);
            permission.ipv6_ranges(range.build())
        }
        PermissionSource::PrefixList(id) => {
            let list = sdk::PrefixListId::builder()
                .prefix_list_id(id)
                .set_description(description);
            permission.prefix_list_ids(list.build())
        }
        PermissionSource::Group(id) => {
            let pair = sdk::UserIdGroupPair::builder()
                .group_id(id)
                .set_description(description);
            permission.user_id_group_pairs(pair.build())
        }
    }
    .build()
}

/// One text of each item, where it has it.
fn texts<T, C: FromIterator<String>>(items: &[T], field: fn(&T) -> Option<&str>) -> C {
    items.iter().filter_map(field).map(str::to_owned).collect()
}

pub(super) fn instance(instance: &sdk::Instance) -> Instance {
    let interfaces = instance.network_interfaces().iter();
    Instance {
        id: text(instance.instance_id()),
        vpc: text(instance.vpc_id()),
        interfaces: interfaces.map(|interface| read_interface!(interface)).collect(),
    }
}

pub(super) fn interface(interface: &sdk::NetworkInterface) -> Interface {
    read_interface!(interface)
}
