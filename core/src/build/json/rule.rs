//! Rules in the stack JSON: conditions and transforms with the keys of the annotations (upstream
//! `pkg/model/elbv2/listener_rule.go`).

use serde::Serialize;

use super::action::ActionSpec;
use super::{Token, tags};
use crate::model::{Condition, Patterns, QueryPair, Rewrite, Rule, Tags, Transform, TransformKind};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleSpec<'a> {
    #[serde(rename = "listenerARN")]
    listener: Token<'a>,
    priority: i32,
    actions: Vec<ActionSpec<'a>>,
    conditions: Vec<ConditionSpec<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transforms: Vec<TransformSpec<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
}

impl<'a> From<&'a Rule> for RuleSpec<'a> {
    fn from(rule: &'a Rule) -> Self {
        Self {
            listener: Token::from(&rule.listener),
            priority: rule.priority,
            actions: rule.actions.iter().map(ActionSpec::from).collect(),
            conditions: rule.conditions.iter().map(ConditionSpec::from).collect(),
            transforms: rule.transforms.iter().map(TransformSpec::from).collect(),
            tags: rule.tags.get().and_then(tags),
        }
    }
}

/// A condition with the configuration of its field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConditionSpec<'a> {
    field: &'static str,
    #[serde(flatten)]
    config: ConditionConfig<'a>,
}

#[derive(Serialize)]
enum ConditionConfig<'a> {
    #[serde(rename = "hostHeaderConfig")]
    Host(PatternSpec<'a>),
    #[serde(rename = "httpHeaderConfig")]
    Header(HeaderSpec<'a>),
    #[serde(rename = "httpRequestMethodConfig")]
    Method(ValuesSpec<'a>),
    #[serde(rename = "pathPatternConfig")]
    Path(PatternSpec<'a>),
    #[serde(rename = "queryStringConfig")]
    Query(QuerySpec<'a>),
    #[serde(rename = "sourceIPConfig")]
    SourceIp(ValuesSpec<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PatternSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex_values: Option<&'a [String]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeaderSpec<'a> {
    http_header_name: &'a str,
    #[serde(flatten)]
    patterns: PatternSpec<'a>,
}

#[derive(Serialize)]
struct ValuesSpec<'a> {
    values: &'a [String],
}

#[derive(Serialize)]
struct QuerySpec<'a> {
    values: Vec<PairSpec<'a>>,
}

#[derive(Serialize)]
struct PairSpec<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    value: &'a str,
}

impl<'a> From<&'a Patterns> for PatternSpec<'a> {
    fn from(patterns: &'a Patterns) -> Self {
        match patterns {
            Patterns::Values(values) => Self {
                values: Some(values),
                regex_values: None,
            },
            Patterns::Regexes(regexes) => Self {
                values: None,
                regex_values: Some(regexes),
            },
        }
    }
}

impl<'a> From<&'a Condition> for ConditionSpec<'a> {
    fn from(condition: &'a Condition) -> Self {
        let config = match condition {
            Condition::HostHeader(patterns) => ConditionConfig::Host(patterns.into()),
            Condition::PathPattern(patterns) => ConditionConfig::Path(patterns.into()),
            Condition::HttpHeader { name, patterns } => ConditionConfig::Header(HeaderSpec {
                http_header_name: name,
                patterns: patterns.into(),
            }),
            Condition::HttpRequestMethod(values) => ConditionConfig::Method(ValuesSpec { values }),
            Condition::QueryString(pairs) => ConditionConfig::Query(QuerySpec {
                values: pairs.iter().map(PairSpec::from).collect(),
            }),
            Condition::SourceIp(values) => ConditionConfig::SourceIp(ValuesSpec { values }),
        };
        Self {
            field: condition.field(),
            config,
        }
    }
}

impl<'a> From<&'a QueryPair> for PairSpec<'a> {
    fn from(pair: &'a QueryPair) -> Self {
        Self {
            key: pair.key.as_deref(),
            value: &pair.value,
        }
    }
}

/// A transform with the configuration of its type.
#[derive(Serialize)]
struct TransformSpec<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    config: TransformConfig<'a>,
}

#[derive(Serialize)]
enum TransformConfig<'a> {
    #[serde(rename = "hostHeaderRewriteConfig")]
    Host(RewritesSpec<'a>),
    #[serde(rename = "urlRewriteConfig")]
    Url(RewritesSpec<'a>),
}

#[derive(Serialize)]
struct RewritesSpec<'a> {
    rewrites: Vec<RewriteSpec<'a>>,
}

#[derive(Serialize)]
struct RewriteSpec<'a> {
    regex: &'a str,
    replace: &'a str,
}

impl<'a> From<&'a Transform> for TransformSpec<'a> {
    fn from(transform: &'a Transform) -> Self {
        let rewrite = |rewrite: &'a Rewrite| RewriteSpec {
            regex: &rewrite.regex,
            replace: &rewrite.replace,
        };
        let rewrites = RewritesSpec {
            rewrites: transform.rewrites.iter().map(rewrite).collect(),
        };
        Self {
            r#type: transform.kind.as_str(),
            config: match transform.kind {
                TransformKind::HostHeaderRewrite => TransformConfig::Host(rewrites),
                TransformKind::UrlRewrite => TransformConfig::Url(rewrites),
            },
        }
    }
}
