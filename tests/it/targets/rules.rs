//! Bindings with nodes as targets, and the rules of several bindings on one group.

use elbow_core::key::Key;
use elbow_core::model::TargetType;
use serde_json::json;

use super::room::{BINDINGS, NODES, Room, key};

fn group_key() -> Key {
    Key::GroupRules {
        vpc: crate::support::VPC.to_owned(),
        group: "sg-nodes".to_owned(),
    }
}

fn ports(rules: &[(i32, i32, String)]) -> Vec<(i32, i32)> {
    rules.iter().map(|(from, to, _)| (*from, *to)).collect()
}

#[tokio::test(start_paused = true)]
async fn nodes_are_registered_after_their_rules_are_there() {
    let mut room = Room::new(TargetType::Instance).await;
    room.bind_as("web", "instance", 30080);
    let run = room.run(&key("web")).await;
    assert_eq!(run.waits, ["security group rules of the nodes"]);
    assert!(run.enqueue.contains(&group_key()));
    assert!(room.registered().await.is_empty());
    room.settle(&group_key()).await;
    assert_eq!(room.registered().await, ["i-0a:30080", "i-0b:30080"]);
    assert!(!room.checkpoint("web").is_empty());
    room.seen();
    room.settle(&key("web")).await;
    room.settle(&group_key()).await;
    assert_eq!(room.seen(), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn rules_of_several_bindings_become_one_range_and_shrink_again() {
    let room = Room::new(TargetType::Instance).await;
    room.bind_as("web", "instance", 30080);
    room.bind_as("other", "instance", 30090);
    room.settle(&key("web")).await;
    room.settle(&key("other")).await;
    assert_eq!(ports(&room.rules("sg-nodes").await), [(30080, 30090)]);
    room.cluster.delete(BINDINGS, "demo", "other");
    room.settle(&key("other")).await;
    assert_eq!(ports(&room.rules("sg-nodes").await), [(30080, 30080)]);
    assert!(room.object(BINDINGS, "other").is_null());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_revoked_before_all_bindings_are_worked_out() {
    let mut room = Room::new(TargetType::Instance).await;
    room.bind_as("web", "instance", 30080);
    room.bind_as("other", "instance", 30090);
    room.settle(&key("web")).await;
    room.settle(&key("other")).await;
    room.restart();
    room.cluster.change_all(BINDINGS, |binding| {
        if binding["metadata"]["name"] == "other" {
            binding["spec"]["networking"]["ingress"][0]["ports"][0]["port"] = json!(30085);
        }
    });
    room.settle(&key("other")).await;
    assert_eq!(ports(&room.rules("sg-nodes").await), [(30080, 30085)]);
}

#[tokio::test(start_paused = true)]
async fn one_target_that_aws_refuses_does_not_stop_the_others() {
    let room = Room::new(TargetType::Instance).await;
    room.bind_as("web", "instance", 30080);
    room.cluster.change_all(BINDINGS, |binding| {
        binding["spec"].as_object_mut().unwrap().remove("networking");
    });
    room.cluster.apply(&json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "ghost"},
        "spec": {"providerID": "aws:///us-west-2a/i-0f"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }));
    let run = room.run(&key("web")).await;
    assert_eq!(room.registered().await, ["i-0a:30080", "i-0b:30080"]);
    assert!(run.retry);
    assert!(
        run.problems[0].message.contains("InvalidTarget"),
        "{:?}",
        run.problems
    );
    room.cluster.change_all(NODES, |node| {
        if node["metadata"]["name"] == "ghost" {
            node["metadata"]["labels"] =
                json!({"node.kubernetes.io/exclude-from-external-load-balancers": ""});
        }
    });
    let run = room.settle(&key("web")).await;
    assert!(run.problems.is_empty() && !run.retry);
    assert!(!room.checkpoint("web").is_empty());
}
