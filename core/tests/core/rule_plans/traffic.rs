//! Rules, target groups and listeners together.

use std::collections::BTreeMap;

use elbow_core::model::{ResourceKind, Setting, TargetType};
use elbow_core::plan::lint::Rule as LintRule;
use elbow_core::plan::render::kind;
use elbow_core::plan::{Action, lint};

use super::{change, choice, stack, world};

const RULES: [&str; 3] = ["host a -> a", "host b -> b", "-> 404"];

#[test]
fn a_replaced_group_is_filled_before_a_rule_leads_to_it_and_the_old_one_goes_last() {
    let mut world = world(&RULES, &[]);
    let mut wanted = stack(&RULES);
    let group = wanted
        .target_groups
        .iter_mut()
        .find(|group| group.name == "group-b")
        .unwrap();
    group.target_type = TargetType::Ip;
    group.name = "group-b-ip".to_owned();
    let id = group.id.clone();
    let binding = wanted
        .bindings
        .iter_mut()
        .find(|binding| binding.id == id)
        .unwrap();
    binding.name = "group-b-ip".to_owned();
    let plan = world.plan(&wanted);
    let order: Vec<&str> = plan.steps.iter().map(|step| kind(&step.action)).collect();
    let at = |name: &str| order.iter().position(|kind| *kind == name).unwrap();
    let last = order.iter().rposition(|kind| *kind == "ModifyRule").unwrap();
    assert!(at("CreateTargetGroup") < at("ModifyRule") && at("ModifyRule") < at("AwaitHealth"));
    assert!(at("AwaitTargets") < at("AwaitHealth") && at("AwaitHealth") < last);
    assert!(last < at("DeleteBinding") && at("DeleteBinding") < at("DeleteTargetGroup"));
    world.apply(&plan, choice(11));
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn a_rule_for_requests_that_nothing_served_waits_for_nobody() {
    let world = world(&RULES, &[]);
    let waits = |rules: &[&str]| {
        let plan = world.plan(&stack(rules));
        plan.steps
            .iter()
            .any(|step| matches!(step.action, Action::AwaitTargets { .. }))
    };
    assert!(!waits(&["host a -> a", "host b -> b", "host c -> c", "-> 404"]));
    assert!(waits(&[
        "host a, path /x -> c",
        "host a -> a",
        "host b -> b",
        "-> 404"
    ]));
}

#[test]
fn the_default_action_changes_after_new_rules_and_before_old_ones_go() {
    let mut world = world(&["host a -> a", "path /x* -> b", "-> c"], &[]);
    let wanted = stack(&["host a -> a", "method GET -> d", "-> 404"]);
    let calls = change(&mut world, &wanted);
    assert_eq!(calls, ["create 101", "ModifyListener", "delete 2"]);
}

#[test]
fn a_deleted_listener_takes_its_rules_and_their_groups_follow() {
    let mut world = world(&RULES, &[]);
    let mut wanted = stack(&["-> 404"]);
    wanted.listeners[0].port = 81;
    wanted.listeners[0].id = "81".into();
    let plan = world.plan(&wanted);
    world.apply(&plan, choice(2));
    assert!(world.actual.rules.is_empty() && world.actual.target_groups.is_empty());
    assert!(world.plan(&wanted).is_empty());
}

#[test]
fn tags_of_rules_follow_but_not_their_resource_id() {
    let mut world = world(&RULES, &[10, 20]);
    let mut wanted = stack(&["host b -> b", "host a -> a", "-> 404"]);
    for rule in &mut wanted.rules {
        rule.tags = Setting::Set(BTreeMap::from([("team".to_owned(), "x".to_owned())]));
    }
    let plan = world.plan(&wanted);
    let tags: Vec<&BTreeMap<String, String>> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::AddTags { tags, .. } => Some(tags),
            _ => None,
        })
        .collect();
    assert_eq!(tags.len(), 2);
    assert!(
        tags.iter()
            .all(|tags| tags.len() == 1 && tags.contains_key("team"))
    );
    world.apply(&plan, choice(1));
    for rule in &mut wanted.rules {
        rule.tags = Setting::Unmanaged;
    }
    assert!(
        world.plan(&wanted).is_empty(),
        "tags that are not managed are not compared"
    );
}

#[test]
fn the_order_of_the_input_changes_nothing() {
    let mut world = world(&["host a -> a", "path /x -> b", "host c -> c", "-> 404"], &[]);
    let mut wanted = stack(&[
        "host c -> c",
        "path /y -> b",
        "host a -> d",
        "host e -> e",
        "-> 503",
    ]);
    let plan = world.plan(&wanted);
    world.actual.rules.reverse();
    wanted.rules.reverse();
    wanted.target_groups.reverse();
    assert_eq!(world.plan(&wanted), plan);
}

#[test]
fn the_linter_stops_rules_that_aws_refuses_or_that_stray() {
    let world = world(&RULES, &[]);
    let found = |rules: &[&str]| {
        let plan = world.unchecked_plan(&stack(rules));
        let findings = lint(&plan, &world.actual, &world.settings);
        findings
            .into_iter()
            .map(|finding| finding.rule)
            .collect::<Vec<_>>()
    };
    let many = [
        "host 1 2 3, path /1 /2 /3 -> a",
        "host a -> a",
        "host b -> b",
        "-> 404",
    ];
    assert_eq!(found(&many), [LintRule::Limit]);
    assert_eq!(
        found(&["host *.*.*.*, path /*/*/* -> a", "-> 404"]),
        [LintRule::Limit]
    );
    assert_eq!(found(&["host a -> a*1 b*1000", "-> 404"]), [LintRule::Limit]);
    let wanted = stack(&["host b -> b", "host a -> a", "-> 404"]);
    let mut plan = world.plan(&wanted);
    for step in &mut plan.steps {
        if let Action::SetRulePriorities { listener, .. } = &mut step.action {
            *listener = elbow_core::model::Ref::pending(ResourceKind::Listener, &"81".into());
        }
    }
    let rules: Vec<LintRule> = lint(&plan, &world.actual, &world.settings)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(rules.contains(&LintRule::Listener), "{rules:?}");
}

#[test]
fn no_rule_leads_to_a_group_that_goes() {
    let world = world(&RULES, &[]);
    let wanted = stack(&["host a -> a", "-> 404"]);
    let mut plan = world.plan(&wanted);
    let group = plan
        .steps
        .iter()
        .position(|step| kind(&step.action) == "DeleteTargetGroup")
        .unwrap();
    plan.steps[group].needs.clear();
    let rules: Vec<LintRule> = lint(&plan, &world.actual, &world.settings)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert!(rules.contains(&LintRule::DeletedTarget), "{rules:?}");
}
