//! Actions of listeners and rules.

use super::{
    super::{Params, Xml},
    authentication, read,
};
use crate::world::{
    ApiError,
    elb::action::{Action, Does, FixedResponse, Forward, Redirect},
};

/// The actions of a request.
pub(super) fn read(params: &Params, prefix: &str) -> Result<Vec<Action>, ApiError> {
    params.children(prefix).iter().map(one).collect()
}

fn one(params: &Params) -> Result<Action, ApiError> {
    let does = match params.required("Type")? {
        "forward" => Does::Forward(forward(params)?),
        "redirect" => Does::Redirect(redirect(params)?),
        "fixed-response" => Does::FixedResponse(FixedResponse {
            status: params.required("FixedResponseConfig.StatusCode")?.to_owned(),
            content_type: read::text(params, "FixedResponseConfig.ContentType"),
            body: read::text(params, "FixedResponseConfig.MessageBody"),
        }),
        "authenticate-cognito" => Does::AuthenticateCognito(authentication::read_cognito(params)?),
        "authenticate-oidc" => Does::AuthenticateOidc(authentication::read_oidc(params)?),
        "jwt-validation" => Does::JwtValidation(authentication::read_jwt(params)?),
        other => {
            let message = format!("The action type '{other}' is not supported");
            return Err(ApiError::new("InvalidLoadBalancerAction", message));
        }
    };
    Ok(Action {
        order: params.int("Order")?,
        does,
    })
}

fn forward(params: &Params) -> Result<Forward, ApiError> {
    let group = |child: &Params| {
        Ok((
            child.required("TargetGroupArn")?.to_owned(),
            child.int("Weight")?.unwrap_or(1),
        ))
    };
    let listed = params.children("ForwardConfig.TargetGroups.member");
    let mut groups = listed.iter().map(group).collect::<Result<Vec<_>, ApiError>>()?;
    if let Some(single) = params.get("TargetGroupArn") {
        match groups.as_slice() {
            [] => groups.push((single.to_owned(), 1)),
            [(arn, _)] if arn == single => {}
            _ => {
                let message =
                    "The target group ARN of an action must be the only one in its forward configuration";
                return Err(ApiError::validation(message));
            }
        }
    }
    let stickiness = "ForwardConfig.TargetGroupStickinessConfig";
    let enabled = params.bool(&format!("{stickiness}.Enabled"))? == Some(true);
    let seconds = params.int(&format!("{stickiness}.DurationSeconds"))?;
    let stickiness = enabled
        .then(|| seconds.ok_or_else(missing_duration))
        .transpose()?;
    Ok(Forward { groups, stickiness })
}

fn missing_duration() -> ApiError {
    ApiError::validation("A duration must be specified when target group stickiness is enabled")
}

fn redirect(params: &Params) -> Result<Redirect, ApiError> {
    let or = |name: &str, default: &str| {
        params
            .get(&format!("RedirectConfig.{name}"))
            .unwrap_or(default)
            .to_owned()
    };
    Ok(Redirect {
        protocol: or("Protocol", "#{protocol}"),
        port: or("Port", "#{port}"),
        host: or("Host", "#{host}"),
        path: or("Path", "/#{path}"),
        query: or("Query", "#{query}"),
        status: params.required("RedirectConfig.StatusCode")?.to_owned(),
    })
}

/// One action of an answer.
pub(super) fn write(xml: &mut Xml, action: &Action) {
    match &action.does {
        Does::Forward(forward) => write_forward(xml, forward),
        Does::Redirect(redirect) => {
            xml.text("Type", "redirect").element("RedirectConfig", |xml| {
                xml.text("Protocol", &redirect.protocol)
                    .text("Port", &redirect.port)
                    .text("Host", &redirect.host)
                    .text("Path", &redirect.path)
                    .text("Query", &redirect.query)
                    .text("StatusCode", &redirect.status);
            });
        }
        Does::FixedResponse(response) => {
            xml.text("Type", "fixed-response")
                .element("FixedResponseConfig", |xml| {
                    xml.opt("MessageBody", response.body.as_ref());
                    xml.text("StatusCode", &response.status);
                    xml.opt("ContentType", response.content_type.as_ref());
                });
        }
        Does::AuthenticateCognito(cognito) => authentication::write_cognito(xml, cognito),
        Does::AuthenticateOidc(oidc) => authentication::write_oidc(xml, oidc),
        Does::JwtValidation(jwt) => authentication::write_jwt(xml, jwt),
    }
    xml.opt("Order", action.order);
}

/// A single group is shown twice, as AWS does: as the action's own and in the forward configuration.
fn write_forward(xml: &mut Xml, forward: &Forward) {
    xml.text("Type", "forward");
    if let [(only, _)] = forward.groups.as_slice() {
        xml.text("TargetGroupArn", only);
    }
    xml.element("ForwardConfig", |xml| {
        xml.list("TargetGroups", "member", &forward.groups, |xml, (arn, weight)| {
            xml.text("TargetGroupArn", arn).text("Weight", weight);
        });
        xml.element("TargetGroupStickinessConfig", |xml| {
            xml.text("Enabled", forward.stickiness.is_some());
            xml.opt("DurationSeconds", forward.stickiness);
        });
    });
}
