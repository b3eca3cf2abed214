//! Golden stacks in upstream's JSON: every Service of `examples/`, and some of the vectors.

use std::path::Path;

use elbow_core::build::{Built, stack_json, stack_pretty, stack_text};
use elbow_core::intent::{Shelf, read};
use elbow_core::key::StackKey;
use elbow_core::settings::Settings;
use serde_json::{Value, json};

use super::{manifest, vectors, world};

/// Vectors whose whole stack is kept.
const KEPT: [&str; 10] = ["1", "6", "11", "17", "26", "37", "42", "52", "61c", "75"];

#[test]
fn the_stack_json_of_these_vectors_is_as_reviewed() {
    for id in KEPT {
        let stack = vectors::stack(id);
        insta::assert_snapshot!(format!("vector-{id}"), stack_pretty(&stack));
    }
}

/// What the API server would add: UID and node ports, made from the position.
fn admitted(mut service: Value) -> Value {
    let name = service["metadata"]["name"].as_str().unwrap().to_owned();
    service["metadata"]["uid"] = json!(format!("00000000-0000-0000-0000-{:0>12}", name.len()));
    service["spec"]["ipFamilies"] = json!(["IPv4"]);
    let instance = service["spec"]["type"] == "LoadBalancer";
    let ports = service["spec"]["ports"].as_array_mut().unwrap();
    for (index, port) in ports.iter_mut().enumerate() {
        if instance {
            port["nodePort"] = json!(30000 + index);
        }
    }
    if service["spec"]["externalTrafficPolicy"] == "Local" {
        service["spec"]["healthCheckNodePort"] = json!(31000);
    }
    service
}

fn example_services() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("examples/ is there")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let mut services = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for document in text.split("\n---") {
            let object: Value = serde_saphyr::from_str(document).expect("an example is readable");
            if object["kind"] == "Service" && object["spec"]["type"] == "LoadBalancer" {
                services.push(object);
            }
        }
    }
    services
}

#[test]
fn the_stack_json_of_every_example_service_is_as_reviewed() {
    let settings = Settings::new("my-cluster", "us-west-2", "vpc-xxx");
    let services = example_services();
    assert!(!services.is_empty(), "examples/ holds no Service");
    for example in services {
        let service = manifest::view(&admitted(example));
        let key = StackKey::service(&service.meta.namespace, &service.meta.name);
        let intent = read(&key, &Shelf::of_services([service]), &settings);
        let Built::Stack(stack, warnings) = world::World::baseline().build(&intent, &settings) else {
            panic!("{key} has no stack: {:?}", intent.problems);
        };
        assert!(warnings.is_empty(), "{key}: {warnings:?}");
        insta::assert_snapshot!(
            format!("example-{}-{}", key.namespace, key.name),
            stack_pretty(&stack)
        );
    }
}

#[test]
fn text_and_value_hold_the_same_and_go_escapes_are_used() {
    let mut stack = vectors::stack("1");
    stack.load_balancers[0]
        .tags
        .insert("who".to_owned(), "<a> & \u{2028}".to_owned());
    let text = stack_text(&stack);
    assert!(text.contains(r#""who":"\u003ca\u003e \u0026 \u2028""#), "{text}");
    assert!(text.starts_with(r#"{"id":"default/web","resources":{"AWS::EC2::SecurityGroup":{"#));
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), stack_json(&stack));
}

#[test]
fn an_empty_stack_has_no_resources() {
    assert_eq!(
        stack_text(&vectors::stack("67")),
        r#"{"id":"default/web","resources":{}}"#
    );
}
