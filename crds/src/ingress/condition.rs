//! `conditions.<service>`: more conditions for the rules of one backend.
//!
//! In: JSON such as `[{"field":"host-header","hostHeaderConfig":{"values":["a.com"]}}]`. Out: typed conditions
//! (upstream `pkg/ingress/config_types.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html>).

use serde::{Deserialize, Serialize};

use super::{Parsed, texts};
use crate::annotation::parse_json;
use crate::cidr::Cidr;
use crate::limits::rule::{CONDITION_STRING, HEADER_NAME, METHOD, SINGLE_CONDITIONS};
use crate::limits::{Limit, alb};

/// Globs (`*`, `?`) or regular expressions, never both and never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Patterns {
    /// Texts with the wildcards of the load balancer.
    Values(Vec<String>),
    /// Regular expressions.
    Regexes(Vec<String>),
}

impl Patterns {
    /// The texts, whichever kind they are of.
    pub fn texts(&self) -> &[String] {
        match self {
            Self::Values(texts) | Self::Regexes(texts) => texts,
        }
    }
}

/// A parameter of the query string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueryPair {
    /// Name; absent: any parameter with the value.
    pub key: Option<String>,
    /// Value, never empty.
    pub value: String,
}

/// One condition of a rule. Its values are alternatives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// The host of the request, in any case.
    HostHeader(Patterns),
    /// The path of the request.
    PathPattern(Patterns),
    /// A header of the request.
    HttpHeader {
        /// Name of the header; may be empty, which AWS refuses.
        name: String,
        /// What it may hold.
        patterns: Patterns,
    },
    /// The method of the request.
    HttpRequestMethod(Vec<String>),
    /// The query string of the request.
    QueryString(Vec<QueryPair>),
    /// The address of the client, as CIDR blocks.
    SourceIp(Vec<String>),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    field: Option<String>,
    host_header_config: Option<PatternConfig>,
    path_pattern_config: Option<PatternConfig>,
    http_header_config: Option<HeaderConfig>,
    http_request_method_config: Option<ValuesConfig>,
    query_string_config: Option<QueryConfig>,
    #[serde(rename = "sourceIPConfig")]
    source_ip_config: Option<ValuesConfig>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PatternConfig {
    values: Option<Vec<Option<String>>>,
    regex_values: Option<Vec<Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HeaderConfig {
    http_header_name: Option<String>,
    values: Option<Vec<Option<String>>>,
    regex_values: Option<Vec<Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ValuesConfig {
    values: Option<Vec<Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct QueryConfig {
    values: Option<Vec<Option<QueryEntry>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct QueryEntry {
    key: Option<String>,
    value: Option<String>,
}

/// Reads the annotation; `null` and `[]` mean no condition. A condition with an unknown `field` is left out with
/// a warning, because the rule then matches more requests than its author meant.
pub fn parse_conditions(text: &str) -> Result<Parsed<Vec<Condition>>, String> {
    let entries: Option<Vec<Option<Entry>>> = parse_json(text)?;
    let mut parsed = Parsed::<Vec<Condition>>::default();
    for entry in entries.unwrap_or_default() {
        let entry = entry.unwrap_or_default();
        let field = entry.field.clone().unwrap_or_default();
        match condition(&field, entry)? {
            Some(condition) => parsed.value.push(condition),
            None => parsed.warnings.push(format!(
                "the condition field '{field}' is unknown and ignored, so the rule matches more requests; allowed are \
                 host-header, path-pattern, http-header, http-request-method, query-string and source-ip"
            )),
        }
    }
    Ok(parsed)
}

fn condition(field: &str, entry: Entry) -> Result<Option<Condition>, String> {
    let missing = |config: &str| format!("a condition on {field} needs {config}; add it");
    Ok(Some(match field {
        "host-header" => {
            let config = entry
                .host_header_config
                .ok_or_else(|| missing("hostHeaderConfig"))?;
            Condition::HostHeader(patterns(field, config)?)
        }
        "path-pattern" => {
            let config = entry
                .path_pattern_config
                .ok_or_else(|| missing("pathPatternConfig"))?;
            Condition::PathPattern(patterns(field, config)?)
        }
        "http-header" => header(
            entry
                .http_header_config
                .ok_or_else(|| missing("httpHeaderConfig"))?,
        )?,
        "http-request-method" => {
            let config = entry
                .http_request_method_config
                .ok_or_else(|| missing("httpRequestMethodConfig"))?;
            Condition::HttpRequestMethod(values(field, config)?)
        }
        "query-string" => query(
            entry
                .query_string_config
                .ok_or_else(|| missing("queryStringConfig"))?,
        )?,
        "source-ip" => {
            let config = entry.source_ip_config.ok_or_else(|| missing("sourceIPConfig"))?;
            Condition::SourceIp(values(field, config)?)
        }
        _ => return Ok(None),
    }))
}

fn patterns(field: &str, config: PatternConfig) -> Result<Patterns, String> {
    let values = texts(config.values);
    let regexes = texts(config.regex_values);
    match (values.is_empty(), regexes.is_empty()) {
        (false, true) => Ok(Patterns::Values(values)),
        (true, false) => Ok(Patterns::Regexes(regexes)),
        (true, true) => Err(format!(
            "a condition on {field} has no values; give values or regexValues"
        )),
        (false, false) => Err(format!(
            "a condition on {field} has values and regexValues; give one of the two"
        )),
    }
}

fn header(config: HeaderConfig) -> Result<Condition, String> {
    let patterns = patterns(
        "http-header",
        PatternConfig {
            values: config.values,
            regex_values: config.regex_values,
        },
    )?;
    Ok(Condition::HttpHeader {
        name: config.http_header_name.unwrap_or_default(),
        patterns,
    })
}

fn values(field: &str, config: ValuesConfig) -> Result<Vec<String>, String> {
    let values = texts(config.values);
    if values.is_empty() {
        return Err(format!("a condition on {field} has no values; add one"));
    }
    Ok(values)
}

fn query(config: QueryConfig) -> Result<Condition, String> {
    let entries = config.values.unwrap_or_default();
    if entries.is_empty() {
        return Err("a condition on query-string has no values; add one".to_owned());
    }
    let pair = |entry: Option<QueryEntry>| {
        let entry = entry.unwrap_or_default();
        let value = entry.value.filter(|value| !value.is_empty());
        let value =
            value.ok_or_else(|| "a pair of a query-string condition has no value; give it one".to_owned())?;
        Ok(QueryPair {
            key: entry.key,
            value,
        })
    };
    let pairs: Result<Vec<_>, String> = entries.into_iter().map(pair).collect();
    pairs.map(Condition::QueryString)
}

impl Condition {
    /// The word for the field, as AWS and the annotation spell it.
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

    /// The fixed limits of AWS that this condition breaks, one sentence each. How many values a rule may hold is
    /// a matter of all its conditions ([`breaches`]).
    pub fn breaches(&self) -> Vec<String> {
        let too_long = |text: &str| format!("the {} value '{text}' is too long", self.field());
        match self {
            Self::HostHeader(patterns) | Self::PathPattern(patterns) => long_globs(patterns)
                .map(|text| format!("{}; allowed are {}", too_long(text), CONDITION_STRING.value))
                .collect(),
            Self::HttpHeader { name, patterns } => {
                let named = (1..=HEADER_NAME.value as usize).contains(&name.len());
                let bad_name = (!named).then(|| {
                    format!(
                        "the header name '{name}' must have 1 to {} characters",
                        HEADER_NAME.value
                    )
                });
                let long = long_globs(patterns)
                    .map(|text| format!("{}; allowed are {}", too_long(text), CONDITION_STRING.value));
                bad_name.into_iter().chain(long).collect()
            }
            Self::HttpRequestMethod(methods) => methods
                .iter()
                .filter(|method| !is_method(method))
                .map(|method| {
                    format!(
                        "'{method}' is no method; allowed are up to {} of A-Z, hyphen and underscore",
                        METHOD.value
                    )
                })
                .collect(),
            Self::QueryString(pairs) => pairs
                .iter()
                .flat_map(|pair| pair.key.iter().chain([&pair.value]))
                .filter(|text| !CONDITION_STRING.allows(text.chars().count()))
                .map(|text| format!("{}; allowed are {}", too_long(text), CONDITION_STRING.value))
                .collect(),
            Self::SourceIp(blocks) => blocks
                .iter()
                .filter(|block| Cidr::parse(block).is_none())
                .map(|block| format!("'{block}' is no CIDR block; write one such as 192.0.2.0/24"))
                .collect(),
        }
    }
}

/// The fixed limits of AWS that the conditions of one rule break, together and each on its own, one sentence each.
pub fn breaches(conditions: &[Condition]) -> Vec<String> {
    let mut found: Vec<String> = conditions.iter().flat_map(Condition::breaches).collect();
    for field in ["host-header", "path-pattern", "http-request-method", "source-ip"] {
        let count = conditions.iter().filter(|one| one.field() == field).count();
        if !SINGLE_CONDITIONS.allows(count) {
            found.push(format!(
                "a rule takes one condition on {field}, not {count}; put their values into one"
            ));
        }
    }
    let values = conditions.iter().map(count_of_values).sum();
    let globs = conditions.iter().flat_map(globs);
    let wildcards = globs.map(|text| text.matches(['*', '?']).count()).sum();
    for (limit, count) in [(&alb::CONDITION_VALUES, values), (&alb::WILDCARDS, wildcards)] {
        let Limit { what, value, .. } = limit;
        if !limit.allows(count) {
            found.push(format!(
                "{count} {what} are wanted, AWS allows {value}; spread them over several rules"
            ));
        }
    }
    found
}

fn count_of_values(condition: &Condition) -> usize {
    match condition {
        Condition::HostHeader(patterns)
        | Condition::PathPattern(patterns)
        | Condition::HttpHeader { patterns, .. } => patterns.texts().len(),
        Condition::HttpRequestMethod(values) | Condition::SourceIp(values) => values.len(),
        Condition::QueryString(pairs) => pairs.len(),
    }
}

/// Texts in which `*` and `?` are wildcards.
fn globs(condition: &Condition) -> Vec<&str> {
    match condition {
        Condition::HostHeader(Patterns::Values(values))
        | Condition::PathPattern(Patterns::Values(values))
        | Condition::HttpHeader {
            patterns: Patterns::Values(values),
            ..
        } => values.iter().map(String::as_str).collect(),
        Condition::QueryString(pairs) => pairs
            .iter()
            .flat_map(|pair| pair.key.iter().chain([&pair.value]))
            .map(String::as_str)
            .collect(),
        _ => Vec::new(),
    }
}

fn long_globs(patterns: &Patterns) -> impl Iterator<Item = &String> {
    let globs = match patterns {
        Patterns::Values(values) => values.as_slice(),
        Patterns::Regexes(_) => &[],
    };
    globs
        .iter()
        .filter(|text| !CONDITION_STRING.allows(text.chars().count()))
}

fn is_method(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
    !text.is_empty() && METHOD.allows(text.len()) && text.bytes().all(word)
}

#[cfg(test)]
mod tests;
