//! AWS with its own rate limits: thirty Services and thirty Ingresses come true as fast as they let, no call is
//! refused for coming too fast, and a pod that moves meanwhile does not wait for them.

use std::time::Duration;

use elbow::aws::AwsConfig;
use elbow_emulator::options::Throttle;
use elbow_emulator::{Call, Options, Seed};
use jiff::Timestamp;

use super::ingress;
use super::objects::{PODS, SEED, endpoints, furnish, service};
use super::scenarios::http;
use super::world::{INGRESSES, World};
use crate::support::land::SERVICES;
use crate::support::realm;

const EACH: usize = 30;
/// Size of the documented buckets, and calls that come back in a second.
const LOAD_BALANCERS: (f64, f64) = (10.0, 0.2);
const MUTATIONS: (f64, f64) = (20.0, 3.0);
const ALL: (f64, f64) = (40.0, 10.0);

fn world() -> World {
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    let options = Options {
        throttle: Throttle::Aws,
        ..Options::default()
    };
    let world = World::with(start, Seed::parse("test.yaml", SEED).unwrap(), options);
    furnish(&world);
    world
}

fn create(world: &World) {
    for number in 0..EACH {
        let name = format!("web-{number:02}");
        world.apply(&service(&name, &[("nlb-target-type", "instance")], &http()));
        let name = format!("shop-{number:02}");
        world.apply(&ingress::ingress(
            &name,
            &[("target-type", "instance")],
            &[("/", "back")],
        ));
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// How long so many calls take at least, the documented bucket being full at first.
fn floor(calls: usize, (capacity, rate): (f64, f64)) -> f64 {
    let calls = f64::from(u32::try_from(calls).unwrap());
    (calls - capacity).max(0.0) / rate
}

fn made<'a>(calls: &'a [Call], operation: &'a str) -> impl Iterator<Item = &'a Call> {
    calls
        .iter()
        .filter(move |call| call.operation == operation && call.committed)
}

/// Objects that show an address.
fn published(world: &World) -> usize {
    let all = [SERVICES, INGRESSES].map(|collection| world.list(collection));
    let shown =
        |object: &&serde_json::Value| object["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string();
    all.iter().flatten().filter(shown).count()
}

#[tokio::test(start_paused = true)]
async fn sixty_load_balancers_come_at_the_rate_of_aws_and_pods_do_not_wait_for_them() {
    let world = world();
    ingress::class(&world);
    ingress::backend(&world, "back");
    endpoints(&world, "early", &http(), &PODS[..2]);
    world.apply(&service("early", &[("nlb-target-type", "ip")], &http()));
    let mut controller = world.start_with(AwsConfig::new(realm()), true);
    controller.to_rest().await;
    // Every bucket is full again.
    controller.run_for(Duration::from_mins(2)).await;

    let (mark, start) = (world.mark(), world.land.clock.now());
    create(&world);
    controller.run_for(Duration::from_secs(125)).await;
    let moved = world.land.clock.now();
    endpoints(&world, "early", &http(), &PODS[1..3]);
    controller.to_rest().await;
    controller.assert_content("made");
    let seen = world.since(mark);
    assert_eq!(published(&world), 2 * EACH + 1);

    let throttled: Vec<&Call> = seen.calls.iter().filter(|call| call.throttled).collect();
    assert_eq!(throttled, [] as [&Call; 0]);
    let created: Vec<&Call> = made(&seen.calls, "CreateLoadBalancer").collect();
    assert_eq!(created.len(), 2 * EACH);
    let target = format!("Targets.member.1.Id={}", PODS[2]);
    let registered = made(&seen.calls, "RegisterTargets")
        .find(|call| {
            let mut parameters = call.parameters.iter();
            parameters.any(|(key, value)| format!("{key}={value}") == target)
        })
        .unwrap();
    let waited = seconds(moved, registered.at);
    let later = created.iter().filter(|call| call.at > registered.at).count();
    let mutations = seen.calls.iter().filter(|call| call.mutation);
    let elb = mutations
        .filter(|call| call.service == created[0].service)
        .count();
    let last = seconds(start, created.last().unwrap().at);
    let all = seconds(
        start,
        seen.calls
            .iter()
            .filter(|call| call.mutation)
            .map(|call| call.at)
            .max()
            .unwrap(),
    );
    let bound = floor(created.len(), LOAD_BALANCERS);
    println!(
        "{} load balancers: the documented floor is {bound:.0} s (others: {elb} mutations {:.0} s, {} calls {:.0} s); \
         the last was created after {last:.1} s = {:.3} floors, the last write was made after {all:.1} s = {:.3} floors",
        created.len(),
        floor(elb - created.len(), MUTATIONS),
        seen.calls.len(),
        floor(seen.calls.len(), ALL),
        last / bound,
        all / bound,
    );
    println!(
        "a pod that moved after {:.0} s was registered {waited:.3} s later, {later} creations before the end; throttled: 0",
        seconds(start, moved)
    );
    assert!((bound - 250.0).abs() < 1e-9, "{bound}");
    assert!(last <= bound * 1.05 && all <= bound * 1.2, "{last} {all}");
    assert!(waited < 2.0 && later >= 20, "{waited} {later}");
}
