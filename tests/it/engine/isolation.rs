//! What is wrong with one Service is told on it, in one sentence, and harms no other.

use std::time::Duration;

use elbow_emulator::{Fault, FaultRule};

use super::objects::{service, world};
use super::scenarios::http;
use super::world::World;
use crate::support::land::{GIVEN_GROUP, SERVICES};

fn plain(name: &str) -> serde_json::Value {
    service(name, &[("nlb-target-type", "instance")], &http())
}

fn has_address(world: &World, name: &str) -> bool {
    world.get(SERVICES, name)["status"]["loadBalancer"]["ingress"][0]["hostname"].is_string()
}

/// The one warning on an object that stands, though many runs were made.
fn warning(world: &World, name: &str) -> (String, String) {
    let mut events = world.events_of(name);
    events.retain(|(reason, _)| reason != "SuccessfullyReconciled");
    assert_eq!(events.len(), 1, "{events:#?}");
    events.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_told_and_harms_no_other() {
    let world = world();
    world.apply(&plain("good"));
    let mut controller = world.start();
    controller.to_rest().await;
    world
        .land
        .emulator
        .add_fault(FaultRule::every("CreateTargetGroup", Fault::AccessDenied));
    world.apply(&plain("bad"));
    let mut edited = plain("good");
    edited["metadata"]["annotations"]["service.beta.kubernetes.io/aws-load-balancer-attributes"] =
        "load_balancing.cross_zone.enabled=true".into();
    world.apply(&edited);
    let seen = controller.run_for(Duration::from_mins(5)).await;
    assert_eq!(seen.writes()["ModifyLoadBalancerAttributes"], 1);
    let (reason, note) = warning(&world, "bad");
    assert_eq!(reason, "FailedDeployModel");
    assert!(
        note.contains("CreateTargetGroup") && note.contains("AccessDenied"),
        "{note}"
    );
    assert!(has_address(&world, "good"));

    world.land.emulator.clear_faults();
    controller.to_rest().await;
    controller.assert_content("allowed");
    assert!(has_address(&world, "bad"));
    assert_eq!(world.events_of("bad").last().unwrap().0, "SuccessfullyReconciled");
}

#[tokio::test(start_paused = true)]
async fn a_service_without_subnets_is_told_and_harms_no_other() {
    let world = world();
    world.apply(&plain("good"));
    let annotations = [
        ("nlb-target-type", "instance"),
        ("subnets", "subnet-0123456789abcdef0"),
    ];
    world.apply(&service("bad", &annotations, &http()));
    let mut controller = world.start();
    controller.run_for(Duration::from_mins(5)).await;
    assert!(has_address(&world, "good") && !has_address(&world, "bad"));
    let (reason, note) = warning(&world, "bad");
    assert_eq!(reason, "FailedBuildModel");
    assert!(note.contains("subnet-0123456789abcdef0"), "{note}");
}

/// The shared backend security group too is made only for what can be built.
#[tokio::test(start_paused = true)]
async fn nothing_is_made_for_a_service_at_fault() {
    let world = world();
    let annotations = [("nlb-target-type", "instance"), ("subnets", "no-such-name")];
    world.apply(&service("bad", &annotations, &http()));
    let mut controller = world.start();
    let seen = controller.run_for(Duration::from_mins(5)).await;
    assert!(seen.writes().is_empty(), "{:?}", seen.writes());
    assert_eq!(warning(&world, "bad").0, "FailedBuildModel");
    let finalizers = world.get(SERVICES, "bad")["metadata"]["finalizers"].clone();
    assert!(finalizers.is_null(), "{finalizers}");
}

/// Nor by what happens to others meanwhile.
#[tokio::test(start_paused = true)]
async fn no_shared_group_is_made_while_only_a_service_without_subnets_would_need_it() {
    let world = world();
    world.land.emulator.with_world(|account, _| {
        for subnet in account.ec2.subnets.values_mut() {
            let (key, value) = ("kubernetes.io/cluster/other", "owned");
            subnet.tags.insert(key.to_owned(), value.to_owned());
        }
    });
    world.land.make_group(GIVEN_GROUP, "given", &[]);
    world.apply(&plain("bad"));
    let mut controller = world.start();
    controller.run_for(Duration::from_mins(1)).await;
    let annotations = [
        ("nlb-target-type", "instance"),
        ("subnets", "subnet-0e1b000000000001a"),
        ("security-groups", GIVEN_GROUP),
        ("manage-backend-security-group-rules", "false"),
    ];
    world.apply(&service("good", &annotations, &http()));
    let seen = controller.run_for(Duration::from_mins(5)).await;
    assert!(has_address(&world, "good") && !has_address(&world, "bad"));
    assert_eq!(warning(&world, "bad").0, "FailedBuildModel");
    assert_eq!(seen.writes().get("CreateSecurityGroup"), None);
}

/// A load balancer keeps the subnets it is made with.
#[tokio::test(start_paused = true)]
async fn a_new_load_balancer_is_made_with_the_subnets_of_now() {
    let world = world();
    world.apply(&plain("first"));
    let mut controller = world.start();
    controller.run_for(Duration::from_mins(2)).await;
    world.land.emulator.with_world(|account, _| {
        let subnet = account.ec2.subnets.get_mut("subnet-0e1b000000000001c").unwrap();
        subnet.tags.remove("kubernetes.io/role/internal-elb").unwrap();
    });
    world.apply(&plain("second"));
    controller.to_rest().await;
    let zones = world.land.emulator.with_world(|account, _| {
        let balancers = account.elb.load_balancers.values();
        let mut zones: Vec<(String, usize)> =
            balancers.map(|one| (one.name.clone(), one.zones.len())).collect();
        zones.sort();
        zones.into_iter().map(|(_, zones)| zones).collect::<Vec<usize>>()
    });
    assert_eq!(zones, [3, 2], "of the first and the second");
}

#[tokio::test(start_paused = true)]
async fn an_unparsable_annotation_is_told_and_harms_no_other() {
    let world = world();
    world.apply(&plain("good"));
    let annotations = [("nlb-target-type", "instance"), ("healthcheck-interval", "soon")];
    world.apply(&service("bad", &annotations, &http()));
    let mut controller = world.start();
    controller.run_for(Duration::from_mins(5)).await;
    assert!(has_address(&world, "good") && !has_address(&world, "bad"));
    let (reason, note) = warning(&world, "bad");
    assert_eq!(reason, "FailedBuildModel");
    assert!(
        note.contains("healthcheck-interval") && note.contains("soon"),
        "{note}"
    );

    world.apply(&plain("bad"));
    controller.to_rest().await;
    controller.assert_content("mended");
    assert!(has_address(&world, "bad"));
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_told_in_words_of_its_own() {
    let world = world();
    let faulty = |key, value| service("web", &[("nlb-target-type", "instance"), (key, value)], &http());
    world.apply(&faulty("scheme", "public"));
    let mut controller = world.start();
    controller.run_for(Duration::from_secs(30)).await;
    world.apply(&faulty("healthcheck-interval", "soon"));
    controller.run_for(Duration::from_secs(30)).await;
    let notes: Vec<String> = world.events_of("web").into_iter().map(|(_, note)| note).collect();
    assert_eq!(notes.len(), 2, "{notes:#?}");
    assert!(
        notes[0].contains("public") && notes[1].contains("soon"),
        "{notes:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_group_named_by_its_arn_that_is_not_there_is_told_at_once() {
    let world = world();
    let group = "arn:aws:elasticloadbalancing:us-west-2:000000000000:targetgroup/none/0123456789abcdef";
    let action = format!(
        r#"{{"type":"forward","forwardConfig":{{"baseServiceWeight":1,"targetGroups":[{{"targetGroupARN":"{group}","weight":1}}]}}}}"#
    );
    let mut service = plain("web");
    service["metadata"]["annotations"]["service.beta.kubernetes.io/actions.TCP-80"] = action.into();
    world.apply(&service);
    let mut controller = world.start();
    controller.run_for(Duration::from_secs(30)).await;
    let (reason, note) = warning(&world, "web");
    assert_eq!(reason, "FailedDeployModel");
    assert!(note.contains("TargetGroupNotFound"), "{note}");
    assert!(has_address(&world, "web"));
}
