//! Upstream's numbers and resource ids.

use elbow_core::plan::{Action, handover, lint};

use super::{calls, change, choice, stack, world};

#[test]
fn an_edited_listener_is_renumbered_once_and_its_tags_follow() {
    let mut world = world(&["host a -> a", "host b -> b", "-> 404"], &[]);
    let wanted = stack(&["host new -> c", "host a -> a", "host b -> b", "-> 404"]);
    change(&mut world, &wanted);
    assert!(world.actual.rules.iter().all(|rule| rule.priority >= 100));
    let plan = handover(&world.actual, &world.settings);
    assert!(lint(&plan, &world.actual, &world.settings).is_empty());
    assert_eq!(calls(&world, &plan), ["order 100->1 200->2 300->3"]);
    let ids: Vec<&str> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::AddTags { tags, .. } => tags.get("service.k8s.aws/resource").map(String::as_str),
            _ => None,
        })
        .collect();
    assert_eq!(
        ids,
        ["80:2", "80:3"],
        "the new rule was created with the id of its rank"
    );
    world.apply(&plan, choice(5));
    assert!(world.plan(&wanted).is_empty(), "we go on without a write");
}

#[test]
fn what_upstream_would_have_written_is_left_alone() {
    let world = world(&["host a -> a", "host b -> b", "-> 404"], &[]);
    assert!(handover(&world.actual, &world.settings).is_empty());
}

#[test]
fn tags_stay_where_rules_are_not_tagged() {
    let mut world = world(&["host a -> a", "-> 404"], &[7]);
    world.actual.rules[0].id = "80:9".into();
    world.settings.gates.listener_rules_tagging = false;
    let plan = handover(&world.actual, &world.settings);
    assert_eq!(plan.steps.len(), 1);
}
