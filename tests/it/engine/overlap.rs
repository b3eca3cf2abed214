//! Replacements under load: at every moment the name that the owners show leads to a healthy target.
//!
//! The health of a new target group takes its time here: its targets become healthy only when it has been in use for a
//! while, as with AWS.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use elbow_core::key::Lane;
use elbow_emulator::World as Account;
use elbow_emulator::world::ScriptedHealth;
use elbow_emulator::world::elb::action::{Action, Does};
use elbow_emulator::world::elb::routing::{Request, route};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::driver::Controller;
use super::objects::{PODS, endpoints, service, world};
use super::scenarios::{self, http};
use super::world::{INGRESSES, World};
use crate::support::land::SERVICES;

/// How long the targets of a group that is in use take to become healthy.
const WARMING: i64 = 45;
/// How often is looked.
const LOOK: Duration = Duration::from_millis(500);
/// Clients know an old name for so long.
const DRAIN: i64 = 300;

/// What was looked at.
#[derive(Debug, Default)]
struct Seen {
    moments: usize,
    dark: Vec<String>,
    /// When each load balancer was last shown, and last there.
    shown: BTreeMap<String, Timestamp>,
    there: BTreeMap<String, Timestamp>,
    /// Since when each target group is in use.
    used: BTreeMap<String, Timestamp>,
    /// Target groups that have become healthy.
    warm: BTreeSet<String>,
}

/// Looks at a world while something happens in it.
struct Watch {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Watch {
    /// Starts looking. What is there now is healthy; what comes has to become it.
    fn start(world: &World) -> Self {
        let groups = world.land.emulator.with_world(|account, _| {
            let groups = account.elb.target_groups.values();
            groups
                .map(|group| group.arn.clone())
                .collect::<BTreeSet<String>>()
        });
        // Of several scripts the last one counts.
        script(world, "*", "initial");
        for group in &groups {
            script(world, group, "healthy");
        }
        let seen = Arc::new(Mutex::new(Seen {
            warm: groups,
            ..Seen::default()
        }));
        let (noted, world) = (seen.clone(), world.clone());
        let task = tokio::spawn(async move {
            loop {
                look(&world, &mut noted.lock().unwrap());
                sleep(LOOK).await;
            }
        });
        Self { seen, task }
    }

    /// Ends, and asserts what was seen.
    fn assert_light(self, what: &str) -> Seen {
        self.task.abort();
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        println!(
            "{what}: {} moments looked at, {} without a healthy target",
            seen.moments,
            seen.dark.len()
        );
        assert!(seen.moments > 100, "{what}: {} moments", seen.moments);
        assert!(seen.dark.is_empty(), "{what}: {:#?}", seen.dark);
        seen
    }
}

pub fn script(world: &World, group: &str, state: &str) {
    world.land.emulator.script_health(ScriptedHealth {
        target_group: group.to_owned(),
        target: "*".to_owned(),
        port: None,
        state: state.to_owned(),
        reason: None,
    });
}

/// The names that owners show.
fn names(world: &World) -> BTreeSet<String> {
    let objects = world.list(SERVICES).into_iter().chain(world.list(INGRESSES));
    let points = objects.flat_map(|object| {
        let points = object["status"]["loadBalancer"]["ingress"].as_array().cloned();
        points.unwrap_or_default()
    });
    points
        .filter_map(|point| point["hostname"].as_str().map(str::to_owned))
        .collect()
}

fn look(world: &World, seen: &mut Seen) {
    let now = world.land.clock.now();
    let names = names(world);
    let (dark, there, used) = world.land.emulator.with_world(|account, _| {
        let dark: Vec<String> = names.iter().filter_map(|name| darkness(account, name)).collect();
        let there: Vec<String> = account
            .elb
            .load_balancers
            .values()
            .map(|one| one.dns_name.to_lowercase())
            .collect();
        (dark, there, used(account))
    });
    seen.moments += 1;
    seen.dark
        .extend(dark.into_iter().map(|why| format!("{now}: {why}")));
    seen.shown.extend(names.into_iter().map(|name| (name, now)));
    seen.there.extend(there.into_iter().map(|name| (name, now)));
    for group in used {
        let since = *seen.used.entry(group.clone()).or_insert(now);
        if now.duration_since(since).as_secs() >= WARMING && seen.warm.insert(group.clone()) {
            script(world, &group, "healthy");
        }
    }
}

/// Target groups that a listener or rule leads to.
pub fn used(account: &Account) -> BTreeSet<String> {
    let listeners = account.elb.listeners.values();
    let actions = listeners.flat_map(|listener| {
        let rules = listener.rules.values().flat_map(|rule| &rule.actions);
        listener.default_actions.iter().chain(rules)
    });
    actions.flat_map(groups).map(|(group, _)| group.clone()).collect()
}

fn groups(action: &Action) -> &[(String, i64)] {
    match &action.does {
        Does::Forward(forward) => &forward.groups,
        _ => &[],
    }
}

/// Why a client of this name meets no healthy target.
fn darkness(account: &Account, name: &str) -> Option<String> {
    let elb = &account.elb;
    let mut balancers = elb.load_balancers.values();
    let Some(balancer) = balancers.find(|one| one.dns_name.to_lowercase() == name && one.active) else {
        return Some(format!("{name}: no active load balancer"));
    };
    let listeners = elb
        .listeners
        .values()
        .filter(|one| one.load_balancer == balancer.arn);
    let mut answers = 0;
    for listener in listeners {
        for path in ["/", "/api"] {
            let request = Request {
                scheme: "http",
                host: "shop.example.com",
                path,
                query: "",
                method: "GET",
                headers: &[],
                source_ip: "192.0.2.1".parse().unwrap(),
                sni: None,
            };
            let forwards: Vec<_> = route(listener, &request)
                .actions
                .iter()
                .flat_map(groups)
                .collect();
            let single = forwards.len() == 1;
            for (group, _) in forwards.iter().filter(|(_, weight)| single || *weight > 0) {
                answers += 1;
                if !is_healthy(account, group) {
                    return Some(format!("{name} {path}: no healthy target in {group}"));
                }
            }
        }
    }
    (answers == 0).then(|| format!("{name}: nothing answers"))
}

fn is_healthy(account: &Account, group: &str) -> bool {
    let groups = account.elb.target_groups.values();
    let targets = groups
        .filter(|one| one.arn == group)
        .flat_map(|one| one.targets.values());
    let states = targets.map(|target| serde_json::to_value(target.health.state).unwrap());
    states.into_iter().any(|state| state == "healthy")
}

/// A Service in instance mode, internal.
pub fn web(world: &World, annotations: &[(&str, &str)]) {
    endpoints(world, "web", &http(), &PODS[..2]);
    world.apply(&service("web", annotations, &http()));
}

/// Nothing is written when everything runs again, nor by a successor.
pub async fn assert_rest(world: &World, mut controller: Controller, what: &str) -> Controller {
    controller.assert_content(what);
    controller.engine.wake_all(None, Lane::Resync);
    let again = controller.to_rest().await;
    assert!(
        again.writes().is_empty() && again.kubernetes.is_empty(),
        "{what}: {again:#?}"
    );
    drop(controller);
    let mut controller = world.start();
    let restarted = controller.to_rest().await;
    assert!(
        restarted.writes().is_empty() && restarted.kubernetes.is_empty(),
        "{what}, restarted: {restarted:#?}"
    );
    controller
}

/// Names of load balancers, target groups and bindings.
fn named(world: &World) -> Vec<String> {
    let mut names = world.land.emulator.with_world(|account, _| {
        let balancers = account.elb.load_balancers.values().map(|one| one.name.clone());
        let groups = account.elb.target_groups.values().map(|one| one.name.clone());
        balancers.chain(groups).collect::<Vec<String>>()
    });
    names.sort();
    names
}

fn schemes(world: &World) -> Vec<Value> {
    world.land.emulator.with_world(|account, _| {
        let balancers = account.elb.load_balancers.values();
        balancers
            .map(|one| serde_json::to_value(one.scheme).unwrap())
            .collect()
    })
}

/// The target type changes and changes back.
async fn target_type(what: &str, apply: fn(&World, &[(&str, &str)]), key: &str) {
    let world = world();
    apply(&world, &[(key, "instance")]);
    let mut controller = world.start();
    controller.to_rest().await;
    let first = named(&world);
    for kind in ["ip", "instance"] {
        let watch = Watch::start(&world);
        apply(&world, &[(key, kind)]);
        let seen = controller.to_rest().await;
        watch.assert_light(&format!("{what}, target type {kind}"));
        println!("{what}, target type {kind}: {:?}", seen.writes());
        controller = assert_rest(&world, controller, what).await;
    }
    assert_eq!(named(&world), first);
}

#[tokio::test(start_paused = true)]
async fn a_service_goes_from_instances_to_pods_and_back_under_load() {
    target_type("Service", web, "nlb-target-type").await;
}

#[tokio::test(start_paused = true)]
async fn an_ingress_goes_from_instances_to_pods_and_back_under_load() {
    target_type("Ingress", scenarios::shop, "target-type").await;
}

/// The scheme changes and changes back.
async fn scheme(what: &str, apply: fn(&World, &[(&str, &str)]), key: &str) {
    let world = world();
    let mode = if key == "scheme" && what == "Service" {
        "nlb-target-type"
    } else {
        "target-type"
    };
    apply(&world, &[(mode, "ip"), (key, "internal")]);
    let mut controller = world.start();
    controller.to_rest().await;
    let first = named(&world);
    for scheme in ["internet-facing", "internal"] {
        let (watch, before) = (Watch::start(&world), names(&world));
        apply(&world, &[(mode, "ip"), (key, scheme)]);
        let done = controller.to_rest().await;
        let seen = watch.assert_light(&format!("{what}, scheme {scheme}"));
        println!("{what}, scheme {scheme}: {:?}", done.writes());
        assert_eq!(schemes(&world), [json!(scheme)]);
        for name in &before {
            assert!(!names(&world).contains(name));
            let served = seen.there[name].duration_since(seen.shown[name]).as_secs();
            assert!(
                (DRAIN..DRAIN + 120).contains(&served),
                "{name} served on for {served} s"
            );
        }
        let now = named(&world);
        controller = assert_rest(&world, controller, what).await;
        assert_eq!(named(&world), now, "names stay");
        assert_eq!(now == first, scheme == "internal", "{now:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_changes_its_scheme_and_back_under_load() {
    scheme("Service", web, "scheme").await;
}

#[tokio::test(start_paused = true)]
async fn an_ingress_changes_its_scheme_and_back_under_load() {
    scheme("Ingress", scenarios::shop, "scheme").await;
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_with_a_name_of_its_own_goes_first_only_if_its_owner_lets_it() {
    let world = world();
    let annotations = |scheme| [("nlb-target-type", "ip"), ("name", "mine"), ("scheme", scheme)];
    web(&world, &annotations("internal"));
    let mut controller = world.start();
    controller.to_rest().await;
    let watch = Watch::start(&world);
    web(&world, &annotations("internet-facing"));
    let seen = controller.run_for(Duration::from_mins(3)).await;
    watch.assert_light("Service that cannot be doubled");
    assert!(seen.writes().is_empty(), "{:?}", seen.writes());
    let (reason, note) = world.events_of("web").pop().unwrap();
    assert_eq!(reason, "FailedBuildModel");
    for part in [
        "aws-load-balancer-scheme",
        "elbow.dev/replacement-policy: delete-first",
        "mine",
    ] {
        assert!(note.contains(part), "{note}");
    }
    script(&world, "*", "healthy");
    world.change_all(SERVICES, |service| {
        service["metadata"]["annotations"]["elbow.dev/replacement-policy"] = json!("delete-first");
    });
    controller.to_rest().await;
    assert_eq!(schemes(&world), [json!("internet-facing")]);
    assert!(named(&world).contains(&"mine".to_owned()));
    assert_rest(&world, controller, "after the outage").await;
}
