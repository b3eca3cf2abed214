//! Bindings with pods as targets.

use std::time::Duration;

use elbow_core::model::TargetType;
use tokio::time::sleep;

use super::room::{BINDINGS, Room, SERVICES, key};

/// A binding at rest with one pod whose gate is open.
async fn at_rest() -> Room {
    let mut room = Room::new(TargetType::Ip).await;
    room.bind("ip");
    room.pod("a", "node-a", "10.0.64.11");
    room.slice(&[("a", "10.0.64.11")]);
    room.settle(&key("web")).await;
    sleep(Duration::from_mins(5)).await;
    room.settle(&key("web")).await;
    assert_eq!(room.gate("a"), ("True".to_owned(), String::new()));
    room.seen();
    room
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_registered_gated_and_let_in_and_then_nothing_is_called_any_more() {
    let mut room = Room::new(TargetType::Ip).await;
    room.bind("ip");
    room.pod("a", "node-a", "10.0.64.11");
    room.pod("b", "node-b", "10.0.96.40");
    room.slice(&[("a", "10.0.64.11"), ("b", "10.0.96.40")]);
    let run = room.settle(&key("web")).await;
    assert!(run.problems.is_empty(), "{:?}", run.problems);
    assert_eq!(run.wake_at, Some(room.clock.now() + Duration::from_secs(15)));
    assert_eq!(room.registered().await, ["10.0.64.11:8080", "10.0.96.40:8080"]);
    assert_eq!(
        room.rules("sg-nodes").await,
        [(8080, 8080, "elbv2.k8s.aws/targetGroupBinding=shared".to_owned())]
    );
    assert_eq!(
        room.gate("a"),
        ("False".to_owned(), "Elb.RegistrationInProgress".to_owned())
    );
    assert_eq!(room.checkpoint("web"), "");

    sleep(Duration::from_mins(5)).await;
    room.settle(&key("web")).await;
    assert_eq!(room.gate("a"), ("True".to_owned(), String::new()));
    assert_eq!(room.gate("b").0, "True");
    assert_eq!(room.checkpoint("web").len(), 87);
    let binding = room.object(BINDINGS, "web");
    assert_eq!(binding["status"]["observedGeneration"], 1);
    assert_eq!(binding["metadata"]["finalizers"][0], "elbv2.k8s.aws/resources");

    room.seen();
    for _ in 0..10 {
        room.settle(&key("web")).await;
    }
    assert_eq!(room.seen(), (Vec::new(), Vec::new()));
    room.restart();
    room.settle(&key("web")).await;
    assert_eq!(room.seen(), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_binding_takes_its_targets_and_rules_along_even_after_a_restart() {
    for restarted in [false, true] {
        let mut room = at_rest().await;
        if restarted {
            room.restart();
        }
        room.cluster.delete(BINDINGS, "demo", "web");
        room.settle(&key("web")).await;
        assert!(room.object(BINDINGS, "web").is_null(), "restarted: {restarted}");
        assert_eq!(room.registered().await, Vec::<String>::new());
        assert_eq!(room.rules("sg-nodes").await, []);
        room.settle(&key("web")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_backend_empties_the_group_and_says_so_once() {
    let mut room = at_rest().await;
    room.cluster.delete(SERVICES, "demo", "web");
    let run = room.run(&key("web")).await;
    assert_eq!(run.events.len(), 1);
    assert_eq!(run.events[0].reason, "BackendNotFound");
    assert_eq!(
        run.events[0].message,
        "backend not found: services \"web\" not found"
    );
    room.settle(&key("web")).await;
    assert_eq!(room.registered().await, Vec::<String>::new());
    room.seen();
    let run = room.settle(&key("web")).await;
    assert!(run.events.is_empty());
    assert_eq!(room.seen(), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_retried_at_once_and_a_pod_that_is_gone_is_no_error() {
    let room = Room::new(TargetType::Ip).await;
    room.bind("ip");
    room.pod("a", "node-a", "10.0.64.11");
    room.slice(&[("a", "10.0.64.11")]);
    room.cluster
        .refuse_once("PATCH targetgroupbindings demo/web", 409);
    room.cluster.refuse_once("PATCH pods/status demo/a", 404);
    let run = room.run(&key("web")).await;
    assert!(run.problems.is_empty(), "{:?}", run.problems);
    assert_eq!(room.registered().await, ["10.0.64.11:8080"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_kubernetes_refuses_is_told_and_tried_again() {
    let room = Room::new(TargetType::Ip).await;
    room.bind("ip");
    room.pod("a", "node-a", "10.0.64.11");
    room.slice(&[("a", "10.0.64.11")]);
    room.cluster.refuse_once("PATCH pods/status demo/a", 403);
    let run = room.run(&key("web")).await;
    assert!(run.retry);
    assert_eq!(run.events.last().unwrap().reason, "FailedReconcile");
    let run = room.run(&key("web")).await;
    assert!(!run.retry, "{:?}", run.problems);
    assert_eq!(room.gate("a").0, "False");
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_does_not_exist_fails_the_run_but_not_the_deletion() {
    let mut room = Room::new(TargetType::Ip).await;
    room.group = room.group.replace("targetgroup/web", "targetgroup/nope");
    room.bind("ip");
    let run = room.run(&key("web")).await;
    assert!(run.retry);
    assert!(run.events[0].message.starts_with("Failed reconcile due to "));
    room.cluster.delete(BINDINGS, "demo", "web");
    room.settle(&key("web")).await;
    assert!(room.object(BINDINGS, "web").is_null());
}
