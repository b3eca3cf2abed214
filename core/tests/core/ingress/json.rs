//! Rules in upstream's stack JSON, and the linter's word on rules that AWS would refuse.

use std::collections::BTreeSet;

use elbow_core::build::stack_json;
use elbow_core::key::{Key, StackKey};
use elbow_core::model::{
    Action, Condition, FixedResponseAction, ForwardAction, Patterns, QueryPair, Ref, ResourceAddress,
    ResourceId, ResourceKind, Rewrite, Rule, Setting, Stack, Stickiness, Tags, Transform, TransformKind,
    WeightedTargetGroup,
};
use elbow_core::plan::{self, Plan, Step, StepId, lint};
use elbow_core::settings::Settings;
use elbow_crds::problem::Severity;
use serde_json::json;

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn rule() -> Rule {
    Rule {
        id: ResourceId::from("80:1"),
        arn: None,
        listener: Ref::pending(ResourceKind::Listener, &ResourceId::from("80")),
        priority: 1,
        conditions: vec![
            Condition::SourceIp(texts(&["10.0.0.0/8"])),
            Condition::HttpHeader {
                name: "Agent".to_owned(),
                patterns: Patterns::Regexes(texts(&["a+"])),
            },
            Condition::QueryString(vec![QueryPair {
                key: None,
                value: "x".to_owned(),
            }]),
            Condition::HostHeader(Patterns::Values(texts(&["a.com"]))),
        ],
        actions: vec![Action::Forward(ForwardAction {
            target_groups: vec![WeightedTargetGroup {
                target_group: Ref::pending(ResourceKind::TargetGroup, &ResourceId::from("default/i-s:80")),
                weight: Some(0),
            }],
            stickiness: Setting::Set(Stickiness {
                enabled: true,
                seconds: Some(60),
            }),
        })],
        transforms: vec![Transform {
            kind: TransformKind::UrlRewrite,
            rewrites: vec![Rewrite {
                regex: "^/a".to_owned(),
                replace: "/".to_owned(),
            }],
        }],
        tags: Setting::Set(Tags::from([("team".to_owned(), "a".to_owned())])),
        origins: BTreeSet::new(),
    }
}

#[test]
fn a_rule_has_the_keys_of_the_annotations() {
    let mut stack = Stack::empty(&StackKey::ingress("default", "i"));
    stack.rules.push(rule());
    let json = stack_json(&stack);
    assert_eq!(
        json["resources"]["AWS::ElasticLoadBalancingV2::ListenerRule"]["80:1"]["spec"],
        json!({
            "listenerARN": {
                "$ref": "#/resources/AWS::ElasticLoadBalancingV2::Listener/80/status/listenerARN",
            },
            "priority": 1,
            "actions": [{
                "type": "forward",
                "forwardConfig": {
                    "targetGroups": [{
                        "targetGroupARN": {
                            "$ref": "#/resources/AWS::ElasticLoadBalancingV2::TargetGroup/default/i-s:80/status/targetGroupARN",
                        },
                        "weight": 0,
                    }],
                    "targetGroupStickinessConfig": {"enabled": true, "durationSeconds": 60},
                },
            }],
            "conditions": [
                {"field": "source-ip", "sourceIPConfig": {"values": ["10.0.0.0/8"]}},
                {
                    "field": "http-header",
                    "httpHeaderConfig": {"httpHeaderName": "Agent", "regexValues": ["a+"]},
                },
                {"field": "query-string", "queryStringConfig": {"values": [{"value": "x"}]}},
                {"field": "host-header", "hostHeaderConfig": {"values": ["a.com"]}},
            ],
            "transforms": [{
                "type": "url-rewrite",
                "urlRewriteConfig": {"rewrites": [{"regex": "^/a", "replace": "/"}]},
            }],
            "tags": {"team": "a"},
        })
    );
}

/// Messages of faults about limits in a plan that creates the rule.
fn refused(change: impl FnOnce(&mut Rule)) -> Vec<String> {
    let mut rule = rule();
    change(&mut rule);
    let plan = Plan {
        key: Key::Stack(StackKey::ingress("default", "i")),
        steps: vec![Step {
            id: StepId(0),
            action: plan::Action::CreateRule {
                address: ResourceAddress::new(ResourceKind::Rule, &rule.id),
                rule,
                tags: Tags::new(),
            },
            needs: BTreeSet::new(),
            origins: BTreeSet::new(),
            reason: String::new(),
        }],
        problems: Vec::new(),
    };
    let findings = lint(
        &plan,
        &Stack::empty(&StackKey::ingress("default", "i")),
        &Settings::new("my-cluster", "us-west-2", "vpc-xxx"),
    );
    let limits = findings
        .into_iter()
        .filter(|finding| finding.rule == lint::Rule::Limit && finding.severity == Severity::Fault);
    limits.map(|finding| finding.message).collect()
}

#[test]
fn the_linter_stops_rules_over_a_fixed_limit() {
    assert_eq!(refused(|_| ()), Vec::<String>::new());
    let found = refused(|rule| {
        rule.conditions
            .push(Condition::SourceIp(texts(&["10.1.0.0/16", "10.2.0.0/16"])));
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("one condition on source-ip, not 2"));
    assert!(found[1].contains("6 condition values per rule"));
    let wild = refused(|rule| {
        rule.conditions = vec![Condition::PathPattern(Patterns::Values(texts(&["/*?*?*?*"])))];
    });
    assert!(wild[0].contains("7 wildcards per rule"), "{wild:?}");
    let response = |body: usize| {
        refused(|rule| {
            rule.actions = vec![Action::FixedResponse(FixedResponseAction {
                status: "404".to_owned(),
                content_type: None,
                body: Some("a".repeat(body)),
            })];
        })
    };
    assert_eq!((response(1024).len(), response(1025).len()), (0, 1));
    let twice = refused(|rule| rule.transforms.push(rule.transforms[0].clone()));
    assert!(twice[0].contains("one url-rewrite"), "{twice:?}");
}
