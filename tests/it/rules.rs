//! Rules of listeners through the shell: applied by plans made by hand, mirrored, read back.

use std::collections::{BTreeMap, BTreeSet};

use elbow::mirror::Depth;
use elbow_core::model::{Ref, ResourceId, ResourceKind, Rule, Setting, Tags};
use elbow_core::plan::Action;
use elbow_crds::problem::ProblemCode;
use elbow_emulator::{CallFilter, Fault, FaultRule};
use serde_json::json;

use crate::support::cx;
use crate::support::land::Land;
use crate::support::process::Process;
use crate::support::rules::{Bench, answer, create_rule, key, path, pending, rule, three_rules};
use crate::support::wanted;

fn arns(rules: &[Rule]) -> Vec<String> {
    rules.iter().filter_map(|rule| rule.arn.clone()).collect()
}

fn numbers(rules: &[Rule]) -> Vec<(&str, i32)> {
    rules
        .iter()
        .map(|rule| (rule.id.0.as_str(), rule.priority))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn rules_are_read_back_as_they_were_created_changed_renumbered_and_deleted() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    let written = bench.rules();
    assert_eq!(numbers(&written), [("80:1", 1), ("80:2", 2), ("80:3", 3)]);
    assert_eq!(bench.fresh().await.rules, written);
    assert_eq!(bench.read().await, written, "a read of our own listener");

    let arn = arns(&written);
    let known = |at: usize| Ref::Known(arn[at].clone());
    let changed = Rule {
        conditions: vec![path("/new")],
        transforms: Vec::new(),
        actions: vec![answer("410")],
        ..written[0].clone()
    };
    bench
        .done(vec![
            Action::ModifyRule {
                arn: arn[0].clone(),
                rule: changed.clone(),
            },
            Action::SetRulePriorities {
                listener: Ref::Known(bench.listener()),
                priorities: vec![(known(0), 3), (known(1), 1), (known(2), 2)],
            },
            Action::AddTags {
                resource: known(1),
                tags: wanted::tags([("team", "b")]),
            },
            Action::RemoveTags {
                resource: known(0),
                keys: BTreeSet::from(["team".to_owned()]),
            },
        ])
        .await;
    let written = bench.rules();
    assert_eq!(numbers(&written), [("80:2", 1), ("80:3", 2), ("80:1", 3)]);
    assert_eq!(written[0].tags, Setting::Set(wanted::tags([("team", "b")])));
    assert_eq!(
        written[2],
        Rule {
            priority: 3,
            tags: Setting::Set(Tags::new()),
            ..changed
        }
    );
    let before = bench.land.emulator.last_call();
    assert_eq!(bench.read().await, written);
    assert_eq!(
        bench.operations(before),
        BTreeMap::new(),
        "no read after our own writes"
    );
    assert_eq!(bench.fresh().await.rules, written);

    let gone = written[..2].iter().filter_map(|rule| rule.arn.clone());
    bench
        .done(gone.map(|arn| Action::DeleteRule { arn }).collect())
        .await;
    assert_eq!(numbers(&bench.rules()), [("80:1", 3)]);
    assert_eq!(bench.fresh().await.rules, bench.rules());

    let arn = bench.process.mirror.picture(&key()).load_balancers[0].arn.clone();
    let arn = arn.unwrap();
    bench.done(vec![Action::DeleteLoadBalancer { arn }]).await;
    assert_eq!(bench.rules(), [], "rules go with their load balancer");
}

#[tokio::test(start_paused = true)]
async fn rules_cost_one_read_a_listener_and_their_tags_one_a_score() {
    let listener = || pending(ResourceKind::Listener, "80");
    let rules: Vec<Rule> = (1..=25).map(|rank| rule(rank, listener())).collect();
    let bench = Bench::with(Land::new(), &rules).await;
    let process = Process::start(&bench.land);
    process.mirror.sweep().await.unwrap();
    let before = bench.land.emulator.last_call();
    let read = process.mirror.stack(&key(), Depth::Deep, &cx()).await.unwrap();
    assert_eq!(read.rules, bench.rules());
    let calls = bench.operations(before);
    println!("a listener with 25 rules: {calls:?}");
    // The tags of the listener, then those of 25 rules, 20 at a time.
    assert_eq!((calls["DescribeRules"], calls["DescribeTags"]), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn without_the_gate_tags_of_rules_are_neither_read_nor_needed() {
    let mut land = Land::new();
    land.settings.gates.listener_rules_tagging = false;
    let bench = Bench::with(land, &three_rules()).await;
    let process = Process::start(&bench.land);
    process.mirror.sweep().await.unwrap();
    let before = bench.land.emulator.last_call();
    let read = process.mirror.stack(&key(), Depth::Deep, &cx()).await.unwrap();
    assert!(!bench.operations(before).contains_key("DescribeTags"));
    assert_eq!(numbers(&read.rules), [("80:1", 1), ("80:2", 2), ("80:3", 3)]);
    assert!(read.rules.iter().all(|rule| rule.tags == Setting::Unmanaged));
}

#[tokio::test(start_paused = true)]
async fn rules_of_network_load_balancers_are_not_asked_for() {
    let land = Land::new();
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]);
    let key = land.service("web", &[("nlb-target-type", "ip")], &ports);
    land.to_rest(&Process::start(&land), &key).await;
    land.to_rest(&Process::start(&land), &key).await;
    let filter = CallFilter {
        operation: Some("DescribeRules".to_owned()),
        ..CallFilter::default()
    };
    assert_eq!(land.emulator.calls(&filter), []);
}

#[tokio::test(start_paused = true)]
async fn a_rule_deleted_by_hand_is_found_missing_by_the_verification() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    let arn = arns(&bench.read().await);
    bench.land.aws().delete_rule(&cx(), &arn[1]).await.unwrap();
    assert_eq!(bench.read().await.len(), 3, "nothing told us");
    bench.process.mirror.verify(&key(), &cx()).await.unwrap();
    assert_eq!(numbers(&bench.rules()), [("80:1", 1), ("80:3", 3)]);

    bench.land.aws().delete_rule(&cx(), &arn[2]).await.unwrap();
    let renumber = Action::SetRulePriorities {
        listener: Ref::Known(bench.listener()),
        priorities: vec![(Ref::Known(arn[2].clone()), 7)],
    };
    let applied = bench.apply(vec![renumber]).await;
    assert!(applied.waiting[0].for_.contains("RuleNotFound"), "{applied:#?}");
    assert!(!bench.process.mirror.is_fresh(&key()));
    assert_eq!(numbers(&bench.read().await), [("80:1", 1)]);
    let delete = Action::DeleteRule { arn: arn[2].clone() };
    bench.done(vec![delete]).await;
}

#[tokio::test(start_paused = true)]
async fn a_number_that_somebody_took_makes_the_rules_of_the_listener_doubtful() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    bench.read().await;
    let listener = Ref::Known(bench.listener());
    let theirs = rule(4, listener.clone());
    let aws = bench.land.aws();
    let arn = aws.create_rule(&cx(), &theirs, &Tags::new()).await.unwrap();
    let applied = bench.apply(vec![create_rule(&rule(4, listener))]).await;
    assert!(applied.waiting[0].for_.contains("PriorityInUse"), "{applied:#?}");
    let read = bench.read().await;
    assert_eq!(read[3].arn.as_ref(), Some(&arn));
    assert_eq!(read[3].id, ResourceId::from("80:4"), "it names no resource id");
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_rules_is_a_refusal_and_stands() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    bench
        .land
        .emulator
        .with_world(|world, _| world.quotas.rules_per_load_balancer = 3);
    let fourth = create_rule(&rule(4, Ref::Known(bench.listener())));
    for _ in 0..2 {
        let applied = bench.apply(vec![fourth.clone()]).await;
        let (_, problem) = &applied.failed[0];
        assert_eq!(problem.code, ProblemCode::Limit);
        assert!(problem.message.contains("TooManyRules"), "{}", problem.message);
        assert_eq!(problem.object.to_string(), "Ingress demo/web");
    }
    let filter = CallFilter {
        operation: Some("CreateRule".to_owned()),
        ..CallFilter::default()
    };
    assert_eq!(bench.land.emulator.calls(&filter).len(), 4, "not sent again");
}

#[tokio::test(start_paused = true)]
async fn a_creation_without_an_answer_is_looked_for_and_not_sent_twice() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    bench.read().await;
    bench
        .land
        .emulator
        .add_fault(FaultRule::once("CreateRule", Fault::CutAfter));
    let fourth = rule(4, Ref::Known(bench.listener()));
    let before = bench.land.emulator.last_call();
    let applied = bench.apply(vec![create_rule(&fourth)]).await;
    assert!(applied.suspect, "{applied:#?}");
    assert_eq!(bench.rules().len(), 3);
    let read = bench.read().await;
    let found = Rule {
        arn: read[3].arn.clone(),
        ..fourth
    };
    assert_eq!(read[3], found);
    assert_eq!(bench.operations(before)["CreateRule"], 1);
}

#[tokio::test(start_paused = true)]
async fn rules_we_made_just_now_are_not_gone_because_reads_lag() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    tokio::time::sleep(std::time::Duration::from_secs(61)).await;
    bench.read().await;
    let fourth = rule(4, Ref::Known(bench.listener()));
    bench.done(vec![create_rule(&fourth)]).await;
    let written = bench.rules();
    let stale = Fault::FreshInvisible { seconds: 30 };
    bench
        .land
        .emulator
        .add_fault(FaultRule::every("DescribeRules", stale));
    bench.process.mirror.distrust(&key());
    let mirror = &bench.process.mirror;
    let error = mirror.stack(&key(), Depth::Deep, &cx()).await.unwrap_err();
    assert_eq!(error.code, "NotVisibleYet");
    tokio::time::sleep(std::time::Duration::from_secs(31)).await;
    assert_eq!(bench.read().await, written);
}

#[tokio::test(start_paused = true)]
async fn steps_on_the_rules_of_a_listener_are_sent_in_plan_order() {
    let bench = Bench::with(Land::new(), &three_rules()).await;
    let written = bench.rules();
    let listener = Ref::Known(bench.listener());
    let (first, second) = (written[0].clone(), written[1].clone());
    let slow = Fault::Latency { milliseconds: 200 };
    bench.land.emulator.add_fault(FaultRule::once("ModifyRule", slow));
    let before = bench.land.emulator.last_call();
    bench
        .done(vec![
            Action::ModifyRule {
                arn: first.arn.clone().unwrap(),
                rule: Rule {
                    conditions: vec![path("/first")],
                    ..first
                },
            },
            create_rule(&rule(4, listener.clone())),
            Action::SetRulePriorities {
                listener: listener.clone(),
                priorities: vec![(pending(ResourceKind::Rule, "80:4"), 9)],
            },
            Action::DeleteRule {
                arn: second.arn.unwrap(),
            },
        ])
        .await;
    let filter = CallFilter {
        since: before,
        mutations: true,
        ..CallFilter::default()
    };
    let calls = bench.land.emulator.calls(&filter);
    let order: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(
        order,
        ["ModifyRule", "CreateRule", "SetRulePriorities", "DeleteRule"]
    );
    assert_eq!(bench.fresh().await.rules, bench.rules());
}
