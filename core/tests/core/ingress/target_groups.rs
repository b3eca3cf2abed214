//! Target groups: names, ports, health checks, precedence. Numbers are those of the reference's vectors.

use std::collections::BTreeMap;

use elbow_core::key::StackKey;
use elbow_core::model::{HealthCheckPort, IpAddressType, IpFamily, Matcher, Protocol, Setting, TargetType};
use elbow_crds::ingress::words;
use elbow_crds::ingress_class_params::{IngressClassParamsSpec, KeyValue};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::scene::{Scene, path, service};

fn ip() -> Scene {
    Scene::plain().annotate("target-type", "ip")
}

fn name(scene: &Scene) -> String {
    scene.run().only_group().1.to_owned()
}

/// Cluster `cluster-dummy`, Ingress `ns-1/ing-1`, one Service without UID.
fn dummy(reference: &str, port: (&str, i32, i32, i32)) -> Scene {
    Scene::new("", &[&format!("Prefix / {reference}")]).with(|scene| {
        scene.settings.scope.cluster = String::from("cluster-dummy");
        scene.group = StackKey::ingress("ns-1", "ing-1");
        scene.ingress.meta.namespace = String::from("ns-1");
        scene.ingress.meta.name = String::from("ing-1");
        let mut service = service(reference.split(':').next().unwrap());
        service.meta.namespace = String::from("ns-1");
        service.meta.uid = String::new();
        service.ports[0].name = String::from(port.0);
        service.ports[0].port = port.1;
        service.ports[0].target_port = IntOrString::Int(port.2);
        service.ports[0].node_port = port.3;
        scene.services = vec![service];
    })
}

#[test]
fn names_are_upstreams() {
    let by_name = || ip().with(|scene| scene.ingress.rules[0].paths = vec![path("Prefix / echo-svc:http")]);
    let control = || ip().annotate("target-control-port.echo-svc.80", "3000");
    let explicit = || ip().with(|scene| scene.group = StackKey::ingress_group("my-team.awesome-group"));
    let https = |scene: Scene| {
        scene
            .annotate("backend-protocol", "HTTPS")
            .annotate("target-type", "ip")
    };
    for (scene, expected) in [
        (Scene::plain(), "k8s-default-echosvc-f2956a19a4"),
        (ip(), "k8s-default-echosvc-aeac0f4035"),
        (by_name(), "k8s-default-echosvc-4c22dd64c8"),
        (
            https(Scene::plain()).annotate("backend-protocol-version", "GRPC"),
            "k8s-default-echosvc-6b0582d537",
        ),
        (control(), "k8s-default-echosvc-82f1fc5424"),
        (explicit(), "k8s-default-echosvc-454f1bb42a"),
        (
            dummy("svc-1:http", ("http", 80, 8080, 32768)),
            "k8s-ns1-svc1-9889425938",
        ),
        (
            https(dummy("svc-3:https", ("https", 443, 8443, 32769))),
            "k8s-ns1-svc3-bf42870fba",
        ),
        // vectors 63 and 64
        (
            dummy("svc-1:80", ("http", 80, 8080, 32768)),
            "k8s-ns1-svc1-90b7d93b18",
        ),
        (
            dummy("svc-1:http", ("http", 80, 8080, 32768)).annotate("target-type", "ip"),
            "k8s-ns1-svc1-6350990f3a",
        ),
    ] {
        assert_eq!(name(&scene), expected);
    }
}

#[test]
fn vector_1_instance_targets_listen_on_the_node_port() {
    let outcome = Scene::plain().run();
    let (group, _) = outcome.only_group();
    assert_eq!((group.target_type, group.port), (TargetType::Instance, 30080));
    assert_eq!(
        (group.protocol, &group.protocol_version),
        (Protocol::Http, &Setting::Set("HTTP1".to_owned()))
    );
    assert_eq!(group.service_port, IntOrString::Int(80));
    let check = &group.health_check;
    assert_eq!(
        (check.protocol, check.port),
        (Protocol::Http, HealthCheckPort::TrafficPort)
    );
    assert_eq!(check.path, Setting::Set("/".to_owned()));
    assert_eq!(check.matcher, Setting::Set(Matcher::Http("200".to_owned())));
    assert_eq!(
        (check.interval_seconds, check.timeout_seconds.clone()),
        (15, Setting::Set(5))
    );
    assert_eq!((check.healthy_threshold, check.unhealthy_threshold), (2, 2));
}

fn params(target_type: words::TargetType) -> IngressClassParamsSpec {
    IngressClassParamsSpec {
        target_type: Some(target_type),
        ..IngressClassParamsSpec::default()
    }
}

#[test]
fn vector_28_the_class_wins_over_the_service_and_the_service_over_the_ingress() {
    let scene = || {
        Scene::plain()
            .annotate("target-type", "instance")
            .annotate_service("target-type", "ip")
    };
    let outcome = scene().run();
    let (group, name) = outcome.only_group();
    assert_eq!((group.target_type, group.port), (TargetType::Ip, 8080));
    assert_eq!(name, "k8s-default-echosvc-aeac0f4035");
    let class = scene().with(|scene| scene.params = Some(params(words::TargetType::Instance)));
    assert_eq!(class.run().only_group().0.target_type, TargetType::Instance);
    let default = Scene::plain().with(|scene| scene.settings.default_target_type = TargetType::Ip);
    assert_eq!(default.run().only_group().0.target_type, TargetType::Ip);
    assert_eq!(
        Scene::plain().annotate("target-type", "alb").faults(),
        ["target-type"]
    );
    let gate = ip().with(|scene| scene.settings.gates.enable_ip_target_type = false);
    assert_eq!(gate.faults(), ["target-type"]);
}

#[test]
fn vector_29_a_named_target_port_gives_the_group_port_1() {
    let scene = ip().with(|scene| {
        scene.services[0].ports[0].target_port = IntOrString::String("web".to_owned());
    });
    let outcome = scene.run();
    let (group, name) = outcome.only_group();
    assert_eq!(group.port, 1);
    assert_eq!(group.target_port, IntOrString::String("web".to_owned()));
    assert_eq!(name, "k8s-default-echosvc-434a129b23");
    assert_eq!(
        scene.annotate("healthcheck-port", "http").faults(),
        ["healthcheck-port"]
    );
}

#[test]
fn vector_30_grpc_has_its_own_health_check() {
    let scene = ip()
        .annotate("backend-protocol", "HTTPS")
        .annotate("backend-protocol-version", "GRPC");
    let outcome = scene.run();
    let check = &outcome.only_group().0.health_check;
    assert_eq!(check.protocol, Protocol::Https);
    assert_eq!(check.path, Setting::Set("/AWS.ALB/healthcheck".to_owned()));
    assert_eq!(check.matcher, Setting::Set(Matcher::Grpc("12".to_owned())));
    assert_eq!(name(&scene), "k8s-default-echosvc-6b0582d537");
}

#[test]
fn vector_31_instance_targets_need_a_node_port() {
    let scene = Scene::plain().with(|scene| {
        scene.services[0].type_ = String::from("ClusterIP");
        scene.services[0].ports[0].node_port = 0;
    });
    assert_eq!(scene.faults(), ["spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn vector_32_a_health_check_port_by_name_is_that_of_the_targets() {
    for (scene, port) in [(Scene::plain(), 30080), (ip(), 8080)] {
        let outcome = scene.annotate("healthcheck-port", "http").run();
        let check = &outcome.only_group().0.health_check;
        assert_eq!(check.port, HealthCheckPort::Number(port));
    }
    assert_eq!(
        ip().annotate("healthcheck-port", "https").faults(),
        ["healthcheck-port"]
    );
    let number = ip().annotate("healthcheck-port", "9000").run();
    assert_eq!(
        number.only_group().0.health_check.port,
        HealthCheckPort::Number(9000)
    );
}

#[test]
fn vector_33_ipv6_targets_need_a_dualstack_load_balancer() {
    let scene = |kind| {
        ip().with(|scene| {
            scene.services[0].ip_families = vec!["IPv4".to_owned(), "IPv6".to_owned()];
            scene.ip_address_type = kind;
        })
    };
    assert_eq!(
        scene(IpAddressType::Ipv4).faults(),
        ["spec.rules[0].http.paths[0].backend"]
    );
    for kind in [
        IpAddressType::Dualstack,
        IpAddressType::DualstackWithoutPublicIpv4,
    ] {
        assert_eq!(scene(kind).run().only_group().0.family, IpFamily::Ipv6);
    }
}

#[test]
fn vector_34_a_port_by_number_and_by_name_are_two_groups() {
    let scene = Scene::new("", &["Exact /a echo-svc:80", "Exact /b echo-svc:http"]);
    assert_eq!(
        scene.run().groups.keys().collect::<Vec<_>>(),
        [
            "default/echo-server-echo-svc:80",
            "default/echo-server-echo-svc:http"
        ]
    );
}

#[test]
fn annotations_of_the_service_win_key_by_key_and_their_faults_name_the_backend() {
    let scene = Scene::plain()
        .annotate("healthcheck-path", "/ingress")
        .annotate("healthcheck-interval-seconds", "30")
        .annotate_service("healthcheck-path", "/service")
        .annotate_service("target-group-attributes", "stickiness.enabled=true");
    let outcome = scene.run();
    let (group, _) = outcome.only_group();
    assert_eq!(group.health_check.path, Setting::Set("/service".to_owned()));
    assert_eq!(group.health_check.interval_seconds, 30);
    assert_eq!(group.attributes["stickiness.enabled"], "true");
    let wrong = Scene::plain().annotate_service("healthcheck-timeout-seconds", "soon");
    let problems = wrong.run().problems;
    assert_eq!(problems[0].field, "spec.rules[0].http.paths[0].backend");
    assert!(
        problems[0]
            .message
            .contains("healthcheck-timeout-seconds of the Service echo-svc")
    );
    let outside = Scene::plain().annotate("healthy-threshold-count", "11").run();
    assert_eq!(outside.warnings(), ["healthy-threshold-count"]);
    assert_eq!(outside.only_group().0.health_check.healthy_threshold, 11);
}

#[test]
fn other_words_for_protocols_are_refused() {
    for suffix in [
        "backend-protocol",
        "backend-protocol-version",
        "healthcheck-protocol",
    ] {
        assert_eq!(Scene::plain().annotate(suffix, "http").faults(), [suffix]);
    }
    let scene = Scene::plain().annotate("backend-protocol", "HTTPS").run();
    assert_eq!(scene.only_group().0.health_check.protocol, Protocol::Https);
    let scene = Scene::plain()
        .annotate("backend-protocol", "HTTPS")
        .annotate("healthcheck-protocol", "HTTP");
    assert_eq!(scene.run().only_group().0.health_check.protocol, Protocol::Http);
}

#[test]
fn target_control_belongs_to_a_port_as_referenced_and_to_ip_targets() {
    let key = "target-control-port.echo-svc.80";
    assert_eq!(
        ip().annotate(key, "3000").run().only_group().0.control_port,
        Setting::Set(3000)
    );
    let other = ip().annotate("target-control-port.echo-svc.http", "3000");
    assert_eq!(other.run().only_group().0.control_port, Setting::Unmanaged);
    assert_eq!(Scene::plain().annotate(key, "3000").faults(), [key]);
}

#[test]
fn node_labels_are_read_for_instance_targets_only() {
    let labels = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    let scene = Scene::plain().annotate("target-node-labels", "a=b");
    assert_eq!(scene.run().only_group().0.node_labels, Some(labels));
    // Not even its form is looked at for ip targets.
    let scene = ip().annotate("target-node-labels", "a");
    assert_eq!(scene.run().only_group().0.node_labels, None);
}

#[test]
fn multi_cluster_is_on_if_the_ingress_says_so_else_the_service_decides() {
    for (ingress, service, expected) in [
        (None, None, false),
        (Some("true"), None, true),
        (Some("true"), Some("false"), true),
        (Some("false"), Some("true"), true),
        (None, Some("true"), true),
        (Some("false"), None, false),
    ] {
        let mut scene = Scene::plain();
        if let Some(value) = ingress {
            scene = scene.annotate("multi-cluster-target-group", value);
        }
        if let Some(value) = service {
            scene = scene.annotate_service("multi-cluster-target-group", value);
        }
        assert_eq!(
            scene.run().only_group().0.multi_cluster,
            expected,
            "{ingress:?} {service:?}"
        );
    }
}

#[test]
fn vector_48_tags_of_the_class_win_and_default_tags_over_all() {
    let scene = || {
        Scene::plain()
            .annotate("tags", "team=ingress,only=ingress")
            .annotate_service("tags", "team=service,svc=yes")
            .with(|scene| {
                scene.params = Some(IngressClassParamsSpec {
                    tags: vec![KeyValue {
                        key: "team".to_owned(),
                        value: "class".to_owned(),
                    }],
                    ..IngressClassParamsSpec::default()
                });
            })
    };
    let text = |tags: &BTreeMap<String, String>| {
        let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        pairs.join(" ")
    };
    let outcome = scene().run();
    assert_eq!(
        text(&outcome.only_group().0.tags),
        "only=ingress svc=yes team=class"
    );
    assert_eq!(text(&outcome.rules[0].tags), "only=ingress team=class");
    let defaults = |low| {
        scene().with(|scene| {
            scene.settings.default_tags = BTreeMap::from([("team".to_owned(), "flag".to_owned())]);
            scene.settings.gates.enable_default_tags_low_priority = low;
        })
    };
    assert_eq!(
        text(&defaults(false).run().rules[0].tags),
        "only=ingress team=flag"
    );
    assert_eq!(
        text(&defaults(true).run().rules[0].tags),
        "only=ingress team=class"
    );
    let managed = |key: &str| {
        let key = key.to_owned();
        scene().with(|scene| _ = scene.settings.external_managed_tags.insert(key))
    };
    assert_eq!(managed("only").faults(), ["tags"]);
    assert_eq!(managed("svc").faults(), ["spec.rules[0].http.paths[0].backend"]);
}
