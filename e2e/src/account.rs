//! What the emulated AWS account holds, as far as tests and the demo look at it.
//!
//! In: `GET /_emulator/state`. Out: load balancers, listeners, rules, target groups and targets as values, and
//! drawn as a tree.

mod draw;
pub mod rule;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

pub use draw::Origins;
pub use rule::Rule;

/// The tag by which a load balancer of a Service names it, `NAMESPACE/NAME`.
const STACK_TAG: &str = "service.k8s.aws/stack";

/// The account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Load balancers and what hangs on them.
    pub elb: Elb,
    /// Network.
    pub ec2: Ec2,
}

/// By ARN each.
#[derive(Debug, Clone, Deserialize)]
pub struct Elb {
    /// Load balancers.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// Listeners.
    pub listeners: BTreeMap<String, Listener>,
    /// Target groups.
    pub target_groups: BTreeMap<String, TargetGroup>,
}

/// The part of EC2 that a controller writes to.
#[derive(Debug, Clone, Deserialize)]
pub struct Ec2 {
    /// Security groups by id.
    pub security_groups: BTreeMap<String, SecurityGroup>,
}

/// A load balancer.
#[derive(Debug, Clone, Deserialize)]
pub struct LoadBalancer {
    /// Its name.
    pub name: String,
    /// Its address.
    pub dns_name: String,
    /// Whether it takes traffic yet.
    pub active: bool,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A listener.
#[derive(Debug, Clone, Deserialize)]
pub struct Listener {
    /// ARN of its load balancer.
    pub load_balancer: String,
    /// Its port.
    pub port: u16,
    /// `TCP`, `UDP`, `TCP_UDP`, `TLS`, ...
    pub protocol: String,
    /// What it does, as the emulator writes it.
    pub default_actions: Value,
    /// Its other rules, by priority.
    #[serde(default)]
    pub rules: BTreeMap<u32, Rule>,
}

/// A target group.
#[derive(Debug, Clone, Deserialize)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// `TCP`, `UDP`, ...
    pub protocol: Option<String>,
    /// `instance` or `ip`.
    pub target_type: String,
    /// By `ID PORT`.
    pub targets: BTreeMap<String, Target>,
}

/// A target.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    /// Its health.
    pub health: Health,
}

/// State and reason, in AWS's words.
#[derive(Debug, Clone, Deserialize)]
pub struct Health {
    /// `initial`, `healthy`, `unhealthy`, `unused`, `draining`, ...
    pub state: String,
    /// For example `Elb.RegistrationInProgress`.
    pub reason: Option<String>,
}

/// A security group.
#[derive(Debug, Clone, Deserialize)]
pub struct SecurityGroup {
    /// Its name.
    pub name: String,
    /// Inbound rules, as the emulator writes them.
    pub ingress: Vec<Value>,
}

impl Account {
    /// From the emulator's state.
    pub fn read(state: Value) -> Result<Self> {
        serde_json::from_value(state).context("the emulator's state is not what this program expects")
    }

    /// The load balancer of a Service with its ARN.
    pub fn load_balancer_of(&self, namespace: &str, name: &str) -> Option<(&String, &LoadBalancer)> {
        let stack = format!("{namespace}/{name}");
        self.elb
            .load_balancers
            .iter()
            .find(|(_, one)| one.tags.get(STACK_TAG) == Some(&stack))
    }

    /// The load balancer at an address, with its ARN.
    pub fn load_balancer_at(&self, address: &str) -> Option<(&String, &LoadBalancer)> {
        self.elb
            .load_balancers
            .iter()
            .find(|(_, one)| one.dns_name == address)
    }

    /// The listeners of a load balancer, by port.
    pub fn listeners_of(&self, load_balancer: &str) -> BTreeMap<u16, &Listener> {
        let own = self
            .elb
            .listeners
            .values()
            .filter(|one| one.load_balancer == load_balancer);
        own.map(|one| (one.port, one)).collect()
    }

    /// The target groups a listener forwards to.
    pub fn target_groups_of(&self, listener: &Listener) -> Vec<&TargetGroup> {
        self.groups_in(&listener.default_actions)
    }

    /// The target groups that actions name.
    pub fn groups_in(&self, actions: &Value) -> Vec<&TargetGroup> {
        rule::group_arns(actions)
            .iter()
            .filter_map(|arn| self.elb.target_groups.get(arn))
            .collect()
    }

    /// Load balancer, listener, target group, target with its health: one line each.
    pub fn tree(&self) -> String {
        self.tree_with(&Origins::new())
    }

    /// The same, with who asked for each rule.
    pub fn tree_with(&self, origins: &Origins) -> String {
        draw::tree(self, origins)
    }

    /// What a controller has left behind, if anything.
    pub fn rest(&self) -> Option<String> {
        let (elb, groups) = (&self.elb, self.ec2.security_groups.values());
        let parts = [
            (elb.load_balancers.len(), "load balancer"),
            (elb.listeners.len(), "listener"),
            (elb.target_groups.len(), "target group"),
            (
                groups.filter(|one| one.name.starts_with("k8s-")).count(),
                "security group",
            ),
        ];
        parts
            .iter()
            .find(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}(s)"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tree_shows_every_level_with_health() {
        let group = "arn:aws:elasticloadbalancing:us-west-2:0:targetgroup/tg/1";
        let target =
            |state: &str, reason: Option<&str>| json!({ "health": { "state": state, "reason": reason } });
        let account = Account::read(json!({
            "elb": {
                "load_balancers": { "lb": {
                    "name": "k8s-demo-ip", "dns_name": "k8s-demo-ip.elb", "active": true, "scheme": "internal",
                    "tags": { "service.k8s.aws/stack": "demo/ip" },
                } },
                "listeners": { "l": {
                    "load_balancer": "lb", "port": 80, "protocol": "TCP",
                    "default_actions": [{ "order": 1, "forward": { "groups": [[group, 1]] } }],
                } },
                "target_groups": { group: {
                    "name": "tg", "protocol": "TCP", "target_type": "ip",
                    "targets": {
                        "10.0.64.11 8080": target("healthy", None),
                        "10.0.64.12 8080": target("initial", Some("Elb.RegistrationInProgress")),
                    },
                } },
            },
            "ec2": { "security_groups": {} },
        }))
        .unwrap();
        assert!(account.load_balancer_of("demo", "ip").is_some());
        assert_eq!(
            account.tree(),
            "k8s-demo-ip  internal  active  k8s-demo-ip.elb\n\
             └─ TCP 80\n   \
                └─ tg  ip TCP\n      \
                   ├─ 10.0.64.11 8080          healthy\n      \
                   └─ 10.0.64.12 8080          initial (Elb.RegistrationInProgress)\n"
        );
    }

    #[test]
    fn rules_stand_between_listener_and_groups_with_who_asked_for_them() {
        let group = "arn:aws:elasticloadbalancing:us-west-2:0:targetgroup/tg/1";
        let account = Account::read(json!({
            "elb": {
                "load_balancers": { "lb": {
                    "name": "k8s-portal", "dns_name": "k8s-portal.elb", "active": true,
                    "scheme": "internet-facing", "tags": {},
                } },
                "listeners": { "l": {
                    "load_balancer": "lb", "port": 80, "protocol": "HTTP",
                    "default_actions": [{ "order": null, "fixed-response": { "status": "404" } }],
                    "rules": { "10": {
                        "arn": "r10",
                        "conditions": [{ "field": "path-pattern", "values": ["/x", "/x/*"] }],
                        "actions": [{ "order": 1, "forward": { "groups": [[group, 1]] } }],
                    }, "9": { "arn": "r9", "conditions": [], "actions": [] } },
                } },
                "target_groups": { group: {
                    "name": "tg", "protocol": "HTTP", "target_type": "instance",
                    "targets": { "i-1 30080": { "health": { "state": "healthy", "reason": null } } },
                } },
            },
            "ec2": { "security_groups": {} },
        }))
        .unwrap();
        let origins = [("r10".to_owned(), "Ingress demo/x".to_owned())].into();
        assert_eq!(
            account.tree_with(&origins),
            "k8s-portal  internet-facing  active  k8s-portal.elb\n\
             └─ HTTP 80\n   \
                ├─ 9    ->    (nobody)\n   \
                ├─ 10  path-pattern /x | /x/*  ->  forward  (Ingress demo/x)\n   \
                │  └─ tg  instance HTTP\n   \
                │     └─ i-1 30080                healthy\n   \
                └─ default  ->  fixed-response 404\n"
        );
        assert_eq!(account.rest().as_deref(), Some("1 load balancer(s)"));
    }
}
