//! The question loop: what is asked when, and what each kind of answer leads to.

use std::collections::BTreeSet;

use elbow_core::build::{Built, build};
use elbow_core::intent::{Intent, Shelf, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::model::{LoadBalancerType, Scheme};
use elbow_core::question::{Answer, Answers, Question, RouteTable};
use elbow_core::settings::Settings;
use elbow_crds::problem::{Problem, ProblemCode};
use serde_json::{Value, json};

use super::manifest;
use super::world::{World, existing, subnet};

fn settings() -> Settings {
    Settings::new("my-cluster", "us-west-2", "vpc-xxx")
}

fn intent(patch: &Value) -> Intent {
    let mut service = manifest::baseline();
    manifest::merge(&mut service, patch);
    let service = manifest::view(&service);
    read(
        &StackKey::service("default", "web"),
        &Shelf::of_services([service]),
        &settings(),
    )
}

fn annotated(annotations: &[(&str, &str)]) -> Intent {
    let mut map = json!({});
    for (suffix, value) in annotations {
        map[format!("service.beta.kubernetes.io/{suffix}")] = json!(value);
    }
    intent(&json!({"metadata": {"annotations": map}}))
}

/// Questions of each round until there are none.
fn rounds(world: &World, intent: &Intent) -> Vec<BTreeSet<Question>> {
    let mut answers = Answers::new();
    let mut rounds = Vec::new();
    while let Built::Ask(questions) = build(intent, &settings(), &answers) {
        answers.extend(questions.iter().map(|q| (q.clone(), world.answer(q))));
        rounds.push(questions);
        assert!(rounds.len() <= 4, "{rounds:?}");
    }
    rounds
}

fn fault(built: &Built) -> &Problem {
    let Built::Sick(problems) = built else {
        panic!("not sick: {built:?}");
    };
    let faults: Vec<&Problem> = problems.iter().filter(|problem| problem.is_fault()).collect();
    assert_eq!(faults.len(), 1, "{problems:?}");
    faults[0]
}

fn zones(ids: &[&str]) -> Question {
    Question::Zones(ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn a_plain_service_takes_three_rounds() {
    let world = World::baseline();
    let key = StackKey::service("default", "web");
    assert_eq!(
        rounds(&world, &annotated(&[])),
        [
            BTreeSet::from([Question::Existing(key)]),
            BTreeSet::from([Question::VpcSubnets, Question::BackendGroup]),
            BTreeSet::from([zones(&["usw2-a", "usw2-b"])]),
        ]
    );
}

#[test]
fn a_flag_for_the_backend_group_needs_no_question() {
    let mut settings = settings();
    settings.backend_security_group = Some("sg-given".to_owned());
    let world = World::baseline();
    let mut answers = Answers::new();
    while let Built::Ask(questions) = build(&annotated(&[]), &settings, &answers) {
        assert!(!questions.contains(&Question::BackendGroup));
        answers.extend(questions.iter().map(|q| (q.clone(), world.answer(q))));
    }
}

#[test]
fn discovery_by_reachability_takes_four_rounds() {
    let mut world = World::baseline();
    for subnet in &mut world.subnets {
        subnet.tags.clear();
    }
    let table = |id: &str, main: bool, subnets: &[&str], gateways: &[&str]| RouteTable {
        id: id.to_owned(),
        main,
        subnets: subnets.iter().map(|id| (*id).to_owned()).collect(),
        gateways: gateways.iter().map(|id| (*id).to_owned()).collect(),
    };
    world.route_tables = vec![
        table("rtb-main", true, &[], &["local"]),
        table("rtb-public", false, &["subnet-2"], &["local", "igw-1"]),
    ];
    let chosen = |annotations: &[(&str, &str)]| {
        let Built::Stack(stack, _) = world.build(&annotated(annotations), &settings()) else {
            panic!("no stack");
        };
        stack.load_balancers[0]
            .subnets
            .iter()
            .map(|mapping| mapping.subnet.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(rounds(&world, &annotated(&[])).len(), 4);
    assert_eq!(chosen(&[]), ["subnet-1"]);
    assert_eq!(
        chosen(&[("aws-load-balancer-scheme", "internet-facing")]),
        ["subnet-2"]
    );
}

#[test]
fn without_a_main_route_table_reachability_is_a_fault() {
    let mut world = World::baseline();
    for subnet in &mut world.subnets {
        subnet.tags.clear();
    }
    let built = world.build(&annotated(&[]), &settings());
    assert_eq!(fault(&built).code, ProblemCode::NotFound);
}

#[test]
fn a_denied_question_is_a_problem_that_names_the_action() {
    let mut world = World::baseline();
    let action = "ec2:DescribeSubnets".to_owned();
    world
        .overrides
        .insert(Question::VpcSubnets, Answer::Denied { action });
    let built = world.build(&annotated(&[]), &settings());
    let problem = fault(&built);
    assert_eq!(problem.code, ProblemCode::Denied);
    assert!(
        problem.message.contains("ec2:DescribeSubnets"),
        "{}",
        problem.message
    );
    assert_eq!(
        problem.field,
        "service.beta.kubernetes.io/aws-load-balancer-subnets"
    );
}

#[test]
fn an_unknown_answer_makes_the_stack_wait_and_nothing_else() {
    let world = World::baseline();
    for question in rounds(&world, &annotated(&[])).into_iter().flatten() {
        let mut world = world.clone();
        let reason = "AWS did not answer".to_owned();
        world
            .overrides
            .insert(question.clone(), Answer::Unknown { reason });
        let built = world.build(&annotated(&[]), &settings());
        assert_eq!(
            built,
            Built::Wait("AWS did not answer".to_owned()),
            "{question:?}"
        );
    }
}

#[test]
fn an_absent_answer_is_a_fault_where_something_is_needed() {
    let world = World::baseline();
    let key = StackKey::service("default", "web");
    for question in rounds(&world, &annotated(&[])).into_iter().flatten() {
        let mut world = world.clone();
        let message = "there is none".to_owned();
        world
            .overrides
            .insert(question.clone(), Answer::Absent { message });
        let built = world.build(&annotated(&[]), &settings());
        if question == Question::Existing(key.clone()) {
            assert!(matches!(built, Built::Stack(..)), "no load balancer is no fault");
        } else {
            assert_eq!(fault(&built).code, ProblemCode::NotFound, "{question:?}");
        }
    }
}

#[test]
fn a_changed_scheme_asks_for_another_load_balancer_without_groups_where_the_old_one_has_none() {
    let mut world = World::baseline();
    world.existing.push(existing(Scheme::Internal, &[]));
    let intent = annotated(&[("aws-load-balancer-scheme", "internet-facing")]);
    let Built::Stack(stack, problems) = world.build(&intent, &settings()) else {
        panic!("no stack");
    };
    assert!(problems.is_empty(), "{problems:?}");
    let balancer = &stack.load_balancers[0];
    assert_eq!(balancer.scheme, Scheme::InternetFacing);
    assert!(
        balancer.security_groups.is_empty(),
        "as the old one, which settles that much"
    );
    let second = balancer.second_name.as_deref().unwrap();
    assert!(second != balancer.name && second.len() == balancer.name.len());
    let group = &stack.target_groups[0];
    assert_ne!(group.second_name.as_deref(), Some(group.name.as_str()));
}

#[test]
fn an_explicit_name_is_the_only_one_and_the_replacement_policy_is_read() {
    let world = World::baseline();
    let built = |annotations: &[(&str, &str)]| match world.build(&annotated(annotations), &settings()) {
        Built::Stack(stack, _) => stack.load_balancers[0].clone(),
        other => panic!("no stack: {other:?}"),
    };
    assert_eq!(built(&[("aws-load-balancer-name", "mine")]).second_name, None);
    assert!(!built(&[]).delete_first);
    let mut service = json!({"metadata": {"annotations": {"elbow.dev/replacement-policy": "delete-first"}}});
    let Built::Stack(stack, _) = world.build(&intent(&service), &settings()) else {
        panic!("no stack");
    };
    assert!(stack.load_balancers[0].delete_first);
    service["metadata"]["annotations"]["elbow.dev/replacement-policy"] = json!("now");
    let built = world.build(&intent(&service), &settings());
    assert_eq!(fault(&built).field, "elbow.dev/replacement-policy");
}

#[test]
fn of_two_load_balancers_the_one_with_the_wanted_scheme_counts() {
    let mut world = World::baseline();
    world.existing.push(existing(Scheme::Internal, &["sg-x"]));
    world.existing.push(existing(Scheme::InternetFacing, &["sg-x"]));
    let intent = annotated(&[("aws-load-balancer-scheme", "internet-facing")]);
    let Built::Stack(stack, _) = world.build(&intent, &settings()) else {
        panic!("no stack");
    };
    assert_eq!(stack.load_balancers[0].scheme, Scheme::InternetFacing);
}

#[test]
fn a_load_balancer_with_another_resource_id_is_not_the_existing_one() {
    let mut world = World::baseline();
    let mut other = existing(Scheme::InternetFacing, &[]);
    other.resource_id = "FrontendNlb".to_owned();
    world.existing.push(other);
    let Built::Stack(stack, _) = world.build(&annotated(&[]), &settings()) else {
        panic!("no stack");
    };
    assert_eq!(stack.load_balancers[0].scheme, Scheme::Internal);
}

#[test]
fn a_name_that_aws_refuses_matters_only_at_creation() {
    let intent = annotated(&[("aws-load-balancer-name", "under_score")]);
    let mut world = World::baseline();
    assert_eq!(
        fault(&world.build(&intent, &settings())).code,
        ProblemCode::NotAllowed
    );
    world.existing.push(existing(Scheme::Internal, &["sg-x"]));
    assert!(matches!(world.build(&intent, &settings()), Built::Stack(..)));
    let long = "a".repeat(33);
    assert_eq!(annotated(&[("aws-load-balancer-name", &long)]).wish, Wish::Sick);
}

/// The subnet example of the deploy reference: cluster `c1`, an internet-facing load balancer.
fn example_world() -> World {
    let role = ("kubernetes.io/role/elb", "1");
    let mut world = World::baseline();
    world.subnets = vec![
        subnet(
            "s-1",
            "a",
            "10.0.0.0/24",
            "",
            &[role, ("kubernetes.io/cluster/c2", "")],
        ),
        subnet("s-2", "a", "10.0.1.0/24", "", &[role]),
        subnet(
            "s-3",
            "a",
            "10.0.2.0/24",
            "",
            &[role, ("kubernetes.io/cluster/c1", "")],
        ),
        subnet("s-4", "b", "10.0.3.0/24", "", &[role]),
        subnet("s-5", "b", "10.0.4.0/24", "", &[role]),
    ];
    world.subnets[3].available_ips = 5;
    world.subnets[4].available_ips = 50;
    world
}

fn example_intent(kind: LoadBalancerType) -> Intent {
    let mut intent = annotated(&[("aws-load-balancer-scheme", "internet-facing")]);
    let Wish::Service(wish) = &mut intent.wish else {
        panic!("not ours");
    };
    wish.load_balancer.kind = kind;
    intent
}

#[test]
fn discovery_prefers_subnets_of_this_cluster_and_skips_foreign_and_full_ones() {
    let mut settings = settings();
    settings.scope.cluster = "c1".to_owned();
    let mut world = example_world();
    let intent = example_intent(LoadBalancerType::Application);
    let Built::Stack(stack, _) = world.build(&intent, &settings) else {
        panic!("no stack");
    };
    let chosen: Vec<&str> = stack.load_balancers[0]
        .subnets
        .iter()
        .map(|mapping| mapping.subnet.as_str())
        .collect();
    assert_eq!(chosen, ["s-3", "s-5"]);
    world.subnets.pop();
    let built = world.build(&intent, &settings);
    assert_eq!(fault(&built).code, ProblemCode::NotFound);
    let network = example_intent(LoadBalancerType::Network);
    assert!(matches!(world.build(&network, &settings), Built::Stack(..)));
}

#[test]
fn no_usable_subnet_is_explained_by_counts() {
    let mut settings = settings();
    settings.scope.cluster = "c3".to_owned();
    let mut world = example_world();
    world.subnets[1].available_ips = 7;
    world.subnets[4].available_ips = 7;
    let intent = example_intent(LoadBalancerType::Network);
    let built = world.build(&intent, &settings);
    let message = &fault(&built).message;
    assert!(
        message.contains("5 evaluated: 2 are tagged for other clusters, 3 have fewer than 8 free addresses"),
        "{message}"
    );
    assert!(message.contains("kubernetes.io/role/elb=1"), "{message}");
}

/// Rows of subnet annotations: value, chosen subnets or part of the fault.
#[test]
fn named_subnets_keep_their_order_and_are_checked() {
    let mut world = World::baseline();
    for (subnet, name) in world.subnets.iter_mut().zip(["one", "two"]) {
        subnet.tags.insert("Name".to_owned(), name.to_owned());
    }
    let mut twin = world.subnets[1].clone();
    twin.id = "subnet-3".to_owned();
    world.subnets.push(twin);
    for (value, expected) in [
        ("subnet-2,subnet-1", Ok(vec!["subnet-2", "subnet-1"])),
        ("two, one", Ok(vec!["subnet-2", "subnet-1"])),
        ("subnet-1,two", Ok(vec!["subnet-1", "subnet-2"])),
        ("two,two", Err("the same zone us-west-2b")),
        ("one,one", Err("named 2 times but only 1")),
        ("three", Err("no subnet of the VPC has the Name tag 'three'")),
        ("subnet-9", Err("the subnet subnet-9 does not exist")),
        ("subnet-1,subnet-1", Err("named twice")),
        (" , ", Err("names no subnet")),
    ] {
        let intent = annotated(&[("aws-load-balancer-subnets", value)]);
        let built = world.build(&intent, &settings());
        match expected {
            Ok(expected) => {
                let Built::Stack(stack, _) = built else {
                    panic!("{value}: {built:?}");
                };
                let chosen: Vec<&str> = stack.load_balancers[0]
                    .subnets
                    .iter()
                    .map(|mapping| mapping.subnet.as_str())
                    .collect();
                assert_eq!(chosen, expected, "{value}");
            }
            Err(part) => {
                let message = &fault(&built).message;
                assert!(message.contains(part), "{value}: {message}");
            }
        }
    }
}

#[test]
fn dualstack_needs_ipv6_blocks_on_named_subnets_and_skips_others_in_discovery() {
    let mut world = World::baseline();
    world.subnets[0].ipv6_cidrs.clear();
    let dualstack = ("aws-load-balancer-ip-address-type", "dualstack");
    let named = annotated(&[dualstack, ("aws-load-balancer-subnets", "subnet-1,subnet-2")]);
    assert_eq!(
        fault(&world.build(&named, &settings())).code,
        ProblemCode::Conflict
    );
    let Built::Stack(stack, _) = world.build(&annotated(&[dualstack]), &settings()) else {
        panic!("no stack");
    };
    assert_eq!(stack.load_balancers[0].subnets.len(), 1);
}

#[test]
fn subnets_on_outposts_and_in_unknown_zones_are_told_apart() {
    let mut world = World::baseline();
    world.subnets[0].outpost_arn = Some("arn:aws:outposts:us-west-2:000000000000:outpost/op-1".to_owned());
    let problem = fault(&world.build(&annotated(&[]), &settings())).clone();
    assert!(
        problem.message.contains("availability-zone, outpost"),
        "{problem}"
    );
    let mut world = World::baseline();
    world.zones.insert("usw2-b".to_owned(), "moon".to_owned());
    let problem = fault(&world.build(&annotated(&[]), &settings())).clone();
    assert!(problem.message.contains("unknown type 'moon'"), "{problem}");
}
