//! AWS quotas a plan can be checked against without asking AWS.
//!
//! Fixed ones stop the step, since AWS would refuse it; adjustable ones warn. Numbers:
//! https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-limits.html and
//! https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.

use std::collections::BTreeSet;

use elbow_crds::problem::Severity;

use super::super::listener::LISTENERS_PER_LOAD_BALANCER;
use super::super::{Action, Step};
use super::{LintFinding, Rule};
use crate::model::{Action as ListenerAction, Listener, Stack};

/// Characters in the name of a load balancer or target group, fixed.
const NAME_LENGTH: usize = 32;
/// Target groups in one action, fixed.
const GROUPS_PER_ACTION: usize = 5;
/// Tags per resource, fixed.
const TAGS: usize = 50;
/// Security groups per load balancer, adjustable.
const SECURITY_GROUPS: usize = 5;
/// Inbound rules per security group, adjustable.
const RULES: usize = 60;

/// Quotas that a step exceeds.
pub(super) fn check(step: &Step, actual: &Stack) -> Vec<LintFinding> {
    let mut found = Found {
        step,
        findings: Vec::new(),
    };
    match &step.action {
        Action::CreateSecurityGroup { tags, .. } => found.fixed("tags", tags.len(), TAGS),
        Action::AuthorizeIngress { permissions, .. } => {
            found.adjustable("inbound rules of a security group", permissions.len(), RULES);
        }
        Action::CreateTargetGroup { group, tags, .. } => {
            found.fixed(
                "characters in a target group's name",
                group.name.len(),
                NAME_LENGTH,
            );
            found.fixed("tags", tags.len(), TAGS);
        }
        Action::CreateLoadBalancer {
            load_balancer, tags, ..
        } => {
            let name = load_balancer.name.len();
            found.fixed("characters in a load balancer's name", name, NAME_LENGTH);
            found.fixed("tags", tags.len(), TAGS);
            let groups = load_balancer.security_groups.len();
            found.adjustable("security groups of a load balancer", groups, SECURITY_GROUPS);
        }
        Action::SetSecurityGroups { security_groups, .. } => {
            let groups = security_groups.len();
            found.adjustable("security groups of a load balancer", groups, SECURITY_GROUPS);
        }
        Action::CreateListener { listener, tags, .. } => {
            found.fixed("tags", tags.len(), TAGS);
            found.groups(listener);
            found.listeners(listener, actual);
        }
        Action::ModifyListener { listener, .. } => found.groups(listener),
        _ => {}
    }
    found.findings
}

struct Found<'a> {
    step: &'a Step,
    findings: Vec<LintFinding>,
}

impl Found<'_> {
    fn fixed(&mut self, what: &str, count: usize, limit: usize) {
        self.check(what, count, limit, Severity::Fault);
    }

    fn adjustable(&mut self, what: &str, count: usize, limit: usize) {
        self.check(what, count, limit, Severity::Warning);
    }

    fn check(&mut self, what: &str, count: usize, limit: usize, severity: Severity) {
        if count <= limit {
            return;
        }
        let message = match severity {
            Severity::Fault => format!("{count} {what} are wanted, AWS allows {limit}"),
            Severity::Warning => {
                format!("{count} {what} are wanted, AWS allows {limit} unless the quota was raised")
            }
        };
        self.findings.push(LintFinding {
            step: self.step.id,
            rule: Rule::Limit,
            severity,
            message,
        });
    }

    fn groups(&mut self, listener: &Listener) {
        for ListenerAction::Forward(forward) in &listener.default_actions {
            let count = forward.target_groups.len();
            self.fixed("target groups in one action", count, GROUPS_PER_ACTION);
        }
    }

    /// Ports that exist already on the load balancer plus this one.
    fn listeners(&mut self, listener: &Listener, actual: &Stack) {
        let ports: BTreeSet<i32> = actual
            .listeners
            .iter()
            .filter(|other| other.load_balancer == listener.load_balancer)
            .map(|other| other.port)
            .collect();
        let freed = usize::from(!self.step.needs.is_empty() && ports.len() == LISTENERS_PER_LOAD_BALANCER);
        let count = ports.len() + 1 - freed;
        self.fixed("listeners of a load balancer", count, LISTENERS_PER_LOAD_BALANCER);
    }
}
