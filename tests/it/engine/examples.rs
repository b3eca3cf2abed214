//! The Services of `examples/` with what the API server and the machines would add: node ports, pods, endpoints.

use std::path::{Path, PathBuf};

use elbow_e2e::apply::{kind, read_file};
use serde_json::{Value, json};

use super::objects::{PODS, endpoints_of};
use super::scenarios;
use super::world::World;
use crate::support::land::SERVICES;

/// One file: a Deployment and the Service in front of it.
struct Example {
    deployment: Value,
    service: Value,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn read(name: &str) -> Example {
    let objects = read_file(&folder().join(format!("{name}.yaml"))).unwrap();
    let of = |wanted: &str| {
        let mut found = objects.iter().filter(|object| kind(object) == wanted);
        let object = serde_json::to_value(found.next().unwrap()).unwrap();
        assert!(found.next().is_none(), "{name}.yaml has one {wanted}");
        object
    };
    Example {
        deployment: of("Deployment"),
        service: of("Service"),
    }
}

impl Example {
    fn apply(mut self, world: &World) {
        let spec = &mut self.service["spec"];
        spec["ipFamilies"] = json!(["IPv4"]);
        if spec["externalTrafficPolicy"] == "Local" {
            spec["healthCheckNodePort"] = json!(31999);
        }
        for port in spec["ports"].as_array_mut().unwrap() {
            port["nodePort"] = json!(30000 + port["port"].as_i64().unwrap());
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
            port["protocol"] = json!(protocol);
        }
        world.apply(&self.service);
        let template = &self.deployment["spec"]["template"];
        let app = template["metadata"]["labels"]["app"].as_str().unwrap();
        assert_eq!(self.service["metadata"]["name"], app);
        let pods = self.deployment["spec"]["replicas"].as_u64().unwrap();
        let pods = &PODS[..usize::try_from(pods).unwrap()];
        endpoints_of(
            world,
            app,
            &self.resolved(),
            pods,
            &template["spec"]["containers"],
        );
    }

    /// The ports of the Service with the numbers behind their target ports' names.
    fn resolved(&self) -> Vec<Value> {
        let containers = &self.deployment["spec"]["template"]["spec"]["containers"];
        let named = containers[0]["ports"].as_array().unwrap();
        let mut ports = self.service["spec"]["ports"].as_array().unwrap().clone();
        for port in &mut ports {
            let found = named.iter().find(|named| named["name"] == port["targetPort"]);
            port["targetPort"] = found.unwrap()["containerPort"].clone();
        }
        ports
    }
}

/// The Service is created; its pods are ready.
pub fn create(world: &World, name: &str) {
    read(name).apply(world);
}

/// The Service gets another port, and its load balancer an attribute.
pub fn edit(world: &World, name: &str) {
    let mut example = read(name);
    example.service["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-attributes"] =
        json!("load_balancing.cross_zone.enabled=true");
    let ports = example.service["spec"]["ports"].as_array_mut().unwrap();
    ports.push(json!({"name": "alt", "port": 81, "targetPort": "http"}));
    example.apply(world);
}

/// The Service is deleted.
pub fn delete(world: &World, name: &str) {
    let service = read(name).service;
    world.delete(SERVICES, "demo", service["metadata"]["name"].as_str().unwrap());
}

#[test]
fn every_example_with_a_load_balancer_service_is_created_edited_and_deleted() {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut services = 0;
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        if !read_file(&file)
            .unwrap()
            .iter()
            .any(|object| kind(object) == "Service" && object.data["spec"]["type"] == "LoadBalancer")
        {
            continue;
        }
        services += 1;
        let name = file.file_name().unwrap().to_str().unwrap();
        for verb in ["create", "edit", "delete"] {
            scenarios::named(&format!("{verb} {name}"));
        }
    }
    assert!(services >= 4, "{services}");
}
