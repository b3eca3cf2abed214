#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;

#[test]
fn the_name_is_made_of_the_scope_and_the_printed_key() {
    let scope = Settings::new("demo", "us-west-2", "vpc-1").scope;
    let key = StackKey::service("default", "web");
    let name = record_name(&scope, &key);
    let digits = hash::sha256_hex(b"demo\nservice.k8s.aws/nlb\nservice:default/web");
    assert_eq!(name, format!("elbow-{}", &digits[..40]));
    assert_eq!(name.len(), 46);
    let other_class = Scope {
        load_balancer_class: "example.com/other".to_owned(),
        ..scope.clone()
    };
    assert_ne!(record_name(&other_class, &key), name);
    let one_namespace = Scope {
        namespace: Some("default".to_owned()),
        ..scope
    };
    assert_eq!(
        record_name(&one_namespace, &key),
        name,
        "what is watched does not count"
    );
}

#[test]
fn the_name_of_an_ingress_stack_is_made_of_the_ingress_class() {
    let scope = Settings::new("demo", "us-west-2", "vpc-1").scope;
    let key = StackKey::ingress_group("shop");
    let digits = hash::sha256_hex(b"demo\nalb\ningress:shop");
    assert_eq!(record_name(&scope, &key), format!("elbow-{}", &digits[..40]));
    let other_ingresses = Scope {
        ingress_class: "other".to_owned(),
        ..scope.clone()
    };
    assert_ne!(record_name(&other_ingresses, &key), record_name(&scope, &key));
    let other_services = Scope {
        load_balancer_class: "example.com/other".to_owned(),
        ..scope.clone()
    };
    assert_eq!(record_name(&other_services, &key), record_name(&scope, &key));
    let service = StackKey::service("default", "web");
    assert_eq!(
        record_name(&other_ingresses, &service),
        record_name(&scope, &service)
    );
}

#[test]
fn settings_that_no_build_reads_do_not_count() {
    let settings = Settings::new("demo", "us-west-2", "vpc-1");
    let mut other = settings.clone();
    other.sync_period *= 2;
    other.max_targets_per_target_group = 7;
    assert_eq!(configuration_hash(&settings), configuration_hash(&other));
    other.default_tags.insert("team".to_owned(), "a".to_owned());
    assert_ne!(configuration_hash(&settings), configuration_hash(&other));
}

#[test]
fn text_of_another_format_is_refused() {
    let key = StackKey::service("default", "web");
    let stack = Stack::empty(&key);
    let settings = Settings::new("demo", "us-west-2", "vpc-1");
    let record = Record::new(&stack, &stack, &settings, None);
    assert_eq!(Record::from_json(&record.to_json()).expect("own text"), record);
    assert!(Record::from_json("{}").is_err());
    assert!(Record::from_json("null").is_err());
}
