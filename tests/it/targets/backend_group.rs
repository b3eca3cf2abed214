//! The shared backend security group.

use std::time::Duration;

use elbow_core::key::{Key, StackKey};
use elbow_core::model::TargetType;
use elbow_emulator::{Fault, FaultRule};
use serde_json::json;

use super::room::{Room, SERVICES};
use crate::support::{VPC, cx};

fn key() -> Key {
    Key::BackendGroup { vpc: VPC.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn the_backend_group_lives_as_long_as_somebody_with_a_finalizer_asks_for_it() {
    let mut room = Room::new(TargetType::Ip).await;
    let stack = StackKey::service("demo", "web");
    room.cluster.apply(&json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": "web", "finalizers": ["service.k8s.aws/resources"]},
        "spec": {"type": "LoadBalancer", "ports": []},
    }));
    room.run(&key()).await;
    assert_eq!(room.seen().0, Vec::<String>::new(), "nobody has asked");
    assert_eq!(room.targets.backend_group(&room.mirror, &stack), None);
    let run = room.run(&key()).await;
    assert_eq!(run.enqueue, [Key::Stack(stack.clone())]);
    let id = room.targets.backend_group(&room.mirror, &stack).unwrap();
    let found = room
        .aws
        .group_states(&cx(), std::slice::from_ref(&id))
        .await
        .unwrap();
    assert!(found[0].name.starts_with("k8s-traffic-c1-"));
    assert_eq!(found[0].tags["elbv2.k8s.aws/resource"], "backend-sg");

    room.seen();
    room.run(&key()).await;
    room.restart();
    room.run(&key()).await;
    assert_eq!(room.seen().0, Vec::<String>::new());

    room.cluster
        .change_all(SERVICES, |service| service["metadata"]["finalizers"] = json!([]));
    let run = room.run(&key()).await;
    assert_eq!(run.wake_at, Some(room.clock.now() + Duration::from_mins(1)));
    tokio::time::sleep(Duration::from_mins(1)).await;
    room.run(&key()).await;
    assert!(room.aws.group_states(&cx(), &[id]).await.unwrap().is_empty());
    assert_eq!(room.mirror.backend_group(), None);
}

#[tokio::test(start_paused = true)]
async fn a_group_of_that_name_without_our_tags_is_not_taken_over() {
    let room = Room::new(TargetType::Ip).await;
    let stack = StackKey::service("demo", "web");
    let name = elbow_core::targets::backend_group::name("c1");
    let none = std::collections::BTreeMap::new();
    room.aws
        .create_security_group(&cx(), &name, "mine", VPC, &none)
        .await
        .unwrap();
    room.cluster.apply(&json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": "web", "finalizers": ["service.k8s.aws/resources"]},
        "spec": {"type": "LoadBalancer", "ports": []},
    }));
    assert_eq!(room.targets.backend_group(&room.mirror, &stack), None);
    let run = room.run(&key()).await;
    assert!(run.retry);
    assert!(
        run.problems[0]
            .message
            .contains("without the tags of this cluster"),
        "{:?}",
        run.problems
    );
    assert!(room.targets.backend_group_failure().is_some());
}

/// A room in which a stack got the group, and nobody wants it any more since a minute.
async fn unwanted() -> (Room, String) {
    let room = Room::new(TargetType::Ip).await;
    room.cluster.apply(&owner());
    assert_eq!(room.targets.backend_group(&room.mirror, &stack()), None);
    room.run(&key()).await;
    let id = room.targets.backend_group(&room.mirror, &stack()).unwrap();
    room.cluster
        .change_all(SERVICES, |service| service["metadata"]["finalizers"] = json!([]));
    room.run(&key()).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    (room, id)
}

fn stack() -> StackKey {
    StackKey::service("demo", "web")
}

fn owner() -> serde_json::Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": "web", "finalizers": ["service.k8s.aws/resources"]},
        "spec": {"type": "LoadBalancer", "ports": []},
    })
}

#[tokio::test(start_paused = true)]
async fn a_group_in_use_is_looked_at_less_and_less_often_and_becomes_a_problem() {
    let (mut room, id) = unwanted().await;
    room.emulator.add_fault(FaultRule::every(
        "DeleteSecurityGroup",
        Fault::Error {
            code: "DependencyViolation".to_owned(),
            status: 400,
        },
    ));
    room.seen();
    let began = room.clock.now();
    let mut pauses = Vec::new();
    let told = loop {
        let run = room.run(&key()).await;
        let pause = run.wake_at.unwrap().duration_since(room.clock.now()).as_secs();
        pauses.push(pause);
        assert!(!run.retry, "the wait has its own pace");
        if let Some(problem) = run.problems.first() {
            break problem.clone();
        }
        assert_eq!(run.waits, [format!("security group {id} to be unused")]);
        tokio::time::sleep(Duration::from_secs(pause.try_into().unwrap())).await;
    };
    assert_eq!(pauses[..6], [2, 4, 8, 16, 30, 30]);
    assert_eq!(pauses.last(), Some(&600));
    let waited = room.clock.now().duration_since(began).as_mins();
    assert!((15..17).contains(&waited), "{waited} minutes");
    assert_eq!(told.code, elbow_crds::problem::ProblemCode::TimedOut);
    assert!(told.message.contains(&id), "{}", told.message);

    room.emulator.clear_faults();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let run = room.run(&key()).await;
    assert_eq!((run.problems, run.wake_at), (Vec::new(), None));
    assert_eq!(room.mirror.backend_group(), None);
}

#[tokio::test(start_paused = true)]
async fn tags_that_could_not_be_set_are_set_by_the_next_run() {
    let room = Room::new(TargetType::Ip).await;
    room.cluster.apply(&owner());
    assert_eq!(room.targets.backend_group(&room.mirror, &stack()), None);
    room.run(&key()).await;
    let id = room.targets.backend_group(&room.mirror, &stack()).unwrap();
    let stray = std::collections::BTreeMap::from([("stray".to_owned(), "1".to_owned())]);
    room.aws.create_tags(&cx(), &id, &stray).await.unwrap();
    room.mirror.sweep().await.unwrap();
    room.targets.distrust(&key());
    room.emulator
        .add_fault(FaultRule::once("DeleteTags", Fault::AccessDenied));
    assert!(room.run(&key()).await.retry);
    assert!(!room.run(&key()).await.retry);
    let found = room.aws.group_states(&cx(), &[id]).await.unwrap();
    assert!(!found[0].tags.contains_key("stray"), "{:?}", found[0].tags);
}
