//! Lifetimes, sharing and changes; against the emulator see `tests/it/facts.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use elbow_core::question::{Answer, Fact, Group, Subnet};
use elbow_core::settings::Realm;

use super::*;

fn realm() -> Realm {
    Realm {
        partition: "aws".to_owned(),
        role: String::new(),
        region: "us-west-2".to_owned(),
        vpc: "vpc-1".to_owned(),
    }
}

fn subnet(id: &str, free: i32) -> Subnet {
    Subnet {
        id: id.to_owned(),
        vpc: "vpc-1".to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: "usw2-az1".to_owned(),
        ipv4_cidr: "10.0.0.0/24".to_owned(),
        ipv6_cidrs: Vec::new(),
        available_ips: free,
        outpost_arn: None,
        tags: BTreeMap::new(),
    }
}

fn answer(question: &Question, values: &[(Item, Value)]) -> Option<Answer> {
    let values: BTreeMap<_, _> = values.iter().cloned().collect();
    let lookup = |item: &Item| values.get(item).map(|value| (value, Timestamp::UNIX_EPOCH));
    item::assemble(question, &realm(), Timestamp::UNIX_EPOCH, &lookup)
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn what_does_not_exist_is_left_out_and_one_denial_or_doubt_decides() {
    let question = Question::SubnetsById(ids(&["a", "b", "c"]));
    let a = (
        Item::Subnet("a".to_owned()),
        Value::Subnets(vec![subnet("a", 100)]),
    );
    let b = (Item::Subnet("b".to_owned()), Value::Absent);
    let c = |value| (Item::Subnet("c".to_owned()), value);
    let Some(Answer::Known {
        fact: Fact::Subnets(found),
        ..
    }) = answer(
        &question,
        &[a.clone(), b.clone(), c(Value::Subnets(vec![subnet("c", 1)]))],
    )
    else {
        panic!("known");
    };
    assert_eq!(
        found.iter().map(|subnet| subnet.id.as_str()).collect::<Vec<_>>(),
        ["a", "c"]
    );
    let denied = answer(
        &question,
        &[
            a.clone(),
            b.clone(),
            c(Value::Denied("ec2:DescribeSubnets".to_owned())),
        ],
    );
    assert_eq!(
        denied,
        Some(Answer::Denied {
            action: "ec2:DescribeSubnets".to_owned()
        })
    );
    let unknown = answer(&question, &[a, b, c(Value::Unknown("no answer".to_owned()))]);
    assert!(matches!(unknown, Some(Answer::Unknown { .. })));
}

#[test]
fn a_missing_vpc_is_absent_and_questions_for_the_mirror_are_not_answered() {
    let absent = answer(&Question::Vpc, &[(Item::Vpc, Value::Absent)]);
    assert_eq!(
        absent,
        Some(Answer::Absent {
            message: "there is no VPC vpc-1 in region us-west-2".to_owned()
        })
    );
    assert_eq!(answer(&Question::BackendGroup, &[]), None);
}

#[test]
fn a_target_group_is_found_by_name_or_named_as_missing() {
    let question = Question::TargetGroupByName("mine".to_owned());
    let item = || Item::TargetGroupName("mine".to_owned());
    let arn = Value::TargetGroup("arn:mine".to_owned());
    assert_eq!(arn.lifetime(&item()), lifetimes::TARGET_GROUP);
    let Some(Answer::Known { fact, .. }) = answer(&question, &[(item(), arn)]) else {
        panic!("known");
    };
    assert_eq!(fact, Fact::TargetGroup("arn:mine".to_owned()));
    let Some(Answer::Absent { message }) = answer(&question, &[(item(), Value::Absent)]) else {
        panic!("absent");
    };
    assert!(
        message.contains("no target group 'mine' in region us-west-2"),
        "{message}"
    );
}

#[test]
fn free_addresses_count_as_a_change_only_around_the_threshold() {
    let value = |free| Value::Subnets(vec![subnet("a", free)]);
    assert!(value(4000).is_same(&value(3999)));
    assert!(!value(8).is_same(&value(7)));
}

#[tokio::test(start_paused = true)]
async fn an_old_value_stands_in_for_an_unreadable_one_within_bounds() {
    let item = Item::Group("sg-1".to_owned());
    let known = Value::Groups(vec![Group {
        id: "sg-1".to_owned(),
        tags: BTreeMap::new(),
    }]);
    let unknown = Value::Unknown("no answer".to_owned());
    let mut cache = Cache::default();
    cache.store(item.clone(), known.clone(), Timestamp::UNIX_EPOCH);
    cache.store(item.clone(), unknown.clone(), Timestamp::UNIX_EPOCH);
    assert_eq!(cache.slots[&item].value, known);
    tokio::time::advance(lifetimes::NETWORK + lifetimes::STALE).await;
    cache.store(item.clone(), unknown.clone(), Timestamp::UNIX_EPOCH);
    assert_eq!(cache.slots[&item].value, unknown);
    assert!(cache.changed.contains(&item));
}
