//! Target groups: matched by resource id; type, protocol and protocol version need a replacement.

use std::collections::{BTreeMap, BTreeSet};

use super::Action;
use super::attributes::{describe_attributes, diff_attributes};
use super::draft::Draft;
use super::pair::{Pairs, pair};
use super::render::REPLACES;
use super::tags::{Legacy, diff_tags};
use super::takeover::used_by;
use crate::model::{
    Action as ListenerAction, HealthCheck, Listener, LoadBalancer, Matcher, Protocol, Ref, ResourceAddress,
    ResourceKind, Setting, TargetGroup, tracking,
};
use crate::settings::Settings;

/// Pairs groups by resource id. A group that the load balancer which stays uses is preferred, then one that is used
/// at all, then one with the wanted name. Groups of a load balancer whose place is taken go with it.
pub(super) fn pairs<'a>(draft: &Draft<'a>, balancers: &Pairs<LoadBalancer>) -> Pairs<'a, TargetGroup> {
    let kept: BTreeSet<&str> = balancers
        .kept
        .iter()
        .filter_map(|(_, balancer)| balancer.arn.as_deref())
        .collect();
    let own = used_by(draft, |arn| kept.contains(arn));
    let used = used_by(draft, |_| true);
    let leaving = used_by(draft, |arn| draft.leaving.contains(arn));
    pair(
        &draft.wanted.target_groups,
        &draft.actual.target_groups,
        |group| group.id.clone(),
        |wanted, actual| {
            let leaves = actual.arn.as_deref().is_some_and(|arn| leaving.contains(arn));
            !leaves && matches(wanted, actual, draft.settings)
        },
        |wanted, actual| {
            let arn = actual.arn.as_deref().unwrap_or_default();
            (
                !own.contains(arn),
                !used.contains(arn),
                wanted.name != actual.name,
                arn.to_owned(),
            )
        },
    )
}

/// Known ARNs of the groups that actions forward to.
pub(super) fn known_groups(actions: &[ListenerAction]) -> impl Iterator<Item = &str> {
    actions
        .iter()
        .flat_map(ListenerAction::target_groups)
        .filter_map(|tuple| tuple.target_group.known())
}

/// Known ARNs of the groups a listener forwards to by default.
pub(super) fn target_groups_of(listener: &Listener) -> impl Iterator<Item = &str> {
    known_groups(&listener.default_actions)
}

/// Whether the existing group can become the wanted one (upstream
/// `isSDKTargetGroupRequiresReplacement`). Name, port, family and VPC are not compared.
fn matches(wanted: &TargetGroup, actual: &TargetGroup, settings: &Settings) -> bool {
    replacement_reason(wanted, actual, settings).is_none()
}

fn replacement_reason(wanted: &TargetGroup, actual: &TargetGroup, settings: &Settings) -> Option<String> {
    if wanted.target_type != actual.target_type {
        let (old, new) = (actual.target_type.as_str(), wanted.target_type.as_str());
        return Some(format!("target type {old} -> {new}"));
    }
    if wanted.protocol != actual.protocol {
        return Some(format!("protocol {} -> {}", actual.protocol, wanted.protocol));
    }
    if wanted.control_port != actual.control_port {
        let (old, new) = (actual.control_port.get(), wanted.control_port.get());
        let text = |port: Option<&i32>| port.map(ToString::to_string);
        return Some(change(
            "target control port",
            text(old).as_ref(),
            text(new).as_ref(),
        ));
    }
    if wanted.protocol_version.differs(&actual.protocol_version) {
        let (old, new) = (actual.protocol_version.get(), wanted.protocol_version.get());
        return Some(change("protocol version", old, new));
    }
    if settings.gates.nlb_health_check_advanced_config || !carries_nlb_traffic(wanted.protocol) {
        return None;
    }
    fixed_health_check_reason(wanted, actual)
}

/// Without the gate NLBHealthCheckAdvancedConfig these fields need a replacement. Where the new group would
/// get the name of the old one they are changed in place, because AWS has each name once.
fn fixed_health_check_reason(wanted: &TargetGroup, actual: &TargetGroup) -> Option<String> {
    let (new, old) = (&wanted.health_check, &actual.health_check);
    let differs = new.protocol != old.protocol
        || new.matcher.differs(&old.matcher)
        || new.interval_seconds != old.interval_seconds
        || new.timeout_seconds.differs(&old.timeout_seconds);
    let named = wanted.name == actual.name || wanted.second_name.as_ref() == Some(&actual.name);
    (differs && !named).then(|| describe_health_check(new, old))
}

fn carries_nlb_traffic(protocol: Protocol) -> bool {
    !matches!(protocol, Protocol::Http | Protocol::Https)
}

/// Creates what is missing and changes what stays.
pub(super) fn open(draft: &mut Draft, pairs: &Pairs<TargetGroup>) {
    for (wanted, replaced) in &pairs.missing {
        if !draft.frozen {
            create(draft, wanted, replaced);
        }
    }
    for (wanted, actual) in &pairs.kept {
        if wanted.second_name.as_ref() == Some(&actual.name) {
            let address = ResourceAddress::new(ResourceKind::TargetGroup, &wanted.id);
            draft.names.insert(address, actual.name.clone());
        }
        change_tags(draft, wanted, actual);
        change_health_check(draft, wanted, actual);
        change_attributes(draft, wanted, actual);
    }
}

fn create(draft: &mut Draft, wanted: &TargetGroup, replaced: &[&TargetGroup]) {
    let address = ResourceAddress::new(ResourceKind::TargetGroup, &wanted.id);
    let actual = draft.actual;
    let taken = |name: &str| actual.target_groups.iter().any(|there| there.name == name);
    if let Some(second) = wanted.second_name.as_ref().filter(|_| taken(&wanted.name)) {
        draft.names.insert(address.clone(), second.clone());
    }
    let cluster = &draft.settings.scope.cluster;
    let group = TargetGroup {
        name: draft.name_of(&address, &wanted.name),
        ..wanted.clone()
    };
    let action = Action::CreateTargetGroup {
        address: address.clone(),
        group,
        tags: tracking::resource_tags(cluster, &draft.wanted.key, &wanted.id, &wanted.tags),
    };
    let reason = replaced.first().map_or_else(String::new, |old| {
        let why = replacement_reason(wanted, old, draft.settings)
            .unwrap_or_else(|| "a group serves one load balancer".to_owned());
        format!("{REPLACES}{}: {why}", old.name)
    });
    let created = draft.create(&address, action, BTreeSet::new(), &wanted.origins, reason);
    if !wanted.attributes.is_empty() {
        let reason = describe_attributes(&wanted.attributes, &BTreeMap::new());
        let action = Action::ModifyTargetGroupAttributes {
            group: Ref::Pending(address),
            attributes: wanted.attributes.clone(),
        };
        draft.push(action, BTreeSet::from([created]), &wanted.origins, reason);
    }
}

fn change_tags(draft: &mut Draft, wanted: &TargetGroup, actual: &TargetGroup) {
    let resource = draft.handle(ResourceKind::TargetGroup, &wanted.id);
    let diff = diff_tags(&wanted.tags, &actual.tags, draft.settings, Legacy::Kept);
    draft.change_elb_tags(resource, "", diff, &actual.tags, &wanted.origins);
}

fn change_health_check(draft: &mut Draft, wanted: &TargetGroup, actual: &TargetGroup) {
    let reason = describe_health_check(&wanted.health_check, &actual.health_check);
    let (false, Some(arn)) = (reason.is_empty(), &actual.arn) else {
        return;
    };
    let action = Action::ModifyTargetGroup {
        arn: arn.clone(),
        health_check: wanted.health_check.clone(),
    };
    draft.push(action, BTreeSet::new(), &wanted.origins, reason);
}

fn change_attributes(draft: &mut Draft, wanted: &TargetGroup, actual: &TargetGroup) {
    let attributes = diff_attributes(&wanted.attributes, &actual.attributes);
    if attributes.is_empty() {
        return;
    }
    let reason = describe_attributes(&attributes, &actual.attributes);
    let group = draft.handle(ResourceKind::TargetGroup, &wanted.id);
    let action = Action::ModifyTargetGroupAttributes { group, attributes };
    draft.push(action, BTreeSet::new(), &wanted.origins, reason);
}

/// What differs, as `health check interval 10 -> 30, path / -> /healthz`; empty if nothing does. Unmanaged fields do not
/// count.
fn describe_health_check(wanted: &HealthCheck, actual: &HealthCheck) -> String {
    let mut changes = Vec::new();
    let mut note = |name: &str, old: Option<String>, new: String| {
        if old.as_deref() != Some(new.as_str()) {
            changes.push(change(name, old.as_ref(), Some(&new)));
        }
    };
    note(
        "protocol",
        Some(actual.protocol.to_string()),
        wanted.protocol.to_string(),
    );
    note("port", Some(actual.port.wire()), wanted.port.wire());
    if let Setting::Set(path) = &wanted.path {
        note("path", actual.path.get().cloned(), path.clone());
    }
    if let Setting::Set(matcher) = &wanted.matcher {
        note(
            "matcher",
            actual.matcher.get().map(describe_matcher),
            describe_matcher(matcher),
        );
    }
    note(
        "interval",
        Some(actual.interval_seconds.to_string()),
        wanted.interval_seconds.to_string(),
    );
    if let Setting::Set(timeout) = &wanted.timeout_seconds {
        let old = actual.timeout_seconds.get().map(ToString::to_string);
        note("timeout", old, timeout.to_string());
    }
    note(
        "healthy threshold",
        Some(actual.healthy_threshold.to_string()),
        wanted.healthy_threshold.to_string(),
    );
    note(
        "unhealthy threshold",
        Some(actual.unhealthy_threshold.to_string()),
        wanted.unhealthy_threshold.to_string(),
    );
    if changes.is_empty() {
        return String::new();
    }
    format!("health check {}", changes.join(", "))
}

fn describe_matcher(matcher: &Matcher) -> String {
    match matcher {
        Matcher::Http(codes) => format!("HTTP {codes}"),
        Matcher::Grpc(codes) => format!("gRPC {codes}"),
    }
}

/// `name old -> new` for printing.
pub(super) fn change(name: &str, old: Option<&String>, new: Option<&String>) -> String {
    let text = |value: Option<&String>| value.map_or_else(|| "(none)".to_owned(), Clone::clone);
    format!("{name} {} -> {}", text(old), text(new))
}
