//! Rules of a listener: the real SDK against the emulator.

use std::collections::BTreeMap;

use elbow_core::model::{
    Action, Condition, FixedResponseAction, Listener, LoadBalancer, LoadBalancerType, Origins, Patterns,
    Protocol, QueryPair, Ref, ResourceId, Rule, Setting, Tags,
};

use crate::support::wanted::{SEED, calls, listener, load_balancer};
use crate::support::{aws, cx, emulator};

fn answer(status: &str) -> Vec<Action> {
    vec![Action::FixedResponse(FixedResponseAction {
        status: status.to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: Some("closed".to_owned()),
    })]
}

fn rule(listener: &str, priority: i32, condition: Condition) -> Rule {
    Rule {
        id: ResourceId(String::new()),
        arn: None,
        listener: Ref::Known(listener.to_owned()),
        priority,
        conditions: vec![condition],
        actions: answer("503"),
        transforms: Vec::new(),
        tags: Setting::Unmanaged,
        origins: Origins::new(),
    }
}

fn path(path: &str) -> Condition {
    Condition::PathPattern(Patterns::Values(vec![path.to_owned()]))
}

#[tokio::test(start_paused = true)]
async fn rules_are_created_changed_renumbered_and_deleted() {
    let emulator = emulator(SEED);
    let aws = aws(&emulator);
    let balancer = LoadBalancer {
        kind: LoadBalancerType::Application,
        ..load_balancer("web")
    };
    let made = aws
        .create_load_balancer(&cx(), &balancer, &[], &Tags::new())
        .await
        .unwrap();
    let wanted = Listener {
        port: 80,
        protocol: Protocol::Http,
        default_actions: answer("404"),
        certificates: Vec::new(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        ..listener(&made.arn, "")
    };
    let listener = aws.create_listener(&cx(), &wanted, &Tags::new()).await.unwrap();
    assert_eq!(aws.describe_rules(&cx(), &listener).await.unwrap(), []);

    let one = rule(&listener, 1, path("/one/*"));
    let mut two = rule(&listener, 2, path("/two"));
    let mut arns = Vec::new();
    for wanted in [&one, &two] {
        arns.push(aws.create_rule(&cx(), wanted, &Tags::new()).await.unwrap());
    }
    two.conditions = vec![Condition::QueryString(vec![QueryPair {
        key: Some("v".to_owned()),
        value: "2".to_owned(),
    }])];
    two.actions = answer("410");
    aws.modify_rule(&cx(), &arns[1], &two).await.unwrap();
    let priorities = BTreeMap::from([(arns[0].clone(), 200), (arns[1].clone(), 100)]);
    aws.set_rule_priorities(&cx(), &priorities).await.unwrap();
    let mut read = aws.describe_rules(&cx(), &listener).await.unwrap();
    read.sort_by_key(|rule| rule.priority);
    let found = |rule: Rule, priority: i32, arn: &str| Rule {
        arn: Some(arn.to_owned()),
        priority,
        ..rule
    };
    assert_eq!(read, [found(two, 100, &arns[1]), found(one, 200, &arns[0])]);

    for arn in &arns {
        aws.delete_rule(&cx(), arn).await.unwrap();
        aws.delete_rule(&cx(), arn).await.unwrap();
    }
    assert_eq!(aws.describe_rules(&cx(), &listener).await.unwrap(), []);
    assert_eq!(calls(&emulator, "SetRulePriorities"), 1);
}
