//! `transforms.<service>`: rewrites of requests that match a rule.
//!
//! In: JSON such as `[{"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"^/a","replace":"/"}]}}]`.
//! Out: typed transforms (upstream `pkg/ingress/config_types.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleTransform.html>).

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::annotation::parse_json;
use crate::limits::rule::{REWRITE, TRANSFORMS_PER_TYPE};

/// One replacement by regular expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rewrite {
    /// What is looked for, at most 1024 characters.
    pub regex: String,
    /// What it is replaced by, at most 1024 characters.
    pub replace: String,
}

/// A change to the request before it is forwarded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Transform {
    /// What is rewritten.
    pub kind: TransformKind,
    /// Rewrites in order, never empty.
    pub rewrites: Vec<Rewrite>,
}

words! {
    /// What a transform rewrites.
    TransformKind {
        /// The host header.
        HostHeaderRewrite = "host-header-rewrite",
        /// Path and query.
        UrlRewrite = "url-rewrite",
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    r#type: Option<String>,
    url_rewrite_config: Option<Config>,
    host_header_rewrite_config: Option<Config>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    rewrites: Option<Vec<Option<RewriteEntry>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RewriteEntry {
    regex: Option<String>,
    replace: Option<String>,
}

/// Reads the annotation; `null` and `[]` mean no transform.
pub fn parse_transforms(text: &str) -> Result<Vec<Transform>, String> {
    let entries: Option<Vec<Option<Entry>>> = parse_json(text)?;
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .map(|entry| transform(entry.unwrap_or_default()))
        .collect()
}

fn transform(entry: Entry) -> Result<Transform, String> {
    let written = entry.r#type.unwrap_or_default();
    let kind = TransformKind::parse(&written)
        .map_err(|rule| format!("the transform type '{written}' is unknown; {rule}"))?;
    let (config, field) = match kind {
        TransformKind::UrlRewrite => (entry.url_rewrite_config, "urlRewriteConfig"),
        TransformKind::HostHeaderRewrite => (entry.host_header_rewrite_config, "hostHeaderRewriteConfig"),
    };
    let rewrites = rewrites(config, kind, field)?;
    Ok(Transform { kind, rewrites })
}

fn rewrites(config: Option<Config>, kind: TransformKind, field: &str) -> Result<Vec<Rewrite>, String> {
    let entries = config
        .ok_or_else(|| format!("a transform of type {kind} needs {field}; add it"))?
        .rewrites
        .unwrap_or_default();
    if entries.is_empty() {
        return Err(format!(
            "{field} has no rewrites; add at least one {{\"regex\":...,\"replace\":...}}"
        ));
    }
    let rewrite = |entry: RewriteEntry| Rewrite {
        regex: entry.regex.unwrap_or_default(),
        replace: entry.replace.unwrap_or_default(),
    };
    Ok(entries
        .into_iter()
        .map(|entry| rewrite(entry.unwrap_or_default()))
        .collect())
}

/// The fixed limits of AWS that the transforms of one rule break, one sentence each.
pub fn breaches(transforms: &[Transform]) -> Vec<String> {
    let mut found = Vec::new();
    for kind in TransformKind::ALL {
        let count = transforms.iter().filter(|one| one.kind == *kind).count();
        if !TRANSFORMS_PER_TYPE.allows(count) {
            found.push(format!("a rule takes one {kind}, not {count}; keep one"));
        }
    }
    for rewrite in transforms.iter().flat_map(|one| &one.rewrites) {
        for (field, text) in [("regex", &rewrite.regex), ("replace", &rewrite.replace)] {
            if !REWRITE.allows(text.chars().count()) {
                found.push(format!(
                    "a {field} has {} characters, allowed are {}; shorten it",
                    text.chars().count(),
                    REWRITE.value
                ));
            }
        }
    }
    found
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

    fn one(kind: TransformKind, regex: &str, replace: &str) -> Transform {
        let rewrites = vec![Rewrite {
            regex: regex.to_owned(),
            replace: replace.to_owned(),
        }];
        Transform { kind, rewrites }
    }

    #[test]
    fn both_types_are_read_in_order() {
        let text = r#"[
            {"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"^/a/(.*)$","replace":"/$1"}]}},
            {"type":"host-header-rewrite","HostHeaderRewriteConfig":{"Rewrites":[{"regex":"x"}]}}]"#;
        assert_eq!(
            parse_transforms(text).unwrap(),
            [
                one(TransformKind::UrlRewrite, "^/a/(.*)$", "/$1"),
                one(TransformKind::HostHeaderRewrite, "x", ""),
            ]
        );
        assert_eq!(parse_transforms("null").unwrap(), []);
        assert_eq!(parse_transforms("[]").unwrap(), []);
    }

    #[test]
    fn unknown_types_missing_configs_and_empty_lists_are_refused() {
        for (text, part) in [
            (
                r#"[{"type":"path-rewrite"}]"#,
                "allowed are host-header-rewrite, url-rewrite",
            ),
            ("[null]", "unknown"),
            (r#"[{"type":"url-rewrite"}]"#, "needs urlRewriteConfig"),
            (
                r#"[{"type":"url-rewrite","hostHeaderRewriteConfig":{"rewrites":[{}]}}]"#,
                "needs urlRewriteConfig",
            ),
            (
                r#"[{"type":"host-header-rewrite","hostHeaderRewriteConfig":{"rewrites":[]}}]"#,
                "no rewrites",
            ),
            (r#"{"type":"url-rewrite"}"#, "JSON"),
        ] {
            let rule = parse_transforms(text).unwrap_err();
            assert!(rule.contains(part), "{text}: {rule}");
        }
    }

    #[test]
    fn a_rule_takes_one_transform_of_each_type_and_short_texts() {
        let url = || one(TransformKind::UrlRewrite, "a", "b");
        let host = one(TransformKind::HostHeaderRewrite, "a", "b");
        assert!(breaches(&[url(), host]).is_empty());
        assert_eq!(breaches(&[url(), url()]).len(), 1);
        let long = one(TransformKind::UrlRewrite, &"a".repeat(1025), &"b".repeat(1024));
        assert_eq!(breaches(&[long]).len(), 1);
    }
}
