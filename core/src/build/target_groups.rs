//! Target groups of a stack.

use std::collections::BTreeMap;

use super::names::{self, TargetGroupName};
use super::{Context, GroupNames};
use crate::intent::ServiceIntent;
use crate::intent::wish::TargetGroupWish;
use crate::model::{ResourceId, Setting, TargetGroup};

/// Names of all target groups; their bindings have the same.
pub(super) fn names(context: &Context<'_>, wishes: &BTreeMap<ResourceId, TargetGroupWish>) -> GroupNames {
    let name = |wish: &TargetGroupWish| {
        names::target_group(&TargetGroupName {
            cluster: &context.settings.scope.cluster,
            base_uid: wish.base_uid.as_deref(),
            namespace: &wish.namespace,
            name: &wish.service,
            uid: &wish.uid,
            port: wish.port,
            service_port: wish.service_port,
            target_type: wish.target_type,
            protocol: wish.protocol,
            health_check_protocol: wish.health_check.protocol,
            health_check_interval: wish.health_check.interval_seconds,
        })
    };
    wishes.iter().map(|(id, wish)| (id.clone(), name(wish))).collect()
}

/// All target groups, by resource id.
pub(super) fn build(context: &Context<'_>, service: &ServiceIntent, names: &GroupNames) -> Vec<TargetGroup> {
    let group = |wish: &TargetGroupWish| TargetGroup {
        id: wish.id.clone(),
        arn: None,
        name: names.get(&wish.id).cloned().unwrap_or_default(),
        target_type: wish.target_type,
        port: wish.port,
        protocol: wish.protocol,
        protocol_version: Setting::Unmanaged,
        control_port: Setting::Unmanaged,
        family: wish.family,
        health_check: wish.health_check.clone(),
        attributes: wish.attributes.clone(),
        tags: service.tags.clone(),
        load_balancers: Vec::new(),
        origins: context.origins(&wish.origins),
    };
    service.target_groups.values().map(group).collect()
}
