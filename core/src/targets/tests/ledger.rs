//! Who asks what of which security group.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{IngressPermission, PermissionSource};
use crate::targets::input::RulesState;
use crate::targets::ledger::{BindingName, GroupResult, GroupRun, RulesLedger};
use crate::targets::networking::Contribution;

fn name(name: &str) -> BindingName {
    ("default".to_owned(), name.to_owned())
}

fn asks(group: &str, port: i32) -> Contribution {
    let permission = IngressPermission {
        protocol: "tcp".to_owned(),
        from_port: Some(port),
        to_port: Some(port),
        source: PermissionSource::Group("sg-be".to_owned()),
    };
    BTreeMap::from([(group.to_owned(), BTreeSet::from([permission]))])
}

fn names(names: &[&str]) -> BTreeSet<BindingName> {
    names.iter().map(|n| name(n)).collect()
}

fn ports(run: &GroupRun) -> Vec<(i32, i32)> {
    run.wanted
        .iter()
        .map(|p| (p.from_port.unwrap_or(-1), p.to_port.unwrap_or(-1)))
        .collect()
}

#[test]
fn nothing_is_revoked_before_every_binding_was_worked_out() {
    let mut ledger = RulesLedger::default();
    let groups = ledger.publish(&name("a"), asks("sg-1", 80));
    assert_eq!(groups, BTreeSet::from(["sg-1".to_owned()]));
    assert_eq!(ledger.state(&name("a")), RulesState::Waiting);
    let run = ledger.begin("sg-1", &names(&["a", "b"]), false);
    assert!(!run.complete);
    assert_eq!(run.missing, names(&["b"]));
    assert_eq!(
        ledger.finish("sg-1", &run, &GroupResult::Held),
        names(&["a", "b"])
    );
    assert_eq!(ledger.state(&name("a")), RulesState::Granted);
    assert!(ledger.is_wanted(&name("b")));
    let groups = ledger.publish(&name("b"), asks("sg-2", 80));
    assert_eq!(groups, BTreeSet::from(["sg-1".to_owned(), "sg-2".to_owned()]));
    let run = ledger.begin("sg-1", &names(&["a", "b"]), false);
    assert!(run.complete);
    assert_eq!(ledger.finish("sg-1", &run, &GroupResult::Done), names(&["a"]));
    assert_eq!(ledger.state(&name("a")), RulesState::Settled);
}

#[test]
fn a_binding_that_cannot_be_worked_out_holds_revocations_but_nobody_waits_for_it() {
    let mut ledger = RulesLedger::default();
    ledger.publish(&name("a"), asks("sg-1", 80));
    ledger.failed(&name("b"), "no such node");
    let run = ledger.begin("sg-1", &names(&["a", "b"]), false);
    assert!(!run.complete && run.missing.is_empty());
    ledger.finish("sg-1", &run, &GroupResult::Held);
    assert_eq!(ledger.state(&name("a")), RulesState::Settled);
}

#[test]
fn what_was_asked_before_stays_until_it_is_narrowed() {
    let mut ledger = RulesLedger::default();
    ledger.publish(&name("a"), asks("sg-1", 80));
    ledger.publish(&name("a"), asks("sg-1", 90));
    assert!(ledger.is_wide(&name("a")));
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    assert_eq!(ports(&run), [(80, 90)]);
    ledger.finish("sg-1", &run, &GroupResult::Done);
    assert_eq!(ledger.narrow(&name("a")), BTreeSet::from(["sg-1".to_owned()]));
    assert_eq!(ledger.state(&name("a")), RulesState::Waiting);
    assert!(!ledger.is_settled("sg-1"));
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    assert_eq!(ports(&run), [(90, 90)]);
    ledger.finish("sg-1", &run, &GroupResult::Done);
    assert!(ledger.is_settled("sg-1"));
    ledger.distrust("sg-1");
    assert!(!ledger.is_settled("sg-1"));
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    ledger.distrust("sg-1");
    ledger.finish("sg-1", &run, &GroupResult::Done);
    assert!(!ledger.is_settled("sg-1"), "called in doubt during the run");
}

#[test]
fn a_withdrawn_contribution_is_wanted_no_more_and_its_source_is_held_until_it_is_revoked() {
    let mut ledger = RulesLedger::default();
    assert_eq!(
        ledger.withdraw(&name("a"), Some(asks("sg-1", 80))),
        BTreeSet::from(["sg-1".to_owned()])
    );
    assert_eq!(ledger.sources_held(), BTreeSet::from(["sg-be".to_owned()]));
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    assert!(run.complete && run.wanted.is_empty());
    assert!(run.authorised.is_empty(), "an earlier process added them, if any");
    assert_eq!(ledger.finish("sg-1", &run, &GroupResult::Done), names(&["a"]));
    assert_eq!(ledger.state(&name("a")), RulesState::Settled);
    assert!(ledger.sources_held().is_empty());
}

#[test]
fn a_binding_that_is_gone_without_a_word_is_taken_out() {
    let mut ledger = RulesLedger::default();
    ledger.publish(&name("a"), asks("sg-1", 80));
    assert_eq!(ledger.forget(&name("a")), BTreeSet::from(["sg-1".to_owned()]));
    assert!(ledger.begin("sg-1", &BTreeSet::new(), false).wanted.is_empty());
}

#[test]
fn rules_are_ours_from_the_moment_aws_added_them_until_it_removed_them() {
    let mut ledger = RulesLedger::default();
    ledger.publish(&name("a"), asks("sg-1", 80));
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    assert!(run.authorised.is_empty());
    ledger.authorised("sg-1", &run.wanted);
    let again = ledger.begin("sg-1", &names(&["a"]), false);
    assert_eq!(again.authorised, run.wanted);
    ledger.revoked("sg-1", &run.wanted);
    assert!(ledger.begin("sg-1", &names(&["a"]), false).authorised.is_empty());
}

#[test]
fn a_group_without_rules_of_ours_that_nobody_names_is_forgotten() {
    let mut ledger = RulesLedger::default();
    let run_over = |ledger: &mut RulesLedger, group: &str| {
        let run = ledger.begin(group, &names(&["a", "b"]), false);
        ledger.authorised(group, &run.wanted);
        let gone: Vec<_> = run.authorised.difference(&run.wanted).cloned().collect();
        ledger.revoked(group, &gone);
        ledger.finish(group, &run, &GroupResult::Done)
    };
    let groups = |groups: &[&str]| groups.iter().map(|g| (*g).to_owned()).collect::<BTreeSet<_>>();
    ledger.publish(&name("a"), asks("sg-1", 80));
    ledger.publish(&name("b"), asks("sg-1", 90));
    run_over(&mut ledger, "sg-1");
    ledger.publish(&name("a"), asks("sg-2", 80));
    ledger.narrow(&name("a"));
    for group in ["sg-1", "sg-2"] {
        run_over(&mut ledger, group);
    }
    assert_eq!(ledger.groups(), groups(&["sg-1", "sg-2"]), "b asks for sg-1");
    ledger.withdraw(&name("b"), None);
    let refused = ledger.begin("sg-1", &names(&["a", "b"]), false);
    ledger.finish("sg-1", &refused, &GroupResult::Failed("limit".to_owned()));
    assert_eq!(
        ledger.groups(),
        groups(&["sg-1", "sg-2"]),
        "its rules are still there"
    );
    assert_eq!(run_over(&mut ledger, "sg-1"), names(&["b"]));
    assert_eq!(ledger.groups(), groups(&["sg-2"]));
    assert_eq!(ledger.state(&name("b")), RulesState::Settled);
    ledger.publish(&name("b"), asks("sg-1", 90));
    assert_eq!(ledger.state(&name("b")), RulesState::Waiting);
    assert_eq!(run_over(&mut ledger, "sg-1"), names(&["b"]));
    assert_eq!(ledger.groups(), groups(&["sg-1", "sg-2"]));
}

#[test]
fn an_equal_contribution_asks_for_no_run_and_a_refusal_is_told() {
    let mut ledger = RulesLedger::default();
    ledger.publish(&name("a"), asks("sg-1", 80));
    assert!(ledger.publish(&name("a"), asks("sg-1", 80)).is_empty());
    let run = ledger.begin("sg-1", &names(&["a"]), false);
    let refused = GroupResult::Failed("limit".to_owned());
    assert_eq!(ledger.finish("sg-1", &run, &refused), names(&["a"]));
    assert_eq!(ledger.state(&name("a")), RulesState::Failed("limit".to_owned()));
    assert!(ledger.finish("sg-1", &run, &refused).is_empty());
}
