//! The numbered vectors: rows of `vectors.yaml`, each a change to a baseline Service and what must come of it.

use std::collections::BTreeMap;

use elbow_core::build::Built;
use elbow_core::intent::{Intent, Shelf, read};
use elbow_core::key::StackKey;
use elbow_core::model::{Scheme, Stack};
use elbow_core::settings::Settings;
use elbow_crds::problem::Problem;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{manifest, summary, world};
use crate::vectors::{self, Differs, Expect};

/// Vectors of the table in the reference.
const VECTORS: u32 = 85;

/// Parts of vectors that are not built yet: the row checks the rest.
const DEFERRED: [(&str, &str); 1] = [(
    "85",
    "the deploy part: the admission webhook refuses the patch of the binding to another address family",
)];

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    differs: Option<Differs>,
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
    #[serde(default)]
    settings: Value,
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

impl vectors::Row for Row {
    fn id(&self) -> &str {
        &self.id
    }

    fn differs(&self) -> Option<&Differs> {
        self.differs.as_ref()
    }

    fn settings_patch(&self) -> &Value {
        &self.settings
    }

    fn expect(&self) -> &Expect {
        &self.expect
    }

    fn usual_wish(&self) -> Option<&'static str> {
        None
    }

    fn summary(stack: &Stack) -> Value {
        summary::of(stack)
    }

    /// `Code field`.
    fn label(problem: &Problem) -> String {
        let field = problem.field.replace("service.beta.kubernetes.io/", "");
        format!("{:?} {field}", problem.code)
    }

    fn run(&self) -> (Intent, Built) {
        let mut service = manifest::baseline();
        if !self.ports.is_empty() {
            let ports: Vec<Value> = self.ports.iter().map(|text| manifest::port(text)).collect();
            service["spec"]["ports"] = json!(ports);
        }
        if !self.service.is_null() {
            manifest::merge(&mut service, &self.service);
        }
        manifest::annotate(&mut service, &self.annotations);
        let settings = vectors::settings(&self.settings);
        let mut world = world::World::baseline();
        world.zones.extend(self.zones.clone());
        if let Some(existing) = &self.existing {
            let groups: Vec<&str> = existing.groups.iter().map(String::as_str).collect();
            let scheme = Scheme::parse(&existing.scheme).unwrap();
            world.existing.push(world::existing(scheme, &groups));
        }
        let service = manifest::view(&service);
        let green = self.green.then(|| manifest::view(&manifest::green()));
        let objects = Shelf::of_services(green.into_iter().chain([service]));
        let intent = read(&StackKey::service("default", "web"), &objects, &settings);
        let built = world.build(&intent, &settings);
        (intent, built)
    }
}

fn rows() -> Vec<Row> {
    serde_saphyr::from_str(include_str!("vectors.yaml")).expect("vectors.yaml is readable")
}

/// The stack of a row.
pub fn stack(id: &str) -> Stack {
    vectors::stack(&rows(), id)
}

/// The stacks of all rows that have one, with the row's id and settings.
pub fn stacks() -> Vec<(String, Stack, Settings)> {
    vectors::stacks(&rows())
}

#[test]
fn every_vector_of_a_service_gives_the_stack_or_the_fault_of_the_table() {
    vectors::check_all(&rows());
}

#[test]
fn every_vector_number_has_a_row_and_what_is_deferred_is_listed() {
    let rows = rows();
    vectors::check_numbers(&rows, VECTORS, []);
    for (id, what) in DEFERRED {
        assert!(rows.iter().any(|row| row.id == id), "{id}");
        println!("vector {id}: deferred: {what}");
    }
    println!("{} rows for {VECTORS} vectors", rows.len());
}
