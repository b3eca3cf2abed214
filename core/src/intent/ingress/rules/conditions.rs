//! Conditions of a rule: host and path of the manifest, and those of the annotation.

use elbow_crds::ingress::condition::parse_conditions;
use elbow_crds::problem::ProblemCode;

use super::super::member::Member;
use super::CONDITIONS;
use crate::model::{Condition, Patterns};

/// The conditions of `conditions.<service>`; `None` for a fault.
pub(super) fn written(member: &mut Member<'_>, service: &str) -> Option<Vec<Condition>> {
    let suffix = format!("{CONDITIONS}.{service}");
    if member.string(&suffix).is_none() {
        return Some(Vec::new());
    }
    member.checked(&suffix, parse_conditions)
}

/// All conditions of a rule, in upstream's order: the annotation's other ones, host, path. Never empty.
pub(super) fn read(
    member: &mut Member<'_>,
    host: &str,
    path: Option<Patterns>,
    service: &str,
) -> Option<Vec<Condition>> {
    let mut hosts = Alternatives::default();
    let mut paths = Alternatives::default();
    if !host.is_empty() {
        hosts.values.push(host.to_owned());
    }
    if let Some(patterns) = path {
        paths.add(patterns);
    }
    let mut conditions = Vec::new();
    for condition in written(member, service)? {
        match condition {
            Condition::HostHeader(patterns) => hosts.add(patterns),
            Condition::PathPattern(patterns) => paths.add(patterns),
            other => conditions.push(other),
        }
    }
    let suffix = format!("{CONDITIONS}.{service}");
    let hosts = hosts.into_patterns(member, &suffix, "host");
    let paths = paths.into_patterns(member, &suffix, "path");
    conditions.extend(hosts?.map(Condition::HostHeader));
    conditions.extend(paths?.map(Condition::PathPattern));
    if conditions.is_empty() {
        conditions.push(Condition::PathPattern(Patterns::Values(vec!["/*".to_owned()])));
    }
    Some(conditions)
}

/// Several conditions on one field are one with all their values.
#[derive(Default)]
struct Alternatives {
    values: Vec<String>,
    regexes: Vec<String>,
}

impl Alternatives {
    fn add(&mut self, patterns: Patterns) {
        match patterns {
            Patterns::Values(values) => self.values.extend(values),
            Patterns::Regexes(regexes) => self.regexes.extend(regexes),
        }
    }

    #[allow(clippy::option_option)] // outer: fault or not; inner: there or not
    fn into_patterns(self, member: &mut Member<'_>, suffix: &str, what: &str) -> Option<Option<Patterns>> {
        match (self.values.is_empty(), self.regexes.is_empty()) {
            (true, true) => Some(None),
            (false, true) => Some(Some(Patterns::Values(self.values))),
            (true, false) => Some(Some(Patterns::Regexes(self.regexes))),
            (false, false) => {
                let message = format!(
                    "a rule of this backend has {what} values ({}) and {what} regexValues ({}), where AWS takes \
                     one of the two; put the regular expressions into a backend of their own",
                    self.values.join(", "),
                    self.regexes.join(", ")
                );
                member.fault_at(suffix, ProblemCode::Conflict, message);
                None
            }
        }
    }
}
