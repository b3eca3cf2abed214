//! Bindings with nodes as targets, and the rules of several bindings on one group.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_core::key::Key;
use elbow_core::model::{IngressPermission, PermissionSource, TargetType};
use elbow_core::targets::GroupRule;
use elbow_core::targets::networking::RULE_LABEL;
use elbow_emulator::{Fault, FaultRule};
use serde_json::json;

use super::room::{BINDINGS, NODES, Room, key};
use crate::support::cx;

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

/// The rule that another cluster would add for its own targets, with the label both use.
fn theirs(port: i32) -> GroupRule {
    GroupRule {
        permission: IngressPermission {
            protocol: "tcp".to_owned(),
            from_port: Some(port),
            to_port: Some(port),
            source: PermissionSource::Group("sg-be".to_owned()),
        },
        description: RULE_LABEL.to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn on_a_group_shared_with_another_cluster_its_rules_for_the_same_peer_stay() {
    let room = Room::new(TargetType::Instance).await;
    let shared = BTreeMap::from([("kubernetes.io/cluster/c2".to_owned(), "owned".to_owned())]);
    room.aws.create_tags(&cx(), "sg-nodes", &shared).await.unwrap();
    room.aws
        .authorize_ingress(&cx(), "sg-nodes", &[theirs(443)])
        .await
        .unwrap();
    room.bind_as("web", "instance", 30080);
    room.settle(&key("web")).await;
    assert_eq!(ports(&room.rules("sg-nodes").await), [(443, 443), (30080, 30080)]);
    room.cluster.delete(BINDINGS, "demo", "web");
    room.settle(&key("web")).await;
    assert_eq!(ports(&room.rules("sg-nodes").await), [(443, 443)]);
}

#[tokio::test(start_paused = true)]
async fn a_doubt_raised_during_a_run_is_looked_into_by_the_next() {
    let mut room = Room::new(TargetType::Instance).await;
    room.bind_as("web", "instance", 30080);
    room.settle(&key("web")).await;
    room.targets.distrust(&key("web"));
    room.emulator
        .add_fault(FaultRule::every("*", Fault::Latency { milliseconds: 3_000 }));
    let doubt = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        room.targets.distrust(&key("web"));
    };
    let binding = key("web");
    tokio::join!(room.run(&binding), doubt);
    room.emulator.clear_faults();
    tokio::time::sleep(Duration::from_secs(1)).await;
    room.seen();
    room.run(&binding).await;
    let seen = room.seen().0;
    assert!(seen.contains(&"DescribeTargetHealth".to_owned()), "{seen:?}");
    room.run(&binding).await;
    assert_eq!(room.seen().0, Vec::<String>::new());
}
