//! Whether two sets of conditions can be met by one request. Only a proven "no" counts.

use ipnet::IpNet;

use crate::model::{Condition, Patterns};

/// Whether no request meets both. `false` where that is not known: regular expressions, headers and queries
/// are not looked into.
pub(super) fn apart(one: &[Condition], other: &[Condition]) -> bool {
    one.iter().any(|a| other.iter().any(|b| exclude(a, b)))
}

fn exclude(a: &Condition, b: &Condition) -> bool {
    match (a, b) {
        (Condition::HostHeader(a), Condition::HostHeader(b)) => patterns_apart(a, b, true),
        (Condition::PathPattern(a), Condition::PathPattern(b)) => patterns_apart(a, b, false),
        (Condition::HttpRequestMethod(a), Condition::HttpRequestMethod(b)) => pairwise(a, b, |a, b| a != b),
        (Condition::SourceIp(a), Condition::SourceIp(b)) => pairwise(a, b, ranges_apart),
        _ => false,
    }
}

/// Whether it holds for each value of one with each of the other.
fn pairwise(a: &[String], b: &[String], apart: impl Fn(&str, &str) -> bool) -> bool {
    !a.is_empty() && !b.is_empty() && a.iter().all(|a| b.iter().all(|b| apart(a, b)))
}

fn ranges_apart(a: &str, b: &str) -> bool {
    match (a.parse::<IpNet>(), b.parse::<IpNet>()) {
        (Ok(a), Ok(b)) => !a.contains(&b) && !b.contains(&a),
        _ => false,
    }
}

fn patterns_apart(a: &Patterns, b: &Patterns, any_case: bool) -> bool {
    let (Patterns::Values(a), Patterns::Values(b)) = (a, b) else {
        return false;
    };
    pairwise(a, b, |a, b| {
        if any_case {
            globs_apart(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
        } else {
            globs_apart(a, b)
        }
    })
}

/// Compares what stands before the first wildcard and after the last one.
fn globs_apart(a: &str, b: &str) -> bool {
    if a.contains('\\') || b.contains('\\') {
        return false;
    }
    let (one, other) = (Glob::read(a), Glob::read(b));
    match (one.literal, other.literal) {
        (true, true) => a != b,
        (true, false) => !other.may_take(a),
        (false, true) => !one.may_take(b),
        (false, false) => {
            let starts = one.start.starts_with(other.start) || other.start.starts_with(one.start);
            let ends = one.end.ends_with(other.end) || other.end.ends_with(one.end);
            !(starts && ends)
        }
    }
}

struct Glob<'a> {
    start: &'a str,
    end: &'a str,
    literal: bool,
}

impl<'a> Glob<'a> {
    fn read(text: &'a str) -> Self {
        let wildcards = ['*', '?'];
        Self {
            start: text.split(wildcards).next().unwrap_or(text),
            end: text.rsplit(wildcards).next().unwrap_or(text),
            literal: !text.contains(wildcards),
        }
    }

    fn may_take(&self, text: &str) -> bool {
        text.starts_with(self.start) && text.ends_with(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::globs_apart;

    #[test]
    fn only_what_cannot_meet_is_apart() {
        for (a, b, expected) in [
            ("/a", "/b", true),
            ("/a", "/a", false),
            ("/a", "/a/*", true),
            ("/a/x", "/a/*", false),
            ("/a/*", "/b/*", true),
            ("/a*", "/a/b*", false),
            ("*.a.com", "*.b.com", true),
            ("*.com", "x.a.com", false),
            ("*.com", "*.a.com", false),
            ("/?", "/a", false),
            (r"/\*", "/a", false),
            ("*", "anything", false),
        ] {
            assert_eq!(globs_apart(a, b), expected, "{a} {b}");
            assert_eq!(globs_apart(b, a), expected, "{b} {a}");
        }
    }
}
