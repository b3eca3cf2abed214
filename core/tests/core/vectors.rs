//! The runner of numbered vectors: tables in YAML, each row a change to a baseline and what must come of it.
//!
//! In: a kind of row, which knows its baseline, and a table of such rows. Out: what differs from the table. A row
//! whose result is not upstream's names the line of `docs/differences.md` that allows it.

use std::collections::BTreeSet;
use std::fmt::Debug;

use elbow_core::build::Built;
use elbow_core::intent::{Intent, Wish};
use elbow_core::model::{Owner, Stack};
use elbow_core::settings::Settings;
use elbow_crds::problem::{Problem, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::service::manifest::merge;

const DIFFERENCES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/differences.md"));

/// A row of a table.
pub trait Row: Sized {
    /// Number of the vector, with a letter where a vector has several cases; words for cases of the text.
    fn id(&self) -> &str;
    fn differs(&self) -> Option<&Differs>;
    /// Merge patch on the settings.
    fn settings_patch(&self) -> &Value;
    fn expect(&self) -> &Expect;
    /// The wish that is expected where the row names none.
    fn usual_wish(&self) -> Option<&'static str>;
    fn run(&self) -> (Intent, Built);
    fn summary(stack: &Stack) -> Value;
    /// A problem as the table lists it.
    fn label(problem: &Problem) -> String;
    /// Where the objects belong, one word each.
    fn resolutions(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why an expectation is not what upstream does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Differs {
    /// A part of the line of `docs/differences.md` that allows it.
    line: String,
    /// What it is about here.
    why: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// `Ignore`, `Empty`, `Sick`, `Service`, `Ingress`.
    wish: Option<String>,
    /// Where the objects belong, in their order: a group, or the kind of resolution.
    resolutions: Option<Vec<String>>,
    /// Every fault, sorted.
    faults: Vec<String>,
    /// Every warning, sorted.
    warnings: Vec<String>,
    /// Members that contribute, in order.
    members: Option<Vec<String>>,
    /// `namespace/name` of owners: `+` present, `-` gone.
    owners: Option<Vec<String>>,
    /// Same stack as another row.
    same_as: Option<String>,
    /// Part of the summary.
    stack: Value,
}

/// The settings of a row.
pub fn settings(patch: &Value) -> Settings {
    let mut settings = serde_json::to_value(Settings::new("my-cluster", "us-west-2", "vpc-xxx")).unwrap();
    if !patch.is_null() {
        merge(&mut settings, patch);
    }
    serde_json::from_value(settings).expect("settings are readable")
}

fn problems(built: &Built) -> &[Problem] {
    match built {
        Built::Sick(problems) | Built::Stack(_, problems) => problems,
        Built::Ask(_) | Built::Wait(_) => &[],
    }
}

fn listed<R: Row>(built: &Built, severity: Severity) -> Vec<String> {
    let all = problems(built).iter();
    let mut listed: Vec<String> = all
        .filter(|problem| problem.severity == severity)
        .map(R::label)
        .collect();
    listed.sort();
    listed
}

fn summary<R: Row>(built: &Built) -> Value {
    match built {
        Built::Stack(stack, _) => R::summary(stack),
        other => json!({"no stack": format!("{other:?}")}),
    }
}

fn find<'r, R: Row>(rows: &'r [R], id: &str) -> &'r R {
    rows.iter().find(|row| row.id() == id).expect("the row exists")
}

/// The stack of a row.
pub fn stack<R: Row>(rows: &[R], id: &str) -> Stack {
    match find(rows, id).run() {
        (_, Built::Stack(stack, _)) => *stack,
        (_, other) => panic!("vector {id} has no stack: {other:?}"),
    }
}

/// The stacks of all rows that have one, with the row's id and settings.
pub fn stacks<R: Row>(rows: &[R]) -> Vec<(String, Stack, Settings)> {
    let with_stack = |row: &R| match row.run().1 {
        Built::Stack(stack, _) => Some((row.id().to_owned(), *stack, settings(row.settings_patch()))),
        _ => None,
    };
    rows.iter().filter_map(with_stack).collect()
}

/// Runs a whole table.
pub fn check_all<R: Row>(rows: &[R]) {
    let mut failures = Vec::new();
    for row in rows {
        for difference in check(row, rows) {
            failures.push(format!("vector {}: {difference}", row.id()));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn check<R: Row>(row: &R, all: &[R]) -> Vec<String> {
    let (intent, built) = row.run();
    let expect = row.expect();
    let mut found = Vec::new();
    if let Some(wish) = expect.wish.as_deref().or(row.usual_wish()) {
        equal("wish", &wish, &wish_word(&intent), &mut found);
    }
    for (what, expected, actual) in [
        ("resolutions", &expect.resolutions, row.resolutions()),
        ("owners", &expect.owners, owners(&intent)),
        ("members", &expect.members, members(&intent)),
    ] {
        if let Some(expected) = expected {
            equal(what, expected, &actual, &mut found);
        }
    }
    for (what, severity, expected) in [
        ("faults", Severity::Fault, &expect.faults),
        ("warnings", Severity::Warning, &expect.warnings),
    ] {
        let before = found.len();
        equal(what, expected, &listed::<R>(&built, severity), &mut found);
        if found.len() > before {
            found.extend(problems(&built).iter().map(ToString::to_string));
        }
    }
    if let Some(other) = &expect.same_as
        && summary::<R>(&find(all, other).run().1) != summary::<R>(&built)
    {
        found.push(format!("the stack differs from that of {other}"));
    }
    if !expect.stack.is_null() {
        differences("stack", &expect.stack, &summary::<R>(&built), &mut found);
    }
    for problem in problems(&built) {
        check_wording(problem, &mut found);
    }
    check_difference(row, &built, &mut found);
    found
}

/// Upstream knows no warnings, and no stack beside a fault: such a row must say why it differs.
fn check_difference<R: Row>(row: &R, built: &Built, found: &mut Vec<String>) {
    let warned = !row.expect().warnings.is_empty();
    let goes_on = !row.expect().faults.is_empty() && matches!(built, Built::Stack(..));
    match row.differs() {
        None if warned || goes_on => found.push("it differs from upstream and does not say why".to_owned()),
        None => {}
        Some(Differs { line, why }) => {
            let lines = DIFFERENCES.lines().enumerate();
            let lines: Vec<(usize, &str)> = lines.filter(|(_, text)| text.contains(line)).collect();
            if let [(index, text)] = lines.as_slice() {
                println!(
                    "vector {} ({why}): docs/differences.md:{}: {text}",
                    row.id(),
                    index + 1
                );
            } else {
                found.push(format!(
                    "docs/differences.md has {} lines with {line:?}",
                    lines.len()
                ));
            }
        }
    }
}

fn equal<T: PartialEq + Debug>(what: &str, expected: &T, actual: &T, found: &mut Vec<String>) {
    if expected != actual {
        found.push(format!("{what}: expected {expected:?}, found {actual:?}"));
    }
}

fn wish_word(intent: &Intent) -> &'static str {
    match intent.wish {
        Wish::Ignore => "Ignore",
        Wish::Empty => "Empty",
        Wish::Sick => "Sick",
        Wish::Leave(_) => "Leave",
        Wish::Service(_) => "Service",
        Wish::Ingress(_) => "Ingress",
    }
}

fn owners(intent: &Intent) -> Vec<String> {
    let owner = |owner: &Owner| {
        let sign = if owner.gone { '-' } else { '+' };
        format!("{sign}{}/{}", owner.object.namespace, owner.object.name)
    };
    intent.owners.iter().map(owner).collect()
}

fn members(intent: &Intent) -> Vec<String> {
    let Wish::Ingress(wish) = &intent.wish else {
        return Vec::new();
    };
    let members = wish.members.iter();
    members
        .map(|object| format!("{}/{}", object.namespace, object.name))
        .collect()
}

/// Where every key must be expected: nothing may be there besides.
const COMPLETE: [&str; 7] = [
    "listeners",
    "target_groups",
    "bindings",
    "groups",
    "attributes",
    "tags",
    "nodes",
];

/// Differences between an expected part and the whole. `null` expects absence.
fn differences(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(actual)) = (expected, actual) {
        for (key, value) in expected {
            let path = format!("{path}.{key}");
            differences(&path, value, actual.get(key).unwrap_or(&Value::Null), found);
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        let strict = COMPLETE.contains(&name);
        for key in actual.keys().filter(|key| strict && !expected.contains_key(*key)) {
            found.push(format!("{path}: {key} is there unexpectedly"));
        }
    } else if expected != actual {
        found.push(format!("{path}: expected {expected}, found {actual}"));
    }
}

/// Every message is one sentence that does not repeat its object.
fn check_wording(problem: &Problem, found: &mut Vec<String>) {
    let message = &problem.message;
    if message.is_empty() || message.ends_with('.') || message.contains('\n') || message.contains("  ") {
        found.push(format!("wording: {message:?}"));
    }
}

/// Each number from 1 to `last` has a row or stands in `others`; no id is there twice.
pub fn check_numbers<R: Row>(rows: &[R], last: u32, others: impl IntoIterator<Item = u32>) {
    let number = |id: &&str| {
        id.trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<u32>()
            .ok()
    };
    let ids: BTreeSet<&str> = rows.iter().map(Row::id).collect();
    assert_eq!(ids.len(), rows.len(), "an id is there twice");
    let covered: BTreeSet<u32> = ids.iter().filter_map(number).chain(others).collect();
    assert_eq!(covered, (1..=last).collect());
}
