//! Which existing rule becomes which wanted one.

use std::collections::BTreeSet;

use super::compare::{normal, same_outcome, same_text};
use super::numbers;
use super::overlap;
use crate::model::{Condition, Rule};

/// Sets of conditions, each once.
pub(super) struct Classes {
    sets: Vec<Vec<Condition>>,
}

/// Index of a set of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class(usize);

impl Classes {
    pub fn new() -> Self {
        Self { sets: Vec::new() }
    }

    /// The class of a rule's conditions.
    pub fn of(&mut self, rule: &Rule) -> Class {
        let set = normal(&rule.conditions);
        let index = self
            .sets
            .iter()
            .position(|other| *other == set)
            .unwrap_or_else(|| {
                self.sets.push(set);
                self.sets.len() - 1
            });
        Class(index)
    }

    /// Whether no request meets both.
    pub fn apart(&self, a: Class, b: Class) -> bool {
        match (self.sets.get(a.0), self.sets.get(b.0)) {
            (Some(one), Some(other)) => a != b && overlap::apart(one, other),
            _ => false,
        }
    }
}

/// A place in the order that is to be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// Position among the wanted rules; none for an existing rule that stays without being wanted.
    pub wanted: Option<usize>,
    /// Position among the existing rules; none if the rule has to be created.
    pub existing: Option<usize>,
    /// Whether the existing one has to change.
    pub change: bool,
    /// Conditions to be reached.
    pub class: Class,
}

/// An existing rule, as far as pairing and ordering go.
#[derive(Clone, Copy, Debug)]
pub(super) struct There {
    /// Its number.
    pub number: i32,
    /// Its conditions.
    pub class: Class,
}

/// Wanted rules by rank, paired with existing ones by number.
pub(super) struct Matched {
    pub classes: Classes,
    pub goals: Vec<Goal>,
    pub there: Vec<There>,
    /// Existing ones that are to go, by number.
    pub surplus: BTreeSet<usize>,
}

/// Pairs rules. Existing rules in `held` that nobody wants stay where they are.
pub(super) fn match_rules(wanted: &[Rule], existing: &[&Rule], held: &BTreeSet<usize>) -> Matched {
    let mut classes = Classes::new();
    let there: Vec<There> = existing
        .iter()
        .map(|rule| There {
            number: rule.priority,
            class: classes.of(rule),
        })
        .collect();
    let mut goals: Vec<Goal> = wanted
        .iter()
        .enumerate()
        .map(|(rank, rule)| Goal {
            wanted: Some(rank),
            existing: None,
            change: false,
            class: classes.of(rule),
        })
        .collect();
    let mut left: BTreeSet<usize> = (0..there.len()).collect();
    pair_equal(&mut goals, &there, &mut left, |goal, index| {
        goal.wanted
            .and_then(|rank| Some(same_outcome(wanted.get(rank)?, existing.get(index)?)))
            .unwrap_or(false)
    });
    pair_equal(&mut goals, &there, &mut left, |_, _| true);
    for goal in &mut goals {
        let pair = goal
            .wanted
            .and_then(|rank| wanted.get(rank))
            .zip(goal.existing.and_then(|e| existing.get(e)));
        goal.change = pair.is_some_and(|(new, old)| !same_outcome(new, old) || !same_text(new, old));
    }
    let kept: BTreeSet<usize> = left.intersection(held).copied().collect();
    left.retain(|index| !kept.contains(index));
    keep_all(&mut goals, &there, kept);
    pair_by_place(&mut goals, &there, &mut left);
    Matched {
        classes,
        goals,
        there,
        surplus: left,
    }
}

/// Pairs goals that have no rule yet with existing rules of the same conditions.
fn pair_equal(
    goals: &mut [Goal],
    there: &[There],
    left: &mut BTreeSet<usize>,
    fits: impl Fn(&Goal, usize) -> bool,
) {
    for goal in goals.iter_mut().filter(|goal| goal.existing.is_none()) {
        let found = left.iter().copied().find(|index| {
            there.get(*index).is_some_and(|rule| rule.class == goal.class) && fits(goal, *index)
        });
        if let Some(index) = found {
            left.remove(&index);
            goal.existing = Some(index);
        }
    }
}

/// Pairs what is left between the same two rules that keep their numbers. Whether the change is safe is for
/// the schedule to say.
fn pair_by_place(goals: &mut [Goal], there: &[There], left: &mut BTreeSet<usize>) {
    let number = |goal: &Goal| {
        goal.existing
            .and_then(|index| there.get(index))
            .map(|rule| rule.number)
    };
    let paired: Vec<(usize, i32)> = goals
        .iter()
        .enumerate()
        .filter_map(|(place, goal)| Some((place, number(goal)?)))
        .collect();
    let numbers: Vec<i32> = paired.iter().map(|(_, number)| *number).collect();
    let stay = numbers::in_order(&numbers);
    let fixed: Vec<(usize, i32)> = paired
        .iter()
        .enumerate()
        .filter(|(index, _)| stay.contains(index))
        .map(|(_, pair)| *pair)
        .collect();
    for (place, goal) in goals
        .iter_mut()
        .enumerate()
        .filter(|(_, goal)| goal.existing.is_none())
    {
        let low = fixed
            .iter()
            .rev()
            .find(|(at, _)| *at < place)
            .map_or(0, |(_, number)| *number);
        let high = fixed
            .iter()
            .find(|(at, _)| *at > place)
            .map_or(i32::MAX, |(_, number)| *number);
        let found = left.iter().copied().find(|index| {
            there
                .get(*index)
                .is_some_and(|rule| low < rule.number && rule.number < high)
        });
        if let Some(index) = found {
            left.remove(&index);
            goal.existing = Some(index);
            goal.change = true;
        }
    }
}

/// Puts existing rules that nobody wants into the order: behind the rule they stand behind now, and behind
/// each other as now.
fn keep_all(goals: &mut Vec<Goal>, there: &[There], kept: BTreeSet<usize>) {
    let mut lowest = 0;
    for index in kept {
        let Some(rule) = there.get(index) else { continue };
        let behind = (0..index)
            .rev()
            .find_map(|other| goals.iter().position(|goal| goal.existing == Some(other)))
            .map_or(0, |place| place + 1);
        let place = behind.max(lowest).min(goals.len());
        let goal = Goal {
            wanted: None,
            existing: Some(index),
            change: false,
            class: rule.class,
        };
        goals.insert(place, goal);
        lowest = place + 1;
    }
}
