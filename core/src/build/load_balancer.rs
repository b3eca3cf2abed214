//! The load balancer of a stack.

use elbow_crds::name::check_load_balancer_name;
use elbow_crds::problem::ProblemCode;

use super::inquiry::Inquiry;
use super::security_groups::Security;
use super::{Context, Frame, names};
use crate::intent::wish::LoadBalancerWish;
use crate::model::{LoadBalancer, Scheme, Setting, SubnetMapping};
use crate::question::{ExistingLoadBalancer, Question};

/// The load balancer that is there: by resource id; among several, of which one takes the place of the other, the one
/// that fits an explicit scheme, else the default one.
/// `None` while that is not known.
#[allow(clippy::option_option)] // outer: known or not; inner: there or not
pub(super) fn existing<'a>(
    context: &Context<'_>,
    wish: &LoadBalancerWish,
    inquiry: &mut Inquiry<'a>,
) -> Option<Option<&'a ExistingLoadBalancer>> {
    let found = inquiry.existing(Question::Existing(context.key.clone()))?;
    let ours = || found.iter().filter(|existing| existing.resource_id == wish.id.0);
    let explicit = wish.scheme.as_ref().map(|scheme| scheme.value);
    let scheme = explicit.unwrap_or(context.settings.default_scheme);
    let fitting = ours().find(|existing| existing.scheme == scheme);
    Some(fitting.or_else(|| ours().next()))
}

/// The scheme: explicit, that of the existing load balancer, or the default. A load balancer of another type, which
/// no wish of ours can have made, is a fault: it keeps serving.
pub(super) fn scheme(
    context: &Context<'_>,
    wish: &LoadBalancerWish,
    existing: Option<&ExistingLoadBalancer>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Scheme> {
    let Some(existing) = existing else {
        let explicit = wish.scheme.as_ref().map(|scheme| scheme.value);
        return Some(explicit.unwrap_or(context.settings.default_scheme));
    };
    if existing.kind != wish.kind {
        let message = format!(
            "the load balancer {} that is tagged for it is of another type; remove that load balancer or its \
             tags",
            existing.name
        );
        inquiry.fault(inquiry.whole(), ProblemCode::NeedsReplacement, message);
        return None;
    }
    let explicit = wish.scheme.as_ref().map(|scheme| scheme.value);
    Some(explicit.unwrap_or(existing.scheme))
}

/// What is decided about a load balancer before its own fields.
pub(super) struct Fixed<'a> {
    pub existing: Option<&'a ExistingLoadBalancer>,
    pub scheme: Scheme,
    pub security: &'a Security,
}

/// The load balancer itself.
pub(super) fn build(
    context: &Context<'_>,
    frame: &Frame<'_>,
    fixed: &Fixed<'_>,
    subnets: Vec<SubnetMapping>,
    inquiry: &mut Inquiry<'_>,
) -> LoadBalancer {
    let wish = frame.load_balancer;
    let mut origins = wish.origins.clone();
    origins.extend(frame.security.origins.iter().cloned());
    let name = name(context, frame, fixed, inquiry);
    // An explicit name is the only one.
    let second_name = wish.name.is_none().then(|| names::second(&name, fixed.scheme));
    let source_nat = wish.addresses.as_ref().map(|wish| wish.source_nat.value);
    LoadBalancer {
        id: wish.id.clone(),
        arn: None,
        dns_name: None,
        state: None,
        name,
        second_name,
        delete_first: wish.delete_first,
        kind: wish.kind,
        scheme: fixed.scheme,
        ip_address_type: wish.ip_address_type,
        ipv6_source_nat: Setting::from(source_nat),
        subnets,
        security_groups: fixed.security.groups.clone(),
        private_link_inbound: frame.security.private_link_inbound.clone(),
        attributes: wish.attributes.clone(),
        capacity_units: wish.capacity_units.clone(),
        tags: frame.tags.clone(),
        origins: context.origins(&origins),
    }
}

/// The name is used at creation only, so one that AWS refuses matters only then.
fn name(context: &Context<'_>, frame: &Frame<'_>, fixed: &Fixed<'_>, inquiry: &mut Inquiry<'_>) -> String {
    let Some(explicit) = &frame.load_balancer.name else {
        let cluster = &context.settings.scope.cluster;
        return names::load_balancer(cluster, context.key, frame.uid, fixed.scheme);
    };
    if let Some(existing) = fixed.existing {
        if existing.name != explicit.value {
            let message = format!(
                "the load balancer exists as '{}' and keeps that name; a name is used at creation only",
                existing.name
            );
            inquiry.warn(&explicit.origin, ProblemCode::Ignored, message);
        }
    } else if let Err(rule) = check_load_balancer_name(&explicit.value) {
        let message = format!("the name '{}' is not allowed: {rule}", explicit.value);
        inquiry.fault(&explicit.origin, ProblemCode::NotAllowed, message);
    }
    explicit.value.clone()
}
