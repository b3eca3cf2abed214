//! `actions.<name>`: what a rule does with a request.
//!
//! In: JSON such as `{"type":"redirect","redirectConfig":{"statusCode":"HTTP_301","port":"443"}}`. Out: a typed
//! action (upstream `pkg/ingress/config_types.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html>).

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::{Deserialize, Serialize};

use crate::annotation::{parse_int32, parse_json};

/// An action of a rule or a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The load balancer answers itself.
    FixedResponse(FixedResponseAction),
    /// The client is sent elsewhere.
    Redirect(RedirectAction),
    /// The request goes to target groups.
    Forward(Forward),
}

/// An answer of the load balancer
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FixedResponseAction {
    /// Three digits, 2xx, 4xx or 5xx; never empty.
    pub status: String,
    /// Media type.
    pub content_type: Option<String>,
    /// At most 1024 bytes.
    pub body: Option<String>,
}

/// Where a client is sent. A part that is left out keeps that of the request, like the placeholders `#{protocol}`,
/// `#{port}`, `#{host}`, `/#{path}` and `#{query}`
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html>).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RedirectAction {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    pub protocol: Option<String>,
    /// Port number or `#{port}`.
    pub port: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// Path with its leading slash.
    pub path: Option<String>,
    /// Query without its leading question mark.
    pub query: Option<String>,
    /// `HTTP_301` or `HTTP_302`; never empty.
    pub status: String,
}

/// Target groups with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// In the order written. May be empty, which AWS refuses.
    pub target_groups: Vec<WeightedTarget>,
    /// Whether a client keeps to its target group.
    pub stickiness: Option<Stickiness>,
}

/// A target group of a forward action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedTarget {
    /// The target group.
    pub target: Target,
    /// Weight, 0-999; present on each of several.
    pub weight: Option<i32>,
}

/// How a target group is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The target group of a Service port, in the namespace of the Ingress.
    Service {
        /// Name of the Service.
        name: String,
        /// Port of the Service: a number, or a name that is no number.
        port: IntOrString,
    },
    /// A target group made by somebody else, by ARN.
    Arn(String),
    /// A target group made by somebody else, by name.
    Name(String),
}

/// Whether a client stays with the target group of an action that it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stickiness {
    /// Whether it does.
    pub enabled: bool,
    /// For how many seconds, 1-604800; Application Load Balancers only.
    pub seconds: Option<i32>,
}

impl Stickiness {
    /// No stickiness: what AWS reports where none was asked for.
    pub const OFF: Self = Self {
        enabled: false,
        seconds: None,
    };
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    r#type: Option<String>,
    #[serde(rename = "targetGroupARN")]
    target_group_arn: Option<String>,
    target_group_name: Option<String>,
    fixed_response_config: Option<FixedResponseEntry>,
    redirect_config: Option<RedirectEntry>,
    forward_config: Option<ForwardEntry>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct FixedResponseEntry {
    status_code: Option<String>,
    content_type: Option<String>,
    message_body: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RedirectEntry {
    status_code: Option<String>,
    host: Option<String>,
    path: Option<String>,
    port: Option<String>,
    protocol: Option<String>,
    query: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ForwardEntry {
    target_groups: Option<Vec<Option<TargetEntry>>>,
    target_group_stickiness_config: Option<StickinessEntry>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TargetEntry {
    #[serde(rename = "targetGroupARN")]
    target_group_arn: Option<String>,
    target_group_name: Option<String>,
    service_name: Option<String>,
    service_port: Option<IntOrString>,
    weight: Option<i32>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StickinessEntry {
    enabled: Option<bool>,
    duration_seconds: Option<i32>,
}

/// Reads the annotation. Config objects of another action type are ignored; of an ARN and a name the ARN counts.
pub fn parse_action(text: &str) -> Result<Action, String> {
    let entry: Entry = parse_json(text)?;
    match entry.r#type.as_deref().unwrap_or_default() {
        "fixed-response" => fixed_response(entry.fixed_response_config),
        "redirect" => redirect(entry.redirect_config),
        "forward" => forward(entry).map(Action::Forward),
        other => Err(format!(
            "the action type '{other}' is unknown; allowed are fixed-response, redirect and forward"
        )),
    }
}

fn fixed_response(config: Option<FixedResponseEntry>) -> Result<Action, String> {
    let config = config.ok_or("an action of type fixed-response needs fixedResponseConfig; add it")?;
    Ok(Action::FixedResponse(FixedResponseAction {
        status: status_code(config.status_code, "fixedResponseConfig", "\"404\"")?,
        content_type: config.content_type,
        body: config.message_body,
    }))
}

fn redirect(config: Option<RedirectEntry>) -> Result<Action, String> {
    let config = config.ok_or("an action of type redirect needs redirectConfig; add it")?;
    Ok(Action::Redirect(RedirectAction {
        protocol: config.protocol,
        port: config.port,
        host: config.host,
        path: config.path,
        query: config.query,
        status: status_code(config.status_code, "redirectConfig", "\"HTTP_301\"")?,
    }))
}

fn status_code(code: Option<String>, config: &str, example: &str) -> Result<String, String> {
    code.filter(|code| !code.is_empty())
        .ok_or_else(|| format!("{config} needs a statusCode such as {example}; add it"))
}

fn forward(entry: Entry) -> Result<Forward, String> {
    let short = match (entry.target_group_arn, entry.target_group_name) {
        (Some(arn), _) => Some(Target::Arn(arn)),
        (None, Some(name)) => Some(Target::Name(name)),
        (None, None) => None,
    };
    match (short, entry.forward_config) {
        (Some(target), None) => Ok(Forward {
            target_groups: vec![WeightedTarget { target, weight: None }],
            stickiness: None,
        }),
        (None, Some(config)) => weighted(config),
        (Some(_), Some(_)) => Err(
            "an action of type forward has both a target group and forwardConfig; \
                                   keep one of the two"
                .to_owned(),
        ),
        (None, None) => Err(
            "an action of type forward needs targetGroupARN, targetGroupName or forwardConfig; \
                             add one"
                .to_owned(),
        ),
    }
}

fn weighted(config: ForwardEntry) -> Result<Forward, String> {
    let entries = config.target_groups.unwrap_or_default();
    let target_groups: Result<Vec<_>, String> = entries
        .into_iter()
        .map(|entry| weighted_target(entry.unwrap_or_default()))
        .collect();
    let target_groups = target_groups?;
    if target_groups.len() > 1 && target_groups.iter().any(|group| group.weight.is_none()) {
        return Err("several target groups need a weight each; add the missing ones".to_owned());
    }
    // Stickiness that is not said to be on is off, as AWS has it.
    let stickiness = config.target_group_stickiness_config.map(|entry| Stickiness {
        enabled: entry.enabled.unwrap_or(false),
        seconds: entry.duration_seconds,
    });
    Ok(Forward {
        target_groups,
        stickiness,
    })
}

fn weighted_target(entry: TargetEntry) -> Result<WeightedTarget, String> {
    let target = match (
        entry.service_name,
        entry.target_group_arn,
        entry.target_group_name,
    ) {
        (Some(name), None, None) => {
            let port = entry
                .service_port
                .ok_or_else(|| format!("the Service '{name}' needs a servicePort; add it"))?;
            Target::Service {
                name,
                port: number_if_possible(port),
            }
        }
        (None, Some(arn), _) => Target::Arn(arn),
        (None, None, Some(name)) => Target::Name(name),
        (None, None, None) => {
            return Err(
                "a target group needs serviceName, targetGroupARN or targetGroupName; add one".to_owned(),
            );
        }
        (Some(name), _, _) => {
            return Err(format!(
                "a target group has the Service '{name}' and an ARN or a name; keep one of them"
            ));
        }
    };
    Ok(WeightedTarget {
        target,
        weight: entry.weight,
    })
}

/// `"80"` means port number 80, not a port named so.
fn number_if_possible(port: IntOrString) -> IntOrString {
    match port {
        IntOrString::String(text) => parse_int32(&text).map_or(IntOrString::String(text), IntOrString::Int),
        number @ IntOrString::Int(_) => number,
    }
}

impl Action {
    /// The word for the type, as AWS and the annotation spell it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::FixedResponse(_) => "fixed-response",
            Self::Redirect(_) => "redirect",
            Self::Forward(_) => "forward",
        }
    }
}

#[cfg(test)]
mod tests;
