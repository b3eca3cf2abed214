//! The security groups of a seed and their rules.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};

use super::{SeedError, build::Build, document};
use crate::world::ec2::{Peer, Rule, RuleEntry, SecurityGroup, Tags, security_group::everything};

impl Build<'_> {
    pub(super) fn security_group(
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

    pub(super) fn add_group(&mut self, id: &str, name: &str, description: &str, vpc_id: &str, tags: Tags) {
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

    /// Rules come after all groups, because they may name any of them.
    pub(super) fn ingress(&mut self, path: &str, vpc: &document::Vpc) -> Result<(), SeedError> {
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
}
