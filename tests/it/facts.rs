//! Facts against the emulator, on virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use elbow::clock::Clock;
use elbow::facts::Facts;
use elbow_core::question::{Answer, Fact, Question};
use elbow_emulator::{CallFilter, Emulator, Fault, FaultRule};

use crate::support::{VPC, aws, cx, emulator};

fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

fn calls(emulator: &Emulator) -> usize {
    emulator.calls(&CallFilter::default()).len()
}

async fn ask(facts: &Facts, question: &Question) -> Answer {
    let mut answers = facts.answer(&BTreeSet::from([question.clone()]), &cx()).await;
    answers.remove(question).expect("answered")
}

#[tokio::test(start_paused = true)]
async fn all_questions_are_answered_with_one_call_each_and_again_with_none() {
    let emulator = emulator("");
    let facts = Facts::new(aws(&emulator), Clock::start());
    let questions = BTreeSet::from([
        Question::VpcSubnets,
        Question::RouteTables,
        Question::Vpc,
        Question::SubnetsById(ids(["subnet-0e1b000000000000a", "subnet-gone"])),
        Question::Zones(ids(["usw2-az1"])),
        Question::GroupsById(ids(["sg-gone"])),
        Question::GroupsByName(ids(["none"])),
        Question::BackendGroup,
    ]);
    let answers = facts.answer(&questions, &cx()).await;
    assert_eq!(answers.len(), 7, "the mirror answers the rest");
    assert!(
        answers
            .values()
            .all(|answer| matches!(answer, Answer::Known { .. }))
    );
    assert_eq!(calls(&emulator), 7);
    facts.answer(&questions, &cx()).await;
    assert_eq!(calls(&emulator), 7);
}

#[tokio::test(start_paused = true)]
async fn questions_share_the_items_they_have_in_common() {
    let emulator = emulator("");
    let facts = Facts::new(aws(&emulator), Clock::start());
    let both = ids(["subnet-0e1b000000000000a", "subnet-0e1b000000000000b"]);
    ask(&facts, &Question::SubnetsById(both)).await;
    ask(&facts, &Question::SubnetsById(ids(["subnet-0e1b000000000000b"]))).await;
    assert_eq!(calls(&emulator), 1);
}

#[tokio::test(start_paused = true)]
async fn denial_names_the_action_and_ends_when_the_permission_is_there() {
    let emulator = emulator("");
    let facts = Facts::new(aws(&emulator), Clock::start());
    emulator.add_fault(FaultRule::once("DescribeRouteTables", Fault::AccessDenied));
    let denied = Answer::Denied {
        action: "ec2:DescribeRouteTables".to_owned(),
    };
    assert_eq!(ask(&facts, &Question::RouteTables).await, denied);
    assert_eq!(ask(&facts, &Question::RouteTables).await, denied);
    assert_eq!(calls(&emulator), 1);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(matches!(
        ask(&facts, &Question::RouteTables).await,
        Answer::Known { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_fact_is_unknown_at_first_and_the_old_one_later() {
    let emulator = emulator("");
    let facts = Facts::new(aws(&emulator), Clock::start());
    let broken = emulator.add_fault(FaultRule::every(
        "DescribeSubnets",
        Fault::Error {
            code: "InternalFailure".to_owned(),
            status: 500,
        },
    ));
    let Answer::Unknown { reason } = ask(&facts, &Question::VpcSubnets).await else {
        panic!("unknown");
    };
    assert!(
        reason.contains("DescribeSubnets") && reason.contains("InternalFailure"),
        "{reason}"
    );
    emulator.remove_fault(broken);
    assert!(matches!(
        ask(&facts, &Question::VpcSubnets).await,
        Answer::Known { .. }
    ));
    emulator.add_fault(FaultRule::every("DescribeSubnets", Fault::CutBefore));
    tokio::time::advance(Duration::from_mins(11)).await;
    assert!(matches!(
        ask(&facts, &Question::VpcSubnets).await,
        Answer::Known { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn answers_in_use_are_refreshed_in_the_background_and_a_change_is_reported() {
    let emulator = emulator("");
    let aws = aws(&emulator);
    let facts = Facts::new(aws.clone(), Clock::start());
    let question = Question::GroupsByName(ids(["web"]));
    ask(&facts, &question).await;
    ask(&facts, &Question::Vpc).await;
    assert!(facts.refresh().await.is_empty());

    let tags = BTreeMap::from([("Name".to_owned(), "web".to_owned())]);
    let id = aws
        .create_security_group(&cx(), "web", "web", VPC, &tags)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(facts.refresh().await, BTreeSet::from([question.clone()]));
    let Answer::Known {
        fact: Fact::Groups(groups),
        ..
    } = ask(&facts, &question).await
    else {
        panic!("known");
    };
    assert_eq!(groups[0].id, id);
    let pattern = ask(&facts, &Question::GroupsByName(ids(["w?b"]))).await;
    assert!(matches!(pattern, Answer::Known { fact: Fact::Groups(found), .. } if found == groups));
    assert!(facts.refresh().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_sick_object_stands_on_is_looked_at_every_half_minute_until_it_is_well() {
    let emulator = emulator("");
    let facts = Facts::new(aws(&emulator), Clock::start());
    let question = BTreeSet::from([Question::VpcSubnets]);
    let key = elbow_core::key::Key::BackendGroup { vpc: VPC.to_owned() };
    facts.answer(&question, &cx()).await;
    facts.doubt(&key, &question);
    for reads in 2..5 {
        tokio::time::sleep(Duration::from_secs(31)).await;
        facts.refresh().await;
        assert_eq!(calls(&emulator), reads);
    }
    facts.trust(&key);
    tokio::time::sleep(Duration::from_mins(5)).await;
    facts.refresh().await;
    assert_eq!(calls(&emulator), 4);
}
