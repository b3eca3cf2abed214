//! Rules of Application Load Balancer listeners.

use serde::{Deserialize, Serialize};

use super::{Action, Origins, Ref, ResourceId, Setting, Tags};

/// A rule of a listener; the default action is no rule but part of the listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Resource id, `port:rank`. An actual rule keeps that of its creation; it says nothing about its rank.
    pub id: ResourceId,
    /// ARN, assigned by AWS.
    pub arn: Option<String>,
    /// The listener it belongs to.
    pub listener: Ref,
    /// Wanted: rank 1, 2, 3, ... within its listener. Actual: the number AWS holds, 1 to 50000. Only the
    /// order counts.
    pub priority: i32,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Actions in order; the last one answers the request.
    pub actions: Vec<Action>,
    /// Changes to the request before it is forwarded.
    pub transforms: Vec<Transform>,
    /// Tags.
    pub tags: Setting<Tags>,
    /// Who asked for it.
    pub origins: Origins,
}

/// A condition of a rule
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleCondition.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Condition {
    /// `host-header`: the Host header, whatever its case.
    HostHeader(Patterns),
    /// `path-pattern`: the path, case-sensitive.
    PathPattern(Patterns),
    /// `http-header`: a header.
    HttpHeader {
        /// Name of the header.
        name: String,
        /// What it is compared with.
        patterns: Patterns,
    },
    /// `http-request-method`: one of these methods.
    HttpRequestMethod(Vec<String>),
    /// `query-string`: one of these pairs.
    QueryString(Vec<QueryPair>),
    /// `source-ip`: one of these CIDR blocks.
    SourceIp(Vec<String>),
}

impl Condition {
    /// AWS's word for the kind of condition.
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
}

/// What a text is compared with: one of these, either all globs or all regular expressions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Patterns {
    /// `Values`: `*` and `?` are wildcards.
    Values(Vec<String>),
    /// `RegexValues`.
    Regexes(Vec<String>),
}

/// A key and value of a query string; without a key the value alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct QueryPair {
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: String,
}

/// A change to the request before it is forwarded
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleTransform.html).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transform {
    /// What is rewritten.
    pub kind: TransformKind,
    /// Rewrites in order.
    pub rewrites: Vec<Rewrite>,
}

/// What a transform rewrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformKind {
    /// `host-header-rewrite`.
    HostHeaderRewrite,
    /// `url-rewrite`.
    UrlRewrite,
}

impl TransformKind {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostHeaderRewrite => "host-header-rewrite",
            Self::UrlRewrite => "url-rewrite",
        }
    }
}

/// A replacement of what a regular expression finds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rewrite {
    /// Regular expression.
    pub regex: String,
    /// Replacement, with capture groups as `$1`.
    pub replace: String,
}
