//! The Ingresses of `examples/` with what the API server and the machines would add.

use std::path::Path;

use elbow_e2e::apply::{kind, read_file};
use serde_json::{Value, json};

use super::objects::{PODS, endpoints_in};
use super::scenarios;
use super::world::{INGRESSES, World};

fn read(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let objects = read_file(&folder.join(format!("{name}.yaml"))).unwrap();
    objects
        .iter()
        .filter(|object| kind(object) != "Namespace")
        .map(|object| serde_json::to_value(object).unwrap())
        .collect()
}

fn of<'a>(objects: &'a [Value], wanted: &str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == wanted)
}

/// The class and all that is in the file.
pub fn create(world: &World, name: &str) {
    let objects = read(name);
    for class in of(&read("ingress-class"), "IngressClass") {
        world.apply(class);
    }
    for service in of(&objects, "Service") {
        let its = |deployment: &&Value| {
            deployment["metadata"]["name"] == service["metadata"]["name"]
                && deployment["metadata"]["namespace"] == service["metadata"]["namespace"]
        };
        let deployment = of(&objects, "Deployment").find(its).unwrap();
        apply(world, service.clone(), deployment);
    }
    for ingress in of(&objects, "Ingress") {
        world.apply(ingress);
    }
}

/// A Service with its pods, all ready.
fn apply(world: &World, mut service: Value, deployment: &Value) {
    let name = service["metadata"]["name"].as_str().unwrap().to_owned();
    let spec = &mut service["spec"];
    spec["ipFamilies"] = json!(["IPv4"]);
    let node_port = 30_000 + i64::from(name.as_bytes()[0]);
    if spec["type"] == "NodePort" {
        spec["ports"][0]["nodePort"] = json!(node_port);
    }
    spec["ports"][0]["protocol"] = json!("TCP");
    world.apply(&service);
    let template = &deployment["spec"]["template"]["spec"];
    let pods = usize::try_from(deployment["spec"]["replicas"].as_u64().unwrap()).unwrap();
    let mut port = service["spec"]["ports"][0].clone();
    port["targetPort"] = template["containers"][0]["ports"][0]["containerPort"].clone();
    let namespace = service["metadata"]["namespace"].as_str().unwrap();
    endpoints_in(
        world,
        (namespace, &name),
        &[port],
        &PODS[..pods],
        &template["containers"],
    );
}

fn annotate(one: &mut Value, suffix: &str, value: &str) {
    one["metadata"]["annotations"][format!("alb.ingress.kubernetes.io/{suffix}")] = json!(value);
}

fn change(world: &World, name: &str, change: impl Fn(&mut Value)) {
    world.change_all(INGRESSES, |one| {
        if one["metadata"]["name"] == name {
            change(one);
        }
    });
}

fn path(path: &str, service: &str) -> Value {
    let backend = json!({"service": {"name": service, "port": {"name": "http"}}});
    json!({"path": path, "pathType": "Prefix", "backend": backend})
}

/// A path comes, one goes, one leads to another Service; attributes, health check and a second listener change.
pub fn edit_alone(world: &World) {
    change(world, "web", |one| {
        let rules = &mut one["spec"]["rules"];
        rules[0]["http"]["paths"][1]["backend"]["service"]["name"] = json!("shop");
        rules[0]["http"]["paths"][1]["backend"]["service"]["port"] = json!({"name": "http"});
        rules[1]["http"]["paths"] = json!([path("/v2", "api"), path("/v3", "shop")]);
        annotate(one, "listen-ports", r#"[{"HTTP": 80}, {"HTTP": 8080}]"#);
        annotate(one, "healthcheck-path", "/healthz");
        annotate(one, "load-balancer-attributes", "idle_timeout.timeout_seconds=30");
        annotate(
            one,
            "target-group-attributes",
            "deregistration_delay.timeout_seconds=30",
        );
        annotate(one, "tags", "team=a");
    });
}

/// Members change their rules, and one asks for an attribute.
pub fn edit_group(world: &World) {
    change(world, "moved", |one| {
        let action = r#"{"type": "fixed-response", "fixedResponseConfig": {"statusCode": "410"}}"#;
        annotate(one, "actions.to-orders", action);
    });
    change(world, "orders", |one| {
        let paths = one["spec"]["rules"][0]["http"]["paths"].as_array_mut().unwrap();
        paths.push(path("/baskets", "orders"));
        annotate(one, "load-balancer-attributes", "idle_timeout.timeout_seconds=30");
    });
    change(world, "reports", |one| annotate(one, "group.order", "5"));
}

/// One member is deleted.
pub fn leave_group(world: &World) {
    world.delete(INGRESSES, "demo", "orders");
}

/// Every Ingress is deleted.
pub fn delete_all(world: &World) {
    for one in world.list(INGRESSES) {
        let text = |field: &str| one["metadata"][field].as_str().unwrap().to_owned();
        world.delete(INGRESSES, &text("namespace"), &text("name"));
    }
}

#[test]
fn every_example_with_an_ingress_is_created_edited_and_deleted() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.retain(|name| of(&read(name), "Ingress").next().is_some());
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        for verb in ["create", "edit", "delete"] {
            scenarios::named(&format!("{verb} {name}.yaml"));
        }
    }
}
