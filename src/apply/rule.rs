//! Steps on rules of listeners.

use std::collections::BTreeMap;

use elbow_core::model::{Ref, ResourceAddress, Rule, Tags};
use elbow_core::plan::{Action, Output};

use super::step::{End, Running};

impl Running<'_> {
    pub async fn run_rule(&self) -> End {
        match &self.step.action {
            Action::CreateRule { address, rule, tags } => self.create_rule(address, rule, tags).await,
            Action::ModifyRule { arn, rule } => self.modify_rule(arn, rule).await,
            Action::SetRulePriorities { priorities, .. } => self.set_rule_priorities(priorities).await,
            Action::DeleteRule { arn } => self.ended(self.context.aws.delete_rule(self.cx, arn).await),
            _ => End::done(),
        }
    }

    async fn create_rule(&self, address: &ResourceAddress, wanted: &Rule, tags: &Tags) -> End {
        let wanted = match self.settled_rule(wanted) {
            Ok(wanted) => wanted,
            Err(end) => return end,
        };
        match self.context.aws.create_rule(self.cx, &wanted, tags).await {
            Ok(arn) => End::Done(Some((address.clone(), Output::id(arn)))),
            Err(error) => self.refused(&error),
        }
    }

    async fn modify_rule(&self, arn: &str, wanted: &Rule) -> End {
        let wanted = match self.settled_rule(wanted) {
            Ok(wanted) => wanted,
            Err(end) => return end,
        };
        match self.context.aws.modify_rule(self.cx, arn, &wanted).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    async fn set_rule_priorities(&self, wanted: &[(Ref, i32)]) -> End {
        let resolved = wanted
            .iter()
            .map(|(rule, number)| Ok((self.resolve(rule)?, *number)));
        let priorities: BTreeMap<String, i32> = match resolved.collect() {
            Ok(priorities) => priorities,
            Err(end) => return end,
        };
        match self.context.aws.set_rule_priorities(self.cx, &priorities).await {
            Ok(()) => End::done(),
            Err(error) => self.refused(&error),
        }
    }

    /// The rule with all its references known.
    fn settled_rule(&self, rule: &Rule) -> Result<Rule, End> {
        let mut settled = rule.clone();
        settled.listener = Ref::Known(self.resolve(&rule.listener)?);
        self.settle_groups(&mut settled.actions)?;
        Ok(settled)
    }
}
