//! The ELBv2 protocol, API version 2015-12-01: form-encoded parameters in, XML out.
//!
//! Only translates; what an operation does is in [`crate::world::elb`].

mod account;
mod actions;
mod attributes;
mod authentication;
mod conditions;
mod listener;
mod load_balancer;
mod read;
mod rules;
mod tags;
mod target;
mod target_group;
mod trust_store;

use jiff::Timestamp;

use super::{Params, REQUEST_ID, Xml};
use crate::world::{ApiError, World, elb};

/// Answers one ELBv2 request: the full XML body, with [`super::REQUEST_ID`] where the request id belongs.
///
/// The operation is the parameter `Action`. The world was advanced to `now` before, and is advanced again after
/// a change, so that its effects (a group becomes used, a target drains) are there at once.
pub fn dispatch(world: &mut World, now: Timestamp, params: &Params) -> Result<String, ApiError> {
    let action = params.get("Action").unwrap_or_default();
    if !OPERATIONS.contains(&action) {
        return Err(unknown(action));
    }
    let result = if action.starts_with("Describe") {
        answer_read(world, now, action, params)?
    } else {
        let result = answer_write(world, now, action, params)?;
        world.elb.touch();
        elb::advance(world, now);
        result
    };
    Ok(envelope(action, result))
}

/// The operations answered here.
pub const OPERATIONS: [&str; 47] = [
    "AddListenerCertificates",
    "AddTags",
    "AddTrustStoreRevocations",
    "CreateListener",
    "CreateLoadBalancer",
    "CreateRule",
    "CreateTargetGroup",
    "CreateTrustStore",
    "DeleteListener",
    "DeleteLoadBalancer",
    "DeleteRule",
    "DeleteTargetGroup",
    "DeleteTrustStore",
    "DeregisterTargets",
    "DescribeAccountLimits",
    "DescribeCapacityReservation",
    "DescribeListenerAttributes",
    "DescribeListenerCertificates",
    "DescribeListeners",
    "DescribeLoadBalancerAttributes",
    "DescribeLoadBalancers",
    "DescribeRules",
    "DescribeSSLPolicies",
    "DescribeTags",
    "DescribeTargetGroupAttributes",
    "DescribeTargetGroups",
    "DescribeTargetHealth",
    "DescribeTrustStoreAssociations",
    "DescribeTrustStoreRevocations",
    "DescribeTrustStores",
    "ModifyCapacityReservation",
    "ModifyIpPools",
    "ModifyListener",
    "ModifyListenerAttributes",
    "ModifyLoadBalancerAttributes",
    "ModifyRule",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "ModifyTrustStore",
    "RegisterTargets",
    "RemoveListenerCertificates",
    "RemoveTags",
    "RemoveTrustStoreRevocations",
    "SetIpAddressType",
    "SetRulePriorities",
    "SetSecurityGroups",
    "SetSubnets",
];

fn envelope(action: &str, result: Xml) -> String {
    let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
    format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>",
        result.finish()
    )
}

fn answer_read(world: &World, now: Timestamp, action: &str, params: &Params) -> Result<Xml, ApiError> {
    match action {
        "DescribeAccountLimits" => account::limits(world, params),
        "DescribeSSLPolicies" => account::ssl_policies(world, params),
        "DescribeCapacityReservation" => load_balancer::describe_capacity(world, now, params),
        "DescribeListenerAttributes" => attributes::describe_listener(world, params),
        "DescribeListenerCertificates" => listener::describe_certificates(world, params),
        "DescribeListeners" => listener::describe(world, params),
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer(world, params),
        "DescribeLoadBalancers" => load_balancer::describe(world, params),
        "DescribeRules" => rules::describe(world, params),
        "DescribeTags" => tags::describe(world, params),
        "DescribeTargetGroupAttributes" => attributes::describe_target_group(world, params),
        "DescribeTargetGroups" => target_group::describe(world, params),
        "DescribeTargetHealth" => target::describe_health(world, params),
        "DescribeTrustStoreAssociations" => trust_store::describe_associations(world, params),
        "DescribeTrustStoreRevocations" => trust_store::describe_revocations(world, params),
        "DescribeTrustStores" => trust_store::describe(world, params),
        _ => Err(unknown(action)),
    }
}

fn answer_write(world: &mut World, now: Timestamp, action: &str, params: &Params) -> Result<Xml, ApiError> {
    match action {
        "AddListenerCertificates" => listener::add_certificates(world, params),
        "AddTags" => tags::add(world, params),
        "AddTrustStoreRevocations" => trust_store::add_revocations(world, params),
        "CreateListener" => listener::create(world, now, params),
        "CreateLoadBalancer" => load_balancer::create(world, now, params),
        "CreateRule" => rules::create(world, now, params),
        "CreateTargetGroup" => target_group::create(world, now, params),
        "CreateTrustStore" => trust_store::create(world, now, params),
        "DeleteListener" => listener::delete(world, params),
        "DeleteLoadBalancer" => load_balancer::delete(world, now, params),
        "DeleteRule" => rules::delete(world, params),
        "DeleteTargetGroup" => target_group::delete(world, now, params),
        "DeleteTrustStore" => trust_store::delete(world, params),
        "DeregisterTargets" => target::deregister(world, now, params),
        "ModifyCapacityReservation" => load_balancer::modify_capacity(world, now, params),
        "ModifyIpPools" => load_balancer::modify_ip_pools(world, params),
        "ModifyListener" => listener::modify(world, params),
        "ModifyListenerAttributes" => attributes::modify_listener(world, params),
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer(world, params),
        "ModifyRule" => rules::modify(world, params),
        "ModifyTargetGroup" => target_group::modify(world, params),
        "ModifyTargetGroupAttributes" => attributes::modify_target_group(world, params),
        "ModifyTrustStore" => trust_store::modify(world, params),
        "RegisterTargets" => target::register(world, now, params),
        "RemoveListenerCertificates" => listener::remove_certificates(world, params),
        "RemoveTags" => tags::remove(world, params),
        "RemoveTrustStoreRevocations" => trust_store::remove_revocations(world, params),
        "SetIpAddressType" => load_balancer::set_ip_address_type(world, params),
        "SetRulePriorities" => rules::set_priorities(world, params),
        "SetSecurityGroups" => load_balancer::set_security_groups(world, params),
        "SetSubnets" => load_balancer::set_subnets(world, now, params),
        _ => Err(unknown(action)),
    }
}

fn unknown(action: &str) -> ApiError {
    ApiError::new(
        "InvalidAction",
        format!("Could not find operation {action} for version 2015-12-01"),
    )
}
