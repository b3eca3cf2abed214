//! Apply against the emulator and a cluster of objects: ownership, waits, refusals, Kubernetes' conflicts.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow_core::key::StackKey;
use elbow_crds::problem::{Problem, ProblemCode};
use elbow_emulator::{CallFilter, Fault, FaultRule};
use serde_json::{Value, json};

use crate::support::cx;
use crate::support::land::{BINDINGS, Land, SERVICES};
use crate::support::process::{Process, Ran};

/// The stack of all tests here.
fn key() -> StackKey {
    StackKey::service("demo", "web")
}

/// A land in which a Service in IP mode was just created.
fn create() -> Land {
    let land = Land::new();
    let annotations = [("nlb-target-type", "ip"), ("scheme", "internet-facing")];
    land.service("web", &annotations, &http());
    land
}

fn http() -> Value {
    json!([{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"}])
}

async fn runs(land: &Land, process: &Process, times: usize) -> Ran {
    let mut last = Ran::default();
    for _ in 0..times {
        land.bind();
        last = process.run(&key()).await;
        if let Some(at) = last.wake_at {
            tokio::time::sleep_until(land.clock.instant(at)).await;
        }
    }
    last
}

fn calls(land: &Land, operation: &str) -> usize {
    let filter = CallFilter {
        operation: Some(operation.to_owned()),
        ..CallFilter::default()
    };
    land.emulator.calls(&filter).len()
}

fn only(problems: &[Problem]) -> &Problem {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    &problems[0]
}

/// Lets a scenario come to rest, takes the tags of what it made away, and forgets the Service's finalizer: what
/// is left is somebody else's, under our names and settings.
async fn foreign_namesakes(kind: &str) -> Land {
    let land = create();
    land.to_rest(&Process::start(&land), &key()).await;
    land.emulator.with_world(|world, _| match kind {
        "target group" => {
            let groups = &mut world.elb.target_groups;
            for group in groups.values_mut() {
                group.tags.clear();
            }
        }
        "load balancer" => {
            let balancers = &mut world.elb.load_balancers;
            for balancer in balancers.values_mut() {
                balancer.tags.clear();
            }
        }
        _ => {
            let groups = world.ec2.security_groups.values_mut();
            let ours = groups.filter(|group| group.tags.contains_key("service.k8s.aws/stack"));
            ours.for_each(|group| group.tags.clear());
        }
    });
    land
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_of_our_name_without_our_tags_is_never_adopted() {
    let land = foreign_namesakes("load balancer").await;
    let before = land.emulator.state_json()["elb"]["load_balancers"].clone();
    let ran = runs(&land, &Process::start(&land), 2).await;
    let problem = only(&ran.problems);
    assert_eq!(problem.code, ProblemCode::Conflict);
    assert!(
        problem
            .message
            .contains("exists already and does not carry the tags"),
        "{}",
        problem.message
    );
    assert_eq!(land.emulator.state_json()["elb"]["load_balancers"], before);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_of_our_name_without_our_tags_is_never_adopted() {
    let land = foreign_namesakes("target group").await;
    let ran = runs(&land, &Process::start(&land), 2).await;
    assert_eq!(only(&ran.problems).code, ProblemCode::Conflict);
    let groups = land.emulator.state_json()["elb"]["target_groups"].clone();
    let tags: Vec<&Value> = groups
        .as_object()
        .unwrap()
        .values()
        .map(|group| &group["tags"])
        .collect();
    assert_eq!(tags, [&json!({})]);
}

#[tokio::test(start_paused = true)]
async fn a_security_group_of_our_name_without_our_tags_is_never_adopted() {
    let land = foreign_namesakes("security group").await;
    let process = Process::start(&land);
    let first = runs(&land, &process, 1).await;
    assert_eq!(first.problems, [], "its tags may only not be visible yet");
    assert!(
        first.applied.waiting[0]
            .for_
            .contains("the tags of security group")
    );
    let ran = runs(&land, &process, 8).await;
    assert_eq!(only(&ran.problems).code, ProblemCode::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_object_field_code_and_request_id_and_skips_dependents_only() {
    let land = create();
    let denied = FaultRule::every("CreateTargetGroup", Fault::AccessDenied);
    land.emulator.add_fault(denied);
    let ran = runs(&land, &Process::start(&land), 1).await;
    let problem = ran
        .problems
        .iter()
        .find(|p| p.code == ProblemCode::Denied)
        .unwrap();
    assert_eq!(problem.object.to_string(), "Service demo/web");
    for part in [
        "CreateTargetGroup",
        "elasticloadbalancing:CreateTargetGroup",
        "request id ",
    ] {
        assert!(problem.message.contains(part), "{}", problem.message);
    }
    assert_eq!(
        calls(&land, "CreateLoadBalancer"),
        1,
        "it does not need the target group"
    );
    assert_eq!(calls(&land, "CreateListener"), 0, "it does");
}

/// Runs a stack at least every ten seconds, as other wakes would.
async fn run_for(land: &Land, process: &Process, time: Duration) -> Ran {
    let end = tokio::time::Instant::now() + time;
    let mut last = Ran::default();
    while tokio::time::Instant::now() < end {
        land.bind();
        last = process.run(&key()).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    last
}

#[tokio::test(start_paused = true)]
async fn a_refused_step_is_sent_again_after_ten_minutes_or_a_change_and_stays_reported() {
    let refusals = [
        Fault::AccessDenied,
        code("ValidationError"),
        code("TooManyTargetGroups"),
    ];
    for refusal in refusals {
        let land = create();
        let id = land
            .emulator
            .add_fault(FaultRule::every("CreateTargetGroup", refusal.clone()));
        let process = Process::start(&land);
        let ran = run_for(&land, &process, Duration::from_mins(9)).await;
        assert_eq!(calls(&land, "CreateTargetGroup"), 1, "{refusal:?}");
        assert!(only(&ran.problems).message.contains("CreateTargetGroup"));
        assert!(!ran.applied.is_worth_a_retry());
        let wake = ran.wake_at.unwrap().duration_since(land.clock.now());
        assert!(wake.as_mins() <= 1, "when it may be sent again: {wake:?}");
        run_for(&land, &process, Duration::from_mins(10)).await;
        assert_eq!(calls(&land, "CreateTargetGroup"), 2, "{refusal:?}");

        land.service("web", &[("nlb-target-type", "instance")], &http());
        run_for(&land, &process, Duration::from_secs(30)).await;
        assert_eq!(calls(&land, "CreateTargetGroup"), 3, "another action");
        land.emulator.remove_fault(id);
        assert_eq!(land.to_rest(&process, &key()).await.problems, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_refused_beside_a_new_target_group_is_not_sent_again_once_that_is_known() {
    let land = create();
    land.emulator
        .add_fault(FaultRule::every("CreateListener", code("ValidationError")));
    let process = Process::start(&land);
    let ran = run_for(&land, &process, Duration::from_mins(5)).await;
    assert_eq!(calls(&land, "CreateListener"), 1);
    assert!(!ran.problems.is_empty());
}

#[tokio::test(start_paused = true)]
async fn throttling_and_servers_in_trouble_are_no_refusals() {
    for trouble in [Fault::Throttle { code: None }, code_of("InternalFailure", 500)] {
        let land = create();
        land.emulator
            .add_fault(FaultRule::every("CreateTargetGroup", trouble));
        run_for(&land, &Process::start(&land), Duration::from_mins(2)).await;
        assert!(calls(&land, "CreateTargetGroup") > 2);
    }
}

fn code(code: &str) -> Fault {
    code_of(code, 400)
}

fn code_of(code: &str, status: u16) -> Fault {
    Fault::Error {
        code: code.to_owned(),
        status,
    }
}

#[tokio::test(start_paused = true)]
async fn a_mutation_without_an_answer_ends_the_plan_and_the_next_one_reads_first() {
    let land = create();
    land.emulator
        .add_fault(FaultRule::once("CreateSecurityGroup", Fault::CutAfter));
    let process = Process::start(&land);
    let ran = process.run(&key()).await;
    assert!(ran.applied.suspect, "{:#?}", ran.applied);
    assert_eq!(ran.problems, []);
    assert!(!process.mirror.is_fresh(&key()));
    land.to_rest(&process, &key()).await;
    assert_eq!(calls(&land, "CreateSecurityGroup"), 1, "found, not made again");
}

#[tokio::test(start_paused = true)]
async fn a_security_group_in_use_is_waited_for_and_not_blocked_on() {
    let land = create();
    let process = Process::start(&land);
    land.to_rest(&process, &key()).await;
    land.delete_service(&key());
    process.run(&key()).await;
    land.bind();
    let started = tokio::time::Instant::now();
    let ran = process.run(&key()).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    let waiting: Vec<&str> = ran.applied.waiting.iter().map(|w| w.for_.as_str()).collect();
    assert!(
        waiting.iter().any(|w| w.contains("DependencyViolation")),
        "{waiting:?}"
    );
    assert!(ran.applied.waiting.iter().all(|w| w.entered));
    let objects = |w: &elbow::apply::Waiting| w.objects.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(objects(&ran.applied.waiting[0]), ["Service demo/web"]);
    let again = process.run(&key()).await;
    assert!(again.applied.waiting.iter().all(|w| !w.entered), "told once");
    let wake = ran.wake_at.unwrap().duration_since(land.clock.now());
    assert!(wake.as_millis() > 1_900 && wake.as_secs() <= 2, "{wake:?}");
    land.to_rest(&process, &key()).await;
    assert_eq!(land.cluster.list::<Value>(SERVICES), [] as [Value; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_full_security_group_gets_room_before_it_gets_rules() {
    let land = create();
    land.emulator
        .with_world(|world, _| world.quotas.rules_per_security_group = 2);
    let process = Process::start(&land);
    land.service(
        "web",
        &[
            ("nlb-target-type", "ip"),
            ("/load-balancer-source-ranges", "10.0.0.0/8,10.1.0.0/16"),
        ],
        &json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]),
    );
    land.to_rest(&process, &key()).await;
    land.service(
        "web",
        &[
            ("nlb-target-type", "ip"),
            ("/load-balancer-source-ranges", "10.2.0.0/16,10.3.0.0/16"),
        ],
        &json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]),
    );
    let last = land.to_rest(&process, &key()).await;
    assert_eq!(last.problems, []);
    let groups = process.mirror.picture(&key()).security_groups;
    assert_eq!(groups[0].ingress.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn protection_switched_on_by_hand_does_not_keep_a_deleted_service() {
    let land = create();
    let process = Process::start(&land);
    land.to_rest(&process, &key()).await;
    let arn = process.mirror.picture(&key()).load_balancers[0]
        .arn
        .clone()
        .unwrap();
    let on = BTreeMap::from([("deletion_protection.enabled".to_owned(), "true".to_owned())]);
    land.aws()
        .modify_load_balancer_attributes(&cx(), &arn, &on)
        .await
        .unwrap();
    land.delete_service(&key());
    land.to_rest(&process, &key()).await;
    assert_eq!(land.emulator.state_json()["elb"]["load_balancers"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn attributes_of_something_new_are_described_once_and_not_sent_if_none_differs() {
    let land = Land::new();
    land.service(
        "web",
        &[
            ("nlb-target-type", "ip"),
            ("attributes", "load_balancing.cross_zone.enabled=false"),
            (
                "target-group-attributes",
                "deregistration_delay.timeout_seconds=30",
            ),
        ],
        &json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]),
    );
    let process = Process::start(&land);
    process.run(&key()).await;
    assert_eq!(calls(&land, "DescribeLoadBalancerAttributes"), 1);
    assert_eq!(
        calls(&land, "ModifyLoadBalancerAttributes"),
        0,
        "off is AWS's own value"
    );
    assert_eq!(calls(&land, "ModifyTargetGroupAttributes"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_the_finalizer_is_tried_again_at_once() {
    let land = create();
    land.cluster.refuse_once("PATCH services demo/web", 409);
    let ran = Process::start(&land).run(&key()).await;
    assert_eq!((ran.problems, ran.applied.waiting.len()), (Vec::new(), 0));
    let services = land.cluster.list::<Value>(SERVICES);
    assert_eq!(
        services[0]["metadata"]["finalizers"],
        json!(["service.k8s.aws/resources"])
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_for_a_service_that_may_not_get_a_finalizer() {
    let land = create();
    land.cluster.refuse_once("PATCH services demo/web", 403);
    let ran = Process::start(&land).run(&key()).await;
    assert_eq!(only(&ran.problems).code, ProblemCode::Denied);
    let filter = CallFilter {
        mutations: true,
        ..CallFilter::default()
    };
    assert_eq!(land.emulator.calls(&filter), []);
}

#[tokio::test(start_paused = true)]
async fn a_binding_changed_by_hand_is_put_right_and_loses_its_checkpoint() {
    let land = create();
    let process = Process::start(&land);
    land.to_rest(&process, &key()).await;
    let before = land.cluster.list::<Value>(BINDINGS);
    land.cluster.change_all(BINDINGS, |binding| {
        binding["metadata"]["annotations"]["elbv2.k8s.aws/checkpoint"] = json!("x");
        binding["metadata"]["labels"]["by-hand"] = json!("yes");
        binding["spec"]["serviceRef"]["port"] = json!(81);
        binding["spec"]["iamRoleArnToAssume"] = json!("arn:aws:iam::1:role/x");
    });
    land.to_rest(&process, &key()).await;
    let after = land.cluster.list::<Value>(BINDINGS);
    assert_eq!(after[0]["spec"], before[0]["spec"]);
    assert_eq!(after[0]["metadata"]["labels"], before[0]["metadata"]["labels"]);
    let annotations = after[0]["metadata"]["annotations"].as_object();
    assert!(
        annotations.is_none_or(serde_json::Map::is_empty),
        "{annotations:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_binding_that_does_not_let_go_is_waited_for_without_writing() {
    let land = create();
    let process = Process::start(&land);
    land.to_rest(&process, &key()).await;
    land.delete_service(&key());
    process.run(&key()).await;
    land.fuse.set(None);
    for _ in 0..3 {
        let ran = process.run(&key()).await;
        assert!(
            ran.applied
                .waiting
                .iter()
                .any(|w| w.for_.contains("to let go of its targets"))
        );
    }
    let kubernetes: Vec<String> = land
        .fuse
        .writes()
        .into_iter()
        .filter(|w| w.contains('/'))
        .collect();
    assert_eq!(kubernetes, [""; 0]);
}
