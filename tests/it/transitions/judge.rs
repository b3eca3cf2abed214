//! What the emulator's rule engine does with requests.

use std::collections::BTreeMap;

use elbow_core::model::{Action, Condition, Listener, Patterns, Rule};
use elbow_emulator::world::elb::action as emu;
use elbow_emulator::world::elb::condition::{Condition as EmuCondition, ConditionRequest};
use elbow_emulator::world::elb::routing::{Request, route_among};
use elbow_emulator::world::elb::rule::Rule as EmuRule;

use super::sets::{Ask, HEADER, Set};

/// Reads conditions once.
#[derive(Default)]
pub struct Judge(BTreeMap<Vec<Condition>, Vec<EmuCondition>>);

impl Judge {
    /// The actions that each request meets on a listener.
    pub fn of_state(&mut self, listener: &Listener, rules: &[Rule], asks: &[Ask]) -> Vec<Vec<emu::Action>> {
        let rules = rules
            .iter()
            .map(|rule| self.rule(rule.priority, &rule.conditions, &rule.actions));
        let rules: Vec<EmuRule> = rules.collect();
        decide(&rules, &listener.default_actions, asks)
    }

    /// The actions that each request meets in a set.
    pub fn of_set(&mut self, set: &Set, asks: &[Ask]) -> Vec<Vec<emu::Action>> {
        let rules = (1..).zip(&set.rules);
        let rules: Vec<EmuRule> = rules
            .map(|(rank, (conditions, action))| self.rule(rank, conditions, std::slice::from_ref(action)))
            .collect();
        decide(&rules, std::slice::from_ref(&set.default), asks)
    }

    fn rule(&mut self, priority: i32, conditions: &[Condition], actions: &[Action]) -> EmuRule {
        let read = self
            .0
            .entry(conditions.to_vec())
            .or_insert_with(|| conditions.iter().map(condition).collect());
        EmuRule {
            priority: u32::try_from(priority).unwrap(),
            conditions: read.clone(),
            actions: actions.iter().map(action).collect(),
            ..EmuRule::default()
        }
    }
}

fn decide(rules: &[EmuRule], default: &[Action], asks: &[Ask]) -> Vec<Vec<emu::Action>> {
    let default: Vec<emu::Action> = default.iter().map(action).collect();
    asks.iter()
        .map(|ask| {
            let headers = [(HEADER, ask.header.as_str())];
            let request = Request {
                scheme: "http",
                host: &ask.host,
                path: &ask.path,
                query: "",
                method: "GET",
                headers: &headers,
                source_ip: ask.source.parse().unwrap(),
                sni: None,
            };
            route_among(rules, &default, &request).actions.to_vec()
        })
        .collect()
}

fn condition(condition: &Condition) -> EmuCondition {
    let (header, values) = match condition {
        Condition::HostHeader(Patterns::Values(values))
        | Condition::PathPattern(Patterns::Values(values))
        | Condition::SourceIp(values) => (None, values),
        Condition::HttpHeader {
            name,
            patterns: Patterns::Values(values),
        } => (Some(name.clone()), values),
        other => panic!("{other:?}"),
    };
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let request = ConditionRequest {
        header,
        ..ConditionRequest::of(condition.field(), &values)
    };
    EmuCondition::checked(&request).unwrap()
}

fn action(action: &Action) -> emu::Action {
    let does = match action {
        Action::Forward(forward) => {
            let single = forward.target_groups.len() == 1;
            let tuple = |tuple: &elbow_core::model::WeightedTargetGroup| {
                let weight = if single { 1 } else { tuple.weight.unwrap_or(1) };
                (tuple.target_group.known().unwrap().to_owned(), i64::from(weight))
            };
            emu::Does::Forward(emu::Forward {
                groups: forward.target_groups.iter().map(tuple).collect(),
                stickiness: None,
            })
        }
        Action::Redirect(redirect) => emu::Does::Redirect(emu::Redirect {
            host: redirect.host.clone().unwrap(),
            status: redirect.status.clone(),
            ..emu::Redirect::default()
        }),
        Action::FixedResponse(response) => emu::Does::FixedResponse(emu::FixedResponse {
            status: response.status.clone(),
            content_type: None,
            body: None,
        }),
        Action::Other(other) => panic!("{other}"),
    };
    emu::Action { order: None, does }
}
