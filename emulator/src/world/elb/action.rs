//! Actions of listeners and rules: at most one that authenticates, then one that forwards, redirects or answers.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Elb,
    authentication::{Cognito, Jwt, Oidc},
    limits,
    load_balancer::LoadBalancer,
    uses::Uses,
    words::{IpAddressType, LoadBalancerType, Protocol},
};
use crate::world::{ApiError, World};

const MAX_WEIGHT: i64 = 999;
const MAX_STICKINESS: i64 = 604_800;

/// An action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// `Order`, as it was given.
    pub order: Option<i64>,
    /// What it does.
    #[serde(flatten)]
    pub does: Does,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Does {
    /// Sends the request to one of the groups.
    Forward(Forward),
    /// Sends the client elsewhere.
    Redirect(Redirect),
    /// Answers by itself.
    FixedResponse(FixedResponse),
    /// Lets pass who is signed in with a Cognito user pool.
    AuthenticateCognito(Cognito),
    /// Lets pass who is signed in with an identity provider.
    AuthenticateOidc(Oidc),
    /// Lets pass who sends a valid token.
    JwtValidation(Jwt),
}

/// `forward`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forward {
    /// ARNs and weights; a missing weight is 1.
    pub groups: Vec<(String, i64)>,
    /// Seconds a client stays with a group, if it does.
    pub stickiness: Option<i64>,
}

/// `redirect`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: String,
    /// A number or `#{port}`.
    pub port: String,
    /// Host.
    pub host: String,
    /// Path with its slash.
    pub path: String,
    /// Query without its question mark.
    pub query: String,
    /// `HTTP_301` or `HTTP_302`.
    pub status: String,
}

/// `fixed-response`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FixedResponse {
    /// 2xx, 4xx or 5xx.
    pub status: String,
    /// One of five.
    pub content_type: Option<String>,
    /// Up to 1,024 bytes.
    pub body: Option<String>,
}

impl Action {
    /// The groups it forwards to.
    pub fn target_groups(&self) -> impl Iterator<Item = &str> {
        let groups = match &self.does {
            Does::Forward(forward) => forward.groups.as_slice(),
            _ => &[],
        };
        groups.iter().map(|(arn, _)| arn.as_str())
    }

    /// Whether it decides who may pass, and another one what is done then.
    pub fn authenticates(&self) -> bool {
        matches!(
            self.does,
            Does::AuthenticateCognito(_) | Does::AuthenticateOidc(_) | Does::JwtValidation(_)
        )
    }
}

/// Where actions are to be put.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The load balancer of the listener.
    pub load_balancer: &'a LoadBalancer,
    /// The listener's protocol.
    pub protocol: Protocol,
    /// The groups in use, without those of the actions that are to be replaced.
    pub uses: &'a Uses,
}

/// Checks the actions of a listener or a rule together.
///
/// # Errors
/// `ValidationError`, `InvalidLoadBalancerAction` (not for this type of load balancer or protocol, wrong order,
/// redirect onto itself), `TooManyActions`, `TargetGroupNotFound`, `TargetGroupAssociationLimit` (group used by
/// another load balancer), `IncompatibleProtocols`, `InvalidConfigurationRequest` (other VPC, other address family),
/// `TooManyUniqueTargetGroupsPerLoadBalancer`.
pub fn check(world: &World, place: Place<'_>, actions: &[Action]) -> Result<(), ApiError> {
    let (guards, ends): (Vec<&Action>, Vec<&Action>) =
        actions.iter().partition(|action| action.authenticates());
    let [end] = ends.as_slice() else {
        return Err(if ends.is_empty() {
            ApiError::validation("An action of type forward, redirect or fixed-response must be specified")
        } else {
            too_many("Only one action of type forward, redirect or fixed-response can be specified")
        });
    };
    if guards.len() > 1 {
        return Err(too_many(
            "Only one action that authenticates or validates tokens can be specified",
        ));
    }
    check_orders(actions, end)?;
    for action in actions {
        check_one(world, place, action)?;
    }
    check_unique_groups(world, place, actions)
}

fn too_many(message: &str) -> ApiError {
    ApiError::new("TooManyActions", message)
}

/// Several actions need an order each, and the highest is that of the one that ends the rule.
fn check_orders(actions: &[Action], end: &Action) -> Result<(), ApiError> {
    let orders: BTreeSet<i64> = actions.iter().filter_map(|action| action.order).collect();
    if orders.iter().any(|order| !(1..=50_000).contains(order)) {
        return Err(ApiError::validation(
            "The order of an action must be between 1 and 50000",
        ));
    }
    if actions.len() < 2 {
        return Ok(());
    }
    if orders.len() < actions.len() {
        return Err(ApiError::validation(
            "Each of several actions must have an order of its own",
        ));
    }
    if orders.last().copied() != end.order {
        return Err(invalid(
            "The action of type forward, redirect or fixed-response must be the last one",
        ));
    }
    Ok(())
}

fn check_one(world: &World, place: Place<'_>, action: &Action) -> Result<(), ApiError> {
    let network = place.load_balancer.kind == LoadBalancerType::Network;
    if network && !matches!(action.does, Does::Forward(_)) {
        return Err(invalid(
            "Listeners of Network Load Balancers can have actions of type 'forward' only",
        ));
    }
    check_protocol(place.protocol, std::slice::from_ref(action))?;
    match &action.does {
        Does::Forward(forward) => check_forward(world, place, forward),
        Does::Redirect(redirect) => check_redirect(redirect),
        Does::FixedResponse(response) => check_response(response),
        Does::AuthenticateCognito(cognito) => cognito.check(),
        Does::AuthenticateOidc(oidc) => oidc.check(),
        Does::JwtValidation(jwt) => jwt.check(),
    }
}

/// `InvalidLoadBalancerAction` if one of the actions authenticates on a listener that is not HTTPS.
pub fn check_protocol(protocol: Protocol, actions: &[Action]) -> Result<(), ApiError> {
    if protocol == Protocol::Https || !actions.iter().any(Action::authenticates) {
        return Ok(());
    }
    Err(invalid(format!(
        "Actions that authenticate or validate tokens are for HTTPS listeners, not for {protocol} ones"
    )))
}

/// Actions in their order.
#[must_use]
pub fn sorted(mut actions: Vec<Action>) -> Vec<Action> {
    actions.sort_by_key(|action| action.order);
    actions
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidLoadBalancerAction", message)
}

fn check_forward(world: &World, place: Place<'_>, forward: &Forward) -> Result<(), ApiError> {
    if forward.groups.is_empty() {
        return Err(ApiError::validation(
            "A forward action must specify a target group",
        ));
    }
    let limit = world.quotas.target_groups_per_action;
    if !limits::within(limit, forward.groups.len()) {
        return Err(ApiError::validation(format!(
            "A forward action can have up to {limit} target groups"
        )));
    }
    let mut seen = BTreeSet::new();
    for (arn, weight) in &forward.groups {
        if !seen.insert(arn) {
            return Err(ApiError::validation(format!(
                "The target group '{arn}' was specified more than once"
            )));
        }
        if !(0..=MAX_WEIGHT).contains(weight) {
            return Err(ApiError::validation(format!(
                "The weight '{weight}' must be between 0 and {MAX_WEIGHT}"
            )));
        }
        check_group(&world.elb, place, arn)?;
    }
    if forward
        .stickiness
        .is_some_and(|seconds| !(1..=MAX_STICKINESS).contains(&seconds))
    {
        return Err(ApiError::validation(format!(
            "Target group stickiness duration must be between 1 and {MAX_STICKINESS} seconds"
        )));
    }
    Ok(())
}

fn check_group(elb: &Elb, place: Place<'_>, arn: &str) -> Result<(), ApiError> {
    let group = elb.target_group(arn)?;
    let load_balancer = place.load_balancer;
    let listener = place.protocol;
    let fits = group
        .protocol
        .map_or(listener.is_application(), |protocol| listener.fits(protocol));
    if !fits {
        return Err(ApiError::new(
            "IncompatibleProtocols",
            format!(
                "Listener protocol '{listener}' is not supported with a target group with protocol '{}'",
                group.protocol.map_or("LAMBDA", Protocol::as_str)
            ),
        ));
    }
    if place.uses.of(arn).iter().any(|user| *user != load_balancer.arn) {
        return Err(ApiError::new(
            "TargetGroupAssociationLimit",
            format!(
                "The following target groups cannot be associated with more than one load balancer: {arn}"
            ),
        ));
    }
    let refuse = |message: String| Err(ApiError::new("InvalidConfigurationRequest", message));
    if group.vpc.as_ref().is_some_and(|vpc| *vpc != load_balancer.vpc) {
        return refuse(format!(
            "The target group '{arn}' is not in VPC '{}' of the load balancer",
            load_balancer.vpc
        ));
    }
    if group.is_ipv6() && load_balancer.ip_address_type == IpAddressType::Ipv4 {
        return refuse(format!(
            "The IPv6 target group '{arn}' needs a load balancer with IP address type 'dualstack'"
        ));
    }
    Ok(())
}

fn check_unique_groups(world: &World, place: Place<'_>, actions: &[Action]) -> Result<(), ApiError> {
    if place.load_balancer.kind != LoadBalancerType::Application {
        return Ok(());
    }
    let mut groups = place.uses.groups_of(&place.load_balancer.arn);
    groups.extend(actions.iter().flat_map(Action::target_groups));
    let limit = world.quotas.target_groups_per_application_load_balancer;
    let what = "unique target groups per load balancer";
    limits::check(
        "TooManyUniqueTargetGroupsPerLoadBalancer",
        limit,
        groups.len(),
        what,
    )
}

fn check_redirect(redirect: &Redirect) -> Result<(), ApiError> {
    if !matches!(redirect.status.as_str(), "HTTP_301" | "HTTP_302") {
        return Err(ApiError::validation(format!(
            "'{}' must be HTTP_301 or HTTP_302",
            redirect.status
        )));
    }
    if !matches!(redirect.protocol.as_str(), "HTTP" | "HTTPS" | "#{protocol}") {
        return Err(ApiError::validation(format!(
            "'{}' must be HTTP, HTTPS or #{{protocol}}",
            redirect.protocol
        )));
    }
    let port_fits = redirect.port == "#{port}" || redirect.port.parse::<u16>().is_ok_and(|port| port > 0);
    if !port_fits {
        return Err(ApiError::validation(format!(
            "The redirect port '{}' is not valid",
            redirect.port
        )));
    }
    let texts = [&redirect.host, &redirect.path, &redirect.query];
    if texts.iter().any(|text| text.chars().count() > 128) || !redirect.path.starts_with('/') {
        return Err(ApiError::validation(
            "Redirect host, path (with leading '/') and query have up to 128 characters",
        ));
    }
    let kept = redirect.protocol == "#{protocol}"
        && redirect.port == "#{port}"
        && redirect.host == "#{host}"
        && redirect.path == "/#{path}";
    if kept {
        return Err(invalid(
            "The redirect configuration would lead to a redirect loop",
        ));
    }
    Ok(())
}

fn check_response(response: &FixedResponse) -> Result<(), ApiError> {
    const TYPES: &[&str] = &[
        "text/plain",
        "text/css",
        "text/html",
        "application/javascript",
        "application/json",
    ];
    let status: Option<u16> = response.status.parse().ok();
    if response.status.len() != 3 || !status.is_some_and(|code| matches!(code / 100, 2 | 4 | 5)) {
        return Err(ApiError::validation(format!(
            "The status code '{}' must be 2XX, 4XX or 5XX",
            response.status
        )));
    }
    if response
        .content_type
        .as_deref()
        .is_some_and(|content_type| !TYPES.contains(&content_type))
    {
        return Err(ApiError::validation(format!(
            "The content type must be one of {}",
            TYPES.join(", ")
        )));
    }
    if response.body.as_ref().is_some_and(|body| body.len() > 1024) {
        return Err(ApiError::validation("The message body can have up to 1024 bytes"));
    }
    Ok(())
}
