//! The numbered vectors: rows of `vectors.yaml`, each a change to a baseline Service and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::build::Built;
use elbow_core::intent::{Intent, Shelf, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::model::{Scheme, Stack};
use elbow_core::settings::Settings;
use elbow_crds::problem::{Problem, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{manifest, summary, world};

/// Vectors of the table in the reference.
const VECTORS: u32 = 85;

/// Vectors whose section is not built yet, by number. Nothing of the first Service issue is left out; of
/// vector 85 the deploy part (the refused patch) belongs to the admission issue.
const NOT_YET_COVERED: [u32; 0] = [];

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Number of the vector, with a letter where a vector has several cases.
    id: String,
    /// Why the expectation differs from the reference, naming the line that allows it.
    #[serde(default)]
    #[allow(dead_code)]
    differs: Option<String>,
    /// Annotations by suffix.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// `name protocol port targetPort nodePort`, replacing the baseline's port.
    #[serde(default)]
    ports: Vec<String>,
    /// Merge patch on the manifest.
    #[serde(default)]
    service: Value,
    /// Whether the backend Service `green` exists.
    #[serde(default)]
    green: bool,
    /// Merge patch on the settings.
    #[serde(default)]
    settings: Value,
    #[serde(default)]
    existing: Option<Existing>,
    /// Zone types by zone id.
    #[serde(default)]
    zones: BTreeMap<String, String>,
    expect: Expect,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Existing {
    scheme: String,
    groups: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    /// `Ignore` or `Empty`.
    wish: Option<String>,
    /// `Code field` of every fault, sorted.
    faults: Vec<String>,
    /// `Code field` of every warning, sorted.
    warnings: Vec<String>,
    /// Same stack as another row.
    same_as: Option<String>,
    /// Part of the summary.
    stack: Value,
}

/// What a row came to.
struct Outcome {
    intent: Intent,
    built: Built,
}

impl Outcome {
    fn problems(&self) -> &[Problem] {
        match &self.built {
            Built::Sick(problems) | Built::Stack(_, problems) => problems,
            Built::Ask(_) | Built::Wait(_) => &[],
        }
    }

    fn listed(&self, severity: Severity) -> Vec<String> {
        let prefix = "service.beta.kubernetes.io/";
        let mut listed: Vec<String> = self
            .problems()
            .iter()
            .filter(|problem| problem.severity == severity)
            .map(|problem| format!("{:?} {}", problem.code, problem.field.replace(prefix, "")))
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

/// The stack of a row.
pub fn stack(id: &str) -> Stack {
    let rows = rows();
    let row = rows.iter().find(|row| row.id == id).expect("the row exists");
    match run(row).built {
        Built::Stack(stack, _) => *stack,
        other => panic!("vector {id} has no stack: {other:?}"),
    }
}

/// The stacks of all rows that have one, with the row's id and settings.
pub fn stacks() -> Vec<(String, Stack, Settings)> {
    let with_stack = |row: Row| match run(&row).built {
        Built::Stack(stack, _) => Some((row.id.clone(), *stack, settings(&row))),
        _ => None,
    };
    rows().into_iter().filter_map(with_stack).collect()
}

fn settings(row: &Row) -> Settings {
    let mut settings = serde_json::to_value(Settings::new("my-cluster", "us-west-2", "vpc-xxx")).unwrap();
    if !row.settings.is_null() {
        manifest::merge(&mut settings, &row.settings);
    }
    serde_json::from_value(settings).expect("settings are readable")
}

fn run(row: &Row) -> Outcome {
    let mut service = manifest::baseline();
    if !row.ports.is_empty() {
        let ports: Vec<Value> = row.ports.iter().map(|text| manifest::port(text)).collect();
        service["spec"]["ports"] = json!(ports);
    }
    if !row.service.is_null() {
        manifest::merge(&mut service, &row.service);
    }
    manifest::annotate(&mut service, &row.annotations);
    let settings = settings(row);
    let mut world = world::World::baseline();
    world.zones.extend(row.zones.clone());
    if let Some(existing) = &row.existing {
        let groups: Vec<&str> = existing.groups.iter().map(String::as_str).collect();
        let scheme = Scheme::parse(&existing.scheme).unwrap();
        world.existing.push(world::existing(scheme, &groups));
    }
    let service = manifest::view(&service);
    let green = row.green.then(|| manifest::view(&manifest::green()));
    let shelf = Shelf::of_services(green.into_iter().chain([service]));
    let key = StackKey::service("default", "web");
    let intent = read(&key, &shelf, &settings);
    let built = world.build(&intent, &settings);
    Outcome { intent, built }
}

/// Where every key must be expected: nothing may be there besides.
const COMPLETE: [&str; 4] = ["listeners", "target_groups", "bindings", "groups"];

/// Differences between an expected part and the whole. `null` expects absence.
fn differences(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    if let (Value::Object(expected), Value::Object(actual)) = (expected, actual) {
        for (key, value) in expected {
            let path = format!("{path}.{key}");
            differences(&path, value, actual.get(key).unwrap_or(&Value::Null), found);
        }
        let name = path.rsplit('.').next().unwrap_or_default();
        let strict = COMPLETE.contains(&name) || matches!(name, "attributes" | "tags" | "nodes");
        for key in actual.keys().filter(|key| strict && !expected.contains_key(*key)) {
            found.push(format!("{path}: {key} is there unexpectedly"));
        }
    } else if expected != actual {
        found.push(format!("{path}: expected {expected}, found {actual}"));
    }
}

fn check(row: &Row, all: &[Row]) -> Vec<String> {
    let outcome = run(row);
    let mut found = Vec::new();
    let expect = &row.expect;
    if let Some(wish) = &expect.wish {
        let actual = match outcome.intent.wish {
            Wish::Ignore => "Ignore",
            Wish::Empty => "Empty",
            Wish::Sick => "Sick",
            Wish::Service(_) => "Service",
            Wish::Ingress(_) => "Ingress",
        };
        if actual != wish {
            found.push(format!("wish: expected {wish}, found {actual}"));
        }
        if wish == "Ignore" {
            return found;
        }
    }
    let faults = outcome.listed(Severity::Fault);
    if faults != expect.faults {
        found.push(format!("faults: expected {:?}, found {faults:?}", expect.faults));
        found.extend(outcome.problems().iter().map(ToString::to_string));
    }
    let warnings = outcome.listed(Severity::Warning);
    if warnings != expect.warnings {
        found.push(format!(
            "warnings: expected {:?}, found {warnings:?}",
            expect.warnings
        ));
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
        check_wording(problem, &mut found);
    }
    found
}

/// Every message is one sentence that does not repeat its object.
fn check_wording(problem: &Problem, found: &mut Vec<String>) {
    let message = &problem.message;
    if message.is_empty() || message.ends_with('.') || message.contains('\n') || message.contains("  ") {
        found.push(format!("wording: {message:?}"));
    }
}

#[test]
fn every_vector_of_a_service_gives_the_stack_or_the_fault_of_the_table() {
    let rows = rows();
    let mut failures = Vec::new();
    for row in &rows {
        for difference in check(row, &rows) {
            failures.push(format!("vector {}: {difference}", row.id));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_vector_number_has_a_row_or_is_listed_as_not_yet_covered() {
    let number = |id: &str| {
        id.trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .parse::<u32>()
            .unwrap()
    };
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "an id is there twice");
    let covered: BTreeSet<u32> = ids.iter().map(|id| number(id)).chain(NOT_YET_COVERED).collect();
    let all: BTreeSet<u32> = (1..=VECTORS).collect();
    assert_eq!(covered, all);
    println!(
        "{} rows for {} vectors; not yet covered: {NOT_YET_COVERED:?}",
        rows.len(),
        VECTORS as usize - NOT_YET_COVERED.len()
    );
}
