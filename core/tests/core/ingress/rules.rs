//! Rules: order, conditions, actions, what the optimiser drops. Numbers are those of the reference's vectors.

use elbow_core::view::IngressRule;

use super::scene::{Scene, backend, path, service};

const ECHO: &str = "default/echo-server-echo-svc:80";

fn texts(scene: &Scene) -> Vec<String> {
    scene.run().texts()
}

/// Conditions alone.
fn conditions(scene: &Scene) -> Vec<String> {
    let cut = |text: String| text.split(" -> ").next().unwrap().to_owned();
    texts(scene).into_iter().map(cut).collect()
}

fn response(body: &str) -> String {
    format!("503 text/plain {body}")
}

#[test]
fn vector_1_a_prefix_of_a_host_is_one_rule_with_two_conditions() {
    assert_eq!(
        texts(&Scene::plain()),
        [format!("host-header[a.com] AND path-pattern[/*] -> {ECHO}")]
    );
}

#[test]
fn vector_16_exact_paths_come_first_then_prefixes_from_the_longest() {
    let paths = [
        "IS /* echo-svc:80",
        "Prefix /a echo-svc:80",
        "Prefix /abc/ echo-svc:80",
        "Exact /x echo-svc:80",
    ];
    assert_eq!(
        conditions(&Scene::new("", &paths)),
        [
            "path-pattern[/x]",
            "path-pattern[/abc,/abc/*]",
            "path-pattern[/a,/a/*]",
            "path-pattern[/*]",
        ]
    );
}

#[test]
fn sorting_is_stable_and_does_not_cross_rule_entries() {
    let scene = Scene::new(
        "",
        &[
            "Prefix /bb echo-svc:80",
            "Prefix /aa echo-svc:80",
            "- /z echo-svc:80",
        ],
    )
    .with(|scene| {
        scene.ingress.rules.push(IngressRule {
            index: 1,
            host: String::new(),
            paths: vec![path("Exact /first echo-svc:80")],
        });
    });
    assert_eq!(
        conditions(&scene),
        [
            "path-pattern[/bb,/bb/*]",
            "path-pattern[/aa,/aa/*]",
            "path-pattern[/z]",
            "path-pattern[/first]",
        ]
    );
}

#[test]
fn vector_17_exact_and_prefix_paths_take_no_wildcards_and_unknown_types_are_refused() {
    for text in ["Exact /foo* echo-svc:80", "Prefix /foo? echo-svc:80"] {
        let scene = Scene::new("", &[text]);
        assert_eq!(scene.faults(), ["spec.rules[0].http.paths[0].path"], "{text}");
    }
    let scene = Scene::new("", &["Regex /foo echo-svc:80"]);
    assert_eq!(scene.faults(), ["spec.rules[0].http.paths[0].pathType"]);
}

#[test]
fn vector_18_regular_expressions_lose_the_leading_slash() {
    let scene = Scene::new("", &["IS /^/api/(.+)$ echo-svc:80", "Prefix /p echo-svc:80"])
        .annotate("use-regex-path-match", "true");
    assert_eq!(
        conditions(&scene),
        ["path-pattern[/p,/p/*]", "path-pattern~[^/api/(.+)$]"]
    );
    assert_eq!(
        scene.annotate("use-regex-path-match", "yes").faults(),
        ["use-regex-path-match"]
    );
}

#[test]
fn vector_19_without_host_and_path_every_path_is_meant() {
    assert_eq!(
        conditions(&Scene::new("", &["Prefix - echo-svc:80"])),
        ["path-pattern[/*]"]
    );
    assert_eq!(
        conditions(&Scene::new("*.a.com", &["- - echo-svc:80"])),
        ["host-header[*.a.com]"]
    );
    let scene = Scene::new("", &["Exact - echo-svc:80"]).annotate(
        "conditions.echo-svc",
        r#"[{"field":"http-request-method","httpRequestMethodConfig":{"values":["GET"]}}]"#,
    );
    assert_eq!(conditions(&scene), ["http-request-method[GET]"]);
}

#[test]
fn vector_20_other_conditions_come_first_and_hosts_are_put_together() {
    let scene = Scene::new("a.com", &["Exact /p echo-svc:80"]).annotate(
        "conditions.echo-svc",
        r#"[{"field":"host-header","hostHeaderConfig":{"values":["b.com"]}},
            {"field":"source-ip","sourceIpConfig":{"Values":["10.0.0.0/8"]}}]"#,
    );
    assert_eq!(
        conditions(&scene),
        ["source-ip[10.0.0.0/8] AND host-header[a.com,b.com] AND path-pattern[/p]"]
    );
}

#[test]
fn vector_21_values_and_regular_expressions_of_one_field_do_not_mix() {
    let hosts = Scene::new("a.com", &["Exact /p echo-svc:80"]).annotate(
        "conditions.echo-svc",
        r#"[{"field":"host-header","hostHeaderConfig":{"regexValues":["b.*"]}}]"#,
    );
    let paths = Scene::new("", &["Exact /p echo-svc:80"]).annotate(
        "conditions.echo-svc",
        r#"[{"field":"path-pattern","pathPatternConfig":{"regexValues":["b.*"]}}]"#,
    );
    for scene in [hosts, paths] {
        assert_eq!(scene.faults(), ["conditions.echo-svc"]);
        assert!(scene.run().rules.is_empty());
    }
}

#[test]
fn every_kind_of_condition_and_an_unknown_one_is_understood() {
    let scene = Scene::new("", &["- - echo-svc:80"]).annotate(
        "conditions.echo-svc",
        r#"[{"field":"query-string","queryStringConfig":{"values":[{"key":"v","value":"1"},{"value":"x"}]}},
            {"field":"http-header","httpHeaderConfig":{"httpHeaderName":"Agent","regexValues":["a+"]}},
            {"field":"moon-phase"},
            {"field":"path-pattern","pathPatternConfig":{"values":["/q"]}}]"#,
    );
    assert_eq!(
        conditions(&scene),
        ["query-string[v=1,*=x] AND http-header Agent~[a+] AND path-pattern[/q]"]
    );
    assert_eq!(scene.run().warnings(), ["conditions.echo-svc"]);
}

fn with_redirect() -> Scene {
    Scene::new("", &["IS /* ssl-redirect:use-annotation", "IS /app echo-svc:80"]).annotate(
        "actions.ssl-redirect",
        r#"{"type":"redirect","redirectConfig":{"protocol":"HTTPS","port":"443","statusCode":"HTTP_301"}}"#,
    )
}

#[test]
fn vector_22_a_redirect_shadows_what_follows_and_is_dropped_where_it_leads() {
    assert_eq!(
        texts(&with_redirect()),
        ["path-pattern[/*] -> HTTP_301 HTTPS://-:443-?-"]
    );
    assert_eq!(
        texts(&with_redirect().https()),
        [format!("path-pattern[/app] -> {ECHO}")]
    );
}

#[test]
fn vector_61_a_redirect_to_itself_is_dropped_whatever_its_other_conditions() {
    let scene = Scene::new("", &["- - again:use-annotation"])
        .annotate(
            "actions.again",
            r#"{"type":"redirect","redirectConfig":{"statusCode":"HTTP_301"}}"#,
        )
        .annotate(
            "conditions.again",
            r#"[{"field":"source-ip","sourceIPConfig":{"values":["10.0.0.0/8"]}}]"#,
        );
    assert_eq!(texts(&scene.https()), [""; 0]);
}

#[test]
fn parts_of_a_redirect_that_differ_from_the_rule_keep_it() {
    for (config, kept) in [
        (
            r##""host":"#{host}","path":"/#{path}","port":"#{port}","protocol":"#{protocol}","query":"#{query}""##,
            false,
        ),
        (
            r#""host":"a.com","path":"/p","port":"80","protocol":"HTTP""#,
            false,
        ),
        (r#""host":"b.com""#, true),
        (r#""path":"/q""#, true),
        (r#""port":"8080""#, true),
        (r#""protocol":"HTTPS""#, true),
        (r#""query":"a=b""#, true),
    ] {
        let action =
            format!(r#"{{"type":"redirect","redirectConfig":{{"statusCode":"HTTP_302",{config}}}}}"#);
        let scene = Scene::new("a.com", &["Exact /p r:use-annotation"]).annotate("actions.r", &action);
        assert_eq!(!texts(&scene).is_empty(), kept, "{config}");
    }
}

#[test]
fn vector_62_regular_expressions_are_compared_as_texts() {
    let scene = |second: &str| {
        Scene::new("a.com", &["IS /^/.*$ r:use-annotation", second])
            .annotate("use-regex-path-match", "true")
            .annotate(
                "actions.r",
                r#"{"type":"redirect","redirectConfig":{"host":"b.com","statusCode":"HTTP_301"}}"#,
            )
    };
    assert_eq!(texts(&scene("IS /^/api/.* echo-svc:80")).len(), 2);
    assert_eq!(texts(&scene("IS /^/.*$ echo-svc:80")).len(), 1);
}

#[test]
fn only_redirects_on_host_and_path_shadow() {
    let redirect = r#"{"type":"redirect","redirectConfig":{"host":"b.com","statusCode":"HTTP_301"}}"#;
    let fixed = r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"404"}}"#;
    let source = r#"[{"field":"source-ip","sourceIPConfig":{"values":["10.0.0.0/8"]}}]"#;
    let scene = || Scene::new("a.com", &["IS /* r:use-annotation", "IS /app echo-svc:80"]);
    assert_eq!(texts(&scene().annotate("actions.r", redirect)).len(), 1);
    assert_eq!(texts(&scene().annotate("actions.r", fixed)).len(), 2);
    let limited = scene()
        .annotate("actions.r", redirect)
        .annotate("conditions.r", source);
    assert_eq!(texts(&limited).len(), 2);
    // Wildcards are not understood: *.a.com does not cover x.a.com.
    let wild = Scene::new("*.a.com", &["IS /* r:use-annotation"]).annotate("actions.r", redirect);
    let wild = wild.with(|scene| {
        scene.ingress.rules.push(IngressRule {
            index: 1,
            host: "x.a.com".to_owned(),
            paths: vec![path("IS /app echo-svc:80")],
        });
    });
    assert_eq!(texts(&wild).len(), 2);
    // A host by regular expression counts as every host.
    let by_regex = Scene::new("", &["IS /* r:use-annotation", "IS /app echo-svc:80"])
        .annotate("actions.r", redirect)
        .annotate(
            "conditions.r",
            r#"[{"field":"host-header","hostHeaderConfig":{"regexValues":["^x"]}}]"#,
        );
    assert_eq!(texts(&by_regex).len(), 1);
}

#[test]
fn vector_23_a_missing_service_is_answered_or_a_fault() {
    let scene = || Scene::new("", &["Prefix / gone:80"]);
    let outcome = scene().run();
    assert_eq!(
        outcome.texts(),
        [format!(
            "path-pattern[/*] -> {}",
            response("Backend service does not exist")
        )]
    );
    assert!(outcome.groups.is_empty());
    assert_eq!(outcome.warnings(), ["spec.rules[0].http.paths[0].backend"]);
    let strict = scene().with(|scene| scene.settings.tolerate_non_existent_backend_service = false);
    assert_eq!(strict.faults(), ["spec.rules[0].http.paths[0].backend"]);
}

fn weighted(first: &str, second: &str) -> Scene {
    let action = format!(
        r#"{{"type":"forward","forwardConfig":{{"targetGroups":[{first},{second}],
            "TargetGroupStickinessConfig":{{"Enabled":true,"DurationSeconds":120}}}}}}"#
    );
    Scene::new("", &["Prefix / w:use-annotation"]).annotate("actions.w", &action)
}

#[test]
fn vector_24_a_missing_service_among_several_is_a_fault() {
    let scene = weighted(
        r#"{"serviceName":"echo-svc","servicePort":80,"weight":1}"#,
        r#"{"serviceName":"gone","servicePort":80,"weight":1}"#,
    );
    assert_eq!(scene.faults(), ["actions.w"]);
}

#[test]
fn vector_25_a_missing_action_is_answered_or_a_fault() {
    let scene = || Scene::new("", &["Prefix / foo:use-annotation"]);
    assert_eq!(
        texts(&scene()),
        [format!(
            "path-pattern[/*] -> {}",
            response("Backend action does not exist")
        )]
    );
    let strict = scene().with(|scene| scene.settings.tolerate_non_existent_backend_action = false);
    assert_eq!(strict.faults(), ["spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn vector_26_weights_and_stickiness_are_passed_on() {
    let scene = weighted(
        r#"{"serviceName":"echo-svc","servicePort":"80","weight":1}"#,
        r#"{"targetGroupARN":"arn:tg","weight":3}"#,
    );
    let outcome = scene.run();
    assert_eq!(
        outcome.texts(),
        [format!("path-pattern[/*] -> {ECHO}*1 + arn:tg*3 sticky true 120")]
    );
    assert_eq!(outcome.groups.keys().collect::<Vec<_>>(), [ECHO]);
}

#[test]
fn vector_27_several_target_groups_need_weights() {
    let scene = weighted(
        r#"{"serviceName":"echo-svc","servicePort":"80"}"#,
        r#"{"targetGroupARN":"arn:tg"}"#,
    );
    assert_eq!(scene.faults(), ["actions.w"]);
}

#[test]
fn a_single_group_by_arn_or_name_is_passed_on() {
    for (action, expected) in [
        (r#"{"type":"forward","targetGroupARN":"arn:tg"}"#, "arn:tg"),
        (r#"{"type":"forward","targetGroupName":"mine"}"#, "named mine"),
        (
            r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"echo-svc","servicePort":"http","weight":7}]}}"#,
            "default/echo-server-echo-svc:http*7",
        ),
    ] {
        let scene = Scene::new("", &["Prefix / w:use-annotation"]).annotate("actions.w", action);
        assert_eq!(texts(&scene), [format!("path-pattern[/*] -> {expected}")]);
    }
}

#[test]
fn a_missing_port_an_external_name_and_a_resource_backend_are_faults() {
    assert_eq!(
        Scene::new("", &["Prefix / echo-svc:81"]).faults(),
        ["spec.rules[0].http.paths[0].backend"]
    );
    let external = Scene::plain().with(|scene| {
        scene.services[0].type_ = "ExternalName".to_owned();
        scene.services[0].ports.clear();
    });
    assert_eq!(external.faults(), ["spec.rules[0].http.paths[0].backend"]);
    let resource = Scene::plain().with(|scene| scene.ingress.rules[0].paths[0].backend.service = None);
    assert_eq!(resource.faults(), ["spec.rules[0].http.paths[0].backend"]);
}

#[test]
fn transforms_are_passed_on_and_checked() {
    let scene = |text: &str| Scene::plain().annotate("transforms.echo-svc", text);
    let good =
        scene(r#"[{"type":"url-rewrite","urlRewriteConfig":{"rewrites":[{"regex":"^/a","replace":"/"}]}}]"#);
    let outcome = good.run();
    assert_eq!(outcome.rules[0].transforms[0].rewrites[0].regex, "^/a");
    assert!(outcome.problems.is_empty());
    assert_eq!(
        scene(r#"[{"type":"upside-down"}]"#).faults(),
        ["transforms.echo-svc"]
    );
}

#[test]
fn a_rule_that_ought_to_authenticate_is_refused_on_https_only() {
    let oidc = r#"{"issuer":"https://i","secretName":"s"}"#;
    let scene = || {
        Scene::plain()
            .annotate("auth-type", "oidc")
            .annotate("auth-idp-oidc", oidc)
    };
    assert_eq!(scene().run().texts().len(), 1);
    assert_eq!(scene().https().faults(), ["auth-type"]);
    let on_service = Scene::plain().annotate_service("auth-type", "cognito");
    assert_eq!(
        on_service.https().faults(),
        ["spec.rules[0].http.paths[0].backend"]
    );
    let tokens = Scene::plain().annotate("jwt-validation", r#"{"jwksEndpoint":"https://k","issuer":"i"}"#);
    assert_eq!(tokens.https().faults(), ["jwt-validation"]);
    // What cannot be read is a fault on any listener.
    assert_eq!(
        Scene::plain().annotate("auth-type", "basic").faults(),
        ["auth-type"]
    );
    assert_eq!(
        Scene::plain().annotate("jwt-validation", "{}").faults(),
        ["jwt-validation"]
    );
}

#[test]
fn a_rule_over_a_limit_of_aws_is_built_with_a_warning() {
    let six = r#"[{"field":"source-ip","sourceIPConfig":{"values":["10.0.0.0/8","10.1.0.0/16","10.2.0.0/16","10.3.0.0/16"]}}]"#;
    let scene = Scene::new("a.com", &["Prefix /p echo-svc:80"]).annotate("conditions.echo-svc", six);
    let outcome = scene.run();
    assert_eq!(outcome.texts().len(), 1);
    assert_eq!(outcome.warnings(), ["spec.rules[0].http.paths[0]"]);
    assert!(
        outcome.problems[0]
            .message
            .contains("7 condition values per rule")
    );
    let action = r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"700"}}"#;
    let scene = Scene::new("", &["Prefix / f:use-annotation"]).annotate("actions.f", action);
    assert_eq!(scene.run().warnings(), ["actions.f"]);
}

#[test]
fn a_rule_names_the_path_and_the_annotations_it_comes_from() {
    let rules = with_redirect().run().rules;
    let fields: Vec<&str> = rules[0]
        .origins
        .iter()
        .map(|origin| origin.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "alb.ingress.kubernetes.io/actions.ssl-redirect",
            "spec.rules[0].http.paths[0]"
        ]
    );
}

#[test]
fn a_default_backend_is_an_action_without_conditions() {
    let scene = |port: &str| {
        Scene::plain().with(|scene| scene.ingress.default_backend = Some(backend("echo-svc", port)))
    };
    assert_eq!(scene("80").default_actions().as_deref(), Some(ECHO));
    assert_eq!(scene("81").default_actions(), None);
    assert_eq!(Scene::plain().default_actions(), None);
}

#[test]
fn one_service_in_two_rules_is_one_target_group() {
    let scene = Scene::new("", &["Exact /a echo-svc:80", "Exact /b echo-svc:80"]).with(|scene| {
        scene.services.push(service("other"));
    });
    assert_eq!(scene.run().groups.len(), 1);
}
