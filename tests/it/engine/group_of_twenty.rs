//! A group of twenty of which one goes bad: what the others ask for at the same time comes true with the writes it
//! takes anyway, what the bad one had stays, and it is told what is wrong. The same after a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_crds::annotation::ingress::PREFIX;
use serde_json::{Value, json};

use super::canonical;
use super::converge::foreign_group;
use super::ingress::{address, backend, class, ingress};
use super::objects::world;
use super::world::{EVENTS, Frozen, INGRESSES, Seen, World};

const MEMBERS: usize = 20;
/// The one that goes bad; it comes in the middle of the group.
const BAD: &str = "m07";
/// Long enough for everything but a refusal to be sent again.
const WHILE: Duration = Duration::from_secs(45);

const ONE: &str = "arn:aws:acm:us-west-2:000000000000:certificate/one";
const TWO: &str = "arn:aws:acm:us-west-2:000000000000:certificate/two";
const PORTS: &str = r#"[{"HTTP": 80}, {"HTTPS": 443}]"#;

fn member(name: &str) -> Value {
    let annotations = [
        ("group.name", "shop"),
        ("listen-ports", PORTS),
        ("certificate-arn", ONE),
        ("target-type", "instance"),
    ];
    ingress(name, &annotations, &[("/", "web")])
}

fn name(number: usize) -> String {
    format!("m{number:02}")
}

fn annotate(ingress: &mut Value, suffix: &str, value: &str) {
    ingress["metadata"]["annotations"][format!("{PREFIX}/{suffix}")] = json!(value);
}

/// A way to go bad: what the user writes, and the field that the event has to name.
struct Way {
    what: &'static str,
    field: &'static str,
    spoil: fn(&mut Value),
}

const fn way(what: &'static str, field: &'static str, spoil: fn(&mut Value)) -> Way {
    Way { what, field, spoil }
}

const WAYS: &[Way] = &[
    way("ports that are no JSON", "listen-ports", |one| {
        annotate(one, "listen-ports", "80,443");
    }),
    way("a listener of another protocol", "listen-ports", |one| {
        annotate(one, "listen-ports", r#"[{"TCP": 80}]"#);
    }),
    way("an unknown scheme", "scheme", |one| {
        annotate(one, "scheme", "public");
    }),
    way("a scheme against that of the group", "scheme", |one| {
        annotate(one, "scheme", "internal");
    }),
    way("a certificate that is gone", "certificate-arn", |one| {
        let gone = "arn:aws:acm:us-west-2:000000000000:certificate/gone";
        annotate(one, "certificate-arn", &format!("{ONE},{gone}"));
    }),
    way("a condition that is no JSON", "conditions.web", |one| {
        annotate(one, "conditions.web", r#"[{"field": "host-header""#);
    }),
    way("a condition on what AWS does not know", "conditions.web", |one| {
        annotate(one, "conditions.web", r#"[{"field": "cookie"}]"#);
    }),
    way("too many values of a condition", "paths[0]", |one| {
        let hosts = r#"{"values": ["a.io", "b.io", "c.io", "d.io", "e.io"]}"#;
        let condition = format!(r#"[{{"field": "host-header", "hostHeaderConfig": {hosts}}}]"#);
        annotate(one, "conditions.web", &condition);
    }),
    way(
        "a weighted action that names a missing Service",
        "actions.split",
        |one| {
            let groups = r#"[{"serviceName": "web", "servicePort": 80, "weight": 9},
                         {"serviceName": "gone", "servicePort": 80, "weight": 1}]"#;
            let action = format!(r#"{{"type": "forward", "forwardConfig": {{"targetGroups": {groups}}}}}"#);
            annotate(one, "actions.split", &action);
            backend_of(
                one,
                &json!({"service": {"name": "split", "port": {"name": "use-annotation"}}}),
            );
        },
    ),
    way("an action that is no JSON", "actions.split", |one| {
        annotate(one, "actions.split", "redirect to /");
        backend_of(
            one,
            &json!({"service": {"name": "split", "port": {"name": "use-annotation"}}}),
        );
    }),
    way("a port that the Service has not", "backend", |one| {
        backend_of(one, &json!({"service": {"name": "web", "port": {"number": 81}}}));
    }),
    way("a class that does not exist", "spec.ingressClassName", |one| {
        one["spec"]["ingressClassName"] = json!("gone");
    }),
    way("a target group of another kind", "actions.split", |one| {
        forward_to(one, ALIEN);
    }),
    way("a target group that does not exist", "actions.split", |one| {
        forward_to(one, &ALIEN.replace("by-hand", "gone"));
    }),
    way("an unknown target type", "target-type", |one| {
        annotate(one, "target-type", "pod");
    }),
    way(
        "a health check that AWS refuses",
        "healthcheck-interval-seconds",
        |one| {
            annotate(one, "healthcheck-interval-seconds", "400");
        },
    ),
    way(
        "an attribute that AWS refuses",
        "load-balancer-attributes",
        |one| {
            annotate(
                one,
                "load-balancer-attributes",
                "idle_timeout.timeout_seconds=never",
            );
        },
    ),
    way("a redirect to a port without TLS", "ssl-redirect", |one| {
        annotate(one, "ssl-redirect", "8443");
    }),
    way("a place in the group that is no number", "group.order", |one| {
        annotate(one, "group.order", "first");
    }),
];

/// A target group that somebody made for a Network Load Balancer.
const ALIEN: &str =
    "arn:aws:elasticloadbalancing:us-west-2:000000000000:targetgroup/by-hand/0123456789abcdef";

fn forward_to(one: &mut Value, arn: &str) {
    let action = json!({"type": "forward", "targetGroupARN": arn});
    annotate(one, "actions.split", &action.to_string());
    backend_of(
        one,
        &json!({"service": {"name": "split", "port": {"name": "use-annotation"}}}),
    );
}

fn backend_of(ingress: &mut Value, backend: &Value) {
    ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"] = backend.clone();
}

/// The group at rest. Its first member says that the load balancer is public.
async fn group() -> Frozen {
    let world = world();
    class(&world);
    backend(&world, "web");
    backend(&world, "api");
    foreign_group(&world);
    for number in 0..MEMBERS {
        let mut one = member(&name(number));
        if number == 0 {
            annotate(&mut one, "scheme", "internet-facing");
        }
        world.apply(&one);
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    world.freeze()
}

/// What others ask for at the moment when one goes bad.
fn edit_others(world: &World) {
    let paths = |one: &mut Value, paths: &[(&str, &str)]| {
        one["spec"]["rules"] =
            ingress(one["metadata"]["name"].as_str().unwrap(), &[], paths)["spec"]["rules"].clone();
    };
    let mut more = member("m03");
    paths(&mut more, &[("/", "web"), ("/new", "web")]);
    world.apply(&more);
    let mut other = member("m05");
    paths(&mut other, &[("/", "api")]);
    world.apply(&other);
    world.delete(INGRESSES, "demo", "m12");
    let mut certificate = member("m14");
    annotate(&mut certificate, "certificate-arn", &format!("{ONE},{TWO}"));
    world.apply(&certificate);
    let mut moved = member("m15");
    moved["spec"]["rules"][0]["host"] = json!("moved.example.com");
    world.apply(&moved);
    let mut checked = member("m16");
    annotate(&mut checked, "healthcheck-path", "/healthz");
    annotate(
        &mut checked,
        "target-group-attributes",
        "deregistration_delay.timeout_seconds=30",
    );
    world.apply(&checked);
    world.apply(&member("m20"));
}

fn edit_again(world: &World) {
    let mut one = member("m09");
    one["spec"]["rules"] = ingress("m09", &[], &[("/", "web"), ("/late", "api")])["spec"]["rules"].clone();
    world.apply(&one);
    world.delete(INGRESSES, "demo", "m10");
}

/// The account, and the Ingresses but the one that is bad.
fn state(world: &World) -> Vec<Value> {
    let mut state = canonical::state(world);
    state.retain(|entry| {
        entry.get("record").is_none()
            && entry.get("/api/v1/configmaps").is_none()
            && entry[INGRESSES]["metadata"]["name"] != BAD
    });
    state
}

/// Plays the edits while one goes bad, then a restart, then more edits. What was done each time.
async fn play(frozen: &Frozen, way: Option<&Way>) -> (World, [Seen; 3], [Vec<Value>; 3]) {
    let world = frozen.thaw();
    let mut controller = world.start();
    controller.run_for(WHILE).await;
    let alien = world.land.emulator.with_world(|account, _| {
        let mut groups = account.elb.target_groups.values();
        groups.find(|group| group.name == "by-hand").unwrap().arn.clone()
    });
    if let Some(way) = way {
        world.change_all(INGRESSES, |one| {
            if one["metadata"]["name"] == BAD {
                (way.spoil)(one);
                *one = serde_json::from_str(&one.to_string().replace(ALIEN, &alien)).unwrap();
            }
        });
    }
    edit_others(&world);
    let first = controller.run_for(WHILE).await;
    let after_first = state(&world);
    drop(controller);
    let mut controller = world.start();
    let second = controller.run_for(WHILE).await;
    let after_second = state(&world);
    edit_again(&world);
    let third = controller.run_for(WHILE).await;
    let after_third = state(&world);
    (
        world,
        [first, second, third],
        [after_first, after_second, after_third],
    )
}

/// What is only in one of two states, in short.
fn difference(found: &[Value], expected: &[Value]) -> Option<String> {
    let without = |some: &[Value], others: &[Value]| -> Vec<String> {
        let only = some.iter().filter(|entry| !others.contains(entry));
        only.map(Value::to_string).collect()
    };
    let (extra, missing) = (without(found, expected), without(expected, found));
    (!extra.is_empty() || !missing.is_empty()).then(|| format!("only here {extra:?}, missing {missing:?}"))
}

fn total(writes: &BTreeMap<&str, usize>) -> usize {
    writes.values().sum()
}

/// Warnings on an object, and whether it was told of success.
fn told(world: &World, name: &str) -> (Vec<String>, usize) {
    let events = world.list(EVENTS);
    let of = events.iter().filter(|event| event["regarding"]["name"] == name);
    let (warnings, good): (Vec<&Value>, Vec<&Value>) = of.partition(|event| event["type"] == "Warning");
    let notes = warnings.iter().map(|event| event["note"].to_string());
    (
        notes.collect(),
        good.iter()
            .filter(|event| event["reason"] == "SuccessfullyReconciled")
            .count(),
    )
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_bad_costs_the_others_of_its_group_nothing() {
    let frozen = group().await;
    let (world, seen, states) = play(&frozen, None).await;
    let expected = seen.each_ref().map(Seen::writes);
    let successes = told(&world, "m03").1;
    println!("{MEMBERS} members, unspoilt: writes {expected:?}");
    assert!(expected[1].is_empty() && successes > 0, "{successes}");
    assert!(address(&world, "m20") == address(&world, "m00") && world.get(INGRESSES, "m12").is_null());
    println!(
        "{:44} | {:28} | writes, restart, more (refused)",
        "one member with", "event names"
    );
    let mut wrong = Vec::new();
    for way in WAYS {
        let (world, seen, found) = play(&frozen, Some(way)).await;
        let what = way.what;
        let writes = seen.each_ref().map(Seen::writes);
        let refused: Vec<usize> = seen.iter().map(|seen| total(&seen.refused())).collect();
        println!(
            "{what:44} | {:28} | {} {} {} {refused:?}",
            way.field,
            total(&writes[0]),
            total(&writes[1]),
            total(&writes[2])
        );
        for (moment, (found, expected)) in found.iter().zip(&states).enumerate() {
            if let Some(difference) = difference(found, expected) {
                wrong.push(format!("{what}, moment {moment}: {difference}"));
            }
        }
        if writes != expected {
            wrong.push(format!("{what}: {writes:?} instead of {expected:?}"));
        }
        let (warnings, _) = told(&world, BAD);
        if !warnings.iter().any(|note| note.contains(way.field)) {
            wrong.push(format!("{what}: {BAD}: {warnings:?}"));
        }
        for other in ["m00", "m03", "m08", "m20"] {
            let (warnings, successes) = told(&world, other);
            if !warnings.is_empty() || successes == 0 {
                wrong.push(format!("{what}: {other}: {successes} {warnings:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
