//! The EC2 protocol, API version 2016-11-15: parameters in, XML out.

mod describe;
mod instances;
mod interfaces;
mod networks;
mod rules;
mod security_groups;
mod tags;

use jiff::Timestamp;

use super::{Params, REQUEST_ID, Xml};
use crate::world::{ApiError, World};

/// Answers one EC2 request: the full XML body, with [`REQUEST_ID`] where the request id belongs.
///
/// The operation is the parameter `Action`. The world was advanced to `now` before.
///
/// # Errors
/// The codes of <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.
pub fn dispatch(world: &mut World, now: Timestamp, params: &Params) -> Result<String, ApiError> {
    answer(world, now, params).map_err(|error| match error.code {
        // EC2 has no such code; reading a number or a boolean yields it.
        "ValidationError" => invalid(error.message),
        _ => error,
    })
}

fn answer(world: &mut World, now: Timestamp, params: &Params) -> Result<String, ApiError> {
    let action = params.get("Action").unwrap_or_default();
    if !OPERATIONS.contains(&action) {
        return Err(ApiError::new(
            "InvalidAction",
            format!("The action {action} is not valid for this web service."),
        ));
    }
    if params.bool("DryRun")? == Some(true) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(ApiError::with_status("DryRunOperation", 412, message));
    }
    let body = match action {
        "DescribeInstances" => instances::describe(world, params),
        "DescribeNetworkInterfaces" => interfaces::describe(world, params),
        "DescribeSecurityGroups" => security_groups::describe(world, params),
        "DescribeSubnets" => networks::describe_subnets(world, params),
        "DescribeVpcs" => networks::describe_vpcs(world, params),
        "DescribeRouteTables" => networks::describe_route_tables(world, params),
        "DescribeAvailabilityZones" => networks::describe_zones(world, params),
        "CreateSecurityGroup" => security_groups::create(world, now, params),
        "DeleteSecurityGroup" => security_groups::delete(world, params),
        "AuthorizeSecurityGroupIngress" => security_groups::authorize(world, params),
        "RevokeSecurityGroupIngress" => security_groups::revoke(world, params),
        "CreateTags" => tags::create(world, params),
        _ => tags::delete(world, params),
    }?;
    Ok(envelope(action, &body))
}

/// The operations answered here.
pub const OPERATIONS: [&str; 13] = [
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "CreateTags",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DescribeAvailabilityZones",
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
    "RevokeSecurityGroupIngress",
];

fn envelope(action: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>{REQUEST_ID}</requestId>{body}</{action}Response>"
    )
}

/// A parameter that must be there.
fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, ApiError> {
    let missing = || {
        ApiError::new(
            "MissingParameter",
            format!("The request must contain the parameter {name}"),
        )
    };
    params
        .get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(missing)
}

/// `InvalidParameterValue`.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

/// `<return>true</return>`, the whole answer of many mutations.
fn done() -> String {
    let mut xml = Xml::new();
    xml.text("return", true);
    xml.finish()
}
