//! Members that leave a group wait for nobody, members that never had anything hold nothing, and a rule that goes is
//! no reason to read everything anew.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::driver::Controller;
use super::ingress::{backend, class, ingress};
use super::objects::world;
use super::world::{INGRESSES, Seen, World};

const GROUP: [(&str, &str); 2] = [("group.name", "shop"), ("target-type", "instance")];
const REDIRECT: (&str, &str) = (
    "actions.away",
    r#"{"type": "redirect", "redirectConfig": {"host": "other.example.com", "statusCode": "HTTP_302"}}"#,
);

fn bad(name: &str) -> Value {
    ingress(
        name,
        &[("group.name", "shop"), ("scheme", "public")],
        &[("/", "web")],
    )
}

/// A member that answers with a redirect.
fn redirecting(name: &str) -> Value {
    let mut one = ingress(name, &[GROUP[0], GROUP[1], REDIRECT], &[("/", "away")]);
    one["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] =
        serde_json::json!({"name": "use-annotation"});
    one
}

/// The group with these members, at rest.
async fn group(members: &[Value]) -> (World, Controller) {
    let world = world();
    class(&world);
    backend(&world, "web");
    for member in members {
        world.apply(member);
    }
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("made");
    (world, controller)
}

/// Hosts of the rules of the one listener, in order.
fn hosts(world: &World) -> Vec<String> {
    let account = world.land.emulator.state_json();
    let listeners = account["elb"]["listeners"].as_object().unwrap();
    let rules = listeners
        .values()
        .flat_map(|one| one["rules"].as_object().unwrap().values());
    let mut rules: Vec<&Value> = rules.collect();
    rules.sort_by_key(|rule| rule["priority"].as_u64());
    let text = |rule: &&Value| {
        let text = rule["conditions"].to_string();
        let (_, rest) = text.split_once(".example.com").unwrap();
        text[..text.len() - rest.len() - ".example.com".len()]
            .rsplit('"')
            .next()
            .unwrap()
            .to_owned()
    };
    rules.iter().map(text).collect()
}

async fn after(controller: &mut Controller) -> Seen {
    controller.run_for(Duration::from_secs(100)).await
}

#[tokio::test(start_paused = true)]
async fn one_that_is_deleted_while_all_others_are_sick_takes_its_own_away_and_goes() {
    let plain = |name: &str| ingress(name, &GROUP, &[("/", "web")]);
    let (world, mut controller) = group(&[plain("a"), plain("b"), plain("c")]).await;
    for name in ["b", "c"] {
        world.apply(&bad(name));
    }
    assert_eq!(after(&mut controller).await.writes(), BTreeMap::new());
    assert_eq!(hosts(&world), ["a", "b", "c"]);

    world.delete(INGRESSES, "demo", "a");
    let seen = after(&mut controller).await;
    assert_eq!(
        seen.writes(),
        BTreeMap::from([
            ("DeleteRule", 1),
            ("DeleteTargetGroup", 1),
            ("DeregisterTargets", 1)
        ])
    );
    assert_eq!(hosts(&world), ["b", "c"]);
    assert_eq!(world.get(INGRESSES, "a"), Value::Null);

    drop(controller);
    let mut controller = world.start();
    assert_eq!(after(&mut controller).await.writes(), BTreeMap::new());
    for name in ["b", "c"] {
        world.delete(INGRESSES, "demo", name);
    }
    controller.to_rest().await;
    assert_eq!(world.list(INGRESSES), [Value::Null; 0]);
    world.land.emulator.with_world(|account, _| {
        let elb = &account.elb;
        assert!(elb.load_balancers.is_empty() && elb.target_groups.is_empty());
    });
}

#[tokio::test(start_paused = true)]
async fn one_that_never_had_anything_holds_nothing() {
    let (world, mut controller) = group(&[redirecting("a"), redirecting("c")]).await;
    world.apply(&bad("b"));
    world.delete(INGRESSES, "demo", "c");
    let seen = after(&mut controller).await;
    assert_eq!(seen.writes(), BTreeMap::from([("DeleteRule", 1)]));
    assert_eq!(
        (hosts(&world), world.get(INGRESSES, "c")),
        (vec!["a".to_owned()], Value::Null)
    );
    assert!(world.get(INGRESSES, "b")["metadata"]["finalizers"].is_null());

    world.delete(INGRESSES, "demo", "a");
    controller.run_for(Duration::from_mins(5)).await;
    assert_eq!(world.get(INGRESSES, "a"), Value::Null);
    world
        .land
        .emulator
        .with_world(|account, _| assert!(account.elb.load_balancers.is_empty()));
    assert!(!world.get(INGRESSES, "b").is_null());
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_goes_costs_one_write_and_no_read() {
    let paths = [("/", "web"), ("/more", "web"), ("/most", "web")];
    let with = |count: usize| ingress("a", &GROUP, &paths[..count]);
    let (world, mut controller) = group(&[with(3)]).await;
    // What was only ever written is read once.
    world.apply(&with(2));
    controller.to_rest().await;
    world.apply(&with(1));
    let seen = controller.to_rest().await;
    controller.assert_content("edited");
    assert_eq!(seen.writes(), BTreeMap::from([("DeleteRule", 1)]));
    assert_eq!(seen.reads(), BTreeMap::new());
}
