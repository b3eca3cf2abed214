//! Somebody changes his mind, or another one's hand reaches into the account, at any moment.

use std::time::Duration;

use elbow_emulator::wire::Params;
use elbow_emulator::{Fault, FaultRule};
use serde_json::Value;
use tokio::time::sleep;

use super::canonical;
use super::converge::assert_empty;
use super::objects::world;
use super::scenarios;
use super::world::World;
use crate::support::land::BINDINGS;

/// How long every call takes, so that moments differ.
const SLOW: Duration = Duration::from_millis(100);
/// Moments at which he does; the longest of these scenarios has done everything after the last.
const MOMENTS: u32 = 24;

fn slow(world: &World) {
    let milliseconds = SLOW.as_millis().try_into().unwrap();
    world
        .land
        .emulator
        .add_fault(FaultRule::every("*", Fault::Latency { milliseconds }));
}

#[tokio::test(start_paused = true)]
async fn a_service_deleted_while_it_is_being_created_leaves_nothing() {
    for moment in 0..MOMENTS {
        let world = world();
        let mut controller = world.start();
        controller.to_rest().await;
        slow(&world);
        scenarios::ip(&world);
        sleep(SLOW * moment).await;
        scenarios::delete(&world);
        controller.to_rest().await;
        controller.assert_content(&format!("deleted after {:?}", SLOW * moment));
        assert_empty(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_taken_back_half_way_leaves_what_was_before() {
    let before = world();
    scenarios::edit_ip(&before);
    before.start().to_rest().await;
    let expected = canonical::state(&before);
    for moment in 0..MOMENTS {
        let world = world();
        scenarios::edit_ip(&world);
        let mut controller = world.start();
        controller.to_rest().await;
        slow(&world);
        scenarios::ip(&world);
        sleep(SLOW * moment).await;
        scenarios::edit_ip(&world);
        controller.to_rest().await;
        let what = format!("taken back after {:?}", SLOW * moment);
        controller.assert_content(&what);
        canonical::assert_same(&canonical::state(&world), &expected, &what);
    }
}

/// Sends a request as somebody else would, past the log.
fn by_hand(world: &World, request: &str) {
    world.land.emulator.with_world(|world, now| {
        elbow_emulator::wire::elb::dispatch(world, now, &Params::decode(request.as_bytes())).unwrap()
    });
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_deleted_by_hand_comes_back_with_a_sweep() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let expected = canonical::state(&world);
    let account = world.land.emulator.state_json();
    let balancers = account["elb"]["load_balancers"].as_object().unwrap();
    let arn = balancers.values().next().unwrap()["arn"].as_str().unwrap();
    by_hand(
        &world,
        &format!("Action=DeleteLoadBalancer&LoadBalancerArn={arn}"),
    );
    controller.run_for(Duration::from_mins(11)).await;
    controller.to_rest().await;
    controller.assert_content("back again");
    canonical::assert_same(&canonical::state(&world), &expected, "back again");
}

#[tokio::test(start_paused = true)]
async fn a_binding_deleted_by_hand_comes_back_at_once() {
    let world = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let expected = canonical::state(&world);
    let binding: Value = world.list(BINDINGS).remove(0);
    world.delete(BINDINGS, "demo", binding["metadata"]["name"].as_str().unwrap());
    controller.to_rest().await;
    controller.assert_content("back again");
    canonical::assert_same(&canonical::state(&world), &expected, "back again");
    assert_ne!(
        world.list(BINDINGS)[0]["metadata"]["uid"],
        binding["metadata"]["uid"]
    );
}

/// Takes away what the next verification has to find: a listener, targets, rules, an attribute, a tag.
fn meddle(world: &World) {
    let account = world.land.emulator.state_json();
    let one = |kind: &str| {
        let all = account["elb"][kind].as_object().unwrap();
        all.values().next().unwrap()["arn"].as_str().unwrap().to_owned()
    };
    let (balancer, group) = (one("load_balancers"), one("target_groups"));
    by_hand(
        world,
        &format!("Action=DeleteListener&ListenerArn={}", one("listeners")),
    );
    by_hand(
        world,
        &format!(
            "Action=DeregisterTargets&TargetGroupArn={group}&Targets.member.1.Id=10.0.64.11&Targets.member.1.Port=8080"
        ),
    );
    by_hand(
        world,
        &format!(
            "Action=ModifyLoadBalancerAttributes&LoadBalancerArn={balancer}\
             &Attributes.member.1.Key=load_balancing.cross_zone.enabled&Attributes.member.1.Value=false"
        ),
    );
    by_hand(
        world,
        &format!("Action=RemoveTags&ResourceArns.member.1={group}&TagKeys.member.1=team"),
    );
    world.land.emulator.with_world(|world, _| {
        for group in world.ec2.security_groups.values_mut() {
            let named = group.name != "default";
            group.ingress.retain(|_, entry| {
                !named
                    && !entry
                        .description
                        .as_deref()
                        .unwrap_or_default()
                        .contains("elbv2.k8s.aws")
            });
        }
    });
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_by_hand_is_put_right_within_the_sync_period() {
    let mut world = world();
    world.land.settings.sync_period = Duration::from_mins(30);
    scenarios::edit_ip(&world);
    let mut controller = world.start();
    controller.run_for(Duration::from_mins(10)).await;
    let expected = canonical::state(&world);
    meddle(&world);
    // Drained targets are registered again; nothing is checked for health here.
    let seen = controller.run_for(Duration::from_hours(1)).await;
    controller.assert_content("put right");
    canonical::assert_same(&canonical::state(&world), &expected, "put right");
    assert!(seen.writes()["RegisterTargets"] == 1, "{:?}", seen.writes());
    let seen = controller.run_for(Duration::from_hours(1)).await;
    assert!(!seen.reads().is_empty());
    assert_eq!((seen.writes().len(), seen.kubernetes.len()), (0, 0), "{seen:?}");
}
