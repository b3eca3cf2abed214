//! Security group rules (reference page, sections 15, 17 and 20.3).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::target_group_binding::Networking;
use serde_json::{Value, json};

use super::world::pod;
use crate::model::{IngressPermission, PermissionSource};
use crate::settings::Settings;
use crate::targets::networking::{
    RULE_LABEL, aggregate, covers, endpoint_group, is_labelled, permission_text, permissions,
    pod_contribution, revocable, rule_diff,
};
use crate::targets::{GroupRule, Interface, SecurityGroupState};

#[allow(clippy::needless_pass_by_value)] // `json!` makes values
fn networking(from: Value, ports: Value) -> Networking {
    serde_json::from_value(json!({"ingress": [{"from": from, "ports": ports}]})).unwrap()
}

fn permission(protocol: &str, from: i32, to: i32, source: &str) -> IngressPermission {
    IngressPermission {
        protocol: protocol.to_owned(),
        from_port: Some(from),
        to_port: Some(to),
        source: if source.starts_with("sg-") {
            PermissionSource::Group(source.to_owned())
        } else if source.contains(':') {
            PermissionSource::Ipv6(source.to_owned())
        } else {
            PermissionSource::Ipv4(source.to_owned())
        },
    }
}

fn rule(permission: IngressPermission, description: &str) -> GroupRule {
    GroupRule {
        permission,
        description: description.to_owned(),
    }
}

fn be() -> Value {
    json!([{"securityGroup": {"groupID": "sg-be"}}])
}

#[test]
fn every_peer_may_reach_every_port() {
    let wanted = networking(
        json!([{"securityGroup": {"groupID": "sg-be"}}, {"ipBlock": {"cidr": "10.0.0.1/8"}},
               {"ipBlock": {"cidr": "2001:db8::/32"}}]),
        json!([{"port": 80}, {"protocol": "UDP"}]),
    );
    let sources = ["sg-be", "10.0.0.0/8", "2001:db8::/32"];
    let all: BTreeSet<_> = sources
        .into_iter()
        .flat_map(|s| [permission("tcp", 80, 80, s), permission("udp", 0, 65535, s)])
        .collect();
    assert_eq!(permissions(&wanted, None).unwrap(), all);
}

#[test]
fn named_ports_are_looked_up_on_pods() {
    let wanted = networking(be(), json!([{"port": "http"}]));
    let a = pod("a", "10.0.0.1", false);
    let mut b = pod("b", "10.0.0.2", false);
    b.container_ports = vec![("http".to_owned(), 80)];
    assert_eq!(
        permissions(&wanted, Some(&[&a, &b])).unwrap(),
        BTreeSet::from([
            permission("tcp", 80, 80, "sg-be"),
            permission("tcp", 8080, 8080, "sg-be")
        ])
    );
    b.container_ports.clear();
    assert_eq!(
        permissions(&wanted, Some(&[&a, &b])).unwrap_err(),
        "unable to find port http on pod default/b"
    );
    assert_eq!(
        permissions(&wanted, None).unwrap_err(),
        "named ports can only be used with pod endpoints"
    );
}

#[test]
fn a_rule_without_ports_permits_nothing_but_its_peers_are_checked() {
    assert!(
        permissions(&networking(be(), json!([])), None)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        permissions(&networking(json!([{}]), json!([])), None).unwrap_err(),
        "either ipBlock or securityGroup should be specified"
    );
    let bad = networking(json!([{"ipBlock": {"cidr": "10.0.0.0"}}]), json!([]));
    assert!(permissions(&bad, None).unwrap_err().contains("'10.0.0.0'"));
}

fn interface(groups: &[&str]) -> Interface {
    Interface {
        id: "eni-1".to_owned(),
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        ..Interface::default()
    }
}

#[test]
fn the_group_of_an_interface_is_its_only_one_or_the_only_tagged_one() {
    let mut settings = Settings::new("test", "us-west-2", "vpc-1");
    let tagged = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    };
    let tags = BTreeMap::from([
        (
            "sg-a".to_owned(),
            tagged(&[("kubernetes.io/cluster/test", "owned")]),
        ),
        (
            "sg-b".to_owned(),
            tagged(&[("kubernetes.io/cluster/other", "owned")]),
        ),
        (
            "sg-c".to_owned(),
            tagged(&[("kubernetes.io/cluster/test", ""), ("kind", "pods")]),
        ),
    ]);
    let group = |groups: &[&str], settings: &Settings| endpoint_group(&interface(groups), &tags, settings);
    assert_eq!(group(&["sg-x"], &settings).unwrap(), "sg-x");
    assert_eq!(group(&["sg-a", "sg-b"], &settings).unwrap(), "sg-a");
    assert_eq!(
        group(&["sg-a", "sg-c"], &settings).unwrap_err(),
        "expected exactly one securityGroup tagged with kubernetes.io/cluster/test for eni eni-1, got: \
         [sg-a sg-c] (clusterName: test)"
    );
    assert!(group(&[], &settings).unwrap_err().contains("got: []"));
    settings
        .service_target_eni_security_group_tags
        .insert("kind".to_owned(), "pods".to_owned());
    assert_eq!(group(&["sg-a", "sg-c"], &settings).unwrap(), "sg-c");
    assert!(
        group(&["sg-a", "sg-b"], &settings)
            .unwrap_err()
            .contains("and map[kind:pods] for eni")
    );
}

#[test]
fn pods_are_grouped_by_security_group() {
    let settings = Settings::new("test", "us-west-2", "vpc-1");
    let (a, b) = (pod("a", "10.0.0.1", false), pod("b", "10.0.0.2", false));
    let (one, two) = (interface(&["sg-1"]), interface(&["sg-2"]));
    let wanted = networking(be(), json!([{"port": "http"}]));
    let made = pod_contribution(&wanted, &[(&a, &one), (&b, &two)], &BTreeMap::new(), &settings).unwrap();
    let permissions = BTreeSet::from([permission("tcp", 8080, 8080, "sg-be")]);
    assert_eq!(
        made,
        BTreeMap::from([
            ("sg-1".to_owned(), permissions.clone()),
            ("sg-2".to_owned(), permissions)
        ])
    );
}

fn example() -> Vec<BTreeSet<IngressPermission>> {
    vec![
        BTreeSet::from([permission("tcp", 8080, 8080, "sg-be")]),
        BTreeSet::from([permission("tcp", 9090, 9090, "sg-be")]),
        BTreeSet::from([permission("udp", 53, 53, "sg-be")]),
        BTreeSet::from([permission("tcp", 30000, 30000, "10.0.0.0/16")]),
    ]
}

#[test]
fn restricted_rules_become_one_range_per_protocol_and_source() {
    let merged = aggregate(&example(), false);
    assert_eq!(
        merged,
        BTreeSet::from([
            permission("tcp", 8080, 9090, "sg-be"),
            permission("udp", 53, 53, "sg-be"),
            permission("tcp", 30000, 30000, "10.0.0.0/16"),
        ])
    );
    assert_eq!(aggregate(&example(), true).len(), 4);
    let all = BTreeSet::from([
        permission("tcp", 0, 0, "sg-be"),
        permission("tcp", 80, 80, "sg-be"),
    ]);
    assert_eq!(
        aggregate([&all], false),
        BTreeSet::from([permission("tcp", 0, 65535, "sg-be")])
    );
}

#[test]
fn the_worked_example_grants_in_order_and_revokes_only_labelled_rules() {
    let current = [
        rule(permission("tcp", 8080, 8080, "sg-be"), RULE_LABEL),
        rule(permission("udp", 53, 53, "sg-be"), RULE_LABEL),
        rule(permission("tcp", 22, 22, "0.0.0.0/0"), ""),
    ];
    let diff = rule_diff(&aggregate(&example(), false), &current);
    assert_eq!(
        diff.grant,
        [
            rule(permission("tcp", 30000, 30000, "10.0.0.0/16"), RULE_LABEL),
            rule(permission("tcp", 8080, 9090, "sg-be"), RULE_LABEL),
        ]
    );
    assert_eq!(
        diff.revoke,
        [rule(permission("tcp", 8080, 8080, "sg-be"), RULE_LABEL)]
    );
    let mut fewer = example();
    fewer.remove(1);
    let current = [rule(permission("tcp", 8080, 9090, "sg-be"), RULE_LABEL)];
    let diff = rule_diff(&aggregate(&fewer, false), &current);
    assert!(
        diff.grant
            .contains(&rule(permission("tcp", 8080, 8080, "sg-be"), RULE_LABEL))
    );
    assert_eq!(diff.revoke, current);
}

#[test]
fn a_rule_somebody_made_satisfies_a_wish_and_stays() {
    let current = [rule(permission("tcp", 80, 80, "sg-be"), "by hand")];
    let wanted = BTreeSet::from([permission("tcp", 80, 80, "sg-be")]);
    assert!(rule_diff(&wanted, &current).grant.is_empty());
    assert!(rule_diff(&BTreeSet::new(), &current).revoke.is_empty());
}

#[test]
fn labels_are_found_like_upstream_finds_them() {
    let labelled = |text: &str| is_labelled(&rule(permission("tcp", 1, 1, "sg-a"), text));
    assert!(labelled(RULE_LABEL));
    assert!(labelled("a=b,elbv2.k8s.aws/targetGroupBinding=shared,c=d"));
    assert!(labelled("note elbv2.k8s.aws/targetGroupBinding=shared"));
    assert!(!labelled("elbv2.k8s.aws/targetGroupBinding=shared note"));
    assert!(!labelled("elbv2.k8s.aws/targetGroupBinding=other"));
    assert!(!labelled(""));
}

#[test]
fn permission_texts_are_upstreams() {
    let mut unset = permission("-1", 0, 0, "10.0.0.0/8");
    unset.from_port = None;
    assert_eq!(
        permission_text(&unset),
        "IpProtocol: -1, FromPort: 0, ToPort: 0, IpRange: 10.0.0.0/8"
    );
    assert_eq!(
        permission_text(&permission("tcp", 1, 2, "sg-a")),
        "IpProtocol: tcp, FromPort: 1, ToPort: 2, UserIdGroupPair: sg-a"
    );
}

#[test]
fn on_a_group_that_is_not_ours_alone_only_rules_of_this_process_are_revoked() {
    let revoke = vec![
        rule(permission("tcp", 80, 80, "sg-mine"), RULE_LABEL),
        rule(permission("tcp", 80, 80, "sg-other"), RULE_LABEL),
        rule(permission("tcp", 443, 443, "sg-mine"), RULE_LABEL),
        rule(permission("udp", 80, 80, "sg-mine"), RULE_LABEL),
    ];
    let written = BTreeSet::from([permission("tcp", 80, 80, "sg-mine")]);
    let tagged = |clusters: &[&str]| SecurityGroupState {
        tags: clusters
            .iter()
            .map(|c| (format!("kubernetes.io/cluster/{c}"), "owned".to_owned()))
            .collect(),
        ..SecurityGroupState::default()
    };
    let left = |clusters: &[&str]| revocable(revoke.clone(), &tagged(clusters), "test", &written).len();
    assert_eq!(left(&["test"]), 4);
    assert_eq!(left(&["other", "test"]), 1);
    assert_eq!(left(&[]), 1);
}

#[test]
fn a_rule_covers_what_lies_within_its_ports_for_the_same_peer() {
    let held = rule(permission("tcp", 8080, 31000, "sg-1"), RULE_LABEL);
    assert!(covers(&held, &permission("tcp", 8080, 8080, "sg-1")));
    assert!(covers(&held, &permission("tcp", 8080, 31000, "sg-1")));
    assert!(!covers(&held, &permission("tcp", 80, 8080, "sg-1")));
    assert!(!covers(&held, &permission("tcp", 9000, 31001, "sg-1")));
    assert!(!covers(&held, &permission("udp", 8080, 8080, "sg-1")));
    assert!(!covers(&held, &permission("tcp", 8080, 8080, "sg-2")));
}
