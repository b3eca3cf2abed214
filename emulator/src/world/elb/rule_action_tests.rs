//! Actions of rules: which target groups they use, who may pass, what stays secret.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::{
    action::{Action, Does},
    authentication::{Cognito, Jwt, Oidc, Session},
    listener,
    listener_settings::ListenerSettings,
    rule::{self, CreateRule, ModifyRule},
    rule_tests::{answer, code, http, plain, request, secure},
    target_group,
    tests::*,
    words::Protocol,
};

fn oidc(secret: Option<&str>, use_existing_secret: bool) -> Does {
    Does::AuthenticateOidc(Oidc {
        issuer: "https://id.example.com".into(),
        authorization_endpoint: "https://id.example.com/a".into(),
        token_endpoint: "https://id.example.com/t".into(),
        user_info_endpoint: "https://id.example.com/u".into(),
        client: "one".into(),
        client_secret: secret.map(str::to_owned),
        use_existing_secret,
        session: Session::default(),
    })
}

fn guarded(does: Does) -> Vec<Action> {
    vec![answer(Some(2)), Action { order: Some(1), does }]
}

#[test]
fn a_group_that_only_a_rule_names_with_weight_0_is_in_use_until_the_rule_goes() {
    let (mut world, listener) = plain();
    let (old, new) = (
        create_group(&mut world, &http("old")).arn,
        create_group(&mut world, &http("new")).arn,
    );
    register(&mut world, 0, &new, &["10.0.100.5"]).unwrap();
    assert_eq!(health(&mut world, 200, &new), ["unused/Target.NotInUse"]);
    let weighted = CreateRule {
        actions: forward(&[(&old, 1), (&new, 0)]),
        ..request(&listener, 1)
    };
    let made = rule::create(&mut world, at(200), &weighted).unwrap().arn;
    settle(&mut world, 200);
    assert_eq!(
        health(&mut world, 200, &new),
        ["initial/Elb.RegistrationInProgress"]
    );
    assert_eq!(world.elb.uses().of(&new).len(), 1);
    assert_eq!(
        code(target_group::delete(&mut world, at(201), &new)),
        "ResourceInUse"
    );
    let other = create_application(&mut world, "other");
    let refused = listen(&mut world, &other, Protocol::Http, 80, &new);
    assert_eq!(code(refused), "TargetGroupAssociationLimit");
    rule::delete(&mut world, &made).unwrap();
    settle(&mut world, 202);
    assert_eq!(health(&mut world, 202, &new), ["unused/Target.NotInUse"]);
    target_group::delete(&mut world, at(203), &new).unwrap();
}

#[test]
fn unique_groups_are_counted_over_all_listeners_and_rules() {
    let (mut world, listener) = plain();
    world.quotas.target_groups_per_application_load_balancer = 2;
    let (a, b) = (
        create_group(&mut world, &http("a")).arn,
        create_group(&mut world, &http("b")).arn,
    );
    let to = |priority: i64, group: &str| CreateRule {
        actions: forward(&[(group, 1)]),
        ..request(&listener, priority)
    };
    let first = rule::create(&mut world, at(0), &to(1, &a)).unwrap().arn;
    rule::create(&mut world, at(0), &to(2, &a)).unwrap();
    let many = "TooManyUniqueTargetGroupsPerLoadBalancer";
    assert_eq!(code(rule::create(&mut world, at(0), &to(3, &b))), many);
    let move_default = ListenerSettings {
        default_actions: Some(forward(&[(&a, 1), (&b, 1)])),
        ..Default::default()
    };
    listener::modify(&mut world, &listener, &move_default).unwrap();
    let change = ModifyRule {
        arn: first,
        actions: Some(forward(&[(&b, 1)])),
        ..Default::default()
    };
    rule::modify(&mut world, &change).unwrap();
}

#[test]
fn a_rule_ends_with_one_action_and_starts_with_at_most_one_that_authenticates() {
    let (mut world, _) = plain();
    let listener = secure(&mut world, 443).arn;
    let cognito = Does::AuthenticateCognito(Cognito {
        user_pool: "arn:aws:cognito-idp:us-west-2:1:userpool/one".into(),
        client: "c".into(),
        domain: "d".into(),
        session: Session::default(),
    });
    let jwt = Does::JwtValidation(Jwt {
        jwks_endpoint: "https://id.example.com/keys".into(),
        issuer: "one".into(),
        claims: Vec::new(),
    });
    let with = |order: Option<i64>, does: &Does| Action {
        order,
        does: does.clone(),
    };
    let mut attempt = |actions: Vec<Action>| {
        let request = CreateRule {
            actions,
            ..request(&listener, 1)
        };
        let made = rule::create(&mut world, at(0), &request).map_err(|error| error.code)?;
        rule::delete(&mut world, &made.arn).unwrap();
        Ok(made.actions)
    };
    let made = attempt(guarded(jwt.clone())).unwrap();
    assert_eq!(made[0], with(Some(1), &jwt), "in their order");
    attempt(guarded(cognito.clone())).unwrap();
    attempt(guarded(oidc(Some("s"), false))).unwrap();
    assert_eq!(attempt(vec![with(Some(1), &jwt)]), Err("ValidationError"));
    assert_eq!(attempt(Vec::new()), Err("ValidationError"));
    let two_ends = vec![answer(Some(1)), answer(Some(2))];
    assert_eq!(attempt(two_ends), Err("TooManyActions"));
    let two_guards = vec![with(Some(1), &jwt), with(Some(2), &cognito), answer(Some(3))];
    assert_eq!(attempt(two_guards), Err("TooManyActions"));
    let late = vec![answer(Some(1)), with(Some(2), &jwt)];
    assert_eq!(attempt(late), Err("InvalidLoadBalancerAction"));
    assert_eq!(
        attempt(vec![with(None, &jwt), answer(None)]),
        Err("ValidationError")
    );
    assert_eq!(
        attempt(guarded(oidc(None, false))),
        Err("ValidationError"),
        "no secret"
    );
    assert_eq!(
        attempt(guarded(oidc(None, true))),
        Err("ValidationError"),
        "none to use"
    );
}

#[test]
fn only_https_listeners_authenticate_and_cannot_become_http_ones_meanwhile() {
    let (mut world, listener) = plain();
    let guarded_rule = |listener: &str| CreateRule {
        actions: guarded(oidc(Some("s"), false)),
        ..request(listener, 1)
    };
    let refused = rule::create(&mut world, at(0), &guarded_rule(&listener));
    assert_eq!(code(refused), "InvalidLoadBalancerAction");
    let secure = secure(&mut world, 443).arn;
    rule::create(&mut world, at(0), &guarded_rule(&secure)).unwrap();
    let to_http = ListenerSettings {
        protocol: Some(Protocol::Http),
        ..Default::default()
    };
    let refused = listener::modify(&mut world, &secure, &to_http);
    assert_eq!(code(refused), "InvalidLoadBalancerAction");
}

#[test]
fn a_client_secret_is_kept_on_request_and_never_shown() {
    let (mut world, _) = plain();
    let listener = secure(&mut world, 443).arn;
    let wanted = CreateRule {
        actions: guarded(oidc(Some("hush"), false)),
        ..request(&listener, 1)
    };
    let made = rule::create(&mut world, at(0), &wanted).unwrap();
    let keep = ModifyRule {
        arn: made.arn.clone(),
        actions: Some(guarded(oidc(None, true))),
        ..Default::default()
    };
    assert_eq!(rule::modify(&mut world, &keep).unwrap(), made);
    assert!(!serde_json::to_string(&world).unwrap().contains("hush"));
}
