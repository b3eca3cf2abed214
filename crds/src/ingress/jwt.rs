//! `jwt-validation`: tokens checked before a request is forwarded.
//!
//! In: JSON such as `{"jwksEndpoint":"https://...","issuer":"https://..."}`. Out: the checked settings (upstream
//! `pkg/ingress/model_build_actions.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_JwtValidationActionConfig.html>).

use serde::Deserialize;

use super::texts;
use super::words::AuthType;
use crate::annotation::parse_json;

/// How tokens are checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JwtValidation {
    /// Where the keys are; never empty.
    pub jwks_endpoint: String,
    /// Who must have issued the token; never empty.
    pub issuer: String,
    /// Claims that must hold, in the order written.
    pub additional_claims: Vec<JwtClaim>,
}

/// A claim that must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JwtClaim {
    /// Name; never empty.
    pub name: String,
    /// `single-string`, `string-array` or `space-separated-values`; never empty, upstream sends any word.
    pub format: String,
    /// Allowed values; never empty.
    pub values: Vec<String>,
}

const FORMATS: [&str; 3] = ["single-string", "string-array", "space-separated-values"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    jwks_endpoint: Option<String>,
    issuer: Option<String>,
    additional_claims: Option<Vec<Option<ClaimEntry>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClaimEntry {
    name: Option<String>,
    format: Option<String>,
    values: Option<Vec<Option<String>>>,
}

/// Reads the annotation.
pub fn parse_jwt_validation(text: &str) -> Result<JwtValidation, String> {
    let entry: Entry = parse_json(text)?;
    let claims = entry.additional_claims.unwrap_or_default();
    let claims: Result<Vec<_>, String> = claims
        .into_iter()
        .map(|entry| claim(entry.unwrap_or_default()))
        .collect();
    Ok(JwtValidation {
        jwks_endpoint: required(entry.jwks_endpoint, "jwksEndpoint")?,
        issuer: required(entry.issuer, "issuer")?,
        additional_claims: claims?,
    })
}

fn claim(entry: ClaimEntry) -> Result<JwtClaim, String> {
    let format = required(entry.format, "format of an additional claim")?;
    let name = required(entry.name, "name of an additional claim")?;
    let values = texts(entry.values);
    if values.is_empty() {
        return Err(format!("the additional claim '{name}' has no values; add one"));
    }
    Ok(JwtClaim { name, format, values })
}

fn required(value: Option<String>, what: &str) -> Result<String, String> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("the {what} is missing; add it"))
}

impl JwtValidation {
    /// What AWS refuses, one sentence each.
    pub fn breaches(&self) -> Vec<String> {
        self.additional_claims
            .iter()
            .filter(|claim| !FORMATS.contains(&claim.format.as_str()))
            .map(|claim| {
                format!(
                    "the format '{}' of the claim '{}' is not allowed; allowed are {}",
                    claim.format,
                    claim.name,
                    FORMATS.join(", ")
                )
            })
            .collect()
    }
}

/// A rule of an HTTPS listener either authenticates users or checks tokens; `Err` if both are asked for.
pub fn check_exclusive(auth: AuthType, jwt: Option<&JwtValidation>) -> Result<(), String> {
    if auth != AuthType::None && jwt.is_some() {
        return Err(format!(
            "auth-type {} and jwt-validation exclude each other; remove one of the two",
            auth.as_str()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    fn with_claims(claims: &str) -> Result<JwtValidation, String> {
        parse_jwt_validation(&format!(
            r#"{{"JwksEndpoint":"https://k","issuer":"https://i","additionalClaims":{claims}}}"#
        ))
    }

    #[test]
    fn endpoint_issuer_and_claims_are_read() {
        let jwt = with_claims(r#"[{"format":"string-array","name":"scope","values":["a","b"]}]"#).unwrap();
        assert_eq!(
            (jwt.jwks_endpoint.as_str(), jwt.issuer.as_str()),
            ("https://k", "https://i")
        );
        assert_eq!(jwt.additional_claims[0].values, ["a", "b"]);
        assert_eq!(jwt.breaches(), Vec::<String>::new());
        assert_eq!(with_claims("null").unwrap().additional_claims, []);
        let odd = with_claims(r#"[{"format":"list","name":"scope","values":["a"]}]"#).unwrap();
        assert_eq!(odd.breaches().len(), 1);
    }

    #[test]
    fn missing_parts_are_refused() {
        for text in [
            "{}",
            "null",
            r#"{"issuer":"i"}"#,
            r#"{"jwksEndpoint":"k"}"#,
            r#"{"jwksEndpoint":"k","issuer":""}"#,
        ] {
            assert!(
                parse_jwt_validation(text).unwrap_err().contains("missing"),
                "{text}"
            );
        }
        for claims in [
            "[null]",
            r#"[{"name":"a","values":["b"]}]"#,
            r#"[{"format":"single-string","values":["b"]}]"#,
            r#"[{"format":"single-string","name":"a"}]"#,
            r#"[{"format":"single-string","name":"a","values":[]}]"#,
            r#"[{"format":"single-string","name":"a","values":"b"}]"#,
        ] {
            assert!(with_claims(claims).is_err(), "{claims}");
        }
    }

    // ingress-alb vector 41
    #[test]
    fn tokens_and_users_are_not_checked_together() {
        let jwt = with_claims("[]").unwrap();
        assert!(check_exclusive(AuthType::Cognito, Some(&jwt)).is_err());
        assert_eq!(check_exclusive(AuthType::None, Some(&jwt)), Ok(()));
        assert_eq!(check_exclusive(AuthType::Oidc, None), Ok(()));
    }
}
