//! What is read and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
use super::*;

fn one(text: &str) -> Condition {
    let mut parsed = parse_conditions(&format!("[{text}]")).unwrap();
    assert_eq!((parsed.value.len(), parsed.warnings.len()), (1, 0), "{text}");
    parsed.value.remove(0)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

// ingress-alb vectors 20 and 21: the keys in the case that published examples use
#[test]
fn hosts_paths_and_addresses_are_read() {
    assert_eq!(
        one(r#"{"field":"host-header","hostHeaderConfig":{"values":["b.com"]}}"#),
        Condition::HostHeader(Patterns::Values(owned(&["b.com"])))
    );
    assert_eq!(
        one(r#"{"field":"host-header","hostHeaderConfig":{"regexValues":["^b"],"values":[]}}"#),
        Condition::HostHeader(Patterns::Regexes(owned(&["^b"])))
    );
    assert_eq!(
        one(r#"{"field":"path-pattern","pathPatternConfig":{"Values":["/a","/b/*"]}}"#),
        Condition::PathPattern(Patterns::Values(owned(&["/a", "/b/*"])))
    );
    assert_eq!(
        one(r#"{"field":"source-ip","sourceIpConfig":{"Values":["10.0.0.0/8"]}}"#),
        Condition::SourceIp(owned(&["10.0.0.0/8"]))
    );
}

#[test]
fn headers_methods_and_queries_are_read() {
    assert_eq!(
        one(r#"{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-A","values":["1",null]}}"#),
        Condition::HttpHeader {
            name: "X-A".to_owned(),
            patterns: Patterns::Values(owned(&["1", ""])),
        }
    );
    assert_eq!(
        one(r#"{"field":"http-request-method","httpRequestMethodConfig":{"Values":["GET","HEAD"]}}"#),
        Condition::HttpRequestMethod(owned(&["GET", "HEAD"]))
    );
    let pair = |key: Option<&str>, value: &str| QueryPair {
        key: key.map(str::to_owned),
        value: value.to_owned(),
    };
    assert_eq!(
        one(
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"a","value":"1"},{"value":"2"}]}}"#
        ),
        Condition::QueryString(vec![pair(Some("a"), "1"), pair(None, "2")])
    );
}

#[test]
fn an_unknown_field_is_left_out_with_a_warning() {
    let text = r#"[{"field":"Host-Header"},{"field":"source-ip","sourceIPConfig":{"values":["::/0"]}},null]"#;
    let parsed = parse_conditions(text).unwrap();
    assert_eq!(parsed.value, [Condition::SourceIp(owned(&["::/0"]))]);
    assert_eq!(parsed.warnings.len(), 2);
    assert!(parsed.warnings[0].contains("'Host-Header' is unknown"));
}

#[test]
fn nothing_is_no_condition() {
    for text in ["null", "[]"] {
        assert_eq!(parse_conditions(text).unwrap(), Parsed::default());
    }
}

#[test]
fn missing_configs_and_empty_or_double_values_are_refused() {
    for (text, part) in [
        (r#"{"field":"host-header"}"#, "needs hostHeaderConfig"),
        (r#"{"field":"path-pattern"}"#, "needs pathPatternConfig"),
        (r#"{"field":"http-header"}"#, "needs httpHeaderConfig"),
        (
            r#"{"field":"http-request-method"}"#,
            "needs httpRequestMethodConfig",
        ),
        (r#"{"field":"query-string"}"#, "needs queryStringConfig"),
        (r#"{"field":"source-ip"}"#, "needs sourceIPConfig"),
        (r#"{"field":"host-header","hostHeaderConfig":{}}"#, "no values"),
        (
            r#"{"field":"path-pattern","pathPatternConfig":{"values":["/a"],"regexValues":["b"]}}"#,
            "one of the two",
        ),
        (
            r#"{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"a"}}"#,
            "no values",
        ),
        (
            r#"{"field":"http-request-method","httpRequestMethodConfig":{"values":[]}}"#,
            "no values",
        ),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[]}}"#,
            "no values",
        ),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"a"}]}}"#,
            "no value",
        ),
        (
            r#"{"field":"query-string","queryStringConfig":{"values":[{"key":"a","value":""}]}}"#,
            "no value",
        ),
        (
            r#"{"field":"source-ip","sourceIPConfig":{"values":[]}}"#,
            "no values",
        ),
        (
            r#"{"field":"source-ip","sourceIPConfig":{"values":"10.0.0.0/8"}}"#,
            "JSON",
        ),
        (r#"{"field":"other","sourceIPConfig":{"values":[1]}}"#, "JSON"),
    ] {
        let rule = parse_conditions(&format!("[{text}]")).unwrap_err();
        assert!(rule.contains(part), "{text}: {rule}");
    }
    assert!(parse_conditions(r#"{"field":"source-ip"}"#).is_err());
    assert!(parse_conditions("").is_err());
}

#[test]
fn values_that_aws_refuses_are_breaches() {
    let hosts = |text: String| Condition::HostHeader(Patterns::Values(vec![text]));
    assert!(hosts("a".repeat(128)).breaches().is_empty());
    assert_eq!(hosts("a".repeat(129)).breaches().len(), 1);
    let header = |name: &str| Condition::HttpHeader {
        name: name.to_owned(),
        patterns: Patterns::Values(owned(&["1"])),
    };
    assert!(header(&"a".repeat(40)).breaches().is_empty());
    assert_eq!(header("").breaches().len(), 1);
    assert_eq!(header(&"a".repeat(41)).breaches().len(), 1);
    let methods = Condition::HttpRequestMethod(owned(&["GET", "get", "", "M-SEARCH"]));
    assert_eq!(methods.breaches().len(), 2);
    let source = Condition::SourceIp(owned(&["10.0.0.0/8", "10.0.0.1", "::/0"]));
    assert_eq!(source.breaches().len(), 1);
}
