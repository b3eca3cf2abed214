//! Conditions and transforms of rules, in the words of the ELBv2 API and in ours.

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{Condition, Patterns, QueryPair, Rewrite, Transform, TransformKind};

use super::convert::{Strange, missing, parsed};

/// Builds the configuration of a condition that takes globs or regular expressions.
macro_rules! patterned {
    ($builder:expr, $patterns:expr) => {
        match $patterns {
            Patterns::Values(values) => $builder.set_values(Some(values.clone())),
            Patterns::Regexes(regexes) => $builder.set_regex_values(Some(regexes.clone())),
        }
        .build()
    };
}

/// Our conditions as the API takes them.
pub(super) fn written_all(conditions: &[Condition]) -> Vec<sdk::RuleCondition> {
    conditions.iter().map(written).collect()
}

fn written(condition: &Condition) -> sdk::RuleCondition {
    let builder = sdk::RuleCondition::builder().field(condition.field());
    match condition {
        Condition::HostHeader(patterns) => {
            let config = patterned!(sdk::HostHeaderConditionConfig::builder(), patterns);
            builder.host_header_config(config)
        }
        Condition::PathPattern(patterns) => {
            let config = patterned!(sdk::PathPatternConditionConfig::builder(), patterns);
            builder.path_pattern_config(config)
        }
        Condition::HttpHeader { name, patterns } => {
            let config = sdk::HttpHeaderConditionConfig::builder().http_header_name(name);
            builder.http_header_config(patterned!(config, patterns))
        }
        Condition::HttpRequestMethod(methods) => {
            let config = sdk::HttpRequestMethodConditionConfig::builder();
            builder.http_request_method_config(config.set_values(Some(methods.clone())).build())
        }
        Condition::QueryString(pairs) => {
            let pair = |pair: &QueryPair| {
                sdk::QueryStringKeyValuePair::builder()
                    .set_key(pair.key.clone())
                    .value(&pair.value)
                    .build()
            };
            let config = sdk::QueryStringConditionConfig::builder();
            let pairs = pairs.iter().map(pair).collect();
            builder.query_string_config(config.set_values(Some(pairs)).build())
        }
        Condition::SourceIp(blocks) => {
            let config = sdk::SourceIpConditionConfig::builder();
            builder.source_ip_config(config.set_values(Some(blocks.clone())).build())
        }
    }
    .build()
}

/// A condition as described. Hosts and paths stand in a configuration of their own, or in the older list
/// beside it.
pub(super) fn read(what: &str, condition: &sdk::RuleCondition) -> Result<Condition, Strange> {
    let field = condition.field().unwrap_or("none");
    let old = || patterns(condition.values(), condition.regex_values());
    Ok(match field {
        "host-header" => Condition::HostHeader(
            condition
                .host_header_config()
                .map_or_else(old, |config| patterns(config.values(), config.regex_values())),
        ),
        "path-pattern" => Condition::PathPattern(
            condition
                .path_pattern_config()
                .map_or_else(old, |config| patterns(config.values(), config.regex_values())),
        ),
        "http-header" => {
            let config = condition.http_header_config();
            let config = config.ok_or_else(|| missing(what, "header in its http-header condition"))?;
            Condition::HttpHeader {
                name: config.http_header_name().unwrap_or_default().to_owned(),
                patterns: patterns(config.values(), config.regex_values()),
            }
        }
        "http-request-method" => {
            let config = condition.http_request_method_config();
            Condition::HttpRequestMethod(config.map_or(&[][..], |config| config.values()).to_vec())
        }
        "query-string" => {
            let config = condition.query_string_config();
            let pairs = config.map_or(&[][..], |config| config.values()).iter();
            Condition::QueryString(pairs.map(query_pair).collect())
        }
        "source-ip" => {
            let config = condition.source_ip_config();
            Condition::SourceIp(config.map_or(&[][..], |config| config.values()).to_vec())
        }
        other => return parsed(what, "condition", other, None),
    })
}

fn patterns(values: &[String], regexes: &[String]) -> Patterns {
    if regexes.is_empty() {
        Patterns::Values(values.to_vec())
    } else {
        Patterns::Regexes(regexes.to_vec())
    }
}

fn query_pair(pair: &sdk::QueryStringKeyValuePair) -> QueryPair {
    QueryPair {
        key: pair.key().map(str::to_owned),
        value: pair.value().unwrap_or_default().to_owned(),
    }
}

/// Our transforms as the API takes them; `None` for none.
pub(super) fn transforms(transforms: &[Transform]) -> Option<Vec<sdk::RuleTransform>> {
    (!transforms.is_empty()).then(|| transforms.iter().map(written_transform).collect())
}

fn written_transform(transform: &Transform) -> sdk::RuleTransform {
    let rewrite = |rewrite: &Rewrite| {
        sdk::RewriteConfig::builder()
            .regex(&rewrite.regex)
            .replace(&rewrite.replace)
            .build()
    };
    let rewrites = Some(transform.rewrites.iter().map(rewrite).collect());
    let kind = sdk::TransformTypeEnum::from(transform.kind.as_str());
    let builder = sdk::RuleTransform::builder().r#type(kind);
    match transform.kind {
        TransformKind::HostHeaderRewrite => {
            let config = sdk::HostHeaderRewriteConfig::builder().set_rewrites(rewrites);
            builder.host_header_rewrite_config(config.build())
        }
        TransformKind::UrlRewrite => {
            let config = sdk::UrlRewriteConfig::builder().set_rewrites(rewrites);
            builder.url_rewrite_config(config.build())
        }
    }
    .build()
}

/// A transform as described.
pub(super) fn read_transform(what: &str, transform: &sdk::RuleTransform) -> Result<Transform, Strange> {
    let kind = transform.r#type().map_or("none", |kind| kind.as_str());
    let (kind, rewrites) = match kind {
        "host-header-rewrite" => {
            let config = transform.host_header_rewrite_config();
            let rewrites = config.map_or(&[][..], |config| config.rewrites());
            (TransformKind::HostHeaderRewrite, rewrites)
        }
        "url-rewrite" => {
            let config = transform.url_rewrite_config();
            let rewrites = config.map_or(&[][..], |config| config.rewrites());
            (TransformKind::UrlRewrite, rewrites)
        }
        other => return parsed(what, "transform", other, None),
    };
    let rewrite = |rewrite: &sdk::RewriteConfig| Rewrite {
        regex: rewrite.regex().unwrap_or_default().to_owned(),
        replace: rewrite.replace().unwrap_or_default().to_owned(),
    };
    Ok(Transform {
        kind,
        rewrites: rewrites.iter().map(rewrite).collect(),
    })
}
