//! Target groups of a stack.

use std::collections::BTreeMap;

use super::names::{self, TargetGroupName};
use super::{Context, GroupNames};
use crate::intent::wish::{OfService, ServiceTargetGroupWish, TargetGroupWish, port_text};
use crate::model::{ResourceId, Scheme, TargetGroup};

/// Wanted target groups by resource id.
pub(super) type Wishes<M> = BTreeMap<ResourceId, TargetGroupWish<M>>;

/// Names of all target groups; their bindings have the same.
pub(super) fn names(context: &Context<'_>, wishes: &Wishes<OfService>) -> GroupNames {
    let name = |wish: &ServiceTargetGroupWish| {
        names::target_group(&TargetGroupName {
            cluster: &context.settings.scope.cluster,
            base_uid: wish.more.base_uid.as_deref(),
            namespace: &wish.namespace,
            name: &wish.service,
            uid: &wish.uid,
            port: wish.port,
            service_port: &port_text(&wish.service_port),
            target_type: wish.target_type,
            protocol: wish.protocol,
            health_check_protocol: wish.health_check.protocol,
            health_check_interval: wish.health_check.interval_seconds,
        })
    };
    wishes.iter().map(|(id, wish)| (id.clone(), name(wish))).collect()
}

/// All target groups, by resource id.
pub(super) fn build<M>(
    context: &Context<'_>,
    wishes: &Wishes<M>,
    names: &GroupNames,
    scheme: Scheme,
) -> Vec<TargetGroup> {
    let group = |wish: &TargetGroupWish<M>| TargetGroup {
        id: wish.id.clone(),
        arn: None,
        name: names.get(&wish.id).cloned().unwrap_or_default(),
        second_name: names.get(&wish.id).map(|name| names::second(name, scheme)),
        target_type: wish.target_type,
        port: wish.port,
        protocol: wish.protocol,
        protocol_version: wish.protocol_version.clone(),
        control_port: wish.control_port.clone(),
        family: wish.family,
        health_check: wish.health_check.clone(),
        attributes: wish.attributes.clone(),
        tags: wish.tags.clone(),
        load_balancers: Vec::new(),
        origins: context.origins(&wish.origins),
    };
    wishes.values().map(group).collect()
}
