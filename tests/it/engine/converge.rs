//! What a user does comes true, costs no more than it must, and then there is rest.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_core::key::Lane;
use elbow_emulator::wire::Params;
use serde_json::{Value, json};

use super::canonical;
use super::driver::Controller;
use super::objects::{PODS, endpoints, service, world};
use super::scenarios::{self, http};
use super::world::{CONFIG_MAPS, Seen, World};
use crate::support::VPC;
use crate::support::land::{BINDINGS, SERVICES};

/// Reads that keep answers fresh, whoever works.
const BACKGROUND: [&str; 4] = [
    "DescribeAvailabilityZones",
    "DescribeRouteTables",
    "DescribeSubnets",
    "DescribeVpcs",
];

/// Every key, ten times within a minute: nobody is asked, nothing is written.
pub async fn assert_idle(controller: &mut Controller, world: &World) {
    let mark = world.mark();
    for _ in 0..10 {
        assert!(!controller.engine.wake_all(None, Lane::Resync).is_empty());
        controller.run_for(Duration::from_secs(6)).await;
    }
    let seen = world.since(mark);
    let mut calls = seen.calls.clone();
    calls.retain(|call| !BACKGROUND.contains(&call.operation.as_str()));
    assert!(calls.is_empty(), "{calls:#?}");
    assert_eq!(seen.kubernetes, [""; 0]);
}

/// Nothing of ours is left in the account or the cluster.
pub fn assert_empty(world: &World) {
    let account = world.land.emulator.state_json();
    for kind in ["load_balancers", "target_groups", "listeners"] {
        let left = &account["elb"][kind];
        assert!(
            left.as_object().is_none_or(serde_json::Map::is_empty),
            "{kind}: {left:#}"
        );
    }
    let groups = account["ec2"]["security_groups"].as_object().unwrap();
    assert!(
        groups.values().all(|group| group["name"] == "default"),
        "{groups:#?}"
    );
    for group in groups.values() {
        let rules = group["ingress"].as_array().unwrap();
        assert!(
            rules
                .iter()
                .all(|rule| !rule.to_string().contains("elbv2.k8s.aws")),
            "{rules:#?}"
        );
    }
    assert_eq!(world.list(CONFIG_MAPS), [Value::Null; 0]);
    assert_eq!(world.list(BINDINGS), [Value::Null; 0]);
}

/// How many of each there are, and the targets of all groups.
fn counts(world: &World) -> BTreeMap<&'static str, usize> {
    let account = world.land.emulator.state_json();
    let mut counts: BTreeMap<&str, usize> = ["load_balancers", "target_groups", "listeners"]
        .into_iter()
        .map(|kind| {
            (
                kind,
                account["elb"][kind].as_object().map_or(0, serde_json::Map::len),
            )
        })
        .collect();
    counts.insert(
        "security_groups",
        account["ec2"]["security_groups"].as_object().unwrap().len(),
    );
    let targets = canonical::state(world);
    let registered = targets
        .iter()
        .filter_map(|entry| entry.get("targets"))
        .map(|targets| targets.as_array().unwrap().len());
    counts.insert("targets", registered.sum());
    counts
}

struct Expected {
    targets: usize,
    groups: usize,
    edited_targets: usize,
    edited_groups: usize,
}

async fn lives(create: fn(&World), edit: fn(&World), expected: Expected) {
    let world = world();
    let mut controller = world.start();
    controller.to_rest().await;
    create(&world);
    controller.to_rest().await;
    controller.assert_content("created");
    let Expected { targets, groups, .. } = expected;
    assert_eq!(
        counts(&world),
        BTreeMap::from([
            ("load_balancers", 1),
            ("listeners", groups),
            ("target_groups", groups),
            ("targets", targets),
            ("security_groups", 3)
        ])
    );
    let service = world.get(SERVICES, "web");
    let hostname = service["status"]["loadBalancer"]["ingress"][0]["hostname"].as_str();
    assert!(
        hostname.is_some_and(|name| name.ends_with("amazonaws.com")),
        "{service:#}"
    );
    assert_eq!(
        service["metadata"]["finalizers"],
        json!(["service.k8s.aws/resources"])
    );
    assert_eq!(world.list(CONFIG_MAPS).len(), 1);
    assert_eq!(world.events_of("web").last().unwrap().0, "SuccessfullyReconciled");
    assert_idle(&mut controller, &world).await;

    edit(&world);
    controller.to_rest().await;
    controller.assert_content("edited");
    let (targets, groups) = (expected.edited_targets, expected.edited_groups);
    let now = counts(&world);
    assert_eq!(
        (now["targets"], now["target_groups"], now["listeners"]),
        (targets, groups, groups),
        "{now:?}"
    );
    assert_idle(&mut controller, &world).await;

    scenarios::delete(&world);
    controller.to_rest().await;
    controller.assert_content("deleted");
    assert_empty(&world);
    assert_eq!(world.get(SERVICES, "web"), Value::Null);
    assert_idle(&mut controller, &world).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_in_instance_mode_with_policy_cluster_lives_and_dies() {
    let expected = Expected {
        targets: 3,
        groups: 1,
        edited_targets: 6,
        edited_groups: 2,
    };
    lives(scenarios::cluster, scenarios::edit_cluster, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_in_instance_mode_with_policy_local_lives_and_dies() {
    let expected = Expected {
        targets: 3,
        groups: 1,
        edited_targets: 6,
        edited_groups: 2,
    };
    lives(scenarios::local_policy, scenarios::edit_local, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_in_ip_mode_lives_and_dies() {
    let expected = Expected {
        targets: 2,
        groups: 1,
        edited_targets: 6,
        edited_groups: 2,
    };
    lives(scenarios::ip, scenarios::edit_ip, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_with_tcp_and_udp_ports_lives_and_dies() {
    let expected = Expected {
        targets: 4,
        groups: 2,
        edited_targets: 4,
        edited_groups: 2,
    };
    lives(scenarios::udp, scenarios::edit_udp, expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_loses_its_class_is_cleaned_up() {
    loses_ownership(scenarios::cluster, scenarios::lose_class).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_loses_its_annotation_is_cleaned_up() {
    let annotated = |world: &World| {
        let mut service = service(
            "web",
            &[("type", "external"), ("nlb-target-type", "instance")],
            &http(),
        );
        service["spec"]
            .as_object_mut()
            .unwrap()
            .remove("loadBalancerClass");
        world.apply(&service);
    };
    loses_ownership(annotated, |world| {
        world.change_all(SERVICES, |service| {
            let annotations = service["metadata"]["annotations"].as_object_mut().unwrap();
            annotations.retain(|key, _| !key.ends_with("-type"));
        });
    })
    .await;
}

async fn loses_ownership(create: fn(&World), lose: fn(&World)) {
    let world = world();
    create(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content("created");
    lose(&world);
    controller.to_rest().await;
    controller.assert_content("lost");
    assert_empty(&world);
    let service = world.get(SERVICES, "web");
    let finalizers = &service["metadata"]["finalizers"];
    assert!(finalizers.as_array().is_none_or(Vec::is_empty), "{finalizers}");
    let ingress = &service["status"]["loadBalancer"]["ingress"];
    assert!(ingress.as_array().is_none_or(Vec::is_empty), "{ingress}");
    assert_idle(&mut controller, &world).await;
}

/// A target group that somebody else made: its ARN.
pub fn foreign_group(world: &World) -> String {
    let request =
        format!("Action=CreateTargetGroup&Name=by-hand&Protocol=TCP&Port=80&TargetType=ip&VpcId={VPC}");
    let answer = world.land.emulator.with_world(|world, now| {
        elbow_emulator::wire::elb::dispatch(world, now, &Params::decode(request.as_bytes())).unwrap()
    });
    let (_, rest) = answer.split_once("<TargetGroupArn>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_binding_made_by_hand_registers_and_deregisters_targets() {
    let world = world();
    let mut controller = world.start();
    let arn = foreign_group(&world);
    endpoints(&world, "plain", &http(), &PODS[..2]);
    world.apply(&json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "demo", "name": "plain"},
        "spec": {"type": "ClusterIP", "selector": {"app": "plain"}, "ports": http()},
    }));
    world.apply(&json!({
        "apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding",
        "metadata": {"namespace": "demo", "name": "by-hand"},
        "spec": {
            "serviceRef": {"name": "plain", "port": 80}, "targetGroupARN": arn, "targetType": "ip",
            "networking": {"ingress": [{
                "from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"protocol": "TCP", "port": 8080}],
            }]},
        },
    }));
    let seen = controller.to_rest().await;
    controller.assert_content("bound");
    assert_eq!(
        seen.writes(),
        BTreeMap::from([("AuthorizeSecurityGroupIngress", 1), ("RegisterTargets", 1)])
    );
    assert_eq!(counts(&world)["targets"], 2);
    assert_idle(&mut controller, &world).await;

    endpoints(&world, "plain", &http(), &PODS[1..4]);
    let seen = controller.to_rest().await;
    assert_eq!(
        seen.writes(),
        BTreeMap::from([("DeregisterTargets", 1), ("RegisterTargets", 1)])
    );
    assert_eq!(counts(&world)["targets"], 3);

    world.delete(BINDINGS, "demo", "by-hand");
    let seen = controller.to_rest().await;
    controller.assert_content("unbound");
    assert_eq!(
        seen.writes(),
        BTreeMap::from([("DeregisterTargets", 1), ("RevokeSecurityGroupIngress", 1)])
    );
    assert_eq!(world.list(BINDINGS), [Value::Null; 0]);
    assert_eq!(counts(&world)["targets"], 0);
}

/// Mutations of one scenario from a controller at rest.
async fn cost(before: fn(&World), act: fn(&World)) -> Seen {
    let world = world();
    before(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    act(&world);
    let seen = controller.to_rest().await;
    controller.assert_content("at rest");
    println!("{:?} {:?}\n{:#?}", seen.writes(), seen.reads(), seen.kubernetes);
    seen
}

/// Writes to Kubernetes by verb and kind, events apart.
fn kubernetes(seen: &Seen) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in seen.kubernetes.iter().filter(|write| !write.contains(" events ")) {
        let what: Vec<&str> = write.split(' ').take(2).collect();
        *counts.entry(what.join(" ")).or_default() += 1;
    }
    counts
}

fn table(rows: &[(&str, usize)]) -> BTreeMap<String, usize> {
    rows.iter()
        .map(|(what, count)| ((*what).to_owned(), *count))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_create_an_edit_and_a_delete_write_no_more_than_they_must() {
    let create = cost(scenarios::nothing, scenarios::ip).await;
    assert_eq!(
        create.writes(),
        BTreeMap::from([
            ("AuthorizeSecurityGroupIngress", 2), // frontend group, node group
            ("CreateListener", 1),
            ("CreateLoadBalancer", 1),
            ("CreateSecurityGroup", 2), // frontend group, backend group
            ("CreateTargetGroup", 1),
            ("RegisterTargets", 1),
        ])
    );
    assert_eq!(
        kubernetes(&create),
        table(&[
            ("PATCH services", 1),
            ("PATCH services/status", 1),
            ("PATCH targetgroupbindings", 2), // finalizer, checkpoint
            ("PATCH targetgroupbindings/status", 1),
            ("POST configmaps", 1),
            ("POST targetgroupbindings", 1),
        ])
    );
    let edit = cost(scenarios::ip, scenarios::edit_ip).await;
    assert_eq!(
        edit.writes(),
        BTreeMap::from([
            ("AddTags", 3), // load balancer, target group and listener that were there
            ("AuthorizeSecurityGroupIngress", 1),
            ("CreateListener", 1),
            ("CreateTags", 1), // frontend group
            ("CreateTargetGroup", 1),
            ("ModifyLoadBalancerAttributes", 1),
            ("ModifyTargetGroup", 1),
            ("RegisterTargets", 2),
            ("RevokeSecurityGroupIngress", 1),
        ])
    );
    assert_eq!(
        kubernetes(&edit),
        table(&[
            ("DELETE configmaps", 1),         // no record vouches for what is half way
            ("PATCH services/status", 1),     // another port
            ("PATCH targetgroupbindings", 4), // checkpoint away and again; finalizer and checkpoint of the new one
            ("PATCH targetgroupbindings/status", 1),
            ("POST targetgroupbindings", 1),
            ("POST configmaps", 1),
        ])
    );
    let delete = cost(scenarios::ip, scenarios::delete).await;
    assert_eq!(
        delete.writes(),
        BTreeMap::from([
            ("DeleteLoadBalancer", 1), // its listeners go with it
            ("DeleteSecurityGroup", 2),
            ("DeleteTargetGroup", 1),
            ("DeregisterTargets", 1),
            ("RevokeSecurityGroupIngress", 1),
        ])
    );
    // Interfaces of a deleted load balancer hold on to its groups for a while; nobody says when they let go.
    assert_eq!(
        delete.refused().keys().collect::<Vec<_>>(),
        [&"DeleteSecurityGroup"]
    );
    assert!(
        delete.refused()["DeleteSecurityGroup"] <= 5,
        "{:?}",
        delete.refused()
    );
    for seen in [&create, &edit] {
        assert_eq!(seen.refused(), BTreeMap::new());
    }
    assert_eq!(
        kubernetes(&delete),
        table(&[
            ("DELETE configmaps", 1),
            ("DELETE targetgroupbindings", 1),
            ("PATCH services", 1),
            ("PATCH services/status", 1),
            ("PATCH targetgroupbindings", 1),
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn twenty_services_at_once_come_true_within_the_published_budgets() {
    let world = world();
    for number in 0..20 {
        let name = format!("web-{number:02}");
        world.apply(&service(&name, &[("nlb-target-type", "instance")], &http()));
    }
    let config = elbow::aws::AwsConfig::new(crate::support::realm());
    let mut controller = world.start_with(config, true);
    let seen = controller.to_rest().await;
    controller.assert_content("made");
    assert_eq!(counts(&world)["load_balancers"], 20);
    assert_eq!(seen.writes()["CreateLoadBalancer"], 20);
    for number in 0..20 {
        world.delete(SERVICES, "demo", &format!("web-{number:02}"));
    }
    controller.to_rest().await;
    controller.assert_content("deleted");
    assert_empty(&world);
}
