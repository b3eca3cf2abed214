//! What the emulated AWS account holds, as far as tests and the demo look at it.
//!
//! In: `GET /_emulator/state`. Out: load balancers, listeners, target groups and targets as values, and drawn
//! as a tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

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
        let mut arns = BTreeSet::new();
        collect_target_groups(&listener.default_actions, &mut arns);
        arns.iter()
            .filter_map(|arn| self.elb.target_groups.get(arn))
            .collect()
    }

    /// Load balancer, listener, target group, target with its health: one line each.
    pub fn tree(&self) -> String {
        let mut text = String::new();
        for (arn, load_balancer) in &self.elb.load_balancers {
            let LoadBalancer {
                name,
                dns_name,
                scheme,
                ..
            } = load_balancer;
            let state = if load_balancer.active {
                "active"
            } else {
                "provisioning"
            };
            let _ = writeln!(text, "{name}  {scheme}  {state}  {dns_name}");
            let listeners = self.listeners_of(arn);
            for (at, (port, listener)) in listeners.iter().enumerate() {
                let last = at + 1 == listeners.len();
                let _ = writeln!(text, "{} {} {port}", branch(last), listener.protocol);
                self.draw_groups(&mut text, listener, stem(last));
            }
        }
        text
    }

    fn draw_groups(&self, text: &mut String, listener: &Listener, stem: &str) {
        let groups = self.target_groups_of(listener);
        for (at, group) in groups.iter().enumerate() {
            let last = at + 1 == groups.len();
            let protocol = group.protocol.as_deref().unwrap_or_default();
            let _ = writeln!(
                text,
                "{stem}{} {}  {} {protocol}",
                branch(last),
                group.name,
                group.target_type
            );
            for (at, (target, found)) in group.targets.iter().enumerate() {
                let branch = branch(at + 1 == group.targets.len());
                let reason = found
                    .health
                    .reason
                    .as_ref()
                    .map(|reason| format!(" ({reason})"))
                    .unwrap_or_default();
                let inner = self::stem(last);
                let _ = writeln!(
                    text,
                    "{stem}{inner}{branch} {target:<24} {}{reason}",
                    found.health.state
                );
            }
        }
    }
}

fn branch(last: bool) -> &'static str {
    if last { "└─" } else { "├─" }
}

fn stem(last: bool) -> &'static str {
    if last { "   " } else { "│  " }
}

/// Actions name target groups by ARN, at different depths.
fn collect_target_groups(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains(":targetgroup/") => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_target_groups(item, found)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect_target_groups(field, found)),
        _ => {}
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
                    "default_actions": [{ "does": { "forward": { "groups": [[group, 1]] } } }],
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
}
