//! Records go with their stacks, and only our own.

use std::collections::BTreeSet;
use std::sync::Arc;

use elbow::records::Records;
use elbow_core::key::StackKey;
use elbow_core::model::Stack;

use super::objects::{service, world};
use super::scenarios::{self, http};
use super::world::CONFIG_MAPS;
use crate::support::land::SERVICES;

#[tokio::test]
async fn a_controller_of_another_class_neither_reads_nor_deletes_our_records() {
    let world = world();
    let records = |class: &str| {
        let mut settings = world.land.settings.clone();
        class.clone_into(&mut settings.scope.load_balancer_class);
        let client = world.land.cluster.client(&world.land.fuse);
        Records::new(client, "kube-system", Arc::new(settings), world.land.clock)
    };
    let key = StackKey::service("demo", "web");
    let stack = Stack::empty(&key);
    let ours = records("service.k8s.aws/nlb");
    ours.keep(&stack, &stack, true).await.unwrap();
    for may_list in [true, false] {
        let theirs = records("example.com/other");
        if may_list {
            theirs.load().await;
        }
        theirs.delete(&key).await.unwrap();
        assert_eq!(theirs.keys(), BTreeSet::new());
        assert_eq!(world.list(CONFIG_MAPS).len(), 1, "{may_list}");
    }
    let successor = records("service.k8s.aws/nlb");
    successor.load().await;
    assert_eq!(successor.keys(), BTreeSet::from([key.clone()]));
    successor.delete(&key).await.unwrap();
    assert_eq!(world.list(CONFIG_MAPS), [serde_json::Value::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_never_read_goes_with_the_ownership() {
    let world = world();
    world.apply(&service("web", &[("nlb-target-type", "instance")], &http()));
    let mut controller = world.start();
    controller.to_rest().await;
    let record = world.list(CONFIG_MAPS).remove(0);
    scenarios::lose_class(&world);
    controller.to_rest().await;
    assert_eq!(world.list(CONFIG_MAPS), [serde_json::Value::Null; 0]);
    drop(controller);
    // As if the process had died before it deleted the record; its successor may not list.
    world.apply(&record);
    world.land.cluster.refuse_once("GET configmaps", 403);
    let mut controller = world.start();
    controller.to_rest().await;
    assert_eq!(
        world.list(CONFIG_MAPS).len(),
        1,
        "nobody has looked at the Service"
    );
    world.change_all(SERVICES, |service| {
        service["metadata"]["labels"] = serde_json::json!({"seen": "once"});
    });
    controller.to_rest().await;
    assert_eq!(world.list(CONFIG_MAPS), [serde_json::Value::Null; 0]);
}
