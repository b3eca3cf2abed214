//! Between two valid sets of rules, at every call: each request meets its old action or its new one.
//!
//! The plans are ours, the rule engine is the emulator's. Every plan is carried out twice, in plan order and in
//! another order that its dependencies allow.

mod judge;
mod sets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use elbow_core::key::StackKey;
use elbow_core::model::{
    IpAddressType, Listener, LoadBalancer, LoadBalancerType, Protocol, Ref, ResourceId, ResourceKind, Rule,
    Scheme, Setting, Stack,
};
use elbow_core::plan::{
    Action, Output, Outputs, Plan, PlanContext, StepId, apply_step, lint, plan, render_text,
};
use elbow_core::settings::Settings;
use elbow_crds::problem::Severity;

use judge::Judge;
use sets::{Ask, Dice, Set, asks, edited, numbers, set};

const PAIRS: u64 = 10_000;
const CROWDED: u64 = 12;
/// Rules created so far: each has an ARN of its own.
static MADE: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Default)]
struct Tally {
    pairs: usize,
    states: usize,
    judged: usize,
    misrouted: usize,
    writes: usize,
    minimum: usize,
}

fn arn(what: &str) -> String {
    format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:{what}")
}

fn frame(default: &elbow_core::model::Action) -> Stack {
    let mut stack = Stack::empty(&StackKey::ingress_group("shared"));
    stack.load_balancers.push(LoadBalancer {
        id: "LoadBalancer".into(),
        arn: None,
        dns_name: None,
        state: None,
        name: "k8s-shared".to_owned(),
        second_name: None,
        delete_first: false,
        kind: LoadBalancerType::Application,
        scheme: Scheme::Internal,
        ip_address_type: IpAddressType::Ipv4,
        ipv6_source_nat: Setting::Unmanaged,
        subnets: vec![],
        security_groups: vec![],
        private_link_inbound: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: BTreeMap::new(),
        origins: BTreeSet::new(),
    });
    stack.listeners.push(Listener {
        id: "80".into(),
        arn: None,
        load_balancer: Ref::pending(ResourceKind::LoadBalancer, &"LoadBalancer".into()),
        port: 80,
        protocol: Protocol::Http,
        default_actions: vec![default.clone()],
        certificates: vec![],
        extra_certificates: Setting::Unmanaged,
        certificate_origins: BTreeMap::new(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        tags: Setting::Unmanaged,
        origins: BTreeSet::new(),
    });
    stack
}

fn wanted(set: &Set) -> Stack {
    let mut stack = frame(&set.default);
    let listener = Ref::pending(ResourceKind::Listener, &"80".into());
    stack.rules = (1..)
        .zip(&set.rules)
        .map(|(rank, (conditions, action))| Rule {
            id: ResourceId(format!("80:{rank}")),
            arn: None,
            listener: listener.clone(),
            priority: rank,
            conditions: conditions.clone(),
            actions: vec![action.clone()],
            transforms: vec![],
            tags: Setting::Unmanaged,
            origins: BTreeSet::new(),
        })
        .collect();
    stack
}

fn actual(set: &Set, numbers: &[i32]) -> Stack {
    let mut stack = wanted(set);
    let (balancer, listener) = (
        arn("loadbalancer/app/k8s-shared/1"),
        arn("listener/app/k8s-shared/1/1"),
    );
    stack.load_balancers[0].arn = Some(balancer.clone());
    stack.listeners[0].arn = Some(listener.clone());
    stack.listeners[0].load_balancer = Ref::Known(balancer);
    for (index, (rule, number)) in stack.rules.iter_mut().zip(numbers).enumerate() {
        rule.arn = Some(arn(&format!("listener-rule/app/k8s-shared/1/1/{index}")));
        rule.listener = Ref::Known(listener.clone());
        rule.priority = *number;
    }
    stack
}

fn planned(wanted: &Stack, actual: &Stack, settings: &Settings) -> Plan {
    let context = PlanContext {
        settings,
        owners: &[],
        sick: &BTreeSet::new(),
        published: &BTreeSet::new(),
        full: false,
    };
    let plan = plan(wanted, actual, &context);
    let mut findings = lint(&plan, actual, settings);
    findings.retain(|finding| finding.severity == Severity::Fault);
    assert_eq!(findings, [], "{}", render_text(&plan));
    plan
}

/// Carries a plan out, showing every state, and stops after `most` steps.
fn carry_out(
    actual: &Stack,
    plan: &Plan,
    most: usize,
    mut choose: impl FnMut(&[StepId]) -> StepId,
    mut watch: impl FnMut(&Stack),
) -> Stack {
    let mut stack = actual.clone();
    let mut outputs = Outputs::default();
    let mut done = BTreeSet::new();
    while done.len() < most.min(plan.steps.len()) {
        let open = plan
            .steps
            .iter()
            .filter(|step| !done.contains(&step.id) && step.needs.is_subset(&done));
        let ready: Vec<StepId> = open.map(|step| step.id).collect();
        let id = choose(&ready);
        let step = &plan.steps[id.0];
        if let Action::CreateRule { address, rule, .. } = &step.action {
            assert!(
                stack.rules.iter().all(|other| other.priority != rule.priority),
                "PriorityInUse"
            );
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let path = format!("listener-rule/app/k8s-shared/1/1/new{number}");
            outputs.insert(address, Output::id(arn(&path)));
        }
        apply_step(&mut stack, step, &outputs);
        let numbers: BTreeSet<i32> = stack.rules.iter().map(|rule| rule.priority).collect();
        assert_eq!(numbers.len(), stack.rules.len(), "PriorityInUse");
        done.insert(id);
        watch(&stack);
    }
    stack
}

/// The fewest calls that could do: what is missing has to come, what is too much has to go, each by one call,
/// or both by one; the default action and the order of rules that stay are one call each.
fn minimum(old: &Set, new: &Set) -> usize {
    let mut left: Vec<Option<usize>> = old
        .rules
        .iter()
        .enumerate()
        .map(|(place, _)| Some(place))
        .collect();
    let mut places = Vec::new();
    for rule in &new.rules {
        let same = left
            .iter()
            .flatten()
            .copied()
            .find(|place| old.rules[*place] == *rule);
        if let Some(place) = same {
            left[place] = None;
            places.push(place);
        }
    }
    let (missing, extra) = (new.rules.len() - places.len(), left.iter().flatten().count());
    let moved = usize::from(!places.is_sorted());
    missing.max(extra) + moved + usize::from(old.default != new.default)
}

fn judge_pair(old: &Set, new: &Set, dice: &mut Dice, most: usize, tally: &mut Tally) {
    let settings = Settings::new("demo", "us-west-2", "vpc-1");
    let numbers = numbers(dice, old.rules.len());
    let (wanted, actual) = (wanted(new), actual(old, &numbers));
    let plan = planned(&wanted, &actual, &settings);
    let asks = asks(dice, [old, new], most);
    let mut judge = Judge::default();
    let before = judge.of_set(old, &asks);
    let after = judge.of_set(new, &asks);
    tally.pairs += 1;
    tally.writes += plan.steps.len();
    tally.minimum += minimum(old, new);
    let mut watch = |stack: &Stack| {
        let now = judge.of_state(&stack.listeners[0], &stack.rules, &asks);
        tally.states += 1;
        for (index, now) in now.iter().enumerate() {
            tally.judged += 1;
            tally.misrouted += usize::from(*now != before[index] && *now != after[index]);
        }
    };
    let end = carry_out(&actual, &plan, usize::MAX, |ready| ready[0], &mut watch);
    let mixed = carry_out(&actual, &plan, usize::MAX, |ready| *dice.pick(ready), &mut watch);
    for end in [&end, &mixed] {
        let rest = planned(&wanted, end, &settings);
        assert!(
            rest.is_empty(),
            "{}\nthen {}",
            render_text(&plan),
            render_text(&rest)
        );
        assert_eq!(judge.of_state(&end.listeners[0], &end.rules, &asks), after);
    }
}

/// A plan that stops anywhere is followed by one that ends at rest, and misroutes nothing either.
fn judge_interruption(old: &Set, new: &Set, dice: &mut Dice, asks: &[Ask]) {
    let settings = Settings::new("demo", "us-west-2", "vpc-1");
    let (wanted, actual) = (wanted(new), actual(old, &numbers(dice, old.rules.len())));
    let first = planned(&wanted, &actual, &settings);
    let most = dice.below(first.steps.len() + 1);
    let cut = carry_out(&actual, &first, most, |ready| *dice.pick(ready), |_| {});
    let second = planned(&wanted, &cut, &settings);
    let mut judge = Judge::default();
    let (before, after) = (judge.of_set(old, asks), judge.of_set(new, asks));
    let end = carry_out(
        &cut,
        &second,
        usize::MAX,
        |ready| ready[0],
        |stack| {
            let now = judge.of_state(&stack.listeners[0], &stack.rules, asks);
            for (index, now) in now.iter().enumerate() {
                assert!(
                    *now == before[index] || *now == after[index],
                    "{}",
                    render_text(&second)
                );
            }
        },
    );
    let rest = planned(&wanted, &end, &settings);
    assert!(
        rest.is_empty(),
        "{}\nthen {}\nthen {}",
        render_text(&first),
        render_text(&second),
        render_text(&rest)
    );
}

#[test]
fn no_request_is_misrouted_between_two_sets_of_rules() {
    let mut tally = Tally::default();
    for seed in 0..PAIRS {
        let mut dice = Dice::new(seed);
        let count = 2 + dice.below(11);
        let old = set(&mut dice, count);
        let new = edited(&mut dice, &old);
        let misrouted = tally.misrouted;
        judge_pair(&old, &new, &mut dice, 16, &mut tally);
        assert_eq!(tally.misrouted, misrouted, "pair {seed}: {old:#?}\n{new:#?}");
        if seed % 5 == 0 {
            let asks = asks(&mut dice, [&old, &new], 8);
            judge_interruption(&old, &new, &mut dice, &asks);
        }
    }
    println!("fitting the quota: {tally:?}");
    assert!(tally.pairs >= 10_000 && tally.judged > 1_000_000);
}

#[test]
fn pairs_beyond_the_quota_end_at_rest_and_what_they_misroute_is_counted() {
    let mut tally = Tally::default();
    for seed in 0..CROWDED {
        let mut dice = Dice::new(seed);
        let old = set(&mut dice, 95);
        let mut new = old.clone();
        new.rules.drain(60..);
        let fresh = 10 + dice.below(25);
        new.rules.splice(30..30, set(&mut dice, fresh).rules);
        judge_pair(&old, &new, &mut dice, 60, &mut tally);
    }
    println!("beyond the quota: {tally:?}");
    assert!(tally.misrouted * 20 < tally.judged, "{tally:?}");
}

/// The judge judges: deletions that wait for nothing are noticed.
#[test]
fn deleting_first_would_misroute() {
    let settings = Settings::new("demo", "us-west-2", "vpc-1");
    let mut misrouted = 0;
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let old = set(&mut dice, 8);
        let new = edited(&mut dice, &old);
        let actual = actual(&old, &numbers(&mut dice, 8));
        let mut plan = planned(&wanted(&new), &actual, &settings);
        for step in plan.steps.iter_mut().filter(|step| step.action.is_deletion()) {
            step.needs.clear();
        }
        let asks = asks(&mut dice, [&old, &new], 16);
        let mut judge = Judge::default();
        let (before, after) = (judge.of_set(&old, &asks), judge.of_set(&new, &asks));
        let deletions_first = |ready: &[StepId]| {
            let mut deletions = ready.iter().filter(|id| plan.steps[id.0].action.is_deletion());
            *deletions.next().unwrap_or(&ready[0])
        };
        carry_out(&actual, &plan, usize::MAX, deletions_first, |stack| {
            let now = judge.of_state(&stack.listeners[0], &stack.rules, &asks);
            let wrong = (0..asks.len()).filter(|at| now[*at] != before[*at] && now[*at] != after[*at]);
            misrouted += wrong.count();
        });
    }
    assert!(misrouted > 100, "{misrouted}");
}
