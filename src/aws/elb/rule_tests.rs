#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use elbow_core::model::{
    Action, Condition, FixedResponseAction, ForwardAction, Patterns, QueryPair, RedirectAction, Rewrite,
    Stickiness, Transform, TransformKind, WeightedTargetGroup,
};

use super::*;

const LISTENER: &str = "arn:aws:elasticloadbalancing:us-west-2:1:listener/app/web/1/2";
const RULE: &str = "arn:aws:elasticloadbalancing:us-west-2:1:listener-rule/app/web/1/2/3";

/// The rule that AWS would describe after a creation with these parts.
fn described(wanted: &Rule) -> sdk::Rule {
    sdk::Rule::builder()
        .rule_arn(RULE)
        .priority(wanted.priority.to_string())
        .set_conditions(Some(rule_condition::written_all(&wanted.conditions)))
        .set_actions(Some(
            request::actions("CreateRule", &wanted.actions, true).unwrap(),
        ))
        .set_transforms(rule_condition::transforms(&wanted.transforms))
        .is_default(false)
        .build()
}

fn wanted() -> Rule {
    Rule {
        id: ResourceId(String::new()),
        arn: Some(RULE.to_owned()),
        listener: Ref::Known(LISTENER.to_owned()),
        priority: 7,
        conditions: Vec::new(),
        actions: Vec::new(),
        transforms: Vec::new(),
        tags: Setting::Unmanaged,
        origins: Origins::new(),
    }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|&one| one.to_owned()).collect()
}

#[test]
fn every_condition_comes_back_as_it_was_written() {
    let header = |patterns| Condition::HttpHeader {
        name: "X-Team".to_owned(),
        patterns,
    };
    let pair = |key: Option<&str>, value: &str| QueryPair {
        key: key.map(str::to_owned),
        value: value.to_owned(),
    };
    let rule = Rule {
        conditions: vec![
            Condition::HostHeader(Patterns::Values(texts(&["*.example.com", "a.example.com"]))),
            Condition::HostHeader(Patterns::Regexes(texts(&["^[a-z]+\\.example\\.com$"]))),
            Condition::PathPattern(Patterns::Values(texts(&["/api/*"]))),
            Condition::PathPattern(Patterns::Regexes(texts(&["^/v[0-9]+/"]))),
            header(Patterns::Values(texts(&["net*"]))),
            header(Patterns::Regexes(texts(&["^net$"]))),
            Condition::HttpRequestMethod(texts(&["GET", "HEAD"])),
            Condition::QueryString(vec![pair(Some("version"), "2"), pair(None, "debug")]),
            Condition::SourceIp(texts(&["10.0.0.0/8", "2001:db8::/32"])),
        ],
        ..wanted()
    };
    assert_eq!(super::rule(LISTENER, &described(&rule)), Ok(rule));
}

#[test]
fn every_action_comes_back_as_it_was_written() {
    let group = |name: &str, weight| WeightedTargetGroup {
        target_group: Ref::Known(format!("arn:tg/{name}")),
        weight: Some(weight),
    };
    let forward = Action::Forward(ForwardAction {
        target_groups: vec![group("blue", 90), group("green", 10)],
        stickiness: Setting::Set(Stickiness {
            enabled: true,
            seconds: Some(3_600),
        }),
    });
    let redirect = Action::Redirect(RedirectAction {
        protocol: Some("HTTPS".to_owned()),
        port: Some("443".to_owned()),
        host: Some("#{host}".to_owned()),
        path: Some("/#{path}".to_owned()),
        query: Some("#{query}".to_owned()),
        status: "HTTP_301".to_owned(),
    });
    let fixed = Action::FixedResponse(FixedResponseAction {
        status: "503".to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: Some("closed".to_owned()),
    });
    for action in [forward, redirect, fixed] {
        let rule = Rule {
            actions: vec![action],
            ..wanted()
        };
        assert_eq!(super::rule(LISTENER, &described(&rule)), Ok(rule));
    }
}

#[test]
fn transforms_come_back_as_they_were_written() {
    let transform = |kind, regex: &str, replace: &str| Transform {
        kind,
        rewrites: vec![Rewrite {
            regex: regex.to_owned(),
            replace: replace.to_owned(),
        }],
    };
    let rule = Rule {
        transforms: vec![
            transform(
                TransformKind::HostHeaderRewrite,
                "^(.*)\\.old\\.com$",
                "$1.new.com",
            ),
            transform(TransformKind::UrlRewrite, "^/api/(.*)$", "/$1"),
        ],
        ..wanted()
    };
    assert_eq!(super::rule(LISTENER, &described(&rule)), Ok(rule));
    assert_eq!(rule_condition::transforms(&[]), None);
}

#[test]
fn the_older_lists_of_hosts_and_paths_are_read() {
    let condition = sdk::RuleCondition::builder()
        .field("path-pattern")
        .values("/old/*")
        .build();
    assert_eq!(
        rule_condition::read("rule 1", &condition),
        Ok(Condition::PathPattern(Patterns::Values(texts(&["/old/*"]))))
    );
}

#[test]
fn what_this_version_does_not_know_is_named() {
    let condition = sdk::RuleCondition::builder().field("moon-phase").build();
    let strange = rule_condition::read("rule 1", &condition).unwrap_err();
    assert!(strange.message().contains("moon-phase"), "{}", strange.message());
    let mut rule = described(&wanted());
    rule.priority = Some("first".to_owned());
    let strange = super::rule(LISTENER, &rule).unwrap_err();
    assert!(strange.message().contains("first"), "{}", strange.message());
}
