//! The numbered vectors about groups, load balancers and listeners: rows of `vectors.yaml`.

use std::collections::BTreeSet;

use elbow_core::build::Built;
use elbow_core::intent::ingress::{Resolution, resolve};
use elbow_core::intent::{Intent, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::model::{Scheme, Stack};
use elbow_core::settings::Settings;
use elbow_crds::problem::{Problem, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use super::manifest::{Class, PREFIX, Short, ingress, shelf};
use super::summary;
use crate::service::{manifest::merge, world};

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Number of the vector, with a letter where a vector has several cases; words for cases of the text.
    id: String,
    /// The group.
    #[serde(default = "key")]
    key: String,
    #[serde(default = "ingresses")]
    ingresses: Vec<Short>,
    #[serde(default = "classes")]
    classes: Vec<Class>,
    /// Merge patch on the settings.
    #[serde(default)]
    settings: Value,
    /// Scheme of a load balancer that is there.
    #[serde(default)]
    existing: Option<String>,
    expect: Expect,
}

fn key() -> String {
    "default/echo-server".to_owned()
}

fn ingresses() -> Vec<Short> {
    vec![Short::default()]
}

fn classes() -> Vec<Class> {
    vec![Class::default()]
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// `Ignore`, `Empty`, `Sick`; otherwise there must be a stack.
    wish: Option<String>,
    /// Where the Ingresses belong, in their order: a group, or the kind of resolution.
    resolutions: Option<Vec<String>>,
    /// `namespace/name Code field` of every fault, sorted.
    faults: Vec<String>,
    /// The same of every warning.
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

/// What a row came to.
pub struct Outcome {
    pub intent: Intent,
    pub built: Built,
}

impl Outcome {
    pub fn problems(&self) -> &[Problem] {
        match &self.built {
            Built::Sick(problems) | Built::Stack(_, problems) => problems,
            Built::Ask(_) | Built::Wait(_) => &[],
        }
    }

    pub fn listed(&self, severity: Severity) -> Vec<String> {
        let mut listed: Vec<String> = self
            .problems()
            .iter()
            .filter(|problem| problem.severity == severity)
            .map(|problem| {
                let object = &problem.object;
                let field = problem.field.replace(PREFIX, "");
                format!("{}/{} {:?} {field}", object.namespace, object.name, problem.code)
            })
            .collect();
        listed.sort();
        listed
    }

    fn summary(&self) -> Value {
        match &self.built {
            Built::Stack(stack, _) => summary::of(stack),
            other => json!({"no stack": format!("{other:?}")}),
        }
    }
}

fn rows() -> Vec<Row> {
    serde_saphyr::from_str(include_str!("vectors.yaml")).expect("vectors.yaml is readable")
}

/// The key of a group id.
pub fn group(id: &str) -> StackKey {
    match id.split_once('/') {
        Some((namespace, name)) => StackKey::ingress(namespace, name),
        None => StackKey::ingress_group(id),
    }
}

/// The stack of a row.
pub fn stack(id: &str) -> Stack {
    let rows = rows();
    let row = rows.iter().find(|row| row.id == id).expect("the row exists");
    match run(row).built {
        Built::Stack(stack, _) => *stack,
        other => panic!("vector {id} has no stack: {other:?}"),
    }
}

fn settings(row: &Row) -> Settings {
    let mut settings = serde_json::to_value(Settings::new("my-cluster", "us-west-2", "vpc-xxx")).unwrap();
    if !row.settings.is_null() {
        merge(&mut settings, &row.settings);
    }
    serde_json::from_value(settings).expect("settings are readable")
}

fn run(row: &Row) -> Outcome {
    let settings = settings(row);
    let mut aws = world::World::baseline();
    if let Some(scheme) = &row.existing {
        aws.existing
            .push(world::existing_application(Scheme::parse(scheme).unwrap()));
    }
    let shelf = shelf(&row.ingresses, &row.classes);
    let intent = read(&group(&row.key), &shelf, &settings);
    let built = aws.build(&intent, &settings);
    Outcome { intent, built }
}

/// Differences between an expected part and the whole. `null` expects absence.
fn differences(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(actual)) = (expected, actual) {
        for (key, value) in expected {
            let path = format!("{path}.{key}");
            differences(&path, value, actual.get(key).unwrap_or(&Value::Null), found);
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        let strict = matches!(name, "listeners" | "target_groups" | "attributes" | "tags");
        for key in actual.keys().filter(|key| strict && !expected.contains_key(*key)) {
            found.push(format!("{path}: {key} is there unexpectedly"));
        }
    } else if expected != actual {
        found.push(format!("{path}: expected {expected}, found {actual}"));
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, actual: &T, found: &mut Vec<String>) {
    if expected != actual {
        found.push(format!("{what}: expected {expected:?}, found {actual:?}"));
    }
}

fn resolutions(row: &Row) -> Vec<String> {
    let shelf = shelf(&row.ingresses, &row.classes);
    let settings = settings(row);
    let word = |short: &Short| match resolve(&ingress(short), &shelf, &settings) {
        Resolution::Group(key) => key.stack_id(),
        Resolution::NotOurs => "NotOurs".to_owned(),
        Resolution::InvalidClass(_) => "InvalidClass".to_owned(),
        Resolution::InvalidGroup(_) => "InvalidGroup".to_owned(),
        Resolution::Unresolvable(_) => "Unresolvable".to_owned(),
    };
    row.ingresses.iter().map(word).collect()
}

fn owners(intent: &Intent) -> Vec<String> {
    let owner = |owner: &elbow_core::model::Owner| {
        let sign = if owner.gone { '-' } else { '+' };
        format!("{sign}{}/{}", owner.object.namespace, owner.object.name)
    };
    intent.owners.iter().map(owner).collect()
}

fn members(intent: &Intent) -> Vec<String> {
    let Wish::Ingress(wish) = &intent.wish else {
        return Vec::new();
    };
    wish.members
        .iter()
        .map(|object| format!("{}/{}", object.namespace, object.name))
        .collect()
}

fn wish_word(intent: &Intent) -> &'static str {
    match intent.wish {
        Wish::Ignore => "Ignore",
        Wish::Empty => "Empty",
        Wish::Sick => "Sick",
        Wish::Service(_) => "Service",
        Wish::Ingress(_) => "Ingress",
    }
}

fn check(row: &Row, all: &[Row]) -> Vec<String> {
    let outcome = run(row);
    let mut found = Vec::new();
    let expect = &row.expect;
    let wish = expect.wish.as_deref().unwrap_or("Ingress");
    equal("wish", &wish, &wish_word(&outcome.intent), &mut found);
    if let Some(expected) = &expect.resolutions {
        equal("resolutions", expected, &resolutions(row), &mut found);
    }
    if let Some(expected) = &expect.owners {
        equal("owners", expected, &owners(&outcome.intent), &mut found);
    }
    if let Some(expected) = &expect.members {
        equal("members", expected, &members(&outcome.intent), &mut found);
    }
    for (what, severity, expected) in [
        ("faults", Severity::Fault, &expect.faults),
        ("warnings", Severity::Warning, &expect.warnings),
    ] {
        let before = found.len();
        equal(what, expected, &outcome.listed(severity), &mut found);
        if found.len() > before {
            found.extend(outcome.problems().iter().map(ToString::to_string));
        }
    }
    if let Some(other) = &expect.same_as {
        let other = all
            .iter()
            .find(|row| row.id == *other)
            .expect("the other row exists");
        if run(other).summary() != outcome.summary() {
            found.push(format!("the stack differs from that of {}", other.id));
        }
    }
    if !expect.stack.is_null() {
        differences("stack", &expect.stack, &outcome.summary(), &mut found);
    }
    for problem in outcome.problems() {
        let message = &problem.message;
        if message.is_empty() || message.ends_with('.') || message.contains('\n') || message.contains("  ") {
            found.push(format!("wording: {message:?}"));
        }
    }
    found
}

#[test]
fn every_vector_of_a_group_gives_the_stack_or_the_fault_of_the_table() {
    let rows = rows();
    let mut failures = Vec::new();
    for row in &rows {
        for difference in check(row, &rows) {
            failures.push(format!("vector {}: {difference}", row.id));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Vectors about rules and target groups, which have tests of their own.
const ELSEWHERE: std::ops::RangeInclusive<u32> = 16..=34;
/// The same, one by one.
const ALSO_ELSEWHERE: [u32; 7] = [40, 41, 42, 61, 62, 63, 64];
/// Vectors of features that are not built yet: certificates by host, client certificates, web ACLs, capacity, a
/// Network Load Balancer in front.
const NOT_YET_COVERED: [u32; 6] = [4, 5, 46, 47, 49, 51];

#[test]
fn every_vector_number_has_a_row_or_is_listed_as_covered_elsewhere_or_not_yet() {
    let number = |id: &str| {
        id.trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<u32>()
            .ok()
    };
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "an id is there twice");
    let covered: BTreeSet<u32> = ids
        .iter()
        .filter_map(|id| number(id))
        .chain(ELSEWHERE)
        .chain(ALSO_ELSEWHERE)
        .chain(NOT_YET_COVERED)
        .collect();
    assert_eq!(covered, (1..=64).collect());
}
