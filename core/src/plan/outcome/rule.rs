//! Steps on rules.

use super::super::{Action, Outputs};
use super::listener::settle_actions;
use super::without_tracking;
use crate::model::{Rule, Setting, Stack};

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    match action {
        Action::CreateRule { address, rule, tags } => {
            let mut created = settled(rule, outputs);
            created.arn = outputs.get(address).map(|output| output.id.clone());
            created.tags = Setting::Set(without_tracking(tags));
            stack.rules.retain(|other| other.arn != created.arn);
            stack.rules.push(created);
        }
        Action::ModifyRule { arn, rule } => {
            let changed = settled(rule, outputs);
            let existing = stack
                .rules
                .iter_mut()
                .find(|other| other.arn.as_ref() == Some(arn));
            if let Some(existing) = existing {
                existing.conditions = changed.conditions;
                existing.actions = changed.actions;
                existing.transforms = changed.transforms;
            }
        }
        Action::SetRulePriorities { priorities, .. } => {
            for (rule, number) in priorities {
                let arn = outputs.resolve(rule);
                let existing = stack.rules.iter_mut().find(|other| other.arn == arn);
                if let Some(existing) = existing.filter(|_| arn.is_some()) {
                    existing.priority = *number;
                }
            }
        }
        Action::DeleteRule { arn } => stack.rules.retain(|rule| rule.arn.as_ref() != Some(arn)),
        _ => {}
    }
    stack
        .rules
        .sort_by(|a, b| (&a.listener, a.priority, &a.arn).cmp(&(&b.listener, b.priority, &b.arn)));
}

fn settled(sent: &Rule, outputs: &Outputs) -> Rule {
    let mut rule = sent.clone();
    rule.listener = outputs.settle(&rule.listener);
    settle_actions(&mut rule.actions, outputs);
    rule
}
