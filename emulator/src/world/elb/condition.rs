//! Conditions of rules: read from requests, checked, and compared with a request of a client.
//!
//! Source: `RuleCondition` in the API reference, "Condition types for listener rules" in the user guide.

use ipnet::IpNet;
use serde::Serialize;

use super::{pattern::Pattern, routing::Request};
use crate::world::{ApiError, Quotas};

const MAX_TEXT: usize = 128;
const MAX_NAME: usize = 40;

/// A condition; one of its values is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "field", content = "values", rename_all = "kebab-case")]
pub enum Condition {
    /// The host without its port, without regard to case.
    HostHeader(Vec<Pattern>),
    /// The path without the query, with regard to case.
    PathPattern(Vec<Pattern>),
    /// A header, without regard to case.
    HttpHeader {
        /// Its name.
        name: String,
        /// Texts or regular expressions.
        values: Vec<Pattern>,
    },
    /// The method, exactly.
    HttpRequestMethod(Vec<String>),
    /// One pair of the query, without regard to case.
    QueryString(Vec<QueryPair>),
    /// The address of the peer.
    SourceIp(Vec<SourceRange>),
}

/// What is looked for in a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryPair {
    /// Absent: the value of any key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Pattern>,
    /// Value.
    pub value: Pattern,
}

/// A range of addresses, as it was given and as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct SourceRange {
    /// CIDR notation.
    pub text: String,
    /// The range.
    pub range: IpNet,
}

impl From<SourceRange> for String {
    fn from(range: SourceRange) -> Self {
        range.text
    }
}

/// A condition as a request gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionRequest {
    /// `Field`
    pub field: String,
    /// `HttpHeaderName`
    pub header: Option<String>,
    /// `Values` of every field but `query-string`.
    pub values: Vec<String>,
    /// `RegexValues`
    pub regexes: Vec<String>,
    /// Keys and values of `query-string`.
    pub pairs: Vec<(Option<String>, String)>,
}

impl ConditionRequest {
    /// A condition on a field with these values.
    pub fn of(field: &str, values: &[&str]) -> Self {
        Self {
            field: field.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            ..Self::default()
        }
    }
}

impl Condition {
    /// Reads and checks a condition.
    ///
    /// # Errors
    /// `ValidationError`: unknown field, no or too long values, characters that the field does not take, a
    /// malformed range or regular expression.
    pub fn checked(request: &ConditionRequest) -> Result<Self, ApiError> {
        let given = request.values.len() + request.regexes.len() + request.pairs.len();
        if given == 0 {
            return Err(ApiError::validation(format!(
                "A '{}' condition must have at least one value",
                request.field
            )));
        }
        match request.field.as_str() {
            "host-header" => Ok(Self::HostHeader(patterns(request, true, check_host)?)),
            "path-pattern" => Ok(Self::PathPattern(patterns(request, false, check_path)?)),
            "http-header" => Ok(Self::HttpHeader {
                name: header_name(request)?,
                values: patterns(request, true, check_header)?,
            }),
            "http-request-method" => methods(request).map(Self::HttpRequestMethod),
            "query-string" => query(request).map(Self::QueryString),
            "source-ip" => ranges(request).map(Self::SourceIp),
            other => Err(ApiError::validation(format!(
                "Condition field '{other}' must be one of '[http-header, http-request-method, host-header, \
                 path-pattern, query-string, source-ip]'"
            ))),
        }
    }

    /// The word of the API for its field.
    pub fn field(&self) -> &'static str {
        match self {
            Self::HostHeader(_) => "host-header",
            Self::PathPattern(_) => "path-pattern",
            Self::HttpHeader { .. } => "http-header",
            Self::HttpRequestMethod(_) => "http-request-method",
            Self::QueryString(_) => "query-string",
            Self::SourceIp(_) => "source-ip",
        }
    }

    /// Whether a request meets it.
    pub fn matches(&self, request: &Request<'_>) -> bool {
        match self {
            Self::HostHeader(values) => {
                let host = request.host_name();
                values.iter().any(|value| value.matches(host))
            }
            Self::PathPattern(values) => values.iter().any(|value| value.matches(request.path)),
            Self::HttpHeader { name, values } => request
                .headers
                .iter()
                .filter(|(found, _)| found.eq_ignore_ascii_case(name))
                .any(|(_, text)| values.iter().any(|value| value.matches(text))),
            Self::HttpRequestMethod(values) => values.iter().any(|value| value == request.method),
            Self::QueryString(pairs) => request.query_pairs().any(|(key, value)| {
                pairs.iter().any(|pair| {
                    pair.value.matches(value) && pair.key.as_ref().is_none_or(|wanted| wanted.matches(key))
                })
            }),
            Self::SourceIp(ranges) => ranges
                .iter()
                .any(|source| source.range.contains(&request.source_ip)),
        }
    }

    fn value_count(&self) -> usize {
        match self {
            Self::HostHeader(values) | Self::PathPattern(values) | Self::HttpHeader { values, .. } => {
                values.len()
            }
            Self::HttpRequestMethod(values) => values.len(),
            Self::QueryString(pairs) => pairs.len(),
            Self::SourceIp(ranges) => ranges.len(),
        }
    }

    fn wildcard_count(&self) -> usize {
        let count = |patterns: &[Pattern]| patterns.iter().map(Pattern::wildcard_count).sum();
        match self {
            Self::HostHeader(values) | Self::PathPattern(values) | Self::HttpHeader { values, .. } => {
                count(values)
            }
            Self::QueryString(pairs) => pairs
                .iter()
                .map(|pair| {
                    pair.value.wildcard_count() + pair.key.as_ref().map_or(0, Pattern::wildcard_count)
                })
                .sum(),
            Self::HttpRequestMethod(_) | Self::SourceIp(_) => 0,
        }
    }
}

/// Checks the conditions of one rule together: at least one, the single fields once, values and wildcards within
/// the quotas. All are `ValidationError`.
pub fn check_all(quotas: &Quotas, conditions: &[Condition]) -> Result<(), ApiError> {
    if conditions.is_empty() {
        return Err(ApiError::validation("A rule must have at least one condition"));
    }
    for field in ["host-header", "path-pattern", "http-request-method", "source-ip"] {
        if conditions.iter().filter(|one| one.field() == field).count() > 1 {
            let message = format!("A rule can only have one '{field}' condition");
            return Err(ApiError::validation(message));
        }
    }
    let refuse = |limit: u32, count: usize, what: &str| {
        if super::limits::within(limit, count) {
            return Ok(());
        }
        Err(ApiError::validation(format!(
            "A rule can only have '{limit}' {what}"
        )))
    };
    let values = conditions.iter().map(Condition::value_count).sum();
    refuse(quotas.condition_values_per_rule, values, "condition values")?;
    let wildcards = conditions.iter().map(Condition::wildcard_count).sum();
    refuse(
        quotas.condition_wildcards_per_rule,
        wildcards,
        "condition wildcards",
    )
}

/// The patterns of a field that takes either texts or regular expressions.
fn patterns(
    request: &ConditionRequest,
    ignore_case: bool,
    fits: fn(&str) -> bool,
) -> Result<Vec<Pattern>, ApiError> {
    if !request.values.is_empty() && !request.regexes.is_empty() {
        return Err(ApiError::validation(format!(
            "A '{}' condition can have values or regular expressions, not both",
            request.field
        )));
    }
    let text = |value: &String| {
        check_text(&request.field, value, MAX_TEXT, fits)?;
        Ok(Pattern::wildcards(value, ignore_case, false))
    };
    let regex = |value: &String| {
        check_text(&request.field, value, MAX_TEXT, |_| true)?;
        Pattern::regex(value, ignore_case)
    };
    let texts = request.values.iter().map(text);
    texts.chain(request.regexes.iter().map(regex)).collect()
}

fn check_text(field: &str, value: &str, max: usize, fits: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    if value.is_empty() {
        return Err(ApiError::validation(format!(
            "A '{field}' condition value cannot be empty"
        )));
    }
    if value.chars().count() > max {
        return Err(ApiError::validation(format!(
            "Condition value '{value}' of field '{field}' is longer than {max} characters"
        )));
    }
    if !fits(value) {
        return Err(ApiError::validation(format!(
            "Condition value '{value}' is not valid for field '{field}'"
        )));
    }
    Ok(())
}

/// Letters, digits, `-_.` and wildcards, at least one dot, after the last one letters (or wildcards) only.
fn check_host(value: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.*?".contains(c);
    let letters = |end: &str| end.chars().all(|c| c.is_ascii_alphabetic() || "*?".contains(c));
    value.chars().all(allowed) && value.rsplit_once('.').is_some_and(|(_, end)| letters(end))
}

fn check_path(value: &str) -> bool {
    value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-.$/~\"'@:+&*?".contains(c))
}

fn check_header(value: &str) -> bool {
    value.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

fn header_name(request: &ConditionRequest) -> Result<String, ApiError> {
    let name = request.header.as_deref().unwrap_or_default();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    check_text("http-header", name, MAX_NAME, |name| name.chars().all(token))?;
    if name.eq_ignore_ascii_case("host") {
        return Err(ApiError::validation(
            "An http-header condition cannot be on the host header; use a host-header condition",
        ));
    }
    Ok(name.to_owned())
}

fn no_regex(request: &ConditionRequest) -> Result<(), ApiError> {
    if request.regexes.is_empty() {
        return Ok(());
    }
    Err(ApiError::validation(format!(
        "Regular expressions cannot be specified for field '{}'",
        request.field
    )))
}

fn methods(request: &ConditionRequest) -> Result<Vec<String>, ApiError> {
    no_regex(request)?;
    let fits = |value: &str| value.chars().all(|c| c.is_ascii_uppercase() || "-_".contains(c));
    for value in &request.values {
        check_text("http-request-method", value, MAX_NAME, fits)?;
    }
    Ok(request.values.clone())
}

fn query(request: &ConditionRequest) -> Result<Vec<QueryPair>, ApiError> {
    no_regex(request)?;
    let pattern = |text: &String| {
        check_text("query-string", text, MAX_TEXT, check_header)?;
        Ok(Pattern::wildcards(text, true, true))
    };
    let pair = |(key, value): &(Option<String>, String)| {
        Ok(QueryPair {
            key: key.as_ref().map(pattern).transpose()?,
            value: pattern(value)?,
        })
    };
    request.pairs.iter().map(pair).collect()
}

fn ranges(request: &ConditionRequest) -> Result<Vec<SourceRange>, ApiError> {
    no_regex(request)?;
    let range = |text: &String| {
        text.parse()
            .ok()
            .filter(|_| text != "255.255.255.255/32")
            .map(|range| SourceRange {
                text: text.clone(),
                range,
            })
            .ok_or_else(|| ApiError::validation(format!("The source IP '{text}' is not a valid CIDR block")))
    };
    request.values.iter().map(range).collect()
}
