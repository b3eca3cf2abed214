//! Our words in those of the ELBv2 API.

use aws_sdk_elasticloadbalancingv2::types as sdk;
use aws_sdk_elasticloadbalancingv2::types::builders::ActionBuilder;
use elbow_core::model::{
    Action, FixedResponseAction, ForwardAction, Matcher, Protocol, RedirectAction, Ref, Setting, Stickiness,
    SubnetMapping, Tags, WeightedTargetGroup,
};
use elbow_core::targets::Target;

use crate::aws::error::{AwsError, Fault, Service};

/// Our actions in the API's words, in order. `weighted`: gate `WeightedTargetGroups`.
pub(super) fn actions(
    operation: &'static str,
    actions: &[Action],
    weighted: bool,
) -> Result<Vec<sdk::Action>, AwsError> {
    actions
        .iter()
        .zip(1..)
        .map(|(action, order)| {
            let ordered = sdk::Action::builder().order(order);
            match action {
                Action::Forward(one) => forward(operation, ordered, one, weighted),
                Action::Redirect(redirect) => Ok(redirect_action(ordered, redirect)),
                Action::FixedResponse(response) => Ok(response_action(ordered, response)),
                Action::Other(_) => Err(invalid(operation, "an action of this kind is not sent")),
            }
        })
        .collect()
}

fn forward(
    operation: &'static str,
    action: ActionBuilder,
    forward: &ForwardAction,
    weighted: bool,
) -> Result<sdk::Action, AwsError> {
    let action = action.r#type(sdk::ActionTypeEnum::Forward);
    Ok(match forward.target_groups.as_slice() {
        [one] if !weighted => action
            .target_group_arn(known(operation, &one.target_group)?)
            .build(),
        _ if !weighted => {
            return Err(invalid(operation, "weighted target groups feature is disabled"));
        }
        groups => action
            .forward_config(forward_config(operation, groups, &forward.stickiness)?)
            .build(),
    })
}

fn redirect_action(action: ActionBuilder, redirect: &RedirectAction) -> sdk::Action {
    let config = sdk::RedirectActionConfig::builder()
        .set_protocol(redirect.protocol.clone())
        .set_port(redirect.port.clone())
        .set_host(redirect.host.clone())
        .set_path(redirect.path.clone())
        .set_query(redirect.query.clone())
        .status_code(redirect.status.as_str().into())
        .build();
    action
        .r#type(sdk::ActionTypeEnum::Redirect)
        .redirect_config(config)
        .build()
}

fn response_action(action: ActionBuilder, response: &FixedResponseAction) -> sdk::Action {
    let config = sdk::FixedResponseActionConfig::builder()
        .status_code(&response.status)
        .set_content_type(response.content_type.clone())
        .set_message_body(response.body.clone())
        .build();
    action
        .r#type(sdk::ActionTypeEnum::FixedResponse)
        .fixed_response_config(config)
        .build()
}

fn forward_config(
    operation: &'static str,
    groups: &[WeightedTargetGroup],
    stickiness: &Setting<Stickiness>,
) -> Result<sdk::ForwardActionConfig, AwsError> {
    let mut config = sdk::ForwardActionConfig::builder();
    for group in groups {
        let tuple = sdk::TargetGroupTuple::builder()
            .target_group_arn(known(operation, &group.target_group)?)
            .set_weight(group.weight)
            .build();
        config = config.target_groups(tuple);
    }
    if let Some(stickiness) = stickiness.get() {
        let stickiness = sdk::TargetGroupStickinessConfig::builder()
            .enabled(stickiness.enabled)
            .set_duration_seconds(stickiness.seconds)
            .build();
        config = config.target_group_stickiness_config(stickiness);
    }
    Ok(config.build())
}

/// The ARN or id of a reference that must be resolved by now.
pub(super) fn known<'a>(operation: &'static str, reference: &'a Ref) -> Result<&'a str, AwsError> {
    reference
        .known()
        .ok_or_else(|| invalid(operation, "a reference of the request is not resolved yet"))
}

fn invalid(operation: &'static str, message: &str) -> AwsError {
    AwsError {
        fault: Fault::Invalid,
        ..AwsError::answered(Service::Elb, operation, "InvalidRequest", message)
    }
}

pub(super) fn tags(tags: &Tags) -> Option<Vec<sdk::Tag>> {
    let tag = |(key, value): (&String, &String)| sdk::Tag::builder().key(key).value(value).build();
    (!tags.is_empty()).then(|| tags.iter().map(tag).collect())
}

pub(super) fn certificates(arns: &[String]) -> Option<Vec<sdk::Certificate>> {
    let first = arns.first()?;
    Some(vec![sdk::Certificate::builder().certificate_arn(first).build()])
}

pub(super) fn subnet_mapping(mapping: &SubnetMapping) -> sdk::SubnetMapping {
    sdk::SubnetMapping::builder()
        .subnet_id(&mapping.subnet)
        .set_allocation_id(mapping.allocation_id.clone())
        .set_private_ipv4_address(mapping.private_ipv4.clone())
        .set_ipv6_address(mapping.ipv6.clone())
        .set_source_nat_ipv6_prefix(mapping.source_nat_prefix.clone())
        .build()
}

pub(super) fn matcher(matcher: &Matcher) -> sdk::Matcher {
    match matcher {
        Matcher::Http(code) => sdk::Matcher::builder().http_code(code).build(),
        Matcher::Grpc(code) => sdk::Matcher::builder().grpc_code(code).build(),
    }
}

pub(super) fn protocol(protocol: Protocol) -> sdk::ProtocolEnum {
    sdk::ProtocolEnum::from(protocol.as_str())
}

pub(super) fn target(target: &Target) -> sdk::TargetDescription {
    sdk::TargetDescription::builder()
        .id(&target.id)
        .port(target.port)
        .set_availability_zone(target.availability_zone.clone())
        .set_quic_server_id(target.quic_server_id.clone())
        .build()
}
