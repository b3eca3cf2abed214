//! Generated sets of rules, edits of them, and requests that tell them apart.

use elbow_core::model::{
    Action, Condition, FixedResponseAction, ForwardAction, Patterns, RedirectAction, Ref, Setting,
    WeightedTargetGroup,
};

/// Numbers that are the same each time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// The rules of a listener from the top down, and its default action.
#[derive(Clone, Debug)]
pub struct Set {
    pub rules: Vec<(Vec<Condition>, Action)>,
    pub default: Action,
}

/// A request; the source is an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    pub host: String,
    pub path: String,
    pub header: String,
    pub source: String,
}

const HOSTS: [&str; 6] = ["a.com", "b.com", "x.a.com", "*.a.com", "*.com", "?.com"];
const PATHS: [&str; 7] = ["/", "/a", "/a/*", "/a/b", "/b*", "/*", "/b/?"];
const HEADERS: [&str; 3] = ["1", "2", "*"];
const SOURCES: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16", "0.0.0.0/0"];
pub const HEADER: &str = "x-version";

fn values(dice: &mut Dice, from: &[&str]) -> Vec<String> {
    let mut values = vec![(*dice.pick(from)).to_owned()];
    if dice.chance(10) {
        values.push((*dice.pick(from)).to_owned());
    }
    values
}

pub fn conditions(dice: &mut Dice) -> Vec<Condition> {
    let mut all = Vec::new();
    if dice.chance(70) {
        all.push(Condition::HostHeader(Patterns::Values(values(dice, &HOSTS))));
    }
    if dice.chance(15) {
        all.push(Condition::HttpHeader {
            name: HEADER.to_owned(),
            patterns: Patterns::Values(values(dice, &HEADERS)),
        });
    }
    if dice.chance(15) {
        all.push(Condition::SourceIp(values(dice, &SOURCES)));
    }
    if all.is_empty() || dice.chance(60) {
        all.push(Condition::PathPattern(Patterns::Values(values(dice, &PATHS))));
    }
    // AWS allows five values and six wildcards per rule.
    all.truncate(2);
    all
}

pub fn action(dice: &mut Dice) -> Action {
    match dice.below(10) {
        0 => Action::Redirect(RedirectAction {
            protocol: None,
            port: None,
            host: Some((*dice.pick(&["c.com", "d.com"])).to_owned()),
            path: None,
            query: None,
            status: "HTTP_301".to_owned(),
        }),
        1 => Action::FixedResponse(FixedResponseAction {
            status: (*dice.pick(&["404", "503"])).to_owned(),
            content_type: None,
            body: None,
        }),
        2 => forward(&[(dice.below(3), 1), (3, dice.below(4))]),
        _ => forward(&[(dice.below(5), 1)]),
    }
}

fn forward(groups: &[(usize, usize)]) -> Action {
    let tuple = |(group, weight): &(usize, usize)| WeightedTargetGroup {
        target_group: Ref::Known(format!(
            "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/g{group}/0"
        )),
        weight: Some(i32::try_from(*weight).unwrap()),
    };
    Action::Forward(ForwardAction {
        target_groups: groups.iter().map(tuple).collect(),
        stickiness: Setting::Unmanaged,
    })
}

pub fn set(dice: &mut Dice, count: usize) -> Set {
    Set {
        rules: (0..count).map(|_| (conditions(dice), action(dice))).collect(),
        default: action(dice),
    }
}

/// The set with a few edits, or another one altogether.
pub fn edited(dice: &mut Dice, old: &Set) -> Set {
    if dice.chance(20) {
        let count = 2 + dice.below(11);
        return set(dice, count);
    }
    let mut new = old.clone();
    for _ in 0..=dice.below(4) {
        edit(dice, &mut new);
    }
    if dice.chance(25) {
        new.default = action(dice);
    }
    new
}

fn edit(dice: &mut Dice, set: &mut Set) {
    let rules = &mut set.rules;
    let at = dice.below(rules.len());
    match dice.below(6) {
        0 if rules.len() > 1 => {
            rules.remove(at);
        }
        1 | 2 => {
            let place = dice.below(rules.len() + 1);
            let rule = (conditions(dice), action(dice));
            rules.insert(place, rule);
        }
        3 => {
            let rule = rules.remove(at);
            let place = dice.below(rules.len() + 1);
            rules.insert(place, rule);
        }
        4 => rules[at].1 = action(dice),
        _ => rules[at].0 = conditions(dice),
    }
}

/// Numbers for `count` rules: dense, spread, or anything in order.
pub fn numbers(dice: &mut Dice, count: usize) -> Vec<i32> {
    let last = i32::try_from(count).unwrap();
    match dice.below(4) {
        0 | 1 => (1..=last).collect(),
        2 => (1..=last).map(|rank| rank * 100).collect(),
        _ => {
            let mut all = std::collections::BTreeSet::new();
            while all.len() < count {
                let number = if dice.chance(20) {
                    50_000 - dice.below(20)
                } else {
                    1 + dice.below(60 + 2 * count)
                };
                all.insert(i32::try_from(number).unwrap());
            }
            all.into_iter().collect()
        }
    }
}

/// Requests made of the conditions of both sets: each rule's own, and mixtures.
pub fn asks(dice: &mut Dice, sets: [&Set; 2], most: usize) -> Vec<Ask> {
    let rules: Vec<&Vec<Condition>> = sets
        .iter()
        .flat_map(|set| &set.rules)
        .map(|rule| &rule.0)
        .collect();
    let mut all = std::collections::BTreeSet::new();
    for own in &rules {
        let other = *dice.pick(&rules);
        let mut ask = Ask {
            host: "z.org".to_owned(),
            path: "/z".to_owned(),
            header: "0".to_owned(),
            source: "172.16.0.1".to_owned(),
        };
        satisfy(dice, &mut ask, own);
        all.insert(ask.clone());
        satisfy(dice, &mut ask, other);
        all.insert(ask);
    }
    let all: Vec<Ask> = all.into_iter().collect();
    let step = all.len().div_ceil(most).max(1);
    all.into_iter().step_by(step).collect()
}

/// Makes a request meet conditions.
fn satisfy(dice: &mut Dice, ask: &mut Ask, conditions: &[Condition]) {
    for condition in conditions {
        match condition {
            Condition::HostHeader(Patterns::Values(values)) => ask.host = filled(dice, values),
            Condition::PathPattern(Patterns::Values(values)) => ask.path = filled(dice, values),
            Condition::HttpHeader {
                patterns: Patterns::Values(values),
                ..
            } => ask.header = filled(dice, values),
            Condition::SourceIp(values) => {
                let (address, _) = dice.pick(values).split_once('/').unwrap();
                ask.source = address.replace(".0.0", ".0.7");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn filled(dice: &mut Dice, values: &[String]) -> String {
    let filling = *dice.pick(&["a", "b", "x", "a/b"]);
    dice.pick(values).replace('*', filling).replace('?', "b")
}
