//! Load balancers: matched by resource id; for another type or scheme see `takeover`.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv6Net;

use super::attributes::{describe_attributes, diff_attributes};
use super::draft::Draft;
use super::pair::{Pairs, pair};
use super::render::REPLACES;
use super::tags::{Legacy, diff_tags};
use super::{Action, StepId, takeover};
use crate::model::{
    IpAddressType, LoadBalancer, LoadBalancerType, OnOff, Origins, Ref, ResourceAddress, ResourceKind,
    Setting, SubnetMapping, tracking,
};

/// End of the annotations with attributes of the load balancer.
const ATTRIBUTES_ANNOTATION: &str = "load-balancer-attributes";

/// Pairs load balancers by resource id. One with listeners is preferred, then one with the wanted name; on hold one
/// whose name is shown, because the address does not move then.
pub(super) fn pairs<'a>(draft: &Draft<'a>) -> Pairs<'a, LoadBalancer> {
    let listening: BTreeSet<&str> = draft
        .actual
        .listeners
        .iter()
        .filter_map(|listener| listener.load_balancer.known())
        .collect();
    pair(
        &draft.wanted.load_balancers,
        &draft.actual.load_balancers,
        |balancer| balancer.id.clone(),
        |wanted, actual| matches(wanted, actual) || (draft.hold && wanted.kind == actual.kind),
        |wanted, actual| {
            let arn = actual.arn.as_deref().unwrap_or_default();
            let name = actual.dns_name.as_ref().map(|name| name.to_lowercase());
            let shown = name.is_some_and(|name| draft.published.contains(&name));
            (
                draft.hold && !shown,
                !listening.contains(arn),
                wanted.name != actual.name,
                arn.to_owned(),
            )
        },
    )
}

/// Whether the existing load balancer can become the wanted one.
pub(super) fn matches(wanted: &LoadBalancer, actual: &LoadBalancer) -> bool {
    wanted.kind == actual.kind && wanted.scheme == actual.scheme
}

pub(super) fn describe_kind(kind: LoadBalancerType) -> &'static str {
    match kind {
        LoadBalancerType::Network => "network",
        LoadBalancerType::Application => "application",
    }
}

/// Creates what is missing and changes what stays.
pub(super) fn open(draft: &mut Draft, pairs: &Pairs<LoadBalancer>) {
    for (wanted, replaced) in &pairs.missing {
        if !draft.frozen {
            create(draft, wanted, replaced);
        }
    }
    for (wanted, actual) in &pairs.kept {
        change_tags(draft, wanted, actual);
        if draft.hold {
            change_attributes(draft, wanted, actual);
            continue;
        }
        change_security_groups(draft, wanted, actual);
        let subnets = change_subnets(draft, wanted, actual);
        change_address_type(draft, wanted, actual, subnets);
        change_attributes(draft, wanted, actual);
        change_capacity(draft, wanted, actual);
    }
}

fn create(draft: &mut Draft, wanted: &LoadBalancer, replaced: &[&LoadBalancer]) {
    let address = ResourceAddress::new(ResourceKind::LoadBalancer, &wanted.id);
    let cluster = &draft.settings.scope.cluster;
    let mut load_balancer = wanted.clone();
    load_balancer.security_groups = resolved_groups(draft, wanted);
    load_balancer.name = draft.name_of(&address, &wanted.name);
    let mut needs = draft.producers(&load_balancer.security_groups);
    needs.extend(takeover::make_room(draft, wanted, replaced));
    let reason = replaced.first().map_or_else(String::new, |old| {
        format!("{REPLACES}{}: {}", old.name, takeover::difference(wanted, old))
    });
    let action = Action::CreateLoadBalancer {
        address: address.clone(),
        tags: tracking::resource_tags(cluster, &draft.wanted.key, &wanted.id, &wanted.tags),
        load_balancer,
    };
    let created = draft.create(&address, action, needs, &wanted.origins, reason);
    let (reference, needs) = (Ref::Pending(address), BTreeSet::from([created]));
    enforce_on_private_link(draft, wanted, &reference, &needs);
    if !wanted.attributes.is_empty() {
        let reason = describe_attributes(&wanted.attributes, &BTreeMap::new());
        let action = Action::ModifyLoadBalancerAttributes {
            load_balancer: reference.clone(),
            attributes: wanted.attributes.clone(),
        };
        draft.push(action, needs.clone(), &wanted.origins, reason);
    }
    plan_capacity(draft, wanted, reference, 0, needs);
}

/// A new load balancer with security groups enforces their rules on PrivateLink traffic; CreateLoadBalancer
/// cannot say otherwise.
fn enforce_on_private_link(
    draft: &mut Draft,
    wanted: &LoadBalancer,
    load_balancer: &Ref,
    needs: &BTreeSet<StepId>,
) {
    let Setting::Set(value) = &wanted.private_link_inbound else {
        return;
    };
    let at_creation = (!wanted.security_groups.is_empty()).then_some(OnOff::On);
    if wanted.kind != LoadBalancerType::Network || at_creation == Some(*value) {
        return;
    }
    let action = Action::SetSecurityGroups {
        load_balancer: load_balancer.clone(),
        security_groups: resolved_groups(draft, wanted),
        private_link_inbound: Some(*value),
    };
    let mut needs = needs.clone();
    needs.extend(draft.producers(&wanted.security_groups));
    let reason = format!("rules on PrivateLink traffic {}", value.as_str());
    draft.push(action, needs, &wanted.origins, reason);
}

fn resolved_groups(draft: &Draft, wanted: &LoadBalancer) -> Vec<Ref> {
    wanted
        .security_groups
        .iter()
        .map(|group| draft.resolve(group))
        .collect()
}

fn change_tags(draft: &mut Draft, wanted: &LoadBalancer, actual: &LoadBalancer) {
    let resource = draft.handle(ResourceKind::LoadBalancer, &wanted.id);
    let diff = diff_tags(&wanted.tags, &actual.tags, draft.settings, Legacy::Kept);
    let diff = draft.held_tags(diff, &actual.tags);
    draft.change_elb_tags(resource, "", diff, &actual.tags, &wanted.origins);
}

/// SetSecurityGroups if the sets differ or, for an NLB, the PrivateLink flag does. New groups are open before
/// the load balancer takes them.
fn change_security_groups(draft: &mut Draft, wanted: &LoadBalancer, actual: &LoadBalancer) {
    let groups = resolved_groups(draft, wanted);
    let flag_differs = wanted.kind == LoadBalancerType::Network
        && wanted.private_link_inbound.differs(&actual.private_link_inbound);
    let (new, old): (BTreeSet<&Ref>, BTreeSet<&Ref>) =
        (groups.iter().collect(), actual.security_groups.iter().collect());
    let mut reasons = Vec::new();
    if new != old {
        let (old, new) = (list(&actual.security_groups), list(&groups));
        reasons.push(format!("security groups {old} -> {new}"));
    }
    if flag_differs {
        let (old, new) = (
            on_off(&actual.private_link_inbound),
            on_off(&wanted.private_link_inbound),
        );
        reasons.push(format!("rules on PrivateLink traffic {old} -> {new}"));
    }
    if reasons.is_empty() {
        return;
    }
    let mut needs = draft.producers(&groups);
    needs.extend(draft.steps_where(
        |action| matches!(action, Action::AuthorizeIngress { group, .. } if groups.contains(group)),
    ));
    let action = Action::SetSecurityGroups {
        load_balancer: draft.handle(ResourceKind::LoadBalancer, &wanted.id),
        security_groups: groups,
        private_link_inbound: flag_differs
            .then(|| wanted.private_link_inbound.get().copied())
            .flatten(),
    };
    draft.push(action, needs, &wanted.origins, reasons.join(", "));
}

fn on_off(setting: &Setting<OnOff>) -> &'static str {
    setting.get().map_or("(none)", |value| value.as_str())
}

/// `sg-1 sg-2` for printing, sorted.
fn list(groups: &[Ref]) -> String {
    let names: BTreeSet<String> = groups.iter().map(describe_ref).collect();
    if names.is_empty() {
        return "(none)".to_owned();
    }
    names.into_iter().collect::<Vec<_>>().join(" ")
}

/// A reference for printing: the id, the name inside an ARN, or what will be created.
pub(super) fn describe_ref(reference: &Ref) -> String {
    match reference {
        Ref::Known(id) => id.split('/').nth_back(1).unwrap_or(id).to_owned(),
        Ref::Pending(address) => format!("({})", address.id),
        Ref::BackendGroup => "(backend security group)".to_owned(),
    }
}

/// SetSubnets; `Some` with its step if it is planned.
fn change_subnets(draft: &mut Draft, wanted: &LoadBalancer, actual: &LoadBalancer) -> Option<StepId> {
    let reasons = subnet_changes(wanted, actual);
    if reasons.is_empty() {
        return None;
    }
    let action = Action::SetSubnets {
        load_balancer: draft.handle(ResourceKind::LoadBalancer, &wanted.id),
        subnets: wanted.subnets.clone(),
        ipv6_source_nat: wanted.ipv6_source_nat.get().copied(),
    };
    let step = draft.push(action, BTreeSet::new(), &wanted.origins, reasons.join(", "));
    draft.settles(&wanted.id, step);
    Some(step)
}

/// Upstream's four conditions (`load_balancer_manager.go`, `updateSDKLoadBalancerWithSubnetMappings`), save
/// that `auto_assigned` and an absent prefix are satisfied by any prefix, and that an unreported source NAT
/// setting is off. Other addresses of a subnet that stays are not compared.
fn subnet_changes(wanted: &LoadBalancer, actual: &LoadBalancer) -> Vec<String> {
    let ids = |balancer: &LoadBalancer| -> BTreeSet<String> {
        balancer
            .subnets
            .iter()
            .map(|mapping| mapping.subnet.clone())
            .collect()
    };
    let mut reasons = Vec::new();
    let (new, old) = (ids(wanted), ids(actual));
    if new != old {
        let text = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>().join(" ");
        reasons.push(format!("subnets {} -> {}", text(old), text(new)));
    }
    for mapping in &wanted.subnets {
        if let Some(reason) = prefix_change(mapping, &actual.subnets) {
            reasons.push(reason);
        }
    }
    let current = *actual.ipv6_source_nat.get().unwrap_or(&OnOff::Off);
    if let Some(source_nat) = wanted.ipv6_source_nat.get().filter(|wanted| **wanted != current) {
        let (old, new) = (current.as_str(), source_nat.as_str());
        reasons.push(format!("IPv6 source NAT {old} -> {new}"));
    }
    let has_ipv6 = |balancer: &LoadBalancer| balancer.subnets.iter().any(|m| m.ipv6.is_some());
    let becomes_dualstack = wanted.kind == LoadBalancerType::Network
        && wanted.ip_address_type == IpAddressType::Dualstack
        && actual.ip_address_type != IpAddressType::Dualstack;
    if becomes_dualstack && has_ipv6(wanted) && !has_ipv6(actual) {
        reasons.push("IPv6 addresses added".to_owned());
    }
    reasons
}

fn prefix_change(wanted: &SubnetMapping, actual: &[SubnetMapping]) -> Option<String> {
    let new = wanted
        .source_nat_prefix
        .as_deref()
        .filter(|prefix| *prefix != "auto_assigned")?;
    let old = actual
        .iter()
        .find(|mapping| mapping.subnet == wanted.subnet)?
        .source_nat_prefix
        .as_deref();
    let same = |old: &str| match (new.parse::<Ipv6Net>(), old.parse::<Ipv6Net>()) {
        (Ok(new), Ok(old)) => new.trunc() == old.trunc(),
        _ => new == old,
    };
    (!old.is_some_and(same)).then(|| {
        let old = old.unwrap_or("(none)");
        format!("source NAT prefix of {} {old} -> {new}", wanted.subnet)
    })
}

/// SetIpAddressType, after the subnets.
fn change_address_type(
    draft: &mut Draft,
    wanted: &LoadBalancer,
    actual: &LoadBalancer,
    subnets: Option<StepId>,
) {
    if wanted.ip_address_type == actual.ip_address_type {
        return;
    }
    let (old, new) = (actual.ip_address_type.as_str(), wanted.ip_address_type.as_str());
    let action = Action::SetIpAddressType {
        load_balancer: draft.handle(ResourceKind::LoadBalancer, &wanted.id),
        ip_address_type: wanted.ip_address_type,
    };
    let reason = format!("IP address type {old} -> {new}");
    let step = draft.push(action, subnets.into_iter().collect(), &wanted.origins, reason);
    draft.settles(&wanted.id, step);
}

fn change_attributes(draft: &mut Draft, wanted: &LoadBalancer, actual: &LoadBalancer) {
    let attributes = diff_attributes(&wanted.attributes, &actual.attributes);
    if attributes.is_empty() {
        return;
    }
    let reason = describe_attributes(&attributes, &actual.attributes);
    let action = Action::ModifyLoadBalancerAttributes {
        load_balancer: draft.handle(ResourceKind::LoadBalancer, &wanted.id),
        attributes,
    };
    let origins = asked_in(&wanted.origins, ATTRIBUTES_ANNOTATION);
    draft.push(action, BTreeSet::new(), &origins, reason);
}

/// Those who asked in annotations that end like this; everybody if nobody did.
fn asked_in(origins: &Origins, suffix: &str) -> Origins {
    let asked = origins.iter().filter(|origin| origin.field.ends_with(suffix));
    let asked: Origins = asked.cloned().collect();
    if asked.is_empty() { origins.clone() } else { asked }
}

fn change_capacity(draft: &mut Draft, wanted: &LoadBalancer, actual: &LoadBalancer) {
    let current = *actual.capacity_units.get().unwrap_or(&0);
    let reference = draft.handle(ResourceKind::LoadBalancer, &wanted.id);
    plan_capacity(draft, wanted, reference, current, BTreeSet::new());
}

/// No reservation counts as 0 units; 0 wanted units reset a reservation.
fn plan_capacity(
    draft: &mut Draft,
    wanted: &LoadBalancer,
    load_balancer: Ref,
    current: i32,
    needs: BTreeSet<StepId>,
) {
    if !draft.settings.gates.lb_capacity_reservation {
        return;
    }
    let Some(units) = wanted
        .capacity_units
        .get()
        .copied()
        .filter(|units| *units != current)
    else {
        return;
    };
    let action = Action::ModifyCapacityReservation {
        load_balancer,
        capacity_units: units,
    };
    draft.push(
        action,
        needs,
        &wanted.origins,
        format!("capacity units {current} -> {units}"),
    );
}
