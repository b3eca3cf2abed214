//! Reading and completing authentication settings.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
use super::*;

const PREFIX: &str = "alb.ingress.kubernetes.io";

fn read(pairs: &[(&str, &str)]) -> Result<Auth, AnnotationError> {
    let map: BTreeMap<String, String> = pairs
        .iter()
        .map(|(suffix, value)| (format!("{PREFIX}/{suffix}"), (*value).to_owned()))
        .collect();
    Auth::read(&Annotations::new(&map, PREFIX))
}

const OIDC: &str = r#"{"issuer":"https://i","AuthorizationEndpoint":"https://a","tokenEndpoint":"https://t",
    "userInfoEndpoint":"https://u","secretName":"s","authenticationRequestExtraParams":{"Display":"page","x":null}}"#;

#[test]
fn nothing_means_none_with_the_documented_defaults() {
    let auth = read(&[]).unwrap();
    assert_eq!(auth, Auth::default());
    assert_eq!(auth.provider(), Ok(None));
    assert_eq!(
        (auth.scope.as_str(), auth.session_cookie.as_str()),
        ("openid", "AWSELBAuthSessionCookie")
    );
    assert_eq!(
        (auth.on_unauthenticated.as_str(), auth.session_timeout),
        ("authenticate", 604_800)
    );
}

#[test]
fn oidc_settings_are_read_and_free_keys_keep_their_case() {
    let auth = read(&[("auth-type", "oidc"), ("auth-idp-oidc", OIDC)]).unwrap();
    let Ok(Some(Provider::Oidc(oidc))) = auth.provider() else {
        panic!("{auth:?}");
    };
    assert_eq!(oidc.authorization_endpoint, "https://a");
    assert_eq!(oidc.extra_params["Display"], "page");
    assert_eq!(oidc.extra_params["x"], "");
    assert_eq!(auth.breaches(), Vec::<String>::new());
}

#[test]
fn cognito_settings_are_read_without_checks_of_single_fields() {
    let auth = read(&[
        ("auth-type", "cognito"),
        (
            "auth-idp-cognito",
            r#"{"userPoolArn":"arn:p","UserPoolClientId":"c"}"#,
        ),
        ("auth-on-unauthenticated-request", "reject"),
        ("auth-session-timeout", "604801"),
    ])
    .unwrap();
    let pool = auth.cognito.as_ref().unwrap();
    assert_eq!(
        (pool.user_pool_arn.as_str(), pool.user_pool_client_id.as_str()),
        ("arn:p", "c")
    );
    let found = auth.breaches();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("authenticate, allow, deny"));
    assert!(found[2].contains("userPoolDomain"));
}

#[test]
fn a_type_without_its_provider_is_refused() {
    for (kind, suffix) in [("oidc", "auth-idp-oidc"), ("cognito", "auth-idp-cognito")] {
        let auth = read(&[("auth-type", kind)]).unwrap();
        assert!(auth.provider().unwrap_err().contains(suffix));
    }
}

#[test]
fn every_annotation_must_be_readable_whatever_the_type() {
    for (suffix, value) in [
        ("auth-type", "OIDC"),
        ("auth-type", ""),
        ("auth-idp-oidc", "{"),
        ("auth-idp-oidc", r#"{"issuer":1}"#),
        ("auth-idp-cognito", "[]"),
        ("auth-session-timeout", "1h"),
    ] {
        let error = read(&[(suffix, value)]).unwrap_err();
        assert_eq!(error.key, format!("{PREFIX}/{suffix}"));
    }
}

// ingress-alb vector 42
#[test]
fn what_follows_a_client_id_or_secret_is_cut() {
    assert_eq!(trim_client_id("abc \n"), "abc");
    assert_eq!(trim_client_secret("s3 \n"), "s3 ");
    assert_eq!(trim_client_secret("s3\r\n\u{85}"), "s3");
}
