//! The account as a tree: load balancer, listener, rule, target group, target with its health.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::{Account, Listener, LoadBalancer, rule};

/// Who asked for a rule, by the rule's ARN.
pub type Origins = BTreeMap<String, String>;

/// One line each. A listener without rules shows the groups it forwards to directly.
pub fn tree(account: &Account, origins: &Origins) -> String {
    let mut drawing = Drawing {
        account,
        origins,
        text: String::new(),
    };
    for (arn, load_balancer) in &account.elb.load_balancers {
        drawing.load_balancer(arn, load_balancer);
    }
    drawing.text
}

struct Drawing<'a> {
    account: &'a Account,
    origins: &'a Origins,
    text: String,
}

impl Drawing<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    fn load_balancer(&mut self, arn: &str, load_balancer: &LoadBalancer) {
        let state = if load_balancer.active {
            "active"
        } else {
            "provisioning"
        };
        let LoadBalancer {
            name,
            dns_name,
            scheme,
            ..
        } = load_balancer;
        self.line(&format!("{name}  {scheme}  {state}  {dns_name}"));
        let listeners = self.account.listeners_of(arn);
        for (at, (port, listener)) in listeners.iter().enumerate() {
            let last = at + 1 == listeners.len();
            self.line(&format!("{} {} {port}", branch(last), listener.protocol));
            self.listener(listener, stem(last));
        }
    }

    fn listener(&mut self, listener: &Listener, stem: &str) {
        let only_forwards = rule::kinds(&listener.default_actions) == ["forward"];
        if listener.rules.is_empty() && only_forwards {
            self.groups(&listener.default_actions, stem);
            return;
        }
        for (priority, one) in &listener.rules {
            let (conditions, actions) = (one.conditions_in_words(), rule::in_words(&one.actions));
            let origin = self.origins.get(&one.arn).map_or("nobody", String::as_str);
            self.line(&format!(
                "{stem}├─ {priority}  {conditions}  ->  {actions}  ({origin})"
            ));
            self.groups(&one.actions, &format!("{stem}│  "));
        }
        let actions = rule::in_words(&listener.default_actions);
        self.line(&format!("{stem}└─ default  ->  {actions}"));
        self.groups(&listener.default_actions, &format!("{stem}   "));
    }

    fn groups(&mut self, actions: &Value, stem: &str) {
        let groups = self.account.groups_in(actions);
        for (at, group) in groups.iter().enumerate() {
            let last = at + 1 == groups.len();
            let protocol = group.protocol.as_deref().unwrap_or_default();
            let (name, kind) = (&group.name, &group.target_type);
            self.line(&format!("{stem}{} {name}  {kind} {protocol}", branch(last)));
            for (at, (target, found)) in group.targets.iter().enumerate() {
                let branch = branch(at + 1 == group.targets.len());
                let reason = found.health.reason.as_ref();
                let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                let (inner, state) = (self::stem(last), &found.health.state);
                self.line(&format!("{stem}{inner}{branch} {target:<24} {state}{reason}"));
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
