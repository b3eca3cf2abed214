//! What an account holds at the start: a YAML file in, a [`World`] or one clear sentence out.

mod build;
mod certificates;
mod document;
mod groups;
mod instances;

use std::path::Path;

use crate::world::World;

const DEFAULT: &str = include_str!("default.yaml");

/// The state of an account before the first call.
#[derive(Clone, Debug)]
pub struct Seed {
    world: World,
}

/// Why a seed cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file could not be read.
    #[error("seed {file}: cannot read it: {why}")]
    Read {
        /// Path as given.
        file: String,
        /// The system's reason.
        why: String,
    },
    /// It is no YAML of the seed's shape.
    #[error("seed {file}: {why}")]
    Syntax {
        /// Path as given.
        file: String,
        /// Where and what, in one line.
        why: String,
    },
    /// A value makes no sense.
    #[error("seed {file}: {field} is '{value}'; {allowed}")]
    Value {
        /// Path as given.
        file: String,
        /// Path of the field, for example `instances[2].address`.
        field: String,
        /// What is written there.
        value: String,
        /// What may be written there.
        allowed: String,
    },
}

impl Seed {
    /// Reads a seed file.
    pub fn read(path: &Path) -> Result<Self, SeedError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SeedError::Read {
            file: file.clone(),
            why: error.to_string(),
        })?;
        Self::parse(&file, &text)
    }

    /// Reads a seed from a text; `file` is its name in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, SeedError> {
        let mut document = read_document(file, text)?;
        if document.vpcs.is_none() {
            document.vpcs = read_document("default.yaml", DEFAULT)?.vpcs;
        }
        Ok(Self {
            world: build::world(file, document)?,
        })
    }

    /// The account as it is at the start.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Default for Seed {
    /// A default VPC 10.0.0.0/16 in `us-west-2` with three zones, public and private subnets.
    fn default() -> Self {
        Self::parse("default.yaml", DEFAULT).unwrap_or_else(|_| Self {
            world: World::default(),
        })
    }
}

fn read_document(file: &str, text: &str) -> Result<document::Document, SeedError> {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    {
        return Ok(document::Document::default());
    }
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let why = error
            .to_string()
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(" ");
        SeedError::Syntax {
            file: file.to_owned(),
            why,
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::world::ec2::Peer;

    const NODES: &str = r#"
region: us-west-2
vpcs:
  - id: vpc-1
    cidrs: [10.0.0.0/16]
    subnets:
      - {id: subnet-a, zone: us-west-2a, cidr: 10.0.0.0/20}
    security_groups:
      - id: sg-node
        name: nodes
        tags: {kubernetes.io/cluster/demo: owned}
        ingress: [{protocol: tcp, from_port: 22, to_port: 22, source: 10.0.0.0/8}, {protocol: "-1", source: sg-node}]
instances:
  - id: i-1
    address: 10.0.0.10
    interface: {security_groups: [sg-node], prefixes: [10.0.1.0/28], secondary_addresses: [10.0.0.11]}
quotas: {rules_per_security_group: 5}
delays: {provisioning: 3}
"#;

    #[test]
    fn without_a_seed_there_is_a_default_vpc_with_three_zones() {
        let seed = Seed::default();
        let ec2 = &seed.world().ec2;
        assert_eq!((ec2.vpcs.len(), ec2.zones.len(), ec2.subnets.len()), (1, 3, 6));
        let vpc = ec2.vpcs.values().next().unwrap();
        assert!(vpc.default);
        assert!(
            ec2.security_groups
                .values()
                .any(|g| g.name == "default" && g.vpc_id == vpc.id)
        );
        let public = |s: &crate::world::ec2::Subnet| {
            ec2.route_table_of(s)
                .unwrap()
                .routes
                .iter()
                .any(|r| r.gateway.starts_with("igw-"))
        };
        for subnet in ec2.subnets.values() {
            assert_eq!(
                subnet.tags.contains_key("kubernetes.io/role/elb"),
                public(subnet),
                "{}",
                subnet.id
            );
        }
        assert!(ec2.zones.values().any(|z| z.id == "usw2-az1"));
    }

    #[test]
    fn a_seed_names_instances_with_their_interface() {
        let seed = Seed::parse("nodes.yaml", NODES).unwrap();
        let world = seed.world();
        let instance = world.ec2.instance("i-1").unwrap();
        assert_eq!(
            (instance.zone.as_str(), instance.subnet_id.as_str()),
            ("us-west-2a", "subnet-a")
        );
        let interface = world
            .ec2
            .interface_with_address("vpc-1", "10.0.1.7".parse().unwrap())
            .unwrap();
        assert_eq!(interface.instance(), Some(("i-1", 0)));
        assert_eq!(world.quotas.rules_per_security_group, 5);
        assert_eq!(world.delays.provisioning, 3);
        let group = world.ec2.security_group("sg-node").unwrap();
        assert!(
            group
                .ingress
                .keys()
                .any(|r| r.peer == Peer::Group("sg-node".into()))
        );
        assert!(
            world
                .ec2
                .route_tables
                .values()
                .any(|t| t.main && t.vpc_id == "vpc-1")
        );
    }

    #[test]
    fn a_wrong_seed_is_refused_with_file_field_value_and_what_is_allowed() {
        let wrong = [
            ("10.0.0.10", "10.9.0.10", ["instances[0].address", "10.9.0.10"]),
            (
                "zone: us-west-2a",
                "zone: us-west-2z",
                ["vpcs[0].subnets[0].zone", "us-west-2z"],
            ),
            (
                "cidr: 10.0.0.0/20",
                "cidr: 10.0.0.0/40",
                ["vpcs[0].subnets[0].cidr", "10.0.0.0/40"],
            ),
            (
                "10.0.1.0/28",
                "10.0.1.0/27",
                ["instances[0].interface.prefixes[0]", "10.0.1.0/27"],
            ),
            (
                "[sg-node]",
                "[sg-none]",
                ["instances[0].interface.security_groups[0]", "sg-none"],
            ),
            (
                "source: sg-node",
                "source: sg-none",
                ["vpcs[0].security_groups[0].ingress[1].source", "sg-none"],
            ),
            (
                "10.0.0.11",
                "10.0.0.10",
                ["instances[0].interface.secondary_addresses[0]", "10.0.0.10"],
            ),
            ("id: i-1", "id: node-1", ["instances[0].id", "node-1"]),
            ("region: us-west-2", "account: 12", ["account", "12"]),
        ];
        for (right, replaced, expected) in wrong {
            let text = NODES.replacen(right, replaced, 1);
            let error = Seed::parse("nodes.yaml", &text).unwrap_err().to_string();
            assert!(error.starts_with("seed nodes.yaml: "), "{error}");
            assert!(
                expected.iter().all(|e| error.contains(e)) && error.contains("; "),
                "{error}"
            );
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn the_seed_in_the_documentation_is_accepted() {
        let page = include_str!("../../../docs/emulator.md");
        let example = page
            .split("```yaml\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let seed = Seed::parse("emulator.md", example).unwrap();
        assert_eq!(seed.world().ec2.interfaces_of("i-one").len(), 1);
    }

    #[test]
    fn an_unknown_key_is_refused_with_those_that_exist() {
        let error = Seed::parse("nodes.yaml", "vpc: []\n").unwrap_err().to_string();
        assert!(
            error.contains("nodes.yaml") && error.contains("`vpc`") && error.contains("vpcs"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
