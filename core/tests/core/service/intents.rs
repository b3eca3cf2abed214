//! Ownership, and the problems of an intent.

use elbow_core::intent::{FINALIZER, Intent, Shelf, Wish, read};
use elbow_core::key::StackKey;
use elbow_core::settings::Settings;
use elbow_crds::problem::{ProblemCode, Severity};
use serde_json::{Value, json};

use super::manifest;

fn settings() -> Settings {
    Settings::new("my-cluster", "us-west-2", "vpc-xxx")
}

fn intent_with(patch: &Value, settings: &Settings) -> Intent {
    let mut service = manifest::baseline();
    manifest::merge(&mut service, patch);
    let service = manifest::view(&service);
    let key = StackKey::service("default", "web");
    read(&key, &Shelf::of_services([service]), settings)
}

fn word(wish: &Wish) -> &'static str {
    match wish {
        Wish::Ignore => "ignore",
        Wish::Empty => "empty",
        Wish::Sick => "sick",
        Wish::Leave(_) => "leave",
        Wish::Service(_) | Wish::Ingress(_) => "ours",
    }
}

fn annotations(pairs: &[(&str, &str)]) -> Value {
    let mut map = json!({});
    for (suffix, value) in pairs {
        map[format!("service.beta.kubernetes.io/{suffix}")] = json!(value);
    }
    map
}

#[test]
fn the_class_decides_and_annotations_only_without_it() {
    let external = |target: &str| {
        annotations(&[
            ("aws-load-balancer-type", "external"),
            ("aws-load-balancer-nlb-target-type", target),
        ])
    };
    let rows = [
        (json!({}), "ours"),
        (
            json!({"spec": {"loadBalancerClass": "foo/bar"}, "metadata": {"annotations": external("ip")}}),
            "ignore",
        ),
        (
            json!({"spec": {"loadBalancerClass": ""}, "metadata": {"annotations": external("ip")}}),
            "ignore",
        ),
        (json!({"spec": {"loadBalancerClass": null}}), "ignore"),
        (
            json!({"spec": {"loadBalancerClass": null}, "metadata": {"annotations": external("ip")}}),
            "ours",
        ),
        (
            json!({"spec": {"loadBalancerClass": null, "type": "NodePort"},
                "metadata": {"annotations": external("instance")}}),
            "ours",
        ),
        (
            json!({"spec": {"loadBalancerClass": null}, "metadata": {"annotations": external("nodes")}}),
            "ignore",
        ),
        (
            json!({"spec": {"loadBalancerClass": null, "type": "ClusterIP"},
                "metadata": {"annotations": external("ip")}}),
            "ours",
        ),
        (
            json!({"spec": {"loadBalancerClass": null, "type": "ClusterIP"},
                "metadata": {"annotations": external("instance")}}),
            "sick",
        ),
        (
            json!({"spec": {"loadBalancerClass": null, "type": "ExternalName"},
                "metadata": {"annotations": annotations(&[("aws-load-balancer-type", "nlb-ip")])}}),
            "ours",
        ),
        (
            json!({"spec": {"loadBalancerClass": null},
                "metadata": {"annotations": annotations(&[("aws-load-balancer-type", "nlb")])}}),
            "ignore",
        ),
        (
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            "ignore",
        ),
        (
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}}),
            "empty",
        ),
        (
            json!({"metadata": {"finalizers": [FINALIZER]}, "spec": {"loadBalancerClass": "foo/bar"}}),
            "empty",
        ),
    ];
    for (patch, expected) in rows {
        assert_eq!(word(&intent_with(&patch, &settings()).wish), expected, "{patch}");
    }
}

#[test]
fn a_service_that_is_not_there_is_ignored_because_absence_proves_nothing() {
    let key = StackKey::service("default", "web");
    let intent = read(&key, &Shelf::default(), &settings());
    assert_eq!(intent.wish, Wish::Ignore);
}

#[test]
fn gates_and_the_watched_namespace_limit_what_is_ours() {
    let mut off = settings();
    off.gates.enable_service_controller = false;
    assert_eq!(intent_with(&json!({}), &off).wish, Wish::Ignore);
    let mut elsewhere = settings();
    elsewhere.scope.namespace = Some("kube-system".to_owned());
    assert_eq!(intent_with(&json!({}), &elsewhere).wish, Wish::Ignore);
    let mut only = settings();
    only.gates.service_type_load_balancer_only = true;
    let node_port = json!({"spec": {"type": "NodePort"}, "metadata": {"finalizers": [FINALIZER]}});
    assert_eq!(intent_with(&node_port, &only).wish, Wish::Empty);
}

#[test]
fn all_faults_are_found_at_once_and_name_their_field() {
    let patch = json!({"metadata": {"annotations": annotations(&[
        ("aws-load-balancer-scheme", "public"),
        ("aws-load-balancer-ip-address-type", "ipv6"),
        ("aws-load-balancer-healthcheck-interval", "ten"),
        ("aws-load-balancer-healthcheck-protocol", "udp"),
        ("aws-load-balancer-attributes", "a"),
        ("aws-load-balancer-disable-nlb-sg", "yes"),
        ("aws-load-balancer-multi-cluster-target-group", ""),
        ("aws-load-balancer-minimum-load-balancer-capacity", "Units=5"),
        ("actions.TCP-80", "{"),
    ])}});
    let intent = intent_with(&patch, &settings());
    assert_eq!(intent.wish, Wish::Sick);
    let mut found: Vec<String> = intent
        .problems
        .iter()
        .filter(|problem| problem.is_fault())
        .map(|problem| problem.field.rsplit('/').next().unwrap().to_owned())
        .collect();
    found.sort();
    let mut expected: Vec<String> = patch["metadata"]["annotations"]
        .as_object()
        .unwrap()
        .keys()
        .map(|key| key.rsplit('/').next().unwrap().to_owned())
        .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_problem_reads_as_one_sentence_with_object_field_value_and_remedy() {
    let patch = json!({"metadata": {"annotations": annotations(&[("aws-load-balancer-scheme", "public")])}});
    let intent = intent_with(&patch, &settings());
    assert_eq!(
        intent.problems[0].to_string(),
        "Service default/web: service.beta.kubernetes.io/aws-load-balancer-scheme: the value 'public' is not \
         allowed; write internal or internet-facing"
    );
}

#[test]
fn settings_without_effect_are_warnings_and_do_not_stop_the_build() {
    let patch = json!({"metadata": {"annotations": annotations(&[
        ("aws-load-balancer-shceme", "internal"),
        ("aws-load-balancer-connection-idle-timeout", "60"),
        ("aws-load-balancer-listener-attributes.TCP-443", "tcp.idle_timeout.seconds=60"),
        ("aws-load-balancer-target-group-attributes.443", "a=b"),
        ("aws-load-balancer-healthcheck-path", "/x"),
        ("aws-load-balancer-backend-protocol", "https"),
        ("aws-load-balancer-healthcheck-interval", "1"),
    ])}});
    let intent = intent_with(&patch, &settings());
    assert_eq!(word(&intent.wish), "ours", "{:?}", intent.problems);
    assert_eq!(intent.problems.len(), 7, "{:?}", intent.problems);
    assert!(
        intent
            .problems
            .iter()
            .all(|problem| problem.severity == Severity::Warning)
    );
    let misspelt = &intent.problems[1];
    assert_eq!(misspelt.code, ProblemCode::Ignored);
    assert!(
        misspelt
            .message
            .contains("did you mean service.beta.kubernetes.io/aws-load-balancer-scheme?"),
        "{misspelt}"
    );
}

/// Rows of weighted actions that are refused, with a part of the message.
#[test]
fn weighted_actions_are_checked_entry_by_entry() {
    let forward =
        |groups: Value| json!({"type": "forward", "forwardConfig": {"targetGroups": groups}}).to_string();
    let rows = [
        ("null".to_owned(), "the type '' is not allowed"),
        (
            json!({"type": "redirect"}).to_string(),
            "the type 'redirect' is not allowed",
        ),
        (json!({"type": "forward"}).to_string(), "forwardConfig is missing"),
        (forward(json!([{}])), "write targetGroupARN or serviceName"),
        (
            forward(json!([{"targetGroupARN": "a", "serviceName": "b"}])),
            "not both",
        ),
        (forward(json!([{"serviceName": "green"}])), "needs a servicePort"),
        (
            forward(json!([{"targetGroupARN": "a", "weight": 1000}])),
            "between 0 and 999",
        ),
        (
            forward(json!([{"targetGroupARN": "a", "weight": 1}, {"targetGroupARN": "b"}])),
            "each needs a weight",
        ),
        (
            forward(json!([{"serviceName": "green", "servicePort": 81}])),
            "does not exist",
        ),
        (String::new(), "must be JSON"),
        ("[]".to_owned(), "an object is expected"),
    ];
    for (value, part) in rows {
        let patch = json!({"metadata": {"annotations": annotations(&[("actions.TCP-80", &value)])}});
        let intent = intent_with(&patch, &settings());
        assert_eq!(intent.wish, Wish::Sick, "{value}");
        let message = &intent.problems[0].message;
        assert!(message.contains(part), "{value}: {message}");
    }
}
