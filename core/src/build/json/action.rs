//! Actions in upstream's shape (upstream `pkg/model/elbv2/listener.go`): the keys of the annotations.

use serde::Serialize;

use super::Token;
use crate::model::{Action, FixedResponseAction, ForwardAction, RedirectAction, Stickiness};

/// One action; exactly one configuration is there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionSpec<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_config: Option<ForwardSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_config: Option<RedirectSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_response_config: Option<FixedResponseSpec<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ForwardSpec<'a> {
    target_groups: Vec<TupleSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_group_stickiness_config: Option<StickinessSpec>,
}

#[derive(Serialize)]
struct TupleSpec<'a> {
    #[serde(rename = "targetGroupARN")]
    target_group: Token<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StickinessSpec {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<i32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RedirectSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    status_code: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixedResponseSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_body: Option<&'a str>,
    status_code: &'a str,
}

impl<'a> From<&'a Action> for ActionSpec<'a> {
    fn from(action: &'a Action) -> Self {
        let none = Self {
            r#type: "",
            forward_config: None,
            redirect_config: None,
            fixed_response_config: None,
        };
        match action {
            Action::Forward(forward) => Self {
                r#type: "forward",
                forward_config: Some(forward.into()),
                ..none
            },
            Action::Redirect(redirect) => Self {
                r#type: "redirect",
                redirect_config: Some(redirect.into()),
                ..none
            },
            Action::FixedResponse(response) => Self {
                r#type: "fixed-response",
                fixed_response_config: Some(response.into()),
                ..none
            },
            Action::Other(_) => none,
        }
    }
}

impl<'a> From<&'a ForwardAction> for ForwardSpec<'a> {
    fn from(forward: &'a ForwardAction) -> Self {
        let tuples = forward.target_groups.iter().map(|tuple| TupleSpec {
            target_group: Token::from(&tuple.target_group),
            weight: tuple.weight,
        });
        let sticky = |sticky: &Stickiness| StickinessSpec {
            enabled: sticky.enabled,
            duration_seconds: sticky.seconds,
        };
        Self {
            target_groups: tuples.collect(),
            target_group_stickiness_config: forward.stickiness.get().map(sticky),
        }
    }
}

impl<'a> From<&'a RedirectAction> for RedirectSpec<'a> {
    fn from(redirect: &'a RedirectAction) -> Self {
        Self {
            host: redirect.host.as_deref(),
            path: redirect.path.as_deref(),
            port: redirect.port.as_deref(),
            protocol: redirect.protocol.as_deref(),
            query: redirect.query.as_deref(),
            status_code: &redirect.status,
        }
    }
}

impl<'a> From<&'a FixedResponseAction> for FixedResponseSpec<'a> {
    fn from(response: &'a FixedResponseAction) -> Self {
        Self {
            content_type: response.content_type.as_deref(),
            message_body: response.body.as_deref(),
            status_code: &response.status,
        }
    }
}
