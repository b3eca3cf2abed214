//! Paths of an Ingress rule: their order, and the patterns they stand for.

use std::cmp::Reverse;

use elbow_crds::problem::ProblemCode;

use super::super::member::Member;
use crate::model::Patterns;
use crate::view::{IngressPath, IngressRule};

const REGEX: &str = "use-regex-path-match";
const WILDCARDS: [char; 2] = ['*', '?'];

/// Path types, in the order of their rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PathType {
    Exact,
    Prefix,
    ImplementationSpecific,
}

impl PathType {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "Exact" => Some(Self::Exact),
            "Prefix" => Some(Self::Prefix),
            "ImplementationSpecific" | "" => Some(Self::ImplementationSpecific),
            _ => None,
        }
    }
}

/// The paths of one rule with their places in the manifest: exact ones, then prefixes from the longest to the
/// shortest, then the others. Sorting never crosses rules.
pub(super) fn sorted<'r>(member: &mut Member<'_>, rule: &'r IngressRule) -> Vec<(usize, &'r IngressPath)> {
    let mut paths = Vec::new();
    for (index, path) in rule.paths.iter().enumerate() {
        let Some(kind) = PathType::parse(&path.path_type) else {
            let field = format!("spec.rules[{}].http.paths[{index}].pathType", rule.index);
            let message = format!(
                "the path type '{}' is unknown; allowed are Exact, Prefix and ImplementationSpecific",
                path.path_type
            );
            member.fault(&field, ProblemCode::NotAllowed, message);
            continue;
        };
        paths.push((kind, index, path));
    }
    let length = |kind: PathType, path: &IngressPath| {
        if kind == PathType::Prefix {
            path.path.len()
        } else {
            0
        }
    };
    paths.sort_by_key(|(kind, _, path)| (*kind, Reverse(length(*kind, path))));
    paths.into_iter().map(|(_, index, path)| (index, path)).collect()
}

/// The patterns of a path: outer `None` for a fault, inner `None` for every path.
#[allow(clippy::option_option)]
pub(super) fn patterns(member: &mut Member<'_>, path: &IngressPath, field: &str) -> Option<Option<Patterns>> {
    let text = path.path.as_str();
    if text.is_empty() {
        return Some(None);
    }
    match PathType::parse(&path.path_type)? {
        PathType::ImplementationSpecific if member.bool(REGEX) == Some(true) => {
            // Written with a leading slash, which the API server demands and which is no part of the expression.
            let regex = text.chars().skip(1).collect();
            Some(Some(Patterns::Regexes(vec![regex])))
        }
        PathType::ImplementationSpecific => Some(Some(Patterns::Values(vec![text.to_owned()]))),
        PathType::Prefix if text == "/" => Some(Some(Patterns::Values(vec!["/*".to_owned()]))),
        kind if text.contains(WILDCARDS) => {
            let word = if kind == PathType::Exact {
                "Exact"
            } else {
                "Prefix"
            };
            let message = format!(
                "the path '{text}' has the path type {word}, which takes no wildcards * and ?; remove them or \
                 write ImplementationSpecific"
            );
            member.fault(field, ProblemCode::NotAllowed, message);
            None
        }
        PathType::Exact => Some(Some(Patterns::Values(vec![text.to_owned()]))),
        PathType::Prefix => {
            let stem = text.strip_suffix('/').unwrap_or(text);
            let values = vec![stem.to_owned(), format!("{stem}/*")];
            Some(Some(Patterns::Values(values)))
        }
    }
}
