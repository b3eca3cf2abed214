//! Describe, Create and DeleteSecurityGroup, Authorize and RevokeSecurityGroupIngress.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Params, Xml,
    describe::{Described, select, tag_set},
    required, rules, tags,
};
use crate::world::{
    ApiError, World,
    ec2::{Peer, Rule, RuleEntry, SecurityGroup, Tags},
};

impl Described for SecurityGroup {
    const ID_PARAMETER: &'static str = "GroupId";
    const NOT_FOUND: &'static str = "InvalidGroup.NotFound";
    const NOUN: &'static str = "security group";
    const FILTERS: &'static [&'static str] = &[
        "group-id",
        "group-name",
        "vpc-id",
        "description",
        "owner-id",
        "ip-permission.cidr",
        "ip-permission.from-port",
        "ip-permission.group-id",
        "ip-permission.group-name",
        "ip-permission.ipv6-cidr",
        "ip-permission.prefix-list-id",
        "ip-permission.protocol",
        "ip-permission.to-port",
        "ip-permission.user-id",
        "egress.ip-permission.cidr",
        "egress.ip-permission.from-port",
        "egress.ip-permission.group-id",
        "egress.ip-permission.group-name",
        "egress.ip-permission.ipv6-cidr",
        "egress.ip-permission.prefix-list-id",
        "egress.ip-permission.protocol",
        "egress.ip-permission.to-port",
        "egress.ip-permission.user-id",
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn values(&self, world: &World, filter: &str) -> Vec<String> {
        match filter {
            "group-id" => vec![self.id.clone()],
            "group-name" => vec![self.name.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "description" => vec![self.description.clone()],
            "owner-id" => vec![world.account.clone()],
            _ => match filter.strip_prefix("egress.ip-permission.") {
                Some(field) => rule_values(world, &self.egress, field),
                None => rule_values(world, &self.ingress, filter.trim_start_matches("ip-permission.")),
            },
        }
    }
}

fn rule_values(world: &World, rules: &BTreeMap<Rule, RuleEntry>, field: &str) -> Vec<String> {
    let value = |rule: &Rule| match (field, &rule.peer) {
        ("cidr", Peer::Ipv4(cidr)) => Some(cidr.to_string()),
        ("ipv6-cidr", Peer::Ipv6(cidr)) => Some(cidr.to_string()),
        ("group-id", Peer::Group(id)) | ("prefix-list-id", Peer::PrefixList(id)) => Some(id.clone()),
        ("group-name", Peer::Group(id)) => world.ec2.security_group(id).map(|g| g.name.clone()),
        ("user-id", Peer::Group(_)) => Some(world.account.clone()),
        ("from-port", _) => rule.ports.map(|(from, _)| from.to_string()),
        ("to-port", _) => rule.ports.map(|(_, to)| to.to_string()),
        ("protocol", _) => Some(rule.protocol.clone()),
        _ => None,
    };
    rules.keys().filter_map(value).collect()
}

pub fn describe(world: &World, params: &Params) -> Result<String, ApiError> {
    let names = params.list("GroupName");
    for name in &names {
        in_default_vpc(world, name)?;
    }
    let chosen = |group: &&SecurityGroup| {
        names.is_empty() || in_default_vpc_id(world) == Some(&group.vpc_id) && names.contains(&group.name)
    };
    let page = select(world, params, world.ec2.security_groups.values().filter(chosen))?;
    Ok(page.write("securityGroupInfo", |xml, group| {
        xml.text("ownerId", &world.account)
            .text("groupId", &group.id)
            .text("groupName", &group.name);
        xml.text("securityGroupArn", arn(world, &group.id));
        xml.text("groupDescription", &group.description)
            .text("vpcId", &group.vpc_id);
        rules::write_permissions(
            xml,
            "ipPermissions",
            world,
            group.ingress.iter().map(|(r, e)| (r, Some(e))),
        );
        rules::write_permissions(
            xml,
            "ipPermissionsEgress",
            world,
            group.egress.iter().map(|(r, e)| (r, Some(e))),
        );
        tag_set(xml, &group.tags);
    }))
}

pub fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<String, ApiError> {
    let vpc_id = match params.get("VpcId") {
        Some(id) => id.to_owned(),
        None => in_default_vpc_id(world)
            .cloned()
            .ok_or_else(|| ApiError::new("VPCIdNotSpecified", "No default VPC for this user"))?,
    };
    let wanted = SecurityGroup {
        id: String::new(),
        name: required(params, "GroupName")?.to_owned(),
        description: required(params, "GroupDescription")?.to_owned(),
        vpc_id,
        ingress: BTreeMap::new(),
        egress: BTreeMap::new(),
        tags: tags::specified(params, "security-group")?,
        created_at: Some(now),
    };
    let created = world
        .ec2
        .create_security_group(&mut world.ids, &world.quotas, wanted)?
        .clone();
    let mut xml = Xml::new();
    xml.text("return", true)
        .text("groupId", &created.id)
        .text("securityGroupArn", arn(world, &created.id));
    tag_set(&mut xml, &created.tags);
    Ok(xml.finish())
}

pub fn delete(world: &mut World, params: &Params) -> Result<String, ApiError> {
    let id = group_id(world, params)?;
    world.ec2.delete_security_group(&id)?;
    let mut xml = Xml::new();
    xml.text("return", true).text("groupId", id);
    Ok(xml.finish())
}

pub fn authorize(world: &mut World, params: &Params) -> Result<String, ApiError> {
    let id = group_id(world, params)?;
    let wanted = rules::read(world, world.ec2.existing_group(&id)?, params)?;
    let rule_tags = tags::specified(params, "security-group-rule")?;
    let added = world
        .ec2
        .authorize_ingress(&mut world.ids, &world.quotas, &id, wanted, &rule_tags)?;
    let mut xml = Xml::new();
    xml.text("return", true);
    xml.list("securityGroupRuleSet", "item", &added, |xml, (rule, entry)| {
        rules::write_rule(xml, world, &id, rule, entry);
    });
    Ok(xml.finish())
}

pub fn revoke(world: &mut World, params: &Params) -> Result<String, ApiError> {
    let id = group_id(world, params)?;
    let group = world.ec2.existing_group(&id)?;
    let rule_ids = params.list("SecurityGroupRuleId");
    let unwanted: Vec<Rule> = if rule_ids.is_empty() {
        rules::read(world, group, params)?
            .into_iter()
            .map(|(rule, _)| rule)
            .collect()
    } else {
        rule_ids
            .iter()
            .map(|rule_id| by_rule_id(group, rule_id))
            .collect::<Result<_, _>>()?
    };
    let revoked = world.ec2.revoke_ingress(&id, &unwanted)?;
    let mut xml = Xml::new();
    xml.text("return", true);
    if !revoked.unknown.is_empty() {
        let unknown = revoked.unknown.iter().map(|rule| (rule, None));
        rules::write_permissions(&mut xml, "unknownIpPermissionSet", world, unknown);
    }
    xml.list(
        "revokedSecurityGroupRuleSet",
        "item",
        &revoked.removed,
        |xml, (rule, entry)| {
            rules::write_rule(xml, world, &id, rule, entry);
        },
    );
    Ok(xml.finish())
}

fn by_rule_id(group: &SecurityGroup, rule_id: &str) -> Result<Rule, ApiError> {
    let found = group.ingress.iter().find(|(_, entry)| entry.id == rule_id);
    found.map(|(rule, _)| rule.clone()).ok_or_else(|| {
        let message = format!("The security group rule ID '{rule_id}' does not exist");
        ApiError::new("InvalidSecurityGroupRuleId.NotFound", message)
    })
}

/// The group that `GroupId`, or `GroupName` in the default VPC, names.
fn group_id(world: &World, params: &Params) -> Result<String, ApiError> {
    match (params.get("GroupId"), params.get("GroupName")) {
        (Some(id), _) => Ok(id.to_owned()),
        (None, Some(name)) => in_default_vpc(world, name),
        (None, None) => Err(ApiError::new(
            "MissingParameter",
            "The request must contain the parameter groupName or groupId",
        )),
    }
}

fn in_default_vpc_id(world: &World) -> Option<&String> {
    world.ec2.vpcs.values().find(|vpc| vpc.default).map(|vpc| &vpc.id)
}

fn in_default_vpc(world: &World, name: &str) -> Result<String, ApiError> {
    let vpc = in_default_vpc_id(world);
    let found = world
        .ec2
        .security_groups
        .values()
        .find(|g| Some(&g.vpc_id) == vpc && g.name == name);
    found.map(|g| g.id.clone()).ok_or_else(|| {
        let vpc = vpc.map_or("", String::as_str);
        let message = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
        ApiError::new("InvalidGroup.NotFound", message)
    })
}

fn arn(world: &World, id: &str) -> String {
    world.arn("ec2", &format!("security-group/{id}"))
}
