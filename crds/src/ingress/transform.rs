//! `transforms.<service>`: rewrites of requests that match a rule.
//!
//! In: JSON such as `[{"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"^/a","replace":"/"}]}}]`.
//! Out: typed transforms (upstream `pkg/ingress/config_types.go`,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RuleTransform.html>).

use serde::Deserialize;

use crate::annotation::parse_json;
use crate::limits::rule::{REWRITE, TRANSFORMS_PER_TYPE};

/// One replacement by regular expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rewrite {
    /// What is looked for, at most 1024 characters.
    pub regex: String,
    /// What it is replaced by, at most 1024 characters.
    pub replace: String,
}

/// A transform; its list of rewrites is never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transform {
    /// Rewrites path and query.
    UrlRewrite(Vec<Rewrite>),
    /// Rewrites the host header.
    HostHeaderRewrite(Vec<Rewrite>),
}

impl Transform {
    /// The word for the type, as AWS and the annotation spell it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UrlRewrite(_) => "url-rewrite",
            Self::HostHeaderRewrite(_) => "host-header-rewrite",
        }
    }

    /// The rewrites, in order.
    pub fn rewrites(&self) -> &[Rewrite] {
        match self {
            Self::UrlRewrite(rewrites) | Self::HostHeaderRewrite(rewrites) => rewrites,
        }
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
    match entry.r#type.as_deref().unwrap_or_default() {
        "url-rewrite" => {
            rewrites(entry.url_rewrite_config, "url-rewrite", "urlRewriteConfig").map(Transform::UrlRewrite)
        }
        "host-header-rewrite" => rewrites(
            entry.host_header_rewrite_config,
            "host-header-rewrite",
            "hostHeaderRewriteConfig",
        )
        .map(Transform::HostHeaderRewrite),
        other => Err(format!(
            "the transform type '{other}' is unknown; allowed are url-rewrite and host-header-rewrite"
        )),
    }
}

fn rewrites(config: Option<Config>, word: &str, field: &str) -> Result<Vec<Rewrite>, String> {
    let entries = config
        .ok_or_else(|| format!("a transform of type {word} needs {field}; add it"))?
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
    for word in ["url-rewrite", "host-header-rewrite"] {
        let count = transforms.iter().filter(|one| one.word() == word).count();
        if !TRANSFORMS_PER_TYPE.allows(count) {
            found.push(format!("a rule takes one {word}, not {count}; keep one"));
        }
    }
    for rewrite in transforms.iter().flat_map(Transform::rewrites) {
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

    fn rewrite(regex: &str, replace: &str) -> Rewrite {
        Rewrite {
            regex: regex.to_owned(),
            replace: replace.to_owned(),
        }
    }

    #[test]
    fn both_types_are_read_in_order() {
        let text = r#"[
            {"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"^/a/(.*)$","replace":"/$1"}]}},
            {"type":"host-header-rewrite","HostHeaderRewriteConfig":{"Rewrites":[{"regex":"x"}]}}]"#;
        assert_eq!(
            parse_transforms(text).unwrap(),
            [
                Transform::UrlRewrite(vec![rewrite("^/a/(.*)$", "/$1")]),
                Transform::HostHeaderRewrite(vec![rewrite("x", "")]),
            ]
        );
        assert_eq!(parse_transforms("null").unwrap(), []);
        assert_eq!(parse_transforms("[]").unwrap(), []);
    }

    #[test]
    fn unknown_types_missing_configs_and_empty_lists_are_refused() {
        for (text, part) in [
            (r#"[{"type":"path-rewrite"}]"#, "allowed are url-rewrite"),
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
        let url = || Transform::UrlRewrite(vec![rewrite("a", "b")]);
        let host = Transform::HostHeaderRewrite(vec![rewrite("a", "b")]);
        assert!(breaches(&[url(), host]).is_empty());
        assert_eq!(breaches(&[url(), url()]).len(), 1);
        let long = Transform::UrlRewrite(vec![rewrite(&"a".repeat(1025), &"b".repeat(1024))]);
        assert_eq!(breaches(&[long]).len(), 1);
    }
}
