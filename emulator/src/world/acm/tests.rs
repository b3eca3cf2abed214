#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::{list::Query, request::Request, *};
use crate::world::elb::{
    certificate::Named,
    listener,
    listener_settings::ListenerSettings,
    tests::{at, create_group, create_network, forward, settings, tcp, world},
    words::Protocol,
};

fn named(domain: &str, kind: &'static str) -> Certificate {
    Certificate {
        domains: vec![domain.into()],
        key_algorithm: kind,
        ..Certificate::imported(&format!(
            "arn:aws:acm:us-west-2:123456789012:certificate/{domain}-{kind}"
        ))
    }
}

fn asked(domain: &str) -> Request {
    Request {
        domain: domain.into(),
        ..Request::default()
    }
}

fn domains(world: &World, query: &Query) -> Vec<String> {
    let page = list::list(world, query).unwrap();
    page.items
        .iter()
        .flat_map(|found| found.domains.clone())
        .collect()
}

#[test]
fn other_keys_are_listed_only_when_asked_for() {
    let mut world = world();
    world.certificates.put(named("rsa.example.com", "RSA_2048"));
    world.certificates.put(named("ec.example.com", "EC_prime256v1"));
    world
        .certificates
        .insert("arn:aws:iam::123456789012:server-certificate/x");
    assert_eq!(domains(&world, &Query::default()), ["rsa.example.com"]);
    let all = Query {
        key_types: KEY_ALGORITHMS.to_vec(),
        ..Query::default()
    };
    assert_eq!(domains(&world, &all), ["ec.example.com", "rsa.example.com"]);
}

#[test]
fn a_public_certificate_is_issued_after_the_delay_and_a_private_one_at_once() {
    let mut world = world();
    world.delays.certificate_validation = 60;
    let arn = request::request(&mut world, at(0), &asked("a.example.com")).unwrap();
    let private = Request {
        authority: Some("arn:aws:acm-pca:us-west-2:123456789012:certificate-authority/x".into()),
        ..asked("b.internal.example.com")
    };
    let private = request::request(&mut world, at(0), &private).unwrap();
    assert_eq!(find(&world, &arn).unwrap().status, "PENDING_VALIDATION");
    assert_eq!(find(&world, &private).unwrap().status, "ISSUED");
    world.advance(at(59));
    assert!(!find(&world, &arn).unwrap().usable());
    world.advance(at(60));
    assert!(find(&world, &arn).unwrap().usable());
}

#[test]
fn a_repeated_request_with_the_same_token_answers_the_same_certificate() {
    let mut world = world();
    let once = Request {
        token: Some("t".into()),
        ..asked("a.example.com")
    };
    let first = request::request(&mut world, at(0), &once).unwrap();
    assert_eq!(request::request(&mut world, at(3_599), &once).unwrap(), first);
    assert_ne!(request::request(&mut world, at(3_600), &once).unwrap(), first);
    let other = Request {
        alternatives: vec!["b.example.com".into()],
        ..once
    };
    assert_ne!(request::request(&mut world, at(0), &other).unwrap(), first);
}

#[test]
fn wrong_requests_are_refused() {
    let mut world = world();
    let many = Request {
        alternatives: (0..10).map(|n| format!("{n}.example.com")).collect(),
        ..asked("example.com")
    };
    let foreign = Request {
        authority: Some("arn:aws:acm:us-west-2:123456789012:certificate/x".into()),
        ..asked("example.com")
    };
    for (wrong, code) in [
        (asked("com"), "ValidationException"),
        (asked("a_b.example.com"), "ValidationException"),
        (asked("a.*.example.com"), "ValidationException"),
        (many, "LimitExceededException"),
        (foreign, "InvalidArnException"),
    ] {
        assert_eq!(
            request::request(&mut world, at(0), &wrong).unwrap_err().code,
            code
        );
    }
}

#[test]
fn a_listener_takes_only_what_is_issued_and_keeps_it_from_deletion() {
    let mut world = world();
    world.delays.certificate_validation = 60;
    let arn = request::request(&mut world, at(0), &asked("a.example.com")).unwrap();
    let owner = create_network(&mut world, "web");
    let group = create_group(&mut world, &tcp("web")).arn;
    let settings = ListenerSettings {
        certificates: Some(vec![Named {
            arn: arn.clone(),
            is_default: None,
        }]),
        ..settings(Protocol::Tls, 443, forward(&[(&group, 1)]))
    };
    let error = listener::create(&mut world, at(0), &owner.arn, &settings, &[]).unwrap_err();
    assert_eq!(error.code, "UnsupportedCertificate");
    world.advance(at(60));
    let made = listener::create(&mut world, at(60), &owner.arn, &settings, &[]).unwrap();
    assert!(in_use_by(&world, &arn).contains(&owner.arn));
    assert_eq!(
        request::delete(&mut world, &arn).unwrap_err().code,
        "ResourceInUseException"
    );
    listener::delete(&mut world, &made.arn).unwrap();
    request::delete(&mut world, &arn).unwrap();
    assert_eq!(
        request::delete(&mut world, &arn).unwrap_err().code,
        "ResourceNotFoundException"
    );
}

#[test]
fn tags_are_limited_under_the_codes_of_acm() {
    let mut world = world();
    let arn = request::request(&mut world, at(0), &asked("a.example.com")).unwrap();
    let pair = |key: &str| (key.to_owned(), String::new());
    tags::add(&mut world, &arn, &[pair("a")]).unwrap();
    let many: Vec<_> = (0..50).map(|n| pair(&format!("k{n}"))).collect();
    for (list, code) in [
        (many, "TooManyTagsException"),
        (vec![pair("aws:x")], "InvalidTagException"),
        (vec![pair("x"), pair("x")], "InvalidParameterException"),
    ] {
        assert_eq!(tags::add(&mut world, &arn, &list).unwrap_err().code, code);
    }
    assert_eq!(find(&world, &arn).unwrap().tags.len(), 1);
}
