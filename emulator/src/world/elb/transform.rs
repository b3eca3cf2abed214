//! Transforms of rules: what of a request is rewritten after it met a rule and before it is forwarded.

use regex::Regex;
use serde::Serialize;

use super::routing::Request;
use crate::world::ApiError;

const MAX_TEXT: usize = 1024;

/// What a transform rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rewrites {
    /// The host header.
    HostHeaderRewrite,
    /// Path and query.
    UrlRewrite,
}

/// A transform.
#[derive(Clone, Debug, Serialize)]
pub struct Transform {
    /// What it rewrites.
    #[serde(rename = "type")]
    pub rewrites: Rewrites,
    /// Regular expression.
    pub regex: String,
    /// What stands for its first match; `$1` and so on are its groups.
    pub replace: String,
    #[serde(skip)]
    compiled: Regex,
}

impl PartialEq for Transform {
    fn eq(&self, other: &Self) -> bool {
        (self.rewrites, &self.regex, &self.replace) == (other.rewrites, &other.regex, &other.replace)
    }
}

impl Eq for Transform {}

impl Rewrites {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostHeaderRewrite => "host-header-rewrite",
            Self::UrlRewrite => "url-rewrite",
        }
    }

    /// Reads the word of the API; `ValidationError` if there is no such type.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "host-header-rewrite" => Ok(Self::HostHeaderRewrite),
            "url-rewrite" => Ok(Self::UrlRewrite),
            _ => Err(ApiError::validation(format!(
                "1 validation error detected: Value '{text}' at 'transforms.type' failed to satisfy constraint: \
                 Member must satisfy enum value set: [host-header-rewrite, url-rewrite]"
            ))),
        }
    }
}

impl Transform {
    /// A transform; `ValidationError` for texts that are too long or a malformed expression.
    pub fn checked(rewrites: Rewrites, regex: &str, replace: &str) -> Result<Self, ApiError> {
        if regex.is_empty()
            || [regex, replace]
                .iter()
                .any(|text| text.chars().count() > MAX_TEXT)
        {
            return Err(ApiError::validation(format!(
                "Regular expression and replacement of a rewrite have up to {MAX_TEXT} characters, the expression at \
                 least one"
            )));
        }
        let compiled = Regex::new(regex)
            .map_err(|_| ApiError::validation(format!("The regular expression '{regex}' is not valid")))?;
        Ok(Self {
            rewrites,
            regex: regex.to_owned(),
            replace: replace.to_owned(),
            compiled,
        })
    }

    fn apply(&self, text: &str) -> String {
        let replace = braced(&self.replace);
        self.compiled.replace(text, replace.as_str()).into_owned()
    }
}

/// `$1x` as `${1}x`: in AWS's replacements a group ends where its digits end.
fn braced(replace: &str) -> String {
    let mut parts = replace.split('$');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (digits, rest) = part.split_at(end);
        if digits.is_empty() {
            made.extend(["$$", rest]);
        } else {
            made.extend(["${", digits, "}", rest]);
        }
    }
    made
}

/// Checks the transforms of one rule together: each type at most once, else `ValidationError`.
pub fn check_all(transforms: &[Transform]) -> Result<(), ApiError> {
    for rewrites in [Rewrites::HostHeaderRewrite, Rewrites::UrlRewrite] {
        if transforms.iter().filter(|one| one.rewrites == rewrites).count() > 1 {
            let message = format!("A rule can only have one '{}' transform", rewrites.as_str());
            return Err(ApiError::validation(message));
        }
    }
    Ok(())
}

/// The host header and the URL (path and query) that a target gets.
pub fn rewritten(transforms: &[Transform], request: &Request<'_>) -> (String, String) {
    let mut host = request.host.to_owned();
    let mut url = request.path.to_owned();
    if !request.query.is_empty() {
        url.extend(["?", request.query]);
    }
    for transform in transforms {
        match transform.rewrites {
            Rewrites::HostHeaderRewrite => host = transform.apply(&host),
            Rewrites::UrlRewrite => url = transform.apply(&url),
        }
    }
    (host, url)
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

    fn request() -> Request<'static> {
        Request {
            scheme: "http",
            host: "old.example.com",
            path: "/v1/items",
            query: "a=b",
            method: "GET",
            headers: &[],
            source_ip: [10, 0, 0, 1].into(),
            sni: None,
        }
    }

    #[test]
    fn host_and_url_are_rewritten_with_groups() {
        let url = Transform::checked(Rewrites::UrlRewrite, "^/v1/(.*)", "/v2$1_$").unwrap();
        let host = Transform::checked(Rewrites::HostHeaderRewrite, r"^old\.", "new.").unwrap();
        let expected = ("new.example.com".to_owned(), "/v2items?a=b_$".to_owned());
        assert_eq!(rewritten(&[url.clone(), host], &request()), expected);
        assert_eq!(
            check_all(&[url.clone(), url]).unwrap_err().code,
            "ValidationError"
        );
    }

    #[test]
    fn expressions_must_be_valid_and_short() {
        for (regex, replace) in [("", "x"), ("(", "x"), ("a", &"x".repeat(1025))] {
            let error = Transform::checked(Rewrites::UrlRewrite, regex, replace).unwrap_err();
            assert_eq!(error.code, "ValidationError");
        }
    }
}
