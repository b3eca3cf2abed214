//! The numbered vectors about groups, load balancers and listeners: rows of `vectors.yaml`.

use elbow_core::build::Built;
use elbow_core::intent::ingress::{Resolution, resolve};
use elbow_core::intent::{Intent, read};
use elbow_core::key::StackKey;
use elbow_core::model::{Scheme, Stack};
use elbow_crds::problem::Problem;
use serde::Deserialize;
use serde_json::Value;

use super::manifest::{Class, PREFIX, Short, ingress, shelf};
use super::summary;
use crate::service::world;
use crate::vectors::{self, Differs, Expect};

/// A row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    differs: Option<Differs>,
    /// The group.
    #[serde(default = "key")]
    key: String,
    #[serde(default = "ingresses")]
    ingresses: Vec<Short>,
    #[serde(default = "classes")]
    classes: Vec<Class>,
    #[serde(default)]
    settings: Value,
    /// Scheme of a load balancer that is there.
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
        Some("Ingress")
    }

    fn summary(stack: &Stack) -> Value {
        summary::of(stack)
    }

    /// `namespace/name Code field`.
    fn label(problem: &Problem) -> String {
        let object = &problem.object;
        let field = problem.field.replace(PREFIX, "");
        format!("{}/{} {:?} {field}", object.namespace, object.name, problem.code)
    }

    fn run(&self) -> (Intent, Built) {
        let settings = vectors::settings(&self.settings);
        let mut aws = world::World::baseline();
        if let Some(scheme) = &self.existing {
            aws.existing
                .push(world::existing_application(Scheme::parse(scheme).unwrap()));
        }
        let objects = shelf(&self.ingresses, &self.classes);
        let intent = read(&group(&self.key), &objects, &settings);
        let built = aws.build(&intent, &settings);
        (intent, built)
    }

    fn resolutions(&self) -> Vec<String> {
        let objects = shelf(&self.ingresses, &self.classes);
        let settings = vectors::settings(&self.settings);
        let word = |short: &Short| match resolve(&ingress(short), &objects, &settings) {
            Resolution::Group(key) => key.stack_id(),
            Resolution::NotOurs => "NotOurs".to_owned(),
            Resolution::InvalidClass(_) => "InvalidClass".to_owned(),
            Resolution::InvalidGroup(_) => "InvalidGroup".to_owned(),
            Resolution::Unresolvable(_) => "Unresolvable".to_owned(),
        };
        self.ingresses.iter().map(word).collect()
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
    vectors::stack(&rows(), id)
}

#[test]
fn every_vector_of_a_group_gives_the_stack_or_the_fault_of_the_table() {
    vectors::check_all(&rows());
}

/// Vectors of the table in the reference.
const VECTORS: u32 = 64;
/// Vectors about rules and target groups, which have tests of their own.
const ELSEWHERE: std::ops::RangeInclusive<u32> = 16..=34;
/// The same, one by one.
const ALSO_ELSEWHERE: [u32; 7] = [40, 41, 42, 61, 62, 63, 64];
/// Vectors of features that are not built yet: certificates by host, client certificates, web ACLs, capacity, a
/// Network Load Balancer in front.
const NOT_YET_COVERED: [u32; 6] = [4, 5, 46, 47, 49, 51];

#[test]
fn every_vector_number_has_a_row_or_is_listed_as_covered_elsewhere_or_not_yet() {
    let others = ELSEWHERE.chain(ALSO_ELSEWHERE).chain(NOT_YET_COVERED);
    vectors::check_numbers(&rows(), VECTORS, others);
    println!("vectors not yet covered: {NOT_YET_COVERED:?}");
}
