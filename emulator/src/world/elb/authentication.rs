//! Actions that let a request pass or not: Cognito, OpenID Connect, token validation.
//!
//! Source: `AuthenticateCognitoActionConfig`, `AuthenticateOidcActionConfig` and `JwtValidationActionConfig` in the
//! API reference.

use std::collections::BTreeMap;

use serde::Serialize;

use super::action::{Action, Does};
use crate::world::ApiError;

const MAX_PARAMETERS: usize = 10;
const MAX_CLAIMS: usize = 10;
const MAX_CLAIM_VALUES: usize = 10;
const MAX_TOKEN_TEXT: usize = 256;
const WEEK: i64 = 604_800;

/// What Cognito and OpenID Connect have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// `SessionCookieName`
    pub cookie: String,
    /// `Scope`
    pub scope: String,
    /// `SessionTimeout`, 1 to 604,800 seconds.
    pub timeout: i64,
    /// `AuthenticationRequestExtraParams`, up to 10.
    pub parameters: BTreeMap<String, String>,
    /// `OnUnauthenticatedRequest`: `deny`, `allow` or `authenticate`.
    pub on_unauthenticated: String,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            cookie: "AWSELBAuthSessionCookie".to_owned(),
            scope: "openid".to_owned(),
            timeout: WEEK,
            parameters: BTreeMap::new(),
            on_unauthenticated: "authenticate".to_owned(),
        }
    }
}

/// `authenticate-cognito`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cognito {
    /// `UserPoolArn`
    pub user_pool: String,
    /// `UserPoolClientId`
    pub client: String,
    /// `UserPoolDomain`
    pub domain: String,
    /// The rest.
    pub session: Session,
}

/// `authenticate-oidc`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oidc {
    /// `Issuer`
    pub issuer: String,
    /// `AuthorizationEndpoint`
    pub authorization_endpoint: String,
    /// `TokenEndpoint`
    pub token_endpoint: String,
    /// `UserInfoEndpoint`
    pub user_info_endpoint: String,
    /// `ClientId`
    pub client: String,
    /// `ClientSecret`, which no answer shows.
    #[serde(skip)]
    pub client_secret: Option<String>,
    /// `UseExistingClientSecret` of a request.
    #[serde(skip)]
    pub use_existing_secret: bool,
    /// The rest.
    pub session: Session,
}

/// `jwt-validation`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Jwt {
    /// `JwksEndpoint`
    pub jwks_endpoint: String,
    /// `Issuer`
    pub issuer: String,
    /// `AdditionalClaims`, up to 10.
    pub claims: Vec<Claim>,
}

/// A claim that a token must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// `single-string`, `string-array` or `space-separated-values`.
    pub format: String,
    /// Name; `exp`, `iss`, `nbf` and `iat` are always checked and cannot be named.
    pub name: String,
    /// Up to 10 values of up to 256 characters.
    pub values: Vec<String>,
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::validation(message))
}

fn given(field: &str, value: &str) -> Result<(), ApiError> {
    if value.is_empty() {
        return refuse(format!("{field} must be specified"));
    }
    Ok(())
}

fn secure_url(field: &str, value: &str) -> Result<(), ApiError> {
    if value.strip_prefix("https://").is_none_or(str::is_empty) {
        return refuse(format!(
            "The {field} '{value}' must be a full URL with protocol https"
        ));
    }
    Ok(())
}

impl Session {
    fn check(&self) -> Result<(), ApiError> {
        given("SessionCookieName", &self.cookie)?;
        given("Scope", &self.scope)?;
        if !(1..=WEEK).contains(&self.timeout) {
            return refuse(format!(
                "The session timeout '{}' must be between 1 and {WEEK} seconds",
                self.timeout
            ));
        }
        if self.parameters.len() > MAX_PARAMETERS {
            return refuse(format!(
                "Up to {MAX_PARAMETERS} authentication request parameters can be specified"
            ));
        }
        if !["deny", "allow", "authenticate"].contains(&self.on_unauthenticated.as_str()) {
            return refuse(format!(
                "1 validation error detected: Value '{}' at 'onUnauthenticatedRequest' failed to satisfy constraint: \
                 Member must satisfy enum value set: [deny, allow, authenticate]",
                self.on_unauthenticated
            ));
        }
        Ok(())
    }
}

impl Cognito {
    /// `ValidationError` if a value is missing or malformed.
    pub fn check(&self) -> Result<(), ApiError> {
        if !(self.user_pool.starts_with("arn:") && self.user_pool.contains(":cognito-idp:")) {
            return refuse(format!("'{}' is not a valid user pool ARN", self.user_pool));
        }
        given("UserPoolClientId", &self.client)?;
        given("UserPoolDomain", &self.domain)?;
        self.session.check()
    }
}

impl Oidc {
    /// `ValidationError` if a value is missing or malformed, a secret included.
    pub fn check(&self) -> Result<(), ApiError> {
        secure_url("issuer", &self.issuer)?;
        secure_url("authorization endpoint", &self.authorization_endpoint)?;
        secure_url("token endpoint", &self.token_endpoint)?;
        secure_url("user info endpoint", &self.user_info_endpoint)?;
        given("ClientId", &self.client)?;
        given("ClientSecret", self.client_secret.as_deref().unwrap_or_default())?;
        self.session.check()
    }
}

impl Jwt {
    /// `ValidationError` if a value is missing or malformed.
    pub fn check(&self) -> Result<(), ApiError> {
        secure_url("JWKS endpoint", &self.jwks_endpoint)?;
        given("Issuer", &self.issuer)?;
        if [&self.jwks_endpoint, &self.issuer]
            .iter()
            .any(|text| text.chars().count() > MAX_TOKEN_TEXT)
        {
            return refuse(format!(
                "JWKS endpoint and issuer have up to {MAX_TOKEN_TEXT} characters"
            ));
        }
        if self.claims.len() > MAX_CLAIMS {
            return refuse(format!("Up to {MAX_CLAIMS} additional claims can be specified"));
        }
        self.claims.iter().try_for_each(Claim::check)
    }
}

impl Claim {
    fn check(&self) -> Result<(), ApiError> {
        const FORMATS: [&str; 3] = ["single-string", "string-array", "space-separated-values"];
        if !FORMATS.contains(&self.format.as_str()) {
            return refuse(format!(
                "1 validation error detected: Value '{}' at 'additionalClaims.format' failed to satisfy constraint: \
                 Member must satisfy enum value set: [{}]",
                self.format,
                FORMATS.join(", ")
            ));
        }
        given("The name of a claim", &self.name)?;
        if ["exp", "iss", "nbf", "iat"].contains(&self.name.as_str()) {
            return refuse(format!("The claim '{}' is always validated", self.name));
        }
        let spaces_split = self.format == "space-separated-values";
        let fits = |value: &String| {
            (1..=MAX_TOKEN_TEXT).contains(&value.chars().count()) && !(spaces_split && value.contains(' '))
        };
        if !(1..=MAX_CLAIM_VALUES).contains(&self.values.len()) || !self.values.iter().all(fits) {
            return refuse(format!(
                "The claim '{}' must have 1 to {MAX_CLAIM_VALUES} values of 1 to {MAX_TOKEN_TEXT} characters, without \
                 spaces where spaces separate them",
                self.name
            ));
        }
        Ok(())
    }
}

/// `wanted`, where an OpenID Connect action that asks for it has the secret of the one in `current`.
pub fn with_known_secrets(wanted: &[Action], current: &[Action]) -> Vec<Action> {
    let known = current.iter().find_map(|action| match &action.does {
        Does::AuthenticateOidc(oidc) => oidc.client_secret.clone(),
        _ => None,
    });
    let mut wanted = wanted.to_vec();
    for action in &mut wanted {
        if let Does::AuthenticateOidc(oidc) = &mut action.does
            && std::mem::take(&mut oidc.use_existing_secret)
            && oidc.client_secret.is_none()
        {
            oidc.client_secret.clone_from(&known);
        }
    }
    wanted
}
