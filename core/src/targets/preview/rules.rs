//! What the next run over a security group of nodes or pods would do.

use std::fmt;

use elbow_crds::problem::Problem;

use crate::key::Key;
use crate::plan::describe_rules;
use crate::targets::GroupRule;
use crate::targets::group_rules::GroupChanges;

/// The changes a run over one security group is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesPreview {
    /// The group.
    pub key: Key,
    /// Rules to authorise and to revoke, and those that are held.
    pub changes: GroupChanges,
    /// What is in the way; nothing is changed then.
    pub problem: Option<Problem>,
}

impl fmt::Display for RulesPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.key)?;
        if let Some(problem) = &self.problem {
            return writeln!(f, "  problem: {problem}");
        }
        let GroupChanges { grant, revoke, held } = &self.changes;
        let listed = [("authorise", grant), ("revoke", revoke), ("keep", held)];
        for (verb, rules) in listed {
            for rule in rules {
                writeln!(f, "  {verb:<9} {}", described(rule))?;
            }
        }
        if !held.is_empty() {
            writeln!(
                f,
                "  {} kept until every TargetGroupBinding is worked out",
                held.len()
            )?;
        }
        match (grant.len(), revoke.len()) {
            (0, 0) if held.is_empty() => writeln!(f, "  no changes"),
            (0, 0) => Ok(()),
            (new, old) => writeln!(f, "  {new} to authorise, {old} to revoke"),
        }
    }
}

fn described(rule: &GroupRule) -> String {
    describe_rules(std::slice::from_ref(&rule.permission))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IngressPermission, PermissionSource};

    fn rule(port: i32, source: PermissionSource) -> GroupRule {
        GroupRule {
            permission: IngressPermission {
                protocol: "tcp".to_owned(),
                from_port: Some(port),
                to_port: Some(port),
                source,
            },
            description: String::new(),
        }
    }

    #[test]
    fn rules_are_listed_with_ports_and_sources() {
        let mut preview = RulesPreview {
            key: Key::GroupRules {
                vpc: "vpc-1".to_owned(),
                group: "sg-nodes".to_owned(),
            },
            changes: GroupChanges::default(),
            problem: None,
        };
        assert_eq!(preview.to_string(), "group-rules/vpc-1/sg-nodes\n  no changes\n");
        preview.changes.grant = vec![rule(30080, PermissionSource::Group("(k8s-demo-web)".to_owned()))];
        preview.changes.held = vec![rule(80, PermissionSource::Ipv4("10.0.0.0/8".to_owned()))];
        assert_eq!(
            preview.to_string(),
            "group-rules/vpc-1/sg-nodes\n\
             \x20 authorise tcp 30080 from (k8s-demo-web)\n\
             \x20 keep      tcp 80 from 10.0.0.0/8\n\
             \x20 1 kept until every TargetGroupBinding is worked out\n\
             \x20 1 to authorise, 0 to revoke\n"
        );
    }
}
