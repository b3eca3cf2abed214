//! One test per rule of the linter.

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::model::{Owner, Ref, Stack};
use elbow_core::plan::lint::{Rule, enforce};
use elbow_core::plan::{Action, Plan, PlanContext, StepId, lint};
use elbow_crds::problem::{ProblemCode, Severity};

use crate::plan_shape::{Port, Shape, group_id, key, owner_ref};
use crate::plan_world::{World, settings};

fn rules_of(plan: &Plan, actual: &Stack) -> BTreeSet<Rule> {
    lint(plan, actual, &settings())
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn the_linter_finds_what_is_not_ours() {
    let mut world = World::at_rest(&Shape::default().stack());
    world.owner.gone = true;
    let plan = world.plan(&Stack::empty(&key()));
    assert_eq!(rules_of(&plan, &world.actual), BTreeSet::new());
    let found = rules_of(&plan, &Stack::empty(&key()));
    assert_eq!(found, BTreeSet::from([Rule::Ownership]));
}

#[test]
fn the_linter_finds_missing_tags_references_and_finalizers() {
    let world = World::new();
    let good = world.plan(&Shape::default().stack());
    let mut untagged = good.clone();
    for step in &mut untagged.steps {
        if let Action::CreateTargetGroup { tags, .. } = &mut step.action {
            tags.clear();
        }
    }
    assert_eq!(rules_of(&untagged, &world.actual), BTreeSet::from([Rule::Tags]));
    let mut loose = good.clone();
    for step in &mut loose.steps {
        step.needs.clear();
    }
    assert_eq!(
        rules_of(&loose, &world.actual),
        BTreeSet::from([Rule::References, Rule::Finalizer])
    );
    let mut turned = good;
    turned.steps.reverse();
    assert_eq!(rules_of(&turned, &world.actual), BTreeSet::from([Rule::Order]));
}

#[test]
fn the_linter_finds_a_deleted_group_that_a_listener_uses_and_a_protected_load_balancer() {
    let mut world = World::at_rest(&Shape::default().stack());
    world.owner.gone = true;
    let mut plan = world.plan(&Stack::empty(&key()));
    for step in &mut plan.steps {
        if matches!(step.action, Action::DeleteTargetGroup { .. }) {
            step.needs.clear();
        }
    }
    world.actual.load_balancers[0]
        .attributes
        .insert("deletion_protection.enabled".to_owned(), "true".to_owned());
    assert_eq!(
        rules_of(&plan, &world.actual),
        BTreeSet::from([Rule::DeletedTarget, Rule::Protection])
    );
}

#[test]
fn the_linter_finds_steps_done_twice() {
    let world = World::at_rest(&Shape::default().stack());
    let edit = Shape {
        subnets: BTreeSet::from([3]),
        ..Shape::default()
    };
    let mut plan = world.plan(&edit.stack());
    let mut again = plan.steps[0].clone();
    again.id = StepId(1);
    plan.steps.push(again);
    assert_eq!(rules_of(&plan, &world.actual), BTreeSet::from([Rule::Once]));
}

#[test]
fn owners_that_come_or_go_together_each_have_their_finalizer_written() {
    let stack = Shape::default().stack();
    let mut world = World::new();
    let mut other = world.owner.clone();
    other.object.name.push_str("-too");
    for (gone, wanted) in [(false, &stack), (true, &Stack::empty(&key()))] {
        world.owner = Owner {
            has_finalizer: gone,
            gone,
            ..world.owner
        };
        other = Owner {
            has_finalizer: gone,
            gone,
            ..other
        };
        let owners = [world.owner.clone(), other.clone()];
        let context = PlanContext {
            settings: &world.settings,
            owners: &owners,
            sick: &BTreeSet::new(),
            published: &BTreeSet::new(),
            full: false,
        };
        let plan = elbow_core::plan::plan(wanted, &world.actual, &context);
        let written = plan.steps.iter().filter(|step| {
            matches!(
                step.action,
                Action::AddFinalizer { .. } | Action::RemoveFinalizer { .. }
            )
        });
        assert_eq!(written.count(), 2);
        assert_eq!(lint(&plan, &world.actual, &world.settings), []);
        world.apply(&plan, |ready| ready[0]);
    }
}

#[test]
fn a_stopped_step_takes_its_dependents_along_and_nothing_else() {
    let world = World::new();
    let mut wanted = Shape {
        ports: BTreeMap::from([(80, Port::default()), (81, Port::default())]),
        ..Shape::default()
    }
    .stack();
    let group = wanted
        .target_groups
        .iter_mut()
        .find(|group| group.id == group_id(81, ""));
    group.expect("wanted").health_check.interval_seconds = 1;
    let owner = elbow_core::model::Owner {
        ..world.owner.clone()
    };
    let context = elbow_core::plan::PlanContext {
        settings: &world.settings,
        owners: std::slice::from_ref(&owner),
        sick: &BTreeSet::new(),
        published: &BTreeSet::new(),
        full: false,
    };
    let plan = elbow_core::plan::plan(&wanted, &world.actual, &context);
    let findings = lint(&plan, &world.actual, &world.settings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule, Rule::Limit);
    let kept = enforce(plan.clone(), &findings, &owner_ref());
    let left = |plan: &Plan, id: &str| {
        plan.steps
            .iter()
            .filter(|step| format!("{:?}", step.action).contains(id))
            .count()
    };
    assert_eq!(
        left(&kept, "web:81"),
        0,
        "group, attributes, binding and listener"
    );
    assert_eq!(left(&kept, "web:80"), left(&plan, "web:80"));
    assert_eq!(kept.problems.len(), 1);
    assert_eq!(kept.problems[0].code, ProblemCode::Limit);
    assert!(lint(&kept, &world.actual, &world.settings).is_empty());
    let mut world = world;
    world.apply(&kept, |ready| ready[0]);
    assert_eq!(world.actual.listeners.len(), 1);
}

#[test]
fn an_adjustable_quota_warns_and_stops_nothing() {
    let world = World::new();
    let mut wanted = Shape::default().stack();
    for n in 0..6 {
        wanted.load_balancers[0]
            .security_groups
            .push(Ref::Known(format!("sg-{n}")));
    }
    let context = elbow_core::plan::PlanContext {
        settings: &world.settings,
        owners: &[],
        sick: &BTreeSet::new(),
        published: &BTreeSet::new(),
        full: false,
    };
    let plan = elbow_core::plan::plan(&wanted, &world.actual, &context);
    let findings = lint(&plan, &world.actual, &world.settings);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].severity, Severity::Warning);
    let kept = enforce(plan.clone(), &findings, &owner_ref());
    assert_eq!(kept.steps, plan.steps);
    assert_eq!(kept.problems[0].severity, Severity::Warning);
}
