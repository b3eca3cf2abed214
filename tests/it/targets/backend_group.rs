//! The shared backend security group.

use std::time::Duration;

use elbow_core::key::{Key, StackKey};
use elbow_core::model::TargetType;
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
    let found = room.aws.group_states(&cx(), &[id.clone()]).await.unwrap();
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
    assert_eq!(run.wake_at, Some(room.clock.now() + Duration::from_secs(60)));
    tokio::time::sleep(Duration::from_secs(60)).await;
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
