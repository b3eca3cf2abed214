//! Steps on security groups.

use std::collections::BTreeSet;

use super::super::security_group::normalized;
use super::super::{Action, Outputs};
use super::without_tracking;
use crate::model::{Ref, SecurityGroup, Stack};

pub(super) fn apply(stack: &mut Stack, action: &Action, outputs: &Outputs) {
    let find = |stack: &mut Stack, group: &Ref, change: &dyn Fn(&mut SecurityGroup)| {
        let id = outputs.resolve(group);
        let group = stack
            .security_groups
            .iter_mut()
            .find(|g| id.is_some() && g.group_id == id);
        if let Some(group) = group {
            change(group);
        }
    };
    match action {
        Action::CreateSecurityGroup { address, group, tags } => {
            let created = SecurityGroup {
                group_id: outputs.get(address).map(|output| output.id.clone()),
                ingress: Vec::new(),
                tags: without_tracking(tags),
                ..group.clone()
            };
            stack.security_groups.retain(|g| g.group_id != created.group_id);
            stack.security_groups.push(created);
            stack
                .security_groups
                .sort_by(|a, b| (&a.id, &a.group_id).cmp(&(&b.id, &b.group_id)));
        }
        Action::AuthorizeIngress {
            group, permissions, ..
        } => find(stack, group, &|group| {
            let mut rules = group.permissions();
            rules.extend(permissions.iter().map(normalized));
            group.ingress = rules.into_iter().collect();
        }),
        Action::RevokeIngress { group, permissions } => find(stack, group, &|group| {
            let gone: BTreeSet<_> = permissions.iter().map(normalized).collect();
            group.ingress.retain(|rule| !gone.contains(&normalized(rule)));
        }),
        Action::CreateTags { group, tags } => find(stack, group, &|group| {
            group.tags.extend(without_tracking(tags));
        }),
        Action::DeleteTags { group, tags } => find(stack, group, &|group| {
            group.tags.retain(|key, value| tags.get(key) != Some(value));
        }),
        Action::DeleteSecurityGroup { group_id } => stack
            .security_groups
            .retain(|group| group.group_id.as_ref() != Some(group_id)),
        _ => {}
    }
}
