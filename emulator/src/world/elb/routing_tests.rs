//! The rule engine and the choice of certificates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};

use super::{
    action::{Action, Does, FixedResponse, Redirect},
    condition::{Condition, ConditionRequest},
    listener::Listener,
    routing::{Request, location, route, route_among},
    rule::Rule,
    sni,
    tests::*,
};

const REQUEST: Request<'static> = Request {
    scheme: "https",
    host: "app.example.com",
    path: "/",
    query: "",
    method: "GET",
    headers: &[],
    source_ip: std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7)),
    sni: None,
};

fn meets(request: &ConditionRequest, client: &Request<'_>) -> bool {
    Condition::checked(request).unwrap().matches(client)
}

fn on(field: &str, values: &[&str], client: &Request<'_>) -> bool {
    meets(&ConditionRequest::of(field, values), client)
}

fn refused(request: &ConditionRequest) {
    let error = Condition::checked(request).unwrap_err();
    assert_eq!(error.code, "ValidationError", "{request:?}");
}

fn regexes(field: &str, regexes: &[&str]) -> ConditionRequest {
    ConditionRequest {
        regexes: regexes.iter().map(|text| (*text).to_owned()).collect(),
        ..ConditionRequest::of(field, &[])
    }
}

fn rule(priority: u32, conditions: &[(&str, &[&str])]) -> Rule {
    let made =
        |(field, values): &(&str, &[&str])| Condition::checked(&ConditionRequest::of(field, values)).unwrap();
    Rule {
        arn: format!("rule-{priority}"),
        priority,
        conditions: conditions.iter().map(made).collect(),
        ..Rule::default()
    }
}

#[test]
fn hosts_are_compared_without_case_and_port() {
    let client = |host| Request { host, ..REQUEST };
    assert!(on(
        "host-header",
        &["other.com", "*.Example.com"],
        &client("APP.example.COM:8443")
    ));
    assert!(!on("host-header", &["*.example.com"], &client("example.com")));
    assert!(on(
        "host-header",
        &["ap?.example.com"],
        &client("app.example.com")
    ));
    assert!(!on(
        "host-header",
        &["app.example.com"],
        &client("app.example.com.evil.org")
    ));
    assert!(meets(
        &regexes("host-header", &["^(A|b)pp\\."]),
        &client("app.example.com")
    ));
    for bad in [
        "",
        "localhost",
        "a.b1",
        "a b.com",
        &format!("{}.com", "x".repeat(125)),
    ] {
        refused(&ConditionRequest::of("host-header", &[bad]));
    }
}

#[test]
fn paths_are_compared_with_case_and_without_the_query() {
    let client = |path| Request {
        path,
        query: "a=/img/",
        ..REQUEST
    };
    assert!(on("path-pattern", &["/img/*"], &client("/img/a/b")));
    assert!(!on("path-pattern", &["/img/*"], &client("/Img/a")));
    assert!(!on("path-pattern", &["/img"], &client("/img/")));
    assert!(meets(&regexes("path-pattern", &["^/v[0-9]+$"]), &client("/v12")));
    assert!(!meets(&regexes("path-pattern", &["^/V[0-9]+$"]), &client("/v12")));
    for bad in ["/a b", "/ä", "/a{}", ""] {
        refused(&ConditionRequest::of("path-pattern", &[bad]));
    }
    refused(&ConditionRequest {
        values: vec!["/a".into()],
        ..regexes("path-pattern", &["/a"])
    });
    refused(&regexes("path-pattern", &["("]));
    refused(&ConditionRequest::of("path-pattern", &[]));
}

#[test]
fn a_header_is_met_by_any_of_its_lines() {
    let client = Request {
        headers: &[("X-Tier", "silver"), ("x-tier", "Gold plan")],
        ..REQUEST
    };
    let header = |name: &str, values: &[&str]| ConditionRequest {
        header: Some(name.to_owned()),
        ..ConditionRequest::of("http-header", values)
    };
    assert!(meets(&header("X-TIER", &["gold*"]), &client));
    assert!(!meets(&header("X-TIER", &["gold"]), &client));
    assert!(!meets(&header("X-Other", &["*"]), &client));
    let regex = ConditionRequest {
        header: Some("x-tier".into()),
        ..regexes("http-header", &["^GOLD"])
    };
    assert!(meets(&regex, &client));
    for bad in ["Host", "", "a b", "a*b\"", &"x".repeat(41)] {
        refused(&header(bad, &["x"]));
    }
}

#[test]
fn methods_are_compared_exactly() {
    assert!(on("http-request-method", &["POST", "GET"], &REQUEST));
    let head = Request {
        method: "HEAD",
        ..REQUEST
    };
    assert!(!on("http-request-method", &["GET"], &head));
    refused(&ConditionRequest::of("http-request-method", &["get"]));
    refused(&ConditionRequest::of("http-request-method", &["G*"]));
    refused(&regexes("http-request-method", &["GET"]));
}

#[test]
fn one_pair_of_the_query_is_enough() {
    let client = Request {
        query: "Version=V1&x=a*b&flag",
        ..REQUEST
    };
    let pairs = |pairs: &[(Option<&str>, &str)]| ConditionRequest {
        pairs: pairs
            .iter()
            .map(|(key, value)| (key.map(str::to_owned), (*value).to_owned()))
            .collect(),
        ..ConditionRequest::of("query-string", &[])
    };
    assert!(meets(&pairs(&[(Some("version"), "v?")]), &client));
    assert!(
        !meets(&pairs(&[(Some("x"), "v1")]), &client),
        "key and value of one pair"
    );
    assert!(meets(&pairs(&[(Some("none"), "*"), (None, "V1")]), &client));
    assert!(meets(&pairs(&[(Some("x"), r"a\*b")]), &client));
    assert!(!meets(&pairs(&[(Some("version"), r"v\?")]), &client));
    assert!(meets(&pairs(&[(Some("flag"), "*")]), &client));
    assert!(
        !meets(&pairs(&[(None, "*")]), &REQUEST),
        "an empty query has no pair"
    );
    refused(&pairs(&[(Some("a"), "")]));
}

#[test]
fn source_addresses_are_in_one_of_the_ranges() {
    assert!(on("source-ip", &["192.0.2.0/24", "10.0.0.0/8"], &REQUEST));
    assert!(!on("source-ip", &["10.0.1.0/24"], &REQUEST));
    let six = Request {
        source_ip: "2001:db8::7".parse().unwrap(),
        ..REQUEST
    };
    assert!(on("source-ip", &["2001:DB8::/32"], &six));
    assert!(!on("source-ip", &["0.0.0.0/0"], &six));
    for bad in ["10.0.0.1", "10.0.0.0/33", "255.255.255.255/32", "x"] {
        refused(&ConditionRequest::of("source-ip", &[bad]));
    }
    refused(&ConditionRequest::of("port", &["80"]));
}

#[test]
fn the_lowest_priority_whose_conditions_are_all_met_decides() {
    let rules = [
        rule(30, &[("path-pattern", &["/*"])]),
        rule(
            10,
            &[
                ("host-header", &["app.example.com"]),
                ("path-pattern", &["/api/*"]),
            ],
        ),
        rule(20, &[("path-pattern", &["/api/*", "/v1/*"])]),
    ];
    let chosen = |host, path| {
        let client = Request {
            host,
            path,
            ..REQUEST
        };
        route_among(&rules, &[], &client).rule.map(|rule| rule.priority)
    };
    assert_eq!(chosen("app.example.com", "/api/x"), Some(10));
    assert_eq!(chosen("www.example.com", "/api/x"), Some(20));
    assert_eq!(chosen("app.example.com", "/v1/x"), Some(20));
    assert_eq!(chosen("app.example.com", "/else"), Some(30));
    assert_eq!(chosen("app.example.com", "else"), None);
}

fn listener() -> Listener {
    let mut world = world();
    serving(&mut world, false);
    world.elb.listeners.into_values().next().unwrap()
}

#[test]
fn a_listener_decides_as_its_list_of_rules_does_and_falls_back_to_its_default_actions() {
    let mut listener = listener();
    let action = Action {
        order: None,
        does: Does::FixedResponse(FixedResponse::default()),
    };
    for (priority, path) in [(5, "/b*"), (2, "/bb*")] {
        let made = Rule {
            actions: vec![action.clone()],
            ..rule(priority, &[("path-pattern", &[path])])
        };
        listener.rules.insert(priority, made);
    }
    for (path, expected) in [("/b", Some(5)), ("/bb", Some(2)), ("/", None)] {
        let client = Request { path, ..REQUEST };
        let found = route(&listener, &client);
        assert_eq!(found.rule.map(|rule| rule.priority), expected);
        let actions = expected.map_or(listener.default_actions.as_slice(), |_| {
            std::slice::from_ref(&action)
        });
        assert_eq!(found.actions, actions);
        let listed = route_among(listener.rules.values().rev(), &listener.default_actions, &client);
        assert_eq!((listed.rule, listed.actions), (found.rule, found.actions));
    }
}

#[test]
fn a_redirect_fills_in_what_the_request_had() {
    let redirect = Redirect {
        protocol: "HTTPS".into(),
        port: "443".into(),
        host: "#{host}".into(),
        path: "/new/#{path}".into(),
        query: "#{query}&port=#{port}".into(),
        status: "HTTP_301".into(),
    };
    let client = Request {
        scheme: "http",
        host: "app.example.com:8080",
        path: "/a/b",
        query: "x=1",
        ..REQUEST
    };
    assert_eq!(
        location(&redirect, &client, 80),
        "https://app.example.com:443/new/a/b?x=1&port=80"
    );
}

#[test]
fn the_most_specific_certificate_is_presented_else_the_default_one() {
    let names: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("default", &["old.example.org"][..]),
        ("exact", &["app.example.com", "x.example.org"][..]),
        ("wild", &["*.example.com"][..]),
    ]);
    let listener = Listener {
        certificate: Some("default".into()),
        extra_certificates: BTreeSet::from(["exact".into(), "wild".into()]),
        ..listener()
    };
    let chosen = |name| sni::certificate(&listener, name, |arn| names[arn].iter().copied());
    assert_eq!(chosen(Some("APP.example.com")), Some("exact"));
    assert_eq!(chosen(Some("www.example.com")), Some("wild"));
    assert_eq!(chosen(Some("a.b.example.com")), Some("default"));
    assert_eq!(chosen(Some("example.com")), Some("default"));
    assert_eq!(chosen(Some("unknown.net")), Some("default"));
    assert_eq!(chosen(None), Some("default"));
    let plain = Listener {
        certificate: None,
        ..listener.clone()
    };
    assert_eq!(
        sni::certificate(&plain, None, |arn| names[arn].iter().copied()),
        None
    );
}
