//! What upstream left behind is taken over as it is: recorded in `upstream.yaml`, no write to AWS, none to
//! Kubernetes but our own records.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use elbow_e2e::apply::{kind, parse};
use elbow_emulator::wire::{Params, ec2, elb};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical;
use super::converge::assert_idle;
use super::objects::{PODS, SEED, endpoints_in, furnish};
use super::world::World;
use crate::support::land::BINDINGS;
use crate::support::quick_config;

/// What the calls made, by the name that the record gives it.
type Made = BTreeMap<String, String>;

fn world() -> World {
    let mut world = World::new(SEED);
    "my-cluster".clone_into(&mut world.land.settings.scope.cluster);
    furnish(&world);
    world
}

/// Flattens parameters as AWS's query protocols do: lists have numbered members, in ELBv2 under `member`.
fn flatten(prefix: &str, value: &Value, member: &str, into: &mut Vec<(String, String)>) {
    let under = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&under(key), value, member, into);
            }
        }
        Value::Array(list) => {
            for (number, value) in (1..).zip(list) {
                flatten(&under(&format!("{member}{number}")), value, member, into);
            }
        }
        Value::String(text) => into.push((prefix.to_owned(), text.clone())),
        other => into.push((prefix.to_owned(), other.to_string())),
    }
}

fn filled_in(value: &Value, made: &Made) -> Value {
    let mut text = value.to_string();
    for (name, id) in made {
        text = text.replace(&format!("${{{name}}}"), id);
    }
    serde_json::from_str(&text).unwrap()
}

fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once('<')?.0)
}

/// Makes a call, past the log; what it made.
fn call(world: &World, operation: &str, parameters: &Value) -> (Option<String>, Option<String>) {
    let of_ec2 = operation.contains("SecurityGroup");
    let mut pairs = vec![("Action".to_owned(), operation.to_owned())];
    flatten("", parameters, if of_ec2 { "" } else { "member." }, &mut pairs);
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let params = Params::decode(query.as_bytes());
    let answer = world.land.emulator.with_world(|account, now| {
        if of_ec2 {
            ec2::dispatch(account, now, &params).unwrap()
        } else {
            elb::dispatch(account, now, &params).unwrap()
        }
    });
    let tags: &[&str] = match operation {
        "CreateSecurityGroup" => &["groupId"],
        "CreateLoadBalancer" => &["LoadBalancerArn"],
        "CreateTargetGroup" => &["TargetGroupArn"],
        "CreateListener" => &["ListenerArn"],
        _ => &[],
    };
    let id = tags.iter().find_map(|tag| between(&answer, tag));
    (
        id.map(str::to_owned),
        between(&answer, "DNSName").map(str::to_owned),
    )
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// The fingerprint that upstream documents: of the sorted endpoints, and of the spec in the order in which it is
/// written down. Everything was created at the beginning of 2026.
fn checkpoint(spec: &Value) -> String {
    let created = "1767225600000";
    let port = &spec["networking"]["ingress"][0]["ports"][0]["port"];
    let instances = (1..=3).map(|number| format!("i-0e1b000000000000{number}"));
    let endpoints: Vec<String> = match spec["targetType"].as_str() {
        Some("instance") => instances.map(|id| format!("{id}:{port}:{created}")).collect(),
        _ => PODS[..2]
            .iter()
            .map(|pod| format!("{pod}:{port}:{created}"))
            .collect(),
    };
    let group = &spec["networking"]["ingress"][0]["from"][0]["securityGroup"]["groupID"];
    let json = format!(
        "{{\"targetGroupARN\":{},\"targetType\":{},\"targetGroupProtocol\":{},\
         \"serviceRef\":{{\"name\":{},\"port\":{}}},\"networking\":{{\"ingress\":[{{\
         \"from\":[{{\"securityGroup\":{{\"groupID\":{group}}}}}],\
         \"ports\":[{{\"protocol\":\"TCP\",\"port\":{port}}}]}}]}},\"ipAddressType\":\"ipv4\",\"vpcID\":{}}}",
        spec["targetGroupARN"],
        spec["targetType"],
        spec["targetGroupProtocol"],
        spec["serviceRef"]["name"],
        spec["serviceRef"]["port"],
        spec["vpcID"],
    );
    format!("{}/{}", hash(&endpoints.join(",")), hash(&json))
}

/// Puts an object in as it is recorded, its UID included.
fn put(world: &World, object: &Value) {
    world.apply(object);
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    let collection = match object["kind"].as_str().unwrap() {
        "Service" => crate::support::land::SERVICES,
        "TargetGroupBinding" => BINDINGS,
        _ => return,
    };
    let (name, uid) = (text("name"), text("uid"));
    world.change_all(collection, |one| {
        if one["metadata"]["name"] == name.as_str() && !uid.is_empty() {
            one["metadata"]["uid"] = uid.clone().into();
        }
    });
}

/// Loads the record.
fn load(world: &World) {
    let nodes = world.land.emulator.with_world(|account, _| {
        let mut groups = account.ec2.security_groups.values();
        groups.find(|group| group.name == "default").unwrap().id.clone()
    });
    let mut made = Made::from([("nodes".to_owned(), nodes)]);
    for document in parse(include_str!("upstream.yaml")).unwrap() {
        let object = serde_json::to_value(&document).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if object["apiVersion"] != "aws" {
            let mut object = filled_in(&object, &made);
            if object["kind"] == "TargetGroupBinding" {
                object["metadata"]["annotations"]["elbv2.k8s.aws/checkpoint"] =
                    checkpoint(&object["spec"]).into();
            }
            put(world, &object);
            continue;
        }
        let (id, address) = call(world, kind(&document), &filled_in(&object["parameters"], &made));
        made.extend(id.map(|id| (name.clone(), id)));
        made.extend(address.map(|address| (format!("{name}.dns"), address.to_lowercase())));
    }
    let container =
        serde_json::json!([{"name": "server", "ports": [{"name": "http", "containerPort": 8080}]}]);
    for (service, port) in [("nlb-ip-svc-tls", 80), ("echo-svc", 8080)] {
        let port = serde_json::json!({"name": "http", "targetPort": port, "protocol": "TCP"});
        endpoints_in(world, ("default", service), &[port], &PODS[..2], &container);
    }
}

#[tokio::test(start_paused = true)]
async fn what_upstream_left_is_taken_over_without_a_write() {
    let world = world();
    load(&world);
    // Provisioning and health checks are over.
    tokio::time::sleep(std::time::Duration::from_mins(10)).await;
    let without_records = |world: &World| {
        let mut state = canonical::state(world);
        state.retain(|entry| entry.get("record").is_none() && entry.get("/api/v1/configmaps").is_none());
        state
    };
    let before = without_records(&world);
    let mut controller = world.start_with(quick_config(), false);
    let seen = controller.to_rest().await;
    controller.assert_content("taken over");
    println!(
        "taken over: {} resources and objects, writes to AWS {:?}, to Kubernetes {:?}",
        before.len(),
        seen.writes(),
        seen.kubernetes
    );
    assert_eq!(
        (seen.writes(), seen.refused()),
        (BTreeMap::new(), BTreeMap::new())
    );
    assert_eq!(seen.kubernetes.len(), 3, "{:?}", seen.kubernetes);
    assert!(
        seen.kubernetes
            .iter()
            .all(|write| write.starts_with("POST configmaps "))
    );
    canonical::assert_same(&without_records(&world), &before, "taken over");
    assert_idle(&mut controller, &world).await;
}
