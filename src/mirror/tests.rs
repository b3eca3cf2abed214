//! The rules of `docs/design.md`, "The mirror", on values.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::{BTreeMap, BTreeSet};

use elbow_core::key::StackKey;
use elbow_core::model::tracking::resource_tags;
use elbow_core::model::{
    IpAddressType, LoadBalancer, LoadBalancerState, LoadBalancerType, Ref, ResourceAddress, ResourceId,
    ResourceKind, Scheme, Setting, Tags,
};
use elbow_core::plan::{Action, Output, Outputs, Step, StepId};
use jiff::{SignedDuration, Timestamp};

use super::state::State;

const ARN: &str = "arn:lb/1";

fn key() -> StackKey {
    StackKey::service("demo", "web")
}

fn id() -> ResourceId {
    ResourceId::from("LoadBalancer")
}

fn tags() -> Tags {
    resource_tags("c1", &key(), &id(), &Tags::new())
}

fn balancer(groups: &[&str]) -> LoadBalancer {
    LoadBalancer {
        id: ResourceId::from(""),
        arn: Some(ARN.to_owned()),
        dns_name: Some("web.example".to_owned()),
        state: Some(LoadBalancerState::Active),
        name: "k8s-demo-web".to_owned(),
        second_name: None,
        delete_first: false,
        kind: LoadBalancerType::Network,
        scheme: Scheme::Internal,
        ip_address_type: IpAddressType::Ipv4,
        ipv6_source_nat: Setting::Unmanaged,
        subnets: Vec::new(),
        security_groups: groups.iter().map(|g| Ref::Known((*g).to_owned())).collect(),
        private_link_inbound: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: Tags::new(),
        origins: BTreeSet::new(),
    }
}

fn step(action: Action) -> Step {
    Step {
        id: StepId(0),
        action,
        needs: BTreeSet::new(),
        origins: BTreeSet::new(),
        reason: String::new(),
    }
}

fn set_groups(groups: &[&str]) -> Step {
    step(Action::SetSecurityGroups {
        load_balancer: Ref::Known(ARN.to_owned()),
        security_groups: groups.iter().map(|g| Ref::Known((*g).to_owned())).collect(),
        private_link_inbound: None,
    })
}

fn delete() -> Step {
    step(Action::DeleteLoadBalancer { arn: ARN.to_owned() })
}

fn create() -> (Step, Outputs) {
    let address = ResourceAddress::new(ResourceKind::LoadBalancer, &id());
    let mut outputs = Outputs::default();
    let output = Output {
        id: ARN.to_owned(),
        dns_name: Some("web.example".to_owned()),
    };
    outputs.insert(&address, output);
    let load_balancer = LoadBalancer {
        id: id(),
        arn: None,
        ..balancer(&["sg-1"])
    };
    let tags = tags();
    let action = Action::CreateLoadBalancer {
        address,
        load_balancer,
        tags,
    };
    (step(action), outputs)
}

/// A state that has listed the load balancer with `sg-1`.
fn listed(now: Timestamp) -> State {
    let mut state = State::default();
    let read = state.next();
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), read, now);
    state
}

fn groups(state: &State) -> Vec<String> {
    let holding = state.holding(&key()).expect("nothing is held");
    let balancers = &holding.stack.load_balancers;
    assert_eq!(balancers.len(), 1);
    let groups = balancers[0].security_groups.iter();
    groups.filter_map(|g| g.known().map(str::to_owned)).collect()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[test]
fn a_list_that_began_before_our_write_does_not_undo_it() {
    let mut state = listed(now());
    let sweep = state.next();
    state.wrote(&key(), &set_groups(&["sg-2"]), &Outputs::default(), now());
    let changed = state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), sweep, now());
    assert_eq!((changed, groups(&state)), (None, vec!["sg-2".to_owned()]));
    let later = state.next();
    let changed = state.put_load_balancer("c1", balancer(&["sg-3"]), tags(), later, now());
    assert_eq!((changed, groups(&state)), (Some(key()), vec!["sg-3".to_owned()]));
}

#[test]
fn what_a_list_leaves_out_is_looked_for_and_not_gone() {
    let mut state = listed(now());
    let sweep = state.next();
    let missing = state.missing(&BTreeSet::new(), sweep);
    assert_eq!(missing.load_balancers, [ARN]);
    assert_eq!(groups(&state), ["sg-1"]);
    state.wrote(&key(), &set_groups(&["sg-2"]), &Outputs::default(), now());
    let missing = state.missing(&BTreeSet::new(), sweep);
    assert!(missing.load_balancers.is_empty(), "written after the sweep began");
}

#[test]
fn what_we_deleted_does_not_come_back_from_a_list_within_ten_minutes() {
    let mut state = listed(now());
    state.wrote(&key(), &delete(), &Outputs::default(), now());
    assert!(state.holding(&key()).is_none());
    let nine = now() + SignedDuration::from_mins(9);
    let read = state.next();
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), read, nine);
    assert!(state.holding(&key()).is_none());
    let eleven = now() + SignedDuration::from_mins(11);
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), read, eleven);
    assert_eq!(groups(&state), ["sg-1"]);
}

#[test]
fn what_is_created_again_under_the_same_arn_is_not_a_ghost() {
    let mut state = listed(now());
    state.wrote(&key(), &delete(), &Outputs::default(), now());
    let (step, outputs) = create();
    state.wrote(&key(), &step, &outputs, now());
    assert!(!state.is_gone(ARN, now()));
    assert_eq!(groups(&state), ["sg-1"]);
}

#[test]
fn a_doubtful_entry_is_mended_only_by_what_is_read_later() {
    let mut state = listed(now());
    let sweep = state.next();
    state.suspect(&key(), &set_groups(&["sg-2"]), now());
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), sweep, now());
    assert!(!state.holding(&key()).unwrap().is_fresh());
    let later = state.next();
    state.put_load_balancer("c1", balancer(&["sg-2"]), tags(), later, now());
    assert!(state.holding(&key()).unwrap().is_fresh());
    assert_eq!(groups(&state), ["sg-2"]);
}

#[test]
fn a_create_without_an_answer_leaves_a_doubt_although_nothing_is_held() {
    let mut state = State::default();
    let (step, _) = create();
    state.suspect(&key(), &step, now());
    let holding = state.holding(&key()).unwrap();
    assert!(!holding.is_fresh() && holding.stack.is_empty());
}

#[test]
fn tags_of_others_are_believed_for_six_hours() {
    let mut state = State::default();
    let read = state.next();
    let foreign = BTreeMap::from([("team".to_owned(), "b".to_owned())]);
    state.put_load_balancer("c1", balancer(&[]), foreign, read, now());
    assert!(state.is_foreign(ARN, now() + SignedDuration::from_hours(5)));
    assert!(!state.is_foreign(ARN, now() + SignedDuration::from_hours(6)));
    state.expire(&BTreeSet::new(), now());
    assert!(!state.is_foreign(ARN, now()), "no list shows it any more");
}

#[test]
fn our_tags_on_a_resource_we_just_made_are_not_read_as_missing() {
    let mut state = State::default();
    let (step, outputs) = create();
    state.wrote(&key(), &step, &outputs, now());
    let read = state.next();
    let none = BTreeMap::new();
    state.put_load_balancer("c1", balancer(&["sg-1"]), none.clone(), read, now());
    assert_eq!(groups(&state), ["sg-1"]);
    let later = now() + SignedDuration::from_secs(61);
    let changed = state.put_load_balancer("c1", balancer(&["sg-1"]), none, read, later);
    assert_eq!(changed, Some(key()), "somebody took the tags away");
    assert!(state.holding(&key()).is_none());
}

#[test]
fn a_stack_tag_changed_by_hand_moves_the_resource() {
    let mut state = listed(now());
    let other = StackKey::service("demo", "other");
    let read = state.next();
    let tags = resource_tags("c1", &other, &id(), &Tags::new());
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags, read, now());
    assert!(state.holding(&key()).is_none());
    assert_eq!(state.owner(ARN), Some(&other));
}

#[test]
fn a_change_of_state_alone_wakes_nobody() {
    let mut state = listed(now());
    let read = state.next();
    let provisioning = LoadBalancer {
        state: Some(LoadBalancerState::Provisioning),
        ..balancer(&["sg-1"])
    };
    let changed = state.put_load_balancer("c1", provisioning, tags(), read, now());
    assert_eq!(changed, None);
}

#[test]
fn what_was_read_deeply_survives_a_list() {
    let mut state = listed(now());
    let attributes = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    state.described_attributes(&key(), ARN, attributes.clone());
    let read = state.next();
    state.put_load_balancer("c1", balancer(&["sg-1"]), tags(), read, now());
    let holding = state.holding(&key()).unwrap();
    assert_eq!(holding.stack.load_balancers[0].attributes, attributes);
}
