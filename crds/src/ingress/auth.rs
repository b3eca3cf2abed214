//! `auth-*`: authentication of users before a request is forwarded.
//!
//! In: annotations of an Ingress, or of a Service over an Ingress. Out: the settings, complete with defaults
//! (upstream `pkg/ingress/auth_config_builder.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::words::{AuthType, OnUnauthenticated};
use crate::annotation::{AnnotationError, Annotations};
use crate::limits::ingress::SESSION_TIMEOUT;

/// An Amazon Cognito user pool (`auth-idp-cognito`). Absent fields are empty.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "CognitoEntry")]
#[allow(missing_docs)] // the names are AWS's own
pub struct Cognito {
    pub user_pool_arn: String,
    pub user_pool_client_id: String,
    pub user_pool_domain: String,
    /// Added to the request for authentication.
    pub extra_params: BTreeMap<String, String>,
}

/// An OpenID Connect provider (`auth-idp-oidc`). Absent fields are empty.
#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "OidcEntry")]
#[allow(missing_docs)] // the names are AWS's own
pub struct Oidc {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub user_info_endpoint: String,
    /// Secret in the namespace of the Ingress with the keys `clientID` and `clientSecret`.
    pub secret_name: String,
    /// Added to the request for authentication.
    pub extra_params: BTreeMap<String, String>,
}

type Params = Option<BTreeMap<String, Option<String>>>;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CognitoEntry {
    #[serde(rename = "userPoolARN")]
    user_pool_arn: Option<String>,
    #[serde(rename = "userPoolClientID")]
    user_pool_client_id: Option<String>,
    user_pool_domain: Option<String>,
    authentication_request_extra_params: Params,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OidcEntry {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    user_info_endpoint: Option<String>,
    secret_name: Option<String>,
    authentication_request_extra_params: Params,
}

fn params(params: Params) -> BTreeMap<String, String> {
    let text = |(key, value): (String, Option<String>)| (key, value.unwrap_or_default());
    params.unwrap_or_default().into_iter().map(text).collect()
}

impl From<CognitoEntry> for Cognito {
    fn from(entry: CognitoEntry) -> Self {
        Self {
            user_pool_arn: entry.user_pool_arn.unwrap_or_default(),
            user_pool_client_id: entry.user_pool_client_id.unwrap_or_default(),
            user_pool_domain: entry.user_pool_domain.unwrap_or_default(),
            extra_params: params(entry.authentication_request_extra_params),
        }
    }
}

impl From<OidcEntry> for Oidc {
    fn from(entry: OidcEntry) -> Self {
        Self {
            issuer: entry.issuer.unwrap_or_default(),
            authorization_endpoint: entry.authorization_endpoint.unwrap_or_default(),
            token_endpoint: entry.token_endpoint.unwrap_or_default(),
            user_info_endpoint: entry.user_info_endpoint.unwrap_or_default(),
            secret_name: entry.secret_name.unwrap_or_default(),
            extra_params: params(entry.authentication_request_extra_params),
        }
    }
}

/// Everything the `auth-*` annotations say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// `auth-type`.
    pub kind: AuthType,
    /// `auth-idp-cognito`, whatever the type.
    pub cognito: Option<Cognito>,
    /// `auth-idp-oidc`, whatever the type; its Secret is watched in any case.
    pub oidc: Option<Oidc>,
    /// `auth-on-unauthenticated-request`; upstream sends any word.
    pub on_unauthenticated: String,
    /// `auth-scope`.
    pub scope: String,
    /// `auth-session-cookie`.
    pub session_cookie: String,
    /// `auth-session-timeout`, in seconds.
    pub session_timeout: i64,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            kind: AuthType::None,
            cognito: None,
            oidc: None,
            on_unauthenticated: "authenticate".to_owned(),
            scope: "openid".to_owned(),
            session_cookie: "AWSELBAuthSessionCookie".to_owned(),
            session_timeout: 604_800,
        }
    }
}

/// The identity provider of the chosen type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider<'a> {
    /// An Amazon Cognito user pool.
    Cognito(&'a Cognito),
    /// An OpenID Connect provider.
    Oidc(&'a Oidc),
}

impl Auth {
    /// Reads the annotations. All of them must be readable, also with type `none`.
    pub fn read(annotations: &Annotations<'_>) -> Result<Self, AnnotationError> {
        let text = |suffix: &str, default: String| annotations.string(suffix).map_or(default, str::to_owned);
        let default = Self::default();
        Ok(Self {
            kind: annotations
                .parsed("auth-type", AuthType::parse)?
                .unwrap_or(default.kind),
            cognito: annotations.json("auth-idp-cognito")?,
            oidc: annotations.json("auth-idp-oidc")?,
            on_unauthenticated: text("auth-on-unauthenticated-request", default.on_unauthenticated),
            scope: text("auth-scope", default.scope),
            session_cookie: text("auth-session-cookie", default.session_cookie),
            session_timeout: annotations
                .int64("auth-session-timeout")?
                .unwrap_or(default.session_timeout),
        })
    }

    /// The provider of the chosen type, `None` for type `none`; `Err` if it is not configured. Asked for HTTPS
    /// listeners only, because others do not authenticate.
    pub fn provider(&self) -> Result<Option<Provider<'_>>, String> {
        let (provider, suffix) = match self.kind {
            AuthType::None => return Ok(None),
            AuthType::Cognito => (self.cognito.as_ref().map(Provider::Cognito), "auth-idp-cognito"),
            AuthType::Oidc => (self.oidc.as_ref().map(Provider::Oidc), "auth-idp-oidc"),
        };
        provider.map(Some).ok_or_else(|| {
            format!(
                "auth-type {} needs the annotation {suffix}; add it",
                self.kind.as_str()
            )
        })
    }

    /// What AWS refuses, one sentence each; nothing for type `none`.
    pub fn breaches(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.kind == AuthType::None {
            return found;
        }
        if let Err(rule) = OnUnauthenticated::parse(&self.on_unauthenticated) {
            found.push(format!(
                "auth-on-unauthenticated-request '{}': {rule}",
                self.on_unauthenticated
            ));
        }
        if !i32::try_from(self.session_timeout).is_ok_and(|seconds| SESSION_TIMEOUT.allows(seconds)) {
            found.push(format!(
                "auth-session-timeout {} is outside {}-{} seconds",
                self.session_timeout, SESSION_TIMEOUT.min, SESSION_TIMEOUT.max
            ));
        }
        for (field, value) in self.required_fields() {
            if value.is_empty() {
                found.push(format!("the identity provider has no {field}; add it"));
            }
        }
        found
    }

    fn required_fields(&self) -> Vec<(&'static str, &str)> {
        match self.provider() {
            Ok(Some(Provider::Cognito(pool))) => vec![
                ("userPoolARN", &pool.user_pool_arn),
                ("userPoolClientID", &pool.user_pool_client_id),
                ("userPoolDomain", &pool.user_pool_domain),
            ],
            Ok(Some(Provider::Oidc(oidc))) => vec![
                ("issuer", &oidc.issuer),
                ("authorizationEndpoint", &oidc.authorization_endpoint),
                ("tokenEndpoint", &oidc.token_endpoint),
                ("userInfoEndpoint", &oidc.user_info_endpoint),
                ("secretName", &oidc.secret_name),
            ],
            Ok(None) | Err(_) => Vec::new(),
        }
    }
}

/// Client id of an OIDC Secret: blanks and line ends after it are no part of it.
pub fn trim_client_id(text: &str) -> &str {
    text.trim_end()
}

/// Client secret of an OIDC Secret: control characters after it are no part of it, blanks are.
pub fn trim_client_secret(text: &str) -> &str {
    text.trim_end_matches(char::is_control)
}

#[cfg(test)]
mod tests;
