//! Listeners in the stack JSON.

use serde::Serialize;

use super::action::ActionSpec;
use super::{Token, tags};
use crate::model::{Listener, Tags};

/// An attribute of a listener, whose keys upstream writes in capitals.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListenerAttribute<'a> {
    key: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListenerSpec<'a> {
    #[serde(rename = "loadBalancerARN")]
    load_balancer: Token<'a>,
    port: i32,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    default_actions: Vec<ActionSpec<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<CertificateSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl_policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alpn_policy: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    listener_attributes: Vec<ListenerAttribute<'a>>,
}

#[derive(Serialize)]
struct CertificateSpec {
    #[serde(rename = "certificateARN")]
    arn: Token<'static>,
}

impl CertificateSpec {
    /// Upstream models a certificate known by ARN as a resource without type and id.
    fn nameless() -> Self {
        Self {
            arn: Token::Reference {
                reference: "#/resources///status/certificateARN".to_owned(),
            },
        }
    }
}

impl<'a> From<&'a Listener> for ListenerSpec<'a> {
    fn from(listener: &'a Listener) -> Self {
        let attribute = |(key, value): (&'a String, &'a String)| ListenerAttribute { key, value };
        Self {
            load_balancer: Token::from(&listener.load_balancer),
            port: listener.port,
            protocol: listener.protocol.as_str(),
            default_actions: listener.default_actions.iter().map(ActionSpec::from).collect(),
            certificates: listener
                .certificates
                .iter()
                .map(|_| CertificateSpec::nameless())
                .collect(),
            ssl_policy: listener.ssl_policy.get().map(String::as_str),
            alpn_policy: listener
                .alpn_policy
                .get()
                .map(String::as_str)
                .into_iter()
                .collect(),
            tags: listener.tags.get().and_then(tags),
            listener_attributes: listener.attributes.iter().map(attribute).collect(),
        }
    }
}
