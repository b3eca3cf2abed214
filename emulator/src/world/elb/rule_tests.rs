//! Rules as operations: what is refused, what counts as used, what happens at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::{
    action::{Action, Does, FixedResponse},
    arn::Kind,
    certificate::Named,
    condition::{Condition, ConditionRequest},
    listener::{self, Listener},
    listener_settings::ListenerSettings,
    load_balancer,
    page::PageRequest,
    rule::{self, CreateRule, ModifyRule, Rule},
    rule_priorities, tags,
    target_group::CreateTargetGroup,
    tests::*,
    transform::{Rewrites, Transform},
    words::Protocol,
};
use crate::world::{ApiError, World};

fn on(field: &str, values: &[&str]) -> Condition {
    Condition::checked(&ConditionRequest::of(field, values)).unwrap()
}

pub fn answer(order: Option<i64>) -> Action {
    let response = FixedResponse {
        status: "200".into(),
        ..Default::default()
    };
    Action {
        order,
        does: Does::FixedResponse(response),
    }
}

pub fn http(name: &str) -> CreateTargetGroup {
    CreateTargetGroup {
        protocol: Some(Protocol::Http),
        ..tcp(name)
    }
}

/// An application load balancer with an HTTP listener on port 80.
pub fn plain() -> (World, String) {
    let mut world = world();
    let (owner, _) = serving(&mut world, false);
    let found = listener::describe(&world.elb, Some(&owner.arn), &[], &PageRequest::default()).unwrap();
    let arn = found.items[0].arn.clone();
    (world, arn)
}

pub fn secure(world: &mut World, port: i64) -> Listener {
    let owner = world.elb.load_balancers.keys().next().unwrap().clone();
    let certificates = Some(vec![Named {
        arn: CERTIFICATE.into(),
        is_default: None,
    }]);
    let wanted = ListenerSettings {
        certificates,
        ..settings(Protocol::Https, port, vec![answer(None)])
    };
    listener::create(world, at(0), &owner, &wanted, &[]).unwrap()
}

pub fn request(listener: &str, priority: i64) -> CreateRule {
    CreateRule {
        listener: listener.into(),
        priority,
        conditions: vec![on("path-pattern", &["/a"])],
        actions: vec![answer(None)],
        ..CreateRule::default()
    }
}

pub fn add(world: &mut World, listener: &str, priority: i64) -> Rule {
    rule::create(world, at(0), &request(listener, priority)).unwrap()
}

fn priorities(world: &World, listener: &str) -> Vec<(String, Option<u32>)> {
    let page = rule::describe(&world.elb, Some(listener), &[], &PageRequest::default()).unwrap();
    let shown = page.items.into_iter();
    shown.map(|rule| (rule.arn.to_owned(), rule.priority)).collect()
}

pub fn code<T>(result: Result<T, ApiError>) -> &'static str {
    result.map(|_| ()).unwrap_err().code
}

#[test]
fn rules_are_listed_by_priority_with_the_default_rule_last_in_pages_too() {
    let (mut world, listener) = plain();
    let (third, first, second) = (
        add(&mut world, &listener, 10_000),
        add(&mut world, &listener, 9),
        add(&mut world, &listener, 100),
    );
    let default = world.elb.listener(&listener).unwrap().default_rule.arn.clone();
    let prefix = listener.replace(":listener/", ":listener-rule/");
    assert_eq!(first.arn.len(), prefix.len() + 17, "{}", first.arn);
    assert!(first.arn.starts_with(&prefix) && Kind::of(&first.arn) == Some(Kind::Rule));
    let expected = [first.arn, second.arn, third.arn, default];
    let listed: Vec<String> = priorities(&world, &listener)
        .into_iter()
        .map(|(arn, _)| arn)
        .collect();
    assert_eq!(listed, expected);
    let mut paged = Vec::new();
    let mut page = PageRequest {
        size: Some(1),
        ..Default::default()
    };
    loop {
        let found = rule::describe(&world.elb, Some(&listener), &[], &page).unwrap();
        paged.extend(found.items.iter().map(|rule| rule.arn.to_owned()));
        page.marker = found.next;
        if page.marker.is_none() {
            break;
        }
    }
    assert_eq!(paged, expected);
    let both = rule::describe(&world.elb, None, &expected[2..], &PageRequest::default()).unwrap();
    assert_eq!(both.items.len(), 2);
    let gone = [format!("{prefix}/0")];
    assert_eq!(
        code(rule::describe(&world.elb, None, &gone, &PageRequest::default())),
        "RuleNotFound"
    );
    assert_eq!(
        code(rule::describe(
            &world.elb,
            Some(&listener),
            &gone,
            &PageRequest::default()
        )),
        "ValidationError"
    );
}

#[test]
fn a_priority_is_taken_once_and_in_range() {
    let (mut world, listener) = plain();
    add(&mut world, &listener, 1);
    assert_eq!(
        code(rule::create(&mut world, at(1), &request(&listener, 1))),
        "PriorityInUse"
    );
    for priority in [0, -1, 50_001] {
        let refused = rule::create(&mut world, at(1), &request(&listener, priority));
        assert_eq!(code(refused), "ValidationError");
    }
    add(&mut world, &listener, 50_000);
}

#[test]
fn the_quota_counts_the_rules_of_all_listeners_without_default_rules() {
    let (mut world, listener) = plain();
    world.quotas.rules_per_load_balancer = 2;
    let other = secure(&mut world, 443).arn;
    add(&mut world, &listener, 1);
    let last = add(&mut world, &other, 1);
    assert_eq!(
        code(rule::create(&mut world, at(1), &request(&listener, 2))),
        "TooManyRules"
    );
    rule::delete(&mut world, &last.arn).unwrap();
    add(&mut world, &listener, 2);
}

#[test]
fn values_and_wildcards_of_a_rule_are_limited() {
    let (mut world, listener) = plain();
    let mut attempt = |conditions: Vec<Condition>| {
        let request = CreateRule {
            conditions,
            ..request(&listener, 1)
        };
        rule::create(&mut world, at(0), &request)
            .map(|_| ())
            .map_err(|error| error.message)
    };
    let hosts = on(
        "host-header",
        &["a.example.com", "b.example.com", "c.example.com"],
    );
    let three = on("path-pattern", &["/a", "/b", "/c"]);
    assert_eq!(
        attempt(vec![hosts, three]).unwrap_err(),
        "A rule can only have '5' condition values"
    );
    assert_eq!(
        attempt(vec![on("path-pattern", &["/*/*/*", "/*/*/*"])]).unwrap_err(),
        "A rule can only have '5' condition wildcards"
    );
    let twice = vec![on("path-pattern", &["/a"]), on("path-pattern", &["/b"])];
    assert!(attempt(twice).unwrap_err().contains("one 'path-pattern'"));
    assert!(
        attempt(Vec::new())
            .unwrap_err()
            .contains("at least one condition")
    );
    attempt(vec![on("path-pattern", &["/*/*/*", "/?", "/a*"])]).unwrap();
}

#[test]
fn the_default_rule_is_neither_modified_nor_deleted_nor_moved_but_tagged() {
    let (mut world, listener) = plain();
    let default = world.elb.listener(&listener).unwrap().default_rule.arn.clone();
    let modify = ModifyRule {
        arn: default.clone(),
        actions: Some(vec![answer(None)]),
        ..Default::default()
    };
    assert_eq!(code(rule::modify(&mut world, &modify)), "OperationNotPermitted");
    assert_eq!(code(rule::delete(&mut world, &default)), "OperationNotPermitted");
    assert_eq!(
        code(rule_priorities::set(&mut world, &[(default.clone(), 1)])),
        "OperationNotPermitted"
    );
    let made = add(&mut world, &listener, 1).arn;
    let tag = [("a".to_owned(), "b".to_owned())];
    let arns = [default, made];
    tags::add(&mut world, &arns, &tag).unwrap();
    let found = tags::describe(&world, &arns).unwrap();
    assert!(found.iter().all(|(_, tags)| tags["a"] == "b"));
    tags::remove(&mut world, &arns, &["a".to_owned()]).unwrap();
    assert!(
        tags::describe(&world, &arns)
            .unwrap()
            .iter()
            .all(|(_, tags)| tags.is_empty())
    );
}

#[test]
fn a_modification_replaces_what_is_given_and_keeps_the_rest() {
    let (mut world, listener) = plain();
    let rewrite = Transform::checked(Rewrites::UrlRewrite, "^/a", "/b").unwrap();
    let wanted = CreateRule {
        transforms: vec![rewrite.clone()],
        ..request(&listener, 7)
    };
    let made = rule::create(&mut world, at(0), &wanted).unwrap();
    let change = |arn: &str| ModifyRule {
        arn: arn.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        code(rule::modify(&mut world, &change(&made.arn))),
        "ValidationError"
    );
    let conditions = vec![on("host-header", &["*.example.com"])];
    let changed = rule::modify(
        &mut world,
        &ModifyRule {
            conditions: Some(conditions.clone()),
            ..change(&made.arn)
        },
    )
    .unwrap();
    let expected = Rule {
        conditions,
        ..made.clone()
    };
    assert_eq!(changed, expected);
    let both = ModifyRule {
        transforms: Some(vec![rewrite]),
        reset_transforms: true,
        ..change(&made.arn)
    };
    assert_eq!(code(rule::modify(&mut world, &both)), "ValidationError");
    let reset = ModifyRule {
        reset_transforms: true,
        ..change(&made.arn)
    };
    assert!(rule::modify(&mut world, &reset).unwrap().transforms.is_empty());
    rule::delete(&mut world, &made.arn).unwrap();
    assert_eq!(code(rule::delete(&mut world, &made.arn)), "RuleNotFound");
    assert_eq!(code(rule::modify(&mut world, &reset)), "RuleNotFound");
}

#[test]
fn priorities_are_set_as_a_whole_or_not_at_all() {
    let (mut world, listener) = plain();
    let (one, two, three) = (
        add(&mut world, &listener, 1).arn,
        add(&mut world, &listener, 2).arn,
        add(&mut world, &listener, 3).arn,
    );
    let mut set = |pairs: &[(&String, i64)]| {
        let pairs: Vec<(String, i64)> = pairs.iter().map(|(arn, to)| ((*arn).clone(), *to)).collect();
        rule_priorities::set(&mut world, &pairs).map(|rules| rules.len())
    };
    assert_eq!(set(&[(&one, 2), (&two, 1)]), Ok(2), "two rules swap");
    assert_eq!(set(&[(&one, 4), (&two, 3)]).unwrap_err().code, "PriorityInUse");
    assert_eq!(set(&[(&one, 9), (&two, 9)]).unwrap_err().code, "PriorityInUse");
    assert_eq!(set(&[(&one, 9), (&one, 8)]).unwrap_err().code, "ValidationError");
    assert_eq!(set(&[(&one, 50_001)]).unwrap_err().code, "ValidationError");
    assert_eq!(set(&[]).unwrap_err().code, "ValidationError");
    assert_eq!(
        set(&[(&one, 9), (&format!("{one}0"), 8)]).unwrap_err().code,
        "RuleNotFound"
    );
    assert_eq!(set(&[(&two, 1), (&one, 50_000)]), Ok(2), "one keeps its number");
    let default = world.elb.listener(&listener).unwrap().default_rule.arn.clone();
    let expected = [
        (two, Some(1)),
        (three, Some(3)),
        (one, Some(50_000)),
        (default, None),
    ];
    assert_eq!(priorities(&world, &listener), expected);
}

#[test]
fn rules_go_with_their_listener_and_their_load_balancer() {
    let (mut world, listener) = plain();
    let group = create_group(&mut world, &http("a")).arn;
    let to_group = CreateRule {
        actions: forward(&[(&group, 1)]),
        ..request(&listener, 1)
    };
    let made = rule::create(&mut world, at(0), &to_group).unwrap().arn;
    listener::delete(&mut world, &listener).unwrap();
    assert!(world.elb.rule(&made).is_none() && world.elb.uses().of(&group).is_empty());
    let (mut world, listener) = plain();
    let made = add(&mut world, &listener, 1).arn;
    let owner = world.elb.listener(&listener).unwrap().load_balancer.clone();
    load_balancer::delete(&mut world, at(1), &owner).unwrap();
    assert_eq!(code(rule::delete(&mut world, &made)), "RuleNotFound");
}

#[test]
fn listeners_of_network_load_balancers_have_no_rules() {
    let mut world = world();
    serving(&mut world, true);
    let listener = world.elb.listeners.keys().next().unwrap().clone();
    let refused = rule::create(&mut world, at(0), &request(&listener, 1));
    assert_eq!(code(refused), "InvalidConfigurationRequest");
}

#[test]
fn a_reader_of_the_past_does_not_see_new_rules() {
    let (mut world, listener) = plain();
    let old = add(&mut world, &listener, 1).arn;
    let new = rule::create(&mut world, at(50), &request(&listener, 2))
        .unwrap()
        .arn;
    world.hide_created_since(at(50));
    assert!(world.elb.rule(&old).is_some() && world.elb.rule(&new).is_none());
}
