//! The mirror against the emulator: what a sweep costs, what it finds, what is read beyond it.

use std::collections::{BTreeMap, BTreeSet};

use elbow::mirror::Depth;
use elbow_core::key::StackKey;
use elbow_emulator::{CallFilter, Fault, FaultRule};
use serde_json::json;

use crate::support::cx;
use crate::support::land::{GIVEN_GROUP, Land};
use crate::support::process::Process;

fn ports() -> serde_json::Value {
    json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}])
}

const IP: &[(&str, &str)] = &[("nlb-target-type", "ip")];

/// A land with so many stacks at rest.
async fn with_stacks(count: usize) -> (Land, BTreeSet<StackKey>) {
    let land = Land::new();
    let process = Process::start(&land);
    let mut keys = BTreeSet::new();
    for number in 0..count {
        let key = land.service(&format!("web-{number}"), IP, &ports());
        land.to_rest(&process, &key).await;
        keys.insert(key);
    }
    (land, keys)
}

/// Operations called since a call, with their number.
fn operations(land: &Land, since: u64) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in land.emulator.calls(&CallFilter::default()) {
        if call.seq > since {
            *counts.entry(call.operation).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn a_sweep_costs_pages_and_tag_batches_and_nothing_per_stack() {
    let (land, keys) = with_stacks(25).await;
    land.emulator.with_world(|world, _| world.page_size = Some(10));
    let process = Process::start(&land);
    let before = land.emulator.last_call();
    let report = process.mirror.sweep().await.unwrap();
    for key in &keys {
        process.mirror.stack(key, Depth::Listed, &cx()).await.unwrap();
    }
    let calls = operations(&land, before);
    println!("25 stacks, pages of 10: {calls:?}");
    assert_eq!(process.mirror.stacks(), keys);
    assert_eq!(report.changed, keys);
    assert_eq!(
        (calls["DescribeLoadBalancers"], calls["DescribeTargetGroups"]),
        (3, 3)
    );
    // 25 load balancers and 25 target groups, 20 at a time.
    assert_eq!(calls["DescribeTags"], 3);
    let rest: Vec<&String> = calls
        .keys()
        .filter(|operation| !operation.starts_with("DescribeSecurityGroups"))
        .collect();
    assert_eq!(
        rest,
        ["DescribeLoadBalancers", "DescribeTags", "DescribeTargetGroups"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_sweep_reads_no_tags_of_others_and_finds_nothing_new() {
    let (land, _) = with_stacks(1).await;
    let aws = land.aws();
    let wanted = Process::start(&land);
    wanted.mirror.sweep().await.unwrap();
    let group = wanted
        .mirror
        .picture(&StackKey::service("demo", "web-0"))
        .target_groups[0]
        .clone();
    let foreign = elbow_core::model::TargetGroup {
        name: "somebody-else".to_owned(),
        ..group
    };
    aws.create_target_group(&cx(), &foreign, &BTreeMap::new())
        .await
        .unwrap();
    let first = wanted.mirror.sweep().await.unwrap();
    let second = wanted.mirror.sweep().await.unwrap();
    assert_eq!((first.tags_read, second.tags_read), (3, 2));
    assert_eq!(
        (first.changed, second.changed),
        (BTreeSet::new(), BTreeSet::new())
    );
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_by_hand_is_found_by_the_sweep() {
    let (land, keys) = with_stacks(1).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let key = keys.first().unwrap();
    let balancer = process.mirror.picture(key).load_balancers[0].clone();
    let arn = balancer.arn.unwrap();
    land.aws().delete_load_balancer(&cx(), &arn).await.unwrap();
    let report = process.mirror.sweep().await.unwrap();
    assert_eq!(report.gone, BTreeSet::from([arn]));
    assert_eq!(report.changed, keys);
    land.to_rest(&process, key).await;
    assert_eq!(process.mirror.picture(key).load_balancers.len(), 1, "made again");
}

#[tokio::test(start_paused = true)]
async fn a_stale_list_takes_nothing_away() {
    let (land, keys) = with_stacks(1).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let second = land.service("late", IP, &ports());
    land.to_rest(&process, &second).await;
    land.emulator.add_fault(FaultRule::every(
        "DescribeLoadBalancers",
        Fault::FreshInvisible { seconds: 30 },
    ));
    let report = process.mirror.sweep().await.unwrap();
    assert_eq!(report.gone, BTreeSet::new());
    assert_eq!(process.mirror.picture(&second).load_balancers.len(), 1);
    assert_eq!(
        process.mirror.picture(keys.first().unwrap()).load_balancers.len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_resource_with_our_stack_tag_and_no_resource_tag_is_a_problem() {
    let (land, keys) = with_stacks(1).await;
    let key = keys.first().unwrap();
    let arn = land.emulator.with_world(|world, _| {
        let group = world.elb.target_groups.values_mut().next().unwrap();
        group.tags.remove("service.k8s.aws/resource");
        group.arn.clone()
    });
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let problems = process.mirror.problems(key);
    assert_eq!(problems.len(), 1);
    let expected = format!("unexpected targetGroup with no resourceID: {arn}");
    assert!(
        problems[0].message.starts_with(&expected),
        "{}",
        problems[0].message
    );
    assert_eq!(
        process.mirror.picture(key).target_groups,
        [],
        "it is not planned with"
    );
}

#[tokio::test(start_paused = true)]
async fn tagged_resources_without_an_owner_are_orphans() {
    let (land, keys) = with_stacks(2).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let known: BTreeSet<StackKey> = keys.iter().skip(1).cloned().collect();
    let orphans = process.mirror.orphans(&known);
    let kinds: Vec<String> = orphans
        .iter()
        .map(|orphan| format!("{:?}", orphan.kind))
        .collect();
    assert_eq!(kinds, ["SecurityGroup", "LoadBalancer", "TargetGroup"]);
    assert_eq!(process.mirror.orphans(&keys), []);
}

#[tokio::test(start_paused = true)]
async fn the_first_generations_tags_count_but_not_for_the_subnets_of_a_new_load_balancer() {
    let (land, keys) = with_stacks(1).await;
    let key = keys.first().unwrap();
    land.emulator.with_world(|world, _| {
        for balancer in world.elb.load_balancers.values_mut() {
            let cluster = balancer.tags.remove("elbv2.k8s.aws/cluster").unwrap();
            balancer
                .tags
                .insert("ingress.k8s.aws/cluster".to_owned(), cluster);
        }
    });
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    assert_eq!(process.mirror.picture(key).load_balancers.len(), 1);
    assert_eq!(process.mirror.existing(key), []);
}

#[tokio::test(start_paused = true)]
async fn the_shared_group_is_known_and_in_use() {
    let (land, _) = with_stacks(1).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    assert_eq!(process.mirror.backend_group().unwrap().id, land.backend_group);
    assert!(process.mirror.is_group_used(&land.backend_group));
    assert!(!process.mirror.is_group_used(GIVEN_GROUP));
}

#[tokio::test(start_paused = true)]
async fn only_what_was_not_read_is_read_deeply() {
    let (land, keys) = with_stacks(1).await;
    let key = keys.first().unwrap();
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let before = land.emulator.last_call();
    process.mirror.stack(key, Depth::Deep, &cx()).await.unwrap();
    let calls = operations(&land, before);
    println!("one deep read: {calls:?}");
    let before = land.emulator.last_call();
    process.mirror.stack(key, Depth::Deep, &cx()).await.unwrap();
    assert_eq!(operations(&land, before), BTreeMap::new());
    process.mirror.distrust(key);
    process.mirror.stack(key, Depth::Listed, &cx()).await.unwrap();
    let again = operations(&land, before);
    for operation in calls.keys() {
        assert!(
            again.contains_key(operation),
            "{operation} was not read again: {again:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_is_json_and_names_the_stack() {
    let (land, _) = with_stacks(1).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let json = serde_json::to_value(process.mirror.snapshot()).unwrap();
    let stack = &json["stacks"]["service:demo/web-0"];
    assert_eq!(stack["stack"]["load_balancers"].as_array().unwrap().len(), 1);
    let conditions = stack["entries"].as_object().unwrap().values();
    assert!(
        conditions
            .map(|entry| &entry["condition"])
            .all(|condition| condition == "Fresh")
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sweep_found_is_in_the_report_of_the_next() {
    let (land, _) = with_stacks(2).await;
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    let process = Process::start(&land);
    process.mirror.sweep().await.unwrap();
    let (edited, gone) = (
        StackKey::service("demo", "web-0"),
        StackKey::service("demo", "web-1"),
    );
    let arn = |key| process.mirror.picture(key).load_balancers[0].arn.clone().unwrap();
    let (edited_arn, gone_arn) = (arn(&edited), arn(&gone));
    land.emulator.with_world(|world, _| {
        let balancer = world.elb.load_balancers.get_mut(&edited_arn).unwrap();
        balancer.tags.insert("team".to_owned(), "b".to_owned());
    });
    land.aws().delete_load_balancer(&cx(), &gone_arn).await.unwrap();
    // The lists are answered, the look at what they left out is not.
    land.emulator.add_fault(FaultRule {
        after: 1,
        ..FaultRule::every("DescribeLoadBalancers", Fault::AccessDenied)
    });
    process.mirror.sweep().await.unwrap_err();
    land.emulator.clear_faults();
    let report = process.mirror.sweep().await.unwrap();
    assert_eq!(report.changed, BTreeSet::from([edited, gone]));
    assert_eq!(process.mirror.sweep().await.unwrap().changed, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn what_an_unanswered_create_made_is_found_though_reads_lag_and_its_owner_is_gone() {
    let land = Land::new();
    let process = Process::start(&land);
    let key = land.service("web", IP, &ports());
    land.emulator
        .add_fault(FaultRule::every("CreateLoadBalancer", Fault::CutAfter));
    land.emulator
        .add_fault(FaultRule::every("*", Fault::FreshInvisible { seconds: 30 }));
    while land
        .emulator
        .with_world(|world, _| world.elb.load_balancers.is_empty())
    {
        land.bind();
        process.run(&key).await;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    land.delete_service(&key);
    land.to_rest(&process, &key).await;
    let (balancers, groups) = land
        .emulator
        .with_world(|world, _| (world.elb.load_balancers.len(), world.elb.target_groups.len()));
    assert_eq!((balancers, groups), (0, 0));
}
