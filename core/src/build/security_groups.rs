//! Security groups of a load balancer: managed, explicit or none (upstream
//! `pkg/service/model_build_load_balancer.go`, `model_build_managed_sg.go`).

use std::collections::BTreeSet;

use elbow_crds::cidr::Cidr;
use elbow_crds::problem::ProblemCode;

use super::inquiry::Inquiry;
use super::{Context, Frame, names};
use crate::intent::wish::{ClientsWish, InboundWish, SecurityWish};
use crate::model::{
    IngressPermission, IpAddressType, LoadBalancerType, PermissionSource, Ref, ResourceId, ResourceKind,
    SecurityGroup,
};
use crate::pattern;
use crate::question::{ExistingLoadBalancer, Group, Question};

const MANAGED_ID: &str = "ManagedLBSecurityGroup";
/// Upstream's literal, by which people recognise the group.
const MANAGED_DESCRIPTION: &str = "[k8s] Managed SecurityGroup for LoadBalancer";
/// ICMP "destination unreachable, fragmentation needed".
const ICMP_TYPE_AND_CODE: (i32, i32) = (3, 4);
/// ICMPv6 "packet too big".
const ICMPV6_TYPE_AND_CODE: (i32, i32) = (2, 0);

/// How the targets let the load balancer in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TargetAccess {
    /// Rules on targets are not managed.
    Unmanaged,
    /// From a security group.
    FromGroup(Ref),
    /// From addresses: the load balancer has no security groups.
    FromAddresses,
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Security {
    /// Groups of the load balancer, in order.
    pub groups: Vec<Ref>,
    /// The group this stack owns.
    pub managed: Option<SecurityGroup>,
    /// How targets let it in.
    pub access: TargetAccess,
}

/// Decides about security groups. `None` while an answer is missing or a fault was found.
pub(super) fn decide(
    context: &Context<'_>,
    frame: &Frame<'_>,
    existing: Option<&ExistingLoadBalancer>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Security> {
    let wish = frame.security;
    // AWS lets no group be added to a Network Load Balancer that was created without.
    let network = frame.load_balancer.kind == LoadBalancerType::Network;
    if network && existing.is_some_and(|existing| existing.security_groups.is_empty()) {
        return without_groups(wish, inquiry);
    }
    if let Some(origin) = &wish.disabled {
        if let Some(existing) = existing {
            let message = format!(
                "the load balancer {} has security groups, and they cannot be taken away from it; undo this \
                 setting, or create a new Service",
                existing.name
            );
            inquiry.fault(origin, ProblemCode::Conflict, message);
            return None;
        }
        return without_groups(wish, inquiry);
    }
    if wish.groups.is_empty() {
        managed(context, frame, inquiry)
    } else {
        explicit(context, wish, inquiry)
    }
}

fn without_groups(wish: &SecurityWish, inquiry: &mut Inquiry<'_>) -> Option<Security> {
    if !wish.groups.is_empty() {
        let message = "it has no effect on a load balancer without security groups; remove it, or create a new \
                       Service for a load balancer with security groups";
        inquiry.warn(&wish.groups_origin, ProblemCode::Ignored, message);
    }
    let manage = manage_flag(wish, inquiry)?.unwrap_or(true);
    Some(Security {
        groups: Vec::new(),
        managed: None,
        access: if manage {
            TargetAccess::FromAddresses
        } else {
            TargetAccess::Unmanaged
        },
    })
}

/// The annotation's value where it is needed.
#[allow(clippy::option_option)] // outer: readable or not; inner: there or not
fn manage_flag(wish: &SecurityWish, inquiry: &mut Inquiry<'_>) -> Option<Option<bool>> {
    match &wish.manage_backend_rules {
        Ok(value) => Some(*value),
        Err(problem) => {
            inquiry.push(problem.clone());
            None
        }
    }
}

fn managed(context: &Context<'_>, frame: &Frame<'_>, inquiry: &mut Inquiry<'_>) -> Option<Security> {
    let wish = frame.security;
    if !matches!(wish.manage_backend_rules, Ok(None)) {
        let message = format!(
            "it has no effect on a managed security group; it needs {} or a load balancer without groups",
            wish.groups_origin.field
        );
        inquiry.warn(&wish.manage_backend_rules_origin, ProblemCode::Ignored, message);
    }
    let group = managed_group(context, frame, inquiry);
    let own = Ref::pending(ResourceKind::SecurityGroup, &ResourceId::from(MANAGED_ID));
    let mut groups = vec![own.clone()];
    let mut source = own;
    if context.settings.enable_backend_security_group {
        source = backend_group(context, inquiry)?;
        groups.push(source.clone());
    }
    Some(Security {
        groups,
        managed: Some(group?),
        access: TargetAccess::FromGroup(source),
    })
}

fn backend_group(context: &Context<'_>, inquiry: &mut Inquiry<'_>) -> Option<Ref> {
    match &context.settings.backend_security_group {
        Some(id) => Some(Ref::Known(id.clone())),
        None => inquiry.backend_group(),
    }
}

fn explicit(context: &Context<'_>, wish: &SecurityWish, inquiry: &mut Inquiry<'_>) -> Option<Security> {
    let manage = manage_flag(wish, inquiry);
    let resolved = resolve_groups(wish, inquiry);
    warn_unused_sources(wish, inquiry);
    let settings = context.settings;
    let manage = manage?.unwrap_or(settings.enable_manage_backend_security_group_rules);
    if !manage {
        return Some(Security {
            groups: resolved?,
            managed: None,
            access: TargetAccess::Unmanaged,
        });
    }
    if !settings.enable_backend_security_group {
        let message = "it needs the backend security group, which --enable-backend-security-group=false switches \
                       off; set it to false or start the controller with the flag on";
        inquiry.fault(&wish.manage_backend_rules_origin, ProblemCode::Conflict, message);
        return None;
    }
    let backend = backend_group(context, inquiry);
    let mut groups = resolved?;
    let backend = backend?;
    groups.push(backend.clone());
    Some(Security {
        groups,
        managed: None,
        access: TargetAccess::FromGroup(backend),
    })
}

fn warn_unused_sources(wish: &SecurityWish, inquiry: &mut Inquiry<'_>) {
    let InboundWish::Clients(clients) = &wish.inbound else {
        return;
    };
    if !clients.sources.ranges.is_empty() {
        let message = format!(
            "it has no effect on the security groups named by {}; put the rules there",
            wish.groups_origin.field
        );
        inquiry.warn(&clients.sources.origin, ProblemCode::Ignored, message);
    }
}

/// Ids first, then names, both in AWS's order; one that is named by id and by name stands there twice.
fn resolve_groups(wish: &SecurityWish, inquiry: &mut Inquiry<'_>) -> Option<Vec<Ref>> {
    let (ids, names): (Vec<&String>, Vec<&String>) =
        wish.groups.iter().partition(|name| name.starts_with("sg-"));
    let by_id = groups_by_id(wish, &ids, inquiry);
    let by_name = groups_by_name(wish, &names, inquiry);
    let mut groups = by_id?;
    groups.extend(by_name?);
    Some(groups)
}

fn refs(groups: &[Group]) -> Vec<Ref> {
    groups.iter().map(|group| Ref::Known(group.id.clone())).collect()
}

fn groups_by_id(wish: &SecurityWish, ids: &[&String], inquiry: &mut Inquiry<'_>) -> Option<Vec<Ref>> {
    if ids.is_empty() {
        return Some(Vec::new());
    }
    let distinct: BTreeSet<String> = ids.iter().map(|id| (*id).clone()).collect();
    if distinct.len() < ids.len() {
        let message = "it names a security group id twice; name each once";
        inquiry.fault(&wish.groups_origin, ProblemCode::Conflict, message);
        return None;
    }
    let found = inquiry.groups(Question::GroupsById(distinct.clone()), &wish.groups_origin)?;
    let missing: Vec<&str> = distinct
        .iter()
        .filter(|id| !found.iter().any(|group| group.id == **id))
        .map(String::as_str)
        .collect();
    report_missing(wish, "there is no security group with the id", &missing, inquiry)?;
    Some(refs(found))
}

fn groups_by_name(wish: &SecurityWish, names: &[&String], inquiry: &mut Inquiry<'_>) -> Option<Vec<Ref>> {
    if names.is_empty() {
        return Some(Vec::new());
    }
    let distinct: BTreeSet<String> = names.iter().map(|name| (*name).clone()).collect();
    let found = inquiry.groups(Question::GroupsByName(distinct.clone()), &wish.groups_origin)?;
    let tags: BTreeSet<&String> = found.iter().filter_map(|group| group.tags.get("Name")).collect();
    let missing: Vec<&str> = distinct
        .iter()
        .filter(|name| !tags.iter().any(|tag| pattern::fits(name, tag)))
        .map(String::as_str)
        .collect();
    report_missing(
        wish,
        "there is no security group in the VPC with the Name tag",
        &missing,
        inquiry,
    )?;
    if tags.len() != distinct.len() {
        let found: Vec<&str> = tags.into_iter().map(String::as_str).collect();
        let message = format!(
            "its names find security groups with the Name tags {}; write as many names as there are",
            found.join(", ")
        );
        inquiry.fault(&wish.groups_origin, ProblemCode::Conflict, message);
        return None;
    }
    let mut seen = BTreeSet::new();
    let groups = found.iter().filter(|group| seen.insert(&group.id));
    Some(groups.map(|group| Ref::Known(group.id.clone())).collect())
}

fn report_missing(
    wish: &SecurityWish,
    what: &str,
    missing: &[&str],
    inquiry: &mut Inquiry<'_>,
) -> Option<()> {
    if missing.is_empty() {
        return Some(());
    }
    let message = format!("{what} {}; name existing groups", missing.join(", "));
    inquiry.fault(&wish.groups_origin, ProblemCode::NotFound, message);
    None
}

fn managed_group(
    context: &Context<'_>,
    frame: &Frame<'_>,
    inquiry: &mut Inquiry<'_>,
) -> Option<SecurityGroup> {
    let ingress = match &frame.security.inbound {
        InboundWish::Listed(rules) => rules.clone(),
        InboundWish::Clients(wish) => {
            let dualstack = frame.load_balancer.ip_address_type == IpAddressType::Dualstack;
            ingress(wish, &clients(wish, dualstack, inquiry)?)
        }
    };
    Some(SecurityGroup {
        id: ResourceId::from(MANAGED_ID),
        group_id: None,
        name: names::managed_security_group(&context.settings.scope.cluster, context.key, frame.uid),
        description: MANAGED_DESCRIPTION.to_owned(),
        ingress,
        tags: frame.tags.clone(),
        origins: context.origins(&frame.security.origins),
    })
}

/// Client CIDRs of a managed group, as written.
fn clients(wish: &ClientsWish, dualstack: bool, inquiry: &mut Inquiry<'_>) -> Option<Vec<(String, Cidr)>> {
    let mut clients = inquiry.blocks(&wish.sources)?;
    let origin = &wish.sources.origin;
    let mut good = Some(());
    for (text, _) in clients.iter().filter(|(_, cidr)| cidr.is_ipv6() && !dualstack) {
        let message = format!(
            "the IPv6 block {text} needs a dualstack load balancer; remove it, or set \
             service.beta.kubernetes.io/aws-load-balancer-ip-address-type to dualstack"
        );
        inquiry.fault(origin, ProblemCode::Conflict, message);
        good = None;
    }
    good?;
    if clients.is_empty() && wish.prefix_lists.is_none() {
        let families = if dualstack { 2 } else { 1 };
        let everybody = ["0.0.0.0/0", "::/0"].into_iter().take(families);
        clients.extend(everybody.filter_map(|text| Some((text.to_owned(), Cidr::parse(text)?))));
    }
    Some(clients)
}

/// For each port: each client, with its ICMP rule; then each prefix list.
fn ingress(wish: &ClientsWish, clients: &[(String, Cidr)]) -> Vec<IngressPermission> {
    let mut rules = Vec::new();
    for (protocol, port) in &wish.ports {
        for (text, cidr) in clients {
            let source = if cidr.is_ipv6() {
                PermissionSource::Ipv6(text.clone())
            } else {
                PermissionSource::Ipv4(text.clone())
            };
            rules.push(permission(protocol, (*port, *port), source.clone()));
            if wish.icmp && cidr.is_ipv6() {
                rules.push(permission("icmpv6", ICMPV6_TYPE_AND_CODE, source));
            } else if wish.icmp {
                rules.push(permission("icmp", ICMP_TYPE_AND_CODE, source));
            }
        }
        for list in wish.prefix_lists.iter().flatten() {
            let source = PermissionSource::PrefixList(list.clone());
            rules.push(permission(protocol, (*port, *port), source));
        }
    }
    rules
}

fn permission(protocol: &str, (from, to): (i32, i32), source: PermissionSource) -> IngressPermission {
    IngressPermission {
        protocol: protocol.to_owned(),
        from_port: Some(from),
        to_port: Some(to),
        source,
    }
}
