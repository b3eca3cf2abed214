//! Security group rules on the wire: IpPermissions in, rules out, and back.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};

use super::{Params, Xml, describe::tag_set, invalid, required};
use crate::world::{
    ApiError, World,
    ec2::{Peer, Rule, RuleEntry, SecurityGroup},
};

/// The rules of a request for a group, each with its description: `IpPermissions.N`, or the single rule of the old
/// form (`IpProtocol`, `FromPort`, `ToPort`, `CidrIp`).
///
/// # Errors
/// `MissingParameter`, `InvalidParameterValue`, `InvalidGroup.NotFound`.
pub fn read(
    world: &World,
    group: &SecurityGroup,
    params: &Params,
) -> Result<Vec<(Rule, Option<String>)>, ApiError> {
    let mut rules = Vec::new();
    for permission in params.children("IpPermissions") {
        let (protocol, ports) = traffic(&permission)?;
        let before = rules.len();
        for (peer, description) in peers(world, group, &permission)? {
            rules.push((
                Rule {
                    protocol: protocol.clone(),
                    ports,
                    peer,
                },
                description,
            ));
        }
        if rules.len() == before {
            return Err(ApiError::new(
                "MissingParameter",
                "The request must contain a source for each permission",
            ));
        }
    }
    if let Some(cidr) = params.get("CidrIp") {
        let (protocol, ports) = traffic(params)?;
        rules.push((
            Rule {
                protocol,
                ports,
                peer: Peer::Ipv4(ipv4(cidr)?),
            },
            None,
        ));
    } else if let Some(name) = params.get("SourceSecurityGroupName") {
        let peer = Peer::Group(by_name(world, &group.vpc_id, name)?);
        rules.push((
            Rule {
                protocol: "-1".into(),
                ports: None,
                peer,
            },
            None,
        ));
    }
    if rules.is_empty() {
        return Err(ApiError::new(
            "MissingParameter",
            "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
        ));
    }
    Ok(rules)
}

/// Protocol and ports of a permission, in AWS's normal form.
fn traffic(permission: &Params) -> Result<(String, Option<(i32, i32)>), ApiError> {
    let protocol = match required(permission, "IpProtocol")?.to_lowercase().as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        known @ ("tcp" | "udp" | "icmp" | "icmpv6" | "-1") => known.to_owned(),
        number if number.parse::<u8>().is_ok() => number.to_owned(),
        other => {
            return Err(invalid(format!(
                "Invalid value '{other}' for IP protocol. Unknown protocol."
            )));
        }
    };
    let (from, to) = (port(permission, "FromPort")?, port(permission, "ToPort")?);
    let ports = match (protocol.as_str(), from, to) {
        ("tcp" | "udp", Some(from), Some(to))
            if (0..=65_535).contains(&from) && (from..=65_535).contains(&to) =>
        {
            Some((from, to))
        }
        ("tcp" | "udp", Some(from), Some(to)) => {
            return Err(invalid(format!("Invalid TCP/UDP port range ({from},{to})")));
        }
        ("tcp" | "udp", _, _) => {
            return Err(invalid(
                "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
            ));
        }
        ("icmp" | "icmpv6", from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
        _ => None,
    };
    Ok((protocol, ports))
}

fn port(permission: &Params, name: &str) -> Result<Option<i32>, ApiError> {
    let number = |n: i64| i32::try_from(n).map_err(|_| invalid(format!("Invalid value '{n}' for {name}.")));
    permission.int(name)?.map(number).transpose()
}

fn peers(
    world: &World,
    group: &SecurityGroup,
    permission: &Params,
) -> Result<Vec<(Peer, Option<String>)>, ApiError> {
    let mut found = Vec::new();
    for range in permission.children("IpRanges") {
        found.push((
            Peer::Ipv4(ipv4(required(&range, "CidrIp")?)?),
            description(&range)?,
        ));
    }
    for range in permission.children("Ipv6Ranges") {
        let cidr = required(&range, "CidrIpv6")?;
        let parsed: Ipv6Net = cidr
            .parse()
            .map_err(|_| invalid(format!("CIDR block {cidr} is malformed")))?;
        found.push((Peer::Ipv6(parsed.trunc()), description(&range)?));
    }
    for pair in permission.children("Groups") {
        let id = match pair.get("GroupId") {
            Some(id) => id.to_owned(),
            None => by_name(world, &group.vpc_id, required(&pair, "GroupName")?)?,
        };
        found.push((Peer::Group(id), description(&pair)?));
    }
    for list in permission.children("PrefixListIds") {
        found.push((
            Peer::PrefixList(required(&list, "PrefixListId")?.to_owned()),
            description(&list)?,
        ));
    }
    Ok(found)
}

/// AWS keeps the canonical form: 100.68.0.18/18 becomes 100.68.0.0/18.
fn ipv4(cidr: &str) -> Result<Ipv4Net, ApiError> {
    let parsed: Ipv4Net = cidr
        .parse()
        .map_err(|_| invalid(format!("CIDR block {cidr} is malformed")))?;
    Ok(parsed.trunc())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html>: up to 255 characters of a fixed set.
fn description(peer: &Params) -> Result<Option<String>, ApiError> {
    let Some(text) = peer.get("Description").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.chars().count() > 255 || !text.chars().all(allowed) {
        return Err(invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(Some(text.to_owned()))
}

fn by_name(world: &World, vpc_id: &str, name: &str) -> Result<String, ApiError> {
    let found = world
        .ec2
        .security_groups
        .values()
        .find(|g| g.vpc_id == vpc_id && g.name == name);
    found.map(|g| g.id.clone()).ok_or_else(|| {
        ApiError::new(
            "InvalidGroup.NotFound",
            format!("The security group '{name}' does not exist in VPC '{vpc_id}'"),
        )
    })
}

/// Writes rules as IpPermissions: one item per protocol and port range.
pub fn write_permissions<'a>(
    xml: &mut Xml,
    name: &str,
    world: &World,
    rules: impl IntoIterator<Item = (&'a Rule, Option<&'a RuleEntry>)>,
) {
    let mut by_traffic: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (rule, entry) in rules {
        let text = entry.and_then(|e| e.description.as_deref());
        by_traffic
            .entry((&rule.protocol, rule.ports))
            .or_default()
            .push((&rule.peer, text));
    }
    xml.list(name, "item", by_traffic, |xml, ((protocol, ports), peers)| {
        xml.text("ipProtocol", protocol)
            .opt("fromPort", ports.map(|p| p.0))
            .opt("toPort", ports.map(|p| p.1));
        write_peers(xml, world, &peers);
    });
}

fn write_peers(xml: &mut Xml, world: &World, peers: &[(&Peer, Option<&str>)]) {
    let of = |kind: fn(&Peer) -> Option<String>| {
        peers
            .iter()
            .filter_map(|(peer, text)| Some((kind(peer)?, *text)))
            .collect::<Vec<_>>()
    };
    let groups = of(|p| {
        if let Peer::Group(id) = p {
            Some(id.clone())
        } else {
            None
        }
    });
    xml.list("groups", "item", groups, |xml, (id, text)| {
        xml.text("groupId", id)
            .text("userId", &world.account)
            .opt("description", text);
    });
    let v4 = of(|p| {
        if let Peer::Ipv4(cidr) = p {
            Some(cidr.to_string())
        } else {
            None
        }
    });
    xml.list("ipRanges", "item", v4, |xml, (cidr, text)| {
        xml.text("cidrIp", cidr).opt("description", text);
    });
    let v6 = of(|p| {
        if let Peer::Ipv6(cidr) = p {
            Some(cidr.to_string())
        } else {
            None
        }
    });
    xml.list("ipv6Ranges", "item", v6, |xml, (cidr, text)| {
        xml.text("cidrIpv6", cidr).opt("description", text);
    });
    let lists = of(|p| {
        if let Peer::PrefixList(id) = p {
            Some(id.clone())
        } else {
            None
        }
    });
    xml.list("prefixListIds", "item", lists, |xml, (id, text)| {
        xml.text("prefixListId", id).opt("description", text);
    });
}

/// Writes one `SecurityGroupRule` of a group's inbound rules.
pub fn write_rule(xml: &mut Xml, world: &World, group_id: &str, rule: &Rule, entry: &RuleEntry) {
    xml.text("securityGroupRuleId", &entry.id)
        .text("groupId", group_id)
        .text("groupOwnerId", &world.account);
    xml.text("isEgress", false).text("ipProtocol", &rule.protocol);
    let (from, to) = rule.ports.unwrap_or((-1, -1));
    xml.text("fromPort", from).text("toPort", to);
    match &rule.peer {
        Peer::Ipv4(cidr) => xml.text("cidrIpv4", cidr),
        Peer::Ipv6(cidr) => xml.text("cidrIpv6", cidr),
        Peer::PrefixList(id) => xml.text("prefixListId", id),
        Peer::Group(id) => xml.element("referencedGroupInfo", |xml| {
            xml.text("groupId", id).text("userId", &world.account);
        }),
    };
    xml.opt("description", entry.description.as_ref());
    xml.text(
        "securityGroupRuleArn",
        world.arn("ec2", &format!("security-group-rule/{}", entry.id)),
    );
    tag_set(xml, &entry.tags);
}
