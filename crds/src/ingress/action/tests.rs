//! What is read and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
use super::*;

fn service(name: &str, port: IntOrString, weight: Option<i32>) -> WeightedTarget {
    WeightedTarget {
        target: Target::Service {
            name: name.to_owned(),
            port,
        },
        weight,
    }
}

fn forward(text: &str) -> Forward {
    match parse_action(text).unwrap() {
        Action::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fixed_responses_and_redirects_are_read() {
    let text =
        r#"{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"503"}}"#;
    let response = FixedResponseAction {
        status: "503".to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: None,
    };
    assert_eq!(parse_action(text).unwrap(), Action::FixedResponse(response));
    let text =
        r#"{"Type":"redirect","RedirectConfig":{"Protocol":"HTTPS","Port":"443","StatusCode":"HTTP_301"}}"#;
    let redirect = RedirectAction {
        protocol: Some("HTTPS".to_owned()),
        port: Some("443".to_owned()),
        host: None,
        path: None,
        query: None,
        status: "HTTP_301".to_owned(),
    };
    assert_eq!(parse_action(text).unwrap(), Action::Redirect(redirect));
}

#[test]
fn short_forwards_become_one_group_without_weight() {
    let of = |target| WeightedTarget { target, weight: None };
    let arn = forward(r#"{"type":"forward","targetGroupARN":"arn:tg","targetGroupName":"n"}"#);
    assert_eq!(arn.target_groups, [of(Target::Arn("arn:tg".to_owned()))]);
    assert_eq!(arn.stickiness, None);
    let name = forward(r#"{"type":"forward","TargetGroupName":"n"}"#);
    assert_eq!(name.target_groups, [of(Target::Name("n".to_owned()))]);
}

// ingress-alb vector 26
#[test]
fn weighted_forwards_keep_order_weights_and_stickiness() {
    let text = r#"{"type":"forward","forwardConfig":{"targetGroups":[
        {"serviceName":"echo-svc","servicePort":"80","weight":1},{"targetGroupARN":"arn:tg","weight":3}],
        "TargetGroupStickinessConfig":{"Enabled":true,"DurationSeconds":120}}}"#;
    let found = forward(text);
    let arn = WeightedTarget {
        target: Target::Arn("arn:tg".to_owned()),
        weight: Some(3),
    };
    assert_eq!(
        found.target_groups,
        [service("echo-svc", IntOrString::Int(80), Some(1)), arn]
    );
    let stickiness = |enabled, seconds| Some(Stickiness { enabled, seconds });
    assert_eq!(found.stickiness, stickiness(true, Some(120)));
    let silent = r#"{"type":"forward","forwardConfig":{"targetGroupStickinessConfig":{}}}"#;
    assert_eq!(forward(silent).stickiness, stickiness(false, None));
}

#[test]
fn service_ports_are_numbers_or_names() {
    for (port, expected) in [
        ("80", IntOrString::Int(80)),
        (r#""80""#, IntOrString::Int(80)),
        (r#""http""#, IntOrString::String("http".to_owned())),
        (r#""99999999999""#, IntOrString::String("99999999999".to_owned())),
    ] {
        let text = format!(
            r#"{{"type":"forward","forwardConfig":{{"targetGroups":[{{"serviceName":"s","servicePort":{port}}}]}}}}"#
        );
        assert_eq!(forward(&text).target_groups, [service("s", expected, None)]);
    }
}

#[test]
fn an_empty_list_of_target_groups_passes() {
    let found = forward(r#"{"type":"forward","forwardConfig":{"targetGroups":[]}}"#);
    assert!(found.target_groups.is_empty());
    assert!(
        forward(r#"{"type":"forward","forwardConfig":{}}"#)
            .target_groups
            .is_empty()
    );
}

#[test]
fn configs_of_other_types_are_ignored() {
    let text = r#"{"type":"forward","targetGroupARN":"a","redirectConfig":{},"fixedResponseConfig":null}"#;
    assert_eq!(forward(text).target_groups.len(), 1);
}

// ingress-alb vector 27, among others
#[test]
fn incomplete_and_contradictory_actions_are_refused() {
    let groups =
        |groups: &str| format!(r#"{{"type":"forward","forwardConfig":{{"targetGroups":[{groups}]}}}}"#);
    for (text, part) in [
        ("{}".to_owned(), "allowed are fixed-response"),
        ("null".to_owned(), "unknown"),
        (String::new(), "JSON"),
        (r#"{"type":"Forward"}"#.to_owned(), "unknown"),
        (
            r#"{"type":"fixed-response"}"#.to_owned(),
            "needs fixedResponseConfig",
        ),
        (
            r#"{"type":"fixed-response","fixedResponseConfig":{}}"#.to_owned(),
            "statusCode",
        ),
        (
            r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":503}}"#.to_owned(),
            "JSON",
        ),
        (r#"{"type":"redirect"}"#.to_owned(), "needs redirectConfig"),
        (
            r#"{"type":"redirect","redirectConfig":{"statusCode":""}}"#.to_owned(),
            "statusCode",
        ),
        (r#"{"type":"forward"}"#.to_owned(), "add one"),
        (
            r#"{"type":"forward","targetGroupARN":"a","forwardConfig":{}}"#.to_owned(),
            "keep one",
        ),
        (groups("{}"), "add one"),
        (groups("null"), "add one"),
        (
            groups(r#"{"serviceName":"s","servicePort":80,"targetGroupARN":"a"}"#),
            "keep one",
        ),
        (groups(r#"{"serviceName":"s"}"#), "servicePort"),
        (groups(r#"{"serviceName":"s","servicePort":80.0}"#), "JSON"),
        (groups(r#"{"serviceName":"s","servicePort":true}"#), "JSON"),
        (
            groups(r#"{"targetGroupARN":"a","weight":1},{"targetGroupARN":"b"}"#),
            "weight",
        ),
        (
            groups(r#"{"targetGroupARN":"a"},{"targetGroupARN":"b"}"#),
            "weight",
        ),
    ] {
        let rule = parse_action(&text).unwrap_err();
        assert!(rule.contains(part), "{text}: {rule}");
    }
}
