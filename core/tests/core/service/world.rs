//! The AWS side of the vectors: a VPC with two subnets, some security groups, and answers to questions.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::build::{Built, build};
use elbow_core::intent::Intent;
use elbow_core::model::{IpAddressType, LoadBalancerState, LoadBalancerType, Ref, Scheme};
use elbow_core::pattern;
use elbow_core::question::{
    Answer, Answers, ExistingLoadBalancer, Fact, Group, Question, RouteTable, Subnet, Vpc,
};
use elbow_core::settings::Settings;

/// What AWS knows.
#[derive(Clone, Debug)]
pub struct World {
    pub subnets: Vec<Subnet>,
    pub route_tables: Vec<RouteTable>,
    pub zones: BTreeMap<String, String>,
    pub groups: Vec<Group>,
    pub existing: Vec<ExistingLoadBalancer>,
    /// Answers that replace the world's own.
    pub overrides: Answers,
}

pub fn subnet(id: &str, zone: &str, ipv4: &str, ipv6: &str, tags: &[(&str, &str)]) -> Subnet {
    Subnet {
        id: id.to_owned(),
        vpc: "vpc-xxx".to_owned(),
        zone: format!("us-west-2{zone}"),
        zone_id: format!("usw2-{zone}"),
        ipv4_cidr: ipv4.to_owned(),
        ipv6_cidrs: [ipv6]
            .iter()
            .filter(|c| !c.is_empty())
            .map(|c| (*c).to_owned())
            .collect(),
        available_ips: 100,
        outpost_arn: None,
        tags: tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
    }
}

fn group(id: &str, name: &str) -> Group {
    Group {
        id: id.to_owned(),
        tags: BTreeMap::from([("Name".to_owned(), name.to_owned())]),
    }
}

pub fn existing(scheme: Scheme, security_groups: &[&str]) -> ExistingLoadBalancer {
    ExistingLoadBalancer {
        resource_id: "LoadBalancer".to_owned(),
        arn: "arn:aws:elasticloadbalancing:us-west-2:000000000000:loadbalancer/net/old/1".to_owned(),
        name: "old".to_owned(),
        kind: LoadBalancerType::Network,
        scheme,
        ip_address_type: IpAddressType::Ipv4,
        subnets: vec!["subnet-2".to_owned(), "subnet-1".to_owned()],
        security_groups: security_groups.iter().map(|id| (*id).to_owned()).collect(),
        state: LoadBalancerState::Active,
    }
}

/// An Application Load Balancer that is there.
pub fn existing_application(scheme: Scheme) -> ExistingLoadBalancer {
    ExistingLoadBalancer {
        arn: "arn:aws:elasticloadbalancing:us-west-2:000000000000:loadbalancer/app/old/1".to_owned(),
        kind: LoadBalancerType::Application,
        ..existing(scheme, &["sg-a"])
    }
}

impl World {
    /// The baseline of the vectors: both subnets carry both role tags.
    pub fn baseline() -> Self {
        let roles = [
            ("kubernetes.io/role/internal-elb", "1"),
            ("kubernetes.io/role/elb", "1"),
        ];
        let zones = [("usw2-a", "availability-zone"), ("usw2-b", "availability-zone")];
        Self {
            subnets: vec![
                subnet("subnet-1", "a", "192.168.0.0/19", "2600:1f14:100:1::/64", &roles),
                subnet("subnet-2", "b", "192.168.32.0/19", "2600:1f14:100:2::/64", &roles),
            ],
            route_tables: Vec::new(),
            zones: zones
                .into_iter()
                .map(|(id, kind)| (id.to_owned(), kind.to_owned()))
                .collect(),
            groups: vec![
                group("sg-a", "alpha"),
                group("sg-b", "beta"),
                group("sg-c", "beta"),
            ],
            existing: Vec::new(),
            overrides: Answers::new(),
        }
    }

    /// The answer to a question.
    pub fn answer(&self, question: &Question) -> Answer {
        if let Some(answer) = self.overrides.get(question) {
            return answer.clone();
        }
        let fact = match question {
            Question::VpcSubnets => Fact::Subnets(self.subnets.clone()),
            Question::SubnetsById(ids) => Fact::Subnets(
                self.subnets
                    .iter()
                    .filter(|subnet| ids.contains(&subnet.id))
                    .cloned()
                    .collect(),
            ),
            Question::RouteTables => Fact::RouteTables(self.route_tables.clone()),
            Question::Zones(ids) => Fact::Zones(self.zones_of(ids)),
            Question::Vpc => Fact::Vpc(Vpc {
                id: "vpc-xxx".to_owned(),
                ipv4_cidrs: vec!["192.168.0.0/16".to_owned()],
                ipv6_cidrs: vec!["2600:1f14:100::/56".to_owned()],
            }),
            Question::GroupsById(ids) => Fact::Groups(
                self.groups
                    .iter()
                    .filter(|group| ids.contains(&group.id))
                    .cloned()
                    .collect(),
            ),
            Question::GroupsByName(names) => Fact::Groups(
                self.groups
                    .iter()
                    .filter(|group| names.iter().any(|name| pattern::fits(name, &group.tags["Name"])))
                    .cloned()
                    .collect(),
            ),
            Question::Existing(_) => Fact::Existing(self.existing.clone()),
            Question::BackendGroup => Fact::BackendGroup(Ref::Known("sg-backend".to_owned())),
            Question::TargetGroupByName(name) => Fact::TargetGroup(format!("arn:{name}")),
        };
        Answer::Known {
            fact,
            read_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn zones_of(&self, ids: &BTreeSet<String>) -> BTreeMap<String, String> {
        self.zones
            .iter()
            .filter(|(id, _)| ids.contains(*id))
            .map(|(id, kind)| (id.clone(), kind.clone()))
            .collect()
    }

    /// Builds, answering questions round by round; more than four rounds are a failure of the test.
    pub fn build(&self, intent: &Intent, settings: &Settings) -> Built {
        let mut answers = Answers::new();
        for _ in 0..=4 {
            match build(intent, settings, &answers) {
                Built::Ask(questions) => {
                    assert!(
                        questions.iter().any(|question| !answers.contains_key(question)),
                        "asked again for what was answered: {questions:?}"
                    );
                    answers.extend(questions.into_iter().map(|q| (q.clone(), self.answer(&q))));
                }
                built => return built,
            }
        }
        panic!("more than four rounds of questions");
    }
}
