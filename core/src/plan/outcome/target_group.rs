//! Steps on target groups.

use std::collections::BTreeMap;

use super::super::{Action, Outputs};
use super::{or, without_tracking};
use crate::model::{HealthCheck, Matcher, Protocol, Setting, Stack, TargetGroup};

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    match action {
        Action::CreateTargetGroup { address, group, tags } => {
            let created = TargetGroup {
                arn: outputs.get(address).map(|output| output.id.clone()),
                second_name: None,
                health_check: completed(&group.health_check),
                attributes: BTreeMap::new(),
                tags: without_tracking(tags),
                load_balancers: Vec::new(),
                ..group.clone()
            };
            stack.target_groups.retain(|g| g.arn != created.arn);
            stack.target_groups.push(created);
            stack
                .target_groups
                .sort_by(|a, b| (&a.id, &a.arn).cmp(&(&b.id, &b.arn)));
        }
        Action::ModifyTargetGroup { arn, health_check } => {
            for group in stack
                .target_groups
                .iter_mut()
                .filter(|g| g.arn.as_ref() == Some(arn))
            {
                let old = group.health_check.clone();
                group.health_check = completed(&HealthCheck {
                    path: or(&health_check.path, &old.path),
                    matcher: or(&health_check.matcher, &old.matcher),
                    timeout_seconds: or(&health_check.timeout_seconds, &old.timeout_seconds),
                    ..health_check.clone()
                });
            }
        }
        Action::ModifyTargetGroupAttributes { group, attributes } => {
            let arn = outputs.resolve(group);
            for group in stack
                .target_groups
                .iter_mut()
                .filter(|g| arn.is_some() && g.arn == arn)
            {
                group.attributes.extend(attributes.clone());
            }
        }
        Action::DeleteTargetGroup { arn } => stack.target_groups.retain(|g| g.arn.as_ref() != Some(arn)),
        _ => {}
    }
}

/// A health check with what AWS fills in: nothing unmanaged stays open, and path and matcher go with TCP.
fn completed(check: &HealthCheck) -> HealthCheck {
    let mut check = check.clone();
    let (timeout, http) = match check.protocol {
        Protocol::Http => (6, true),
        Protocol::Https => (10, true),
        _ => (10, false),
    };
    check.timeout_seconds = or(&check.timeout_seconds, &Setting::Set(timeout));
    if http {
        check.path = or(&check.path, &Setting::Set("/".to_owned()));
        check.matcher = or(&check.matcher, &Setting::Set(Matcher::Http("200-399".to_owned())));
    } else {
        check.path = Setting::Unmanaged;
        check.matcher = Setting::Unmanaged;
    }
    check
}
