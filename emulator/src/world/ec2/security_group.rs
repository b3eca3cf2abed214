//! Security groups and their rules.

use std::{collections::BTreeMap, fmt};

use ipnet::{Ipv4Net, Ipv6Net};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Ec2, Tags, tags};
use crate::world::{ApiError, Ids, Quotas};

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecurityGroup {
    /// `sg-...`.
    pub id: String,
    /// Name, unique within the VPC.
    pub name: String,
    /// Description.
    pub description: String,
    /// Its VPC.
    pub vpc_id: String,
    /// Inbound rules.
    #[serde(serialize_with = "as_list")]
    pub ingress: BTreeMap<Rule, RuleEntry>,
    /// Outbound rules.
    #[serde(serialize_with = "as_list")]
    pub egress: BTreeMap<Rule, RuleEntry>,
    /// Tags.
    pub tags: Tags,
    /// When it was created; absent for those of the seed.
    pub created_at: Option<Timestamp>,
}

/// The identity of a rule: protocol, ports and one peer. The description is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1` (all) or a protocol number.
    pub protocol: String,
    /// First and last port, or type and code for ICMP; absent where the protocol has none.
    pub ports: Option<(i32, i32)>,
    /// Where the traffic comes from or goes to.
    pub peer: Peer,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// An IPv4 range.
    Ipv4(Ipv4Net),
    /// An IPv6 range.
    Ipv6(Ipv6Net),
    /// A security group, by id.
    Group(String),
    /// A managed prefix list, by id.
    PrefixList(String),
}

/// What a rule has besides its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleEntry {
    /// `sgr-...`.
    pub id: String,
    /// Description.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// The rule that lets everything out; AWS gives it to every new group.
pub fn everything() -> Rule {
    Rule {
        protocol: "-1".into(),
        ports: None,
        peer: Peer::Ipv4(Ipv4Net::default()),
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipv4(cidr) => cidr.fmt(f),
            Self::Ipv6(cidr) => cidr.fmt(f),
            Self::Group(id) | Self::PrefixList(id) => id.fmt(f),
        }
    }
}

/// AWS's own way to name a rule in error messages.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.protocol == "-1" {
            "ALL".to_owned()
        } else {
            self.protocol.to_uppercase()
        };
        write!(f, "peer: {}, {protocol}, ", self.peer)?;
        if let Some((from, to)) = self.ports {
            write!(f, "from port: {from}, to port: {to}, ")?;
        }
        f.write_str("ALLOW")
    }
}

impl SecurityGroup {
    /// Whether a rule, inbound or outbound, names another group.
    pub fn names(&self, group_id: &str) -> bool {
        self.ingress
            .keys()
            .chain(self.egress.keys())
            .any(|r| matches!(&r.peer, Peer::Group(id) if id == group_id))
    }
}

impl Ec2 {
    /// Creates a group in a VPC that exists, with AWS's outbound rule and no inbound one.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidGroup.Duplicate`, `SecurityGroupLimitExceeded`, `InvalidParameterValue`
    /// for name, description and tags, `TagLimitExceeded`.
    pub fn create_security_group(
        &mut self,
        ids: &mut Ids,
        quotas: &Quotas,
        wanted: SecurityGroup,
    ) -> Result<&SecurityGroup, ApiError> {
        check_texts(&wanted)?;
        tags::check(&wanted.tags)?;
        tags::check_count(&wanted.tags, quotas.tags_per_resource)?;
        if self.vpc(&wanted.vpc_id).is_none() {
            let message = format!("The vpc ID '{}' does not exist", wanted.vpc_id);
            return Err(ApiError::new("InvalidVpcID.NotFound", message));
        }
        if self
            .security_groups
            .values()
            .any(|g| g.vpc_id == wanted.vpc_id && g.name == wanted.name)
        {
            let (name, vpc) = (&wanted.name, &wanted.vpc_id);
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(ApiError::new("InvalidGroup.Duplicate", message));
        }
        if self.security_groups.len() >= quotas.security_groups_per_region as usize {
            let message = "The maximum number of security groups has been reached.";
            return Err(ApiError::new("SecurityGroupLimitExceeded", message));
        }
        let id = format!("sg-{}", ids.hex(17));
        let egress = BTreeMap::from([(
            everything(),
            RuleEntry {
                id: rule_id(ids),
                ..RuleEntry::default()
            },
        )]);
        let group = SecurityGroup {
            id: id.clone(),
            egress,
            ..wanted
        };
        Ok(self.security_groups.entry(id).or_insert(group))
    }

    /// Deletes a group.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound`, `CannotDelete` for a VPC's default group, `DependencyViolation` while an
    /// interface carries it or a rule of another group names it.
    pub fn delete_security_group(&mut self, id: &str) -> Result<(), ApiError> {
        let group = self.existing_group(id)?;
        if group.name == "default" {
            let message =
                format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
            return Err(ApiError::new("CannotDelete", message));
        }
        let attached = self.interfaces.values().any(|i| i.groups.contains(id));
        let named = self.security_groups.values().any(|g| g.id != id && g.names(id));
        if attached || named {
            return Err(ApiError::new(
                "DependencyViolation",
                format!("resource {id} has a dependent object"),
            ));
        }
        self.security_groups.remove(id);
        Ok(())
    }

    /// Adds inbound rules, all or none. Answers the new rules.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound` for the group and for groups that rules name, `InvalidPrefixListID.NotFound`,
    /// `InvalidPermission.Duplicate`, `InvalidParameterValue` for a rule given twice,
    /// `RulesPerSecurityGroupLimitExceeded`.
    pub fn authorize_ingress(
        &mut self,
        ids: &mut Ids,
        quotas: &Quotas,
        group_id: &str,
        rules: Vec<(Rule, Option<String>)>,
        tags: &Tags,
    ) -> Result<Vec<(Rule, RuleEntry)>, ApiError> {
        let group = self.existing_group(group_id)?;
        let mut after = group.ingress.clone();
        for (rule, description) in &rules {
            self.check_peer(&group.vpc_id, &rule.peer)?;
            if group.ingress.contains_key(rule) {
                let message = format!("the specified rule \"{rule}\" already exists");
                return Err(ApiError::new("InvalidPermission.Duplicate", message));
            }
            let entry = RuleEntry {
                id: String::new(),
                description: description.clone(),
                tags: tags.clone(),
            };
            if after.insert(rule.clone(), entry).is_some() {
                let message = "The same permission must not appear multiple times";
                return Err(ApiError::new("InvalidParameterValue", message));
            }
        }
        self.check_rule_count(quotas.rules_per_security_group, &after)?;
        let added: Vec<(Rule, RuleEntry)> = rules
            .into_iter()
            .map(|(rule, description)| {
                (
                    rule,
                    RuleEntry {
                        id: rule_id(ids),
                        description,
                        tags: tags.clone(),
                    },
                )
            })
            .collect();
        if let Some(group) = self.security_groups.get_mut(group_id) {
            group.ingress.extend(added.iter().cloned());
        }
        Ok(added)
    }

    /// Removes inbound rules, all or none. Answers the removed rules and those that were not there.
    ///
    /// # Errors
    /// `InvalidGroup.NotFound`; `InvalidPermission.NotFound` if a rule is not there, unless
    /// [`Ec2::ignore_unknown_revoke`] is on.
    pub fn revoke_ingress(&mut self, group_id: &str, rules: &[Rule]) -> Result<Revoked, ApiError> {
        let group = self.existing_group(group_id)?;
        let (known, unknown): (Vec<Rule>, Vec<Rule>) =
            rules.iter().cloned().partition(|r| group.ingress.contains_key(r));
        if !unknown.is_empty() && !self.ignore_unknown_revoke {
            let message = "The specified rule does not exist in this security group.";
            return Err(ApiError::new("InvalidPermission.NotFound", message));
        }
        let mut removed = Vec::new();
        if let Some(group) = self.security_groups.get_mut(group_id) {
            removed = known
                .into_iter()
                .filter_map(|r| group.ingress.remove_entry(&r))
                .collect();
        }
        Ok(Revoked { removed, unknown })
    }

    /// A group, or AWS's error for one that is not there.
    pub fn existing_group(&self, id: &str) -> Result<&SecurityGroup, ApiError> {
        self.security_group(id).ok_or_else(|| {
            if id.starts_with("sg-") {
                ApiError::new(
                    "InvalidGroup.NotFound",
                    format!("The security group '{id}' does not exist"),
                )
            } else {
                ApiError::new(
                    "InvalidGroupId.Malformed",
                    format!("Invalid id: \"{id}\" (expecting \"sg-...\")"),
                )
            }
        })
    }

    fn check_peer(&self, vpc_id: &str, peer: &Peer) -> Result<(), ApiError> {
        match peer {
            Peer::Group(id) if self.existing_group(id)?.vpc_id != vpc_id => {
                let message = "You have specified two resources that belong to different networks.";
                Err(ApiError::new("InvalidGroup.NotFound", message))
            }
            Peer::PrefixList(id) if !self.prefix_lists.contains_key(id) => Err(ApiError::new(
                "InvalidPrefixListID.NotFound",
                format!("The prefix list ID '{id}' does not exist"),
            )),
            _ => Ok(()),
        }
    }

    /// IPv4 and IPv6 rules are counted apart; a group counts for both, a prefix list with its maximum size.
    fn check_rule_count(&self, limit: u32, rules: &BTreeMap<Rule, RuleEntry>) -> Result<(), ApiError> {
        let (mut v4, mut v6) = (0_u32, 0_u32);
        for rule in rules.keys() {
            let (four, six) = match &rule.peer {
                Peer::Ipv4(_) => (1, 0),
                Peer::Ipv6(_) => (0, 1),
                Peer::Group(_) => (1, 1),
                Peer::PrefixList(id) => (self.prefix_lists.get(id).copied().unwrap_or(1), 0),
            };
            v4 = v4.saturating_add(four);
            v6 = v6.saturating_add(six);
        }
        if v4.max(v6) <= limit {
            return Ok(());
        }
        let message = "The maximum number of rules per security group has been reached.";
        Err(ApiError::new("RulesPerSecurityGroupLimitExceeded", message))
    }
}

/// What a revocation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Rules that were there.
    pub removed: Vec<(Rule, RuleEntry)>,
    /// Rules that were not.
    pub unknown: Vec<Rule>,
}

fn rule_id(ids: &mut Ids) -> String {
    format!("sgr-{}", ids.hex(17))
}

/// Name and description: at most 255 characters of AWS's set; the name does not start with `sg-`.
fn check_texts(group: &SecurityGroup) -> Result<(), ApiError> {
    let allowed = |text: &str| {
        text.chars().count() <= 255
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c))
    };
    let error = |message: String| Err(ApiError::new("InvalidParameterValue", message));
    if group.name == "default" {
        return error("Cannot use reserved security group name: default".into());
    }
    if group.name.is_empty() || group.name.starts_with("sg-") || !allowed(&group.name) {
        return error(format!(
            "Value ({}) for parameter GroupName is invalid. Names have 1 to 255 characters from a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$* and do not start with 'sg-'.",
            group.name
        ));
    }
    if !allowed(&group.description) {
        return error(format!(
            "Value ({}) for parameter GroupDescription is invalid. Valid descriptions are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*",
            group.description
        ));
    }
    Ok(())
}

#[derive(Serialize)]
struct RuleRow<'a> {
    protocol: &'a str,
    ports: Option<(i32, i32)>,
    peer: String,
    #[serde(flatten)]
    entry: &'a RuleEntry,
}

fn as_list<S: Serializer>(rules: &BTreeMap<Rule, RuleEntry>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rules.iter().map(|(rule, entry)| RuleRow {
        protocol: &rule.protocol,
        ports: rule.ports,
        peer: rule.peer.to_string(),
        entry,
    }))
}
