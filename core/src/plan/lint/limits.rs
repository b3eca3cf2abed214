//! Quotas and ranges a plan can be checked against without asking AWS (`elbow_crds::limits`).
//!
//! Fixed ones stop the step, since AWS would refuse it; adjustable ones warn.

use elbow_crds::ingress::{condition, transform};
use elbow_crds::limits::{
    Kind, Limit, Range, alb, nlb, rule as rule_limits, security_group, tag, target_group, value,
};
use elbow_crds::problem::Severity;

use super::super::{Action, Plan, Step};
use super::{LintFinding, Rule};
use crate::model::{
    Action as ListenerAction, HealthCheck, HealthCheckPort, Listener, Protocol, Rule as ListenerRule, Stack,
    Tags, TargetGroup,
};

/// Limits that a step exceeds.
pub(super) fn check(step: &Step, plan: &Plan, actual: &Stack) -> Vec<LintFinding> {
    let mut found = Found {
        step,
        findings: Vec::new(),
    };
    match &step.action {
        Action::CreateSecurityGroup { group, tags, .. } => {
            found.count(&security_group::NAME, group.name.chars().count());
            found.count(&security_group::DESCRIPTION, group.description.chars().count());
            found.tags(tags);
        }
        Action::AuthorizeIngress { permissions, .. } => {
            found.count(&security_group::INBOUND_RULES, permissions.len());
        }
        Action::CreateTargetGroup { group, tags, .. } => found.target_group(group, tags),
        Action::ModifyTargetGroup { health_check, .. } => found.health_check(health_check),
        Action::CreateLoadBalancer {
            load_balancer, tags, ..
        } => {
            found.count(&value::NAME, load_balancer.name.chars().count());
            found.tags(tags);
            found.count(
                &security_group::PER_INTERFACE,
                load_balancer.security_groups.len(),
            );
        }
        Action::SetSecurityGroups { security_groups, .. } => {
            found.count(&security_group::PER_INTERFACE, security_groups.len());
        }
        Action::CreateListener { listener, tags, .. } => {
            found.tags(tags);
            found.actions(&listener.default_actions);
            found.listeners(listener, plan, actual);
        }
        Action::ModifyListener { listener, .. } => found.actions(&listener.default_actions),
        Action::CreateRule { rule, tags, .. } => {
            found.tags(tags);
            found.rule(rule);
            found.range(&value::RULE_PRIORITY, rule.priority);
            found.rules(rule, plan, actual);
        }
        Action::ModifyRule { rule, .. } => found.rule(rule),
        Action::SetRulePriorities { priorities, .. } => {
            for (_, number) in priorities {
                found.range(&value::RULE_PRIORITY, *number);
            }
        }
        Action::CreateTags { tags, .. } | Action::AddTags { tags, .. } => found.tags(tags),
        Action::ModifyLoadBalancerAttributes { attributes, .. } => {
            found.count(&value::ATTRIBUTES_PER_CALL, attributes.len());
        }
        _ => {}
    }
    found.findings
}

pub(super) struct Found<'a> {
    pub(super) step: &'a Step,
    findings: Vec<LintFinding>,
}

impl Found<'_> {
    fn push(&mut self, severity: Severity, message: String) {
        self.findings.push(LintFinding {
            step: self.step.id,
            rule: Rule::Limit,
            severity,
            message,
        });
    }

    pub(super) fn count(&mut self, limit: &Limit, count: usize) {
        if limit.allows(count) {
            return;
        }
        let Limit { what, value, .. } = limit;
        match limit.kind {
            Kind::Fixed => {
                let message = format!("{count} {what} are wanted, AWS allows {value}; ask for fewer");
                self.push(Severity::Fault, message);
            }
            Kind::Adjustable => {
                let message = format!(
                    "{count} {what} are wanted, AWS allows {value} unless the quota of the account was raised"
                );
                self.push(Severity::Warning, message);
            }
        }
    }

    fn range(&mut self, range: &Range, number: i32) {
        if !range.allows(number) {
            let Range { what, min, max, .. } = range;
            let message = format!("{what} is {number}, AWS allows {min} to {max}");
            self.push(Severity::Fault, message);
        }
    }

    fn tags(&mut self, tags: &Tags) {
        self.count(&tag::PER_RESOURCE, tags.len());
        for (key, value) in tags {
            self.count(&tag::KEY, key.chars().count());
            self.count(&tag::VALUE, value.chars().count());
        }
    }

    fn target_group(&mut self, group: &TargetGroup, tags: &Tags) {
        self.count(&value::NAME, group.name.chars().count());
        self.tags(tags);
        self.range(&value::PORT, group.port);
        self.health_check(&group.health_check);
    }

    fn health_check(&mut self, check: &HealthCheck) {
        self.range(&target_group::INTERVAL, check.interval_seconds);
        if let Some(timeout) = check.timeout_seconds.get() {
            self.range(&target_group::TIMEOUT, *timeout);
        }
        self.range(&target_group::THRESHOLD, check.healthy_threshold);
        self.range(&target_group::THRESHOLD, check.unhealthy_threshold);
        if let HealthCheckPort::Number(port) = check.port {
            self.range(&value::PORT, port);
        }
        if let Some(path) = check.path.get() {
            self.count(&target_group::PATH, path.chars().count());
        }
    }

    fn rule(&mut self, rule: &ListenerRule) {
        self.count(&rule_limits::ACTIONS, rule.actions.len());
        self.actions(&rule.actions);
        let conditions = condition::breaches(&rule.conditions);
        for message in conditions
            .into_iter()
            .chain(transform::breaches(&rule.transforms))
        {
            self.push(Severity::Fault, message);
        }
    }

    fn actions(&mut self, actions: &[ListenerAction]) {
        for action in actions {
            let breaches = match action {
                ListenerAction::Redirect(redirect) => redirect.breaches(),
                ListenerAction::FixedResponse(response) => response.breaches(),
                ListenerAction::Forward(_) | ListenerAction::Other(_) => Vec::new(),
            };
            for message in breaches {
                self.push(Severity::Fault, message);
            }
            self.count(&target_group::PER_ACTION, action.target_groups().len());
            for weight in action.target_groups().iter().filter_map(|tuple| tuple.weight) {
                self.range(&value::WEIGHT, weight);
            }
        }
    }

    /// Listeners of the load balancer once this one is there and those the plan deletes are gone.
    fn listeners(&mut self, listener: &Listener, plan: &Plan, actual: &Stack) {
        let deleted = |listener: &Listener| {
            plan.steps.iter().any(|step| {
                matches!(&step.action, Action::DeleteListener { arn } if listener.arn.as_ref() == Some(arn))
            })
        };
        let staying = actual
            .listeners
            .iter()
            .filter(|other| other.load_balancer == listener.load_balancer && !deleted(other))
            .count();
        let created = plan
            .steps
            .iter()
            .take_while(|step| step.id <= self.step.id)
            .filter(|step| {
                matches!(&step.action, Action::CreateListener { listener: other, .. }
                    if other.load_balancer == listener.load_balancer)
            })
            .count();
        let application = matches!(listener.protocol, Protocol::Http | Protocol::Https);
        let limit = if application {
            &alb::LISTENERS
        } else {
            &nlb::LISTENERS
        };
        self.count(limit, staying + created);
    }
}
