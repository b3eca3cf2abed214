//! When an existing rule may be changed in place by one ModifyRule.
//!
//! A request that first meets the rule gets its new action at once, and one that no longer meets it falls
//! through to the rules below. Both must be what the request is to get in the end (change at the start), or
//! the old action must be right until everything else is in place (change at the end).

use super::matcher::{Class, Classes, Goal, Matched};

/// An existing rule while changes are made at the start.
#[derive(Clone, Copy, Debug)]
struct Slot {
    class: Class,
    /// The goal that it has reached.
    done: Option<usize>,
}

/// Rules that change in place.
#[derive(Debug, Default)]
pub(super) struct InPlace {
    /// Places of goals whose rule changes at the start, in this order.
    pub first: Vec<usize>,
    /// Places of goals whose rule changes once all others are in place.
    pub last: Vec<usize>,
}

/// Finds the changes that are safe. A pair that cannot change safely is taken apart: its goal is created anew
/// and its rule goes.
pub(super) fn in_place(matched: &mut Matched, default_changes: bool) -> InPlace {
    let mut found = InPlace::default();
    let mut slots: Vec<Slot> = matched
        .there
        .iter()
        .map(|rule| Slot {
            class: rule.class,
            done: None,
        })
        .collect();
    for (place, goal) in matched.goals.iter().enumerate().filter(|(_, goal)| !goal.change) {
        reach(&mut slots, goal, place);
    }
    let mut open: Vec<usize> = places(&matched.goals, |goal| goal.change);
    loop {
        let safe = open.iter().position(|place| {
            let check = Check {
                matched,
                slots: &slots,
                place: *place,
            };
            check.is_safe_first(default_changes).unwrap_or(false)
        });
        let Some(safe) = safe else { break };
        let place = open.remove(safe);
        found.first.push(place);
        if let Some(goal) = matched.goals.get(place) {
            reach(&mut slots, goal, place);
        }
    }
    for place in open {
        let check = Check {
            matched,
            slots: &slots,
            place,
        };
        if check.is_safe_last().unwrap_or(false) {
            found.last.push(place);
        } else if let Some(goal) = matched.goals.get_mut(place) {
            matched.surplus.extend(goal.existing.take());
            goal.change = false;
        }
    }
    found
}

/// Places of the goals that satisfy a predicate.
pub(super) fn places(goals: &[Goal], predicate: impl Fn(&Goal) -> bool) -> Vec<usize> {
    goals
        .iter()
        .enumerate()
        .filter(|(_, goal)| predicate(goal))
        .map(|(place, _)| place)
        .collect()
}

fn reach(slots: &mut [Slot], goal: &Goal, place: usize) {
    if let Some(slot) = goal.existing.and_then(|index| slots.get_mut(index)) {
        slot.class = goal.class;
        slot.done = Some(place);
    }
}

struct Check<'a> {
    matched: &'a Matched,
    slots: &'a [Slot],
    place: usize,
}

impl Check<'_> {
    fn classes(&self) -> &Classes {
        &self.matched.classes
    }

    /// Whether a request that gets to the rule now would get to its goal in the end: whatever stands above the
    /// goal stands above the rule already, or is met by none of its requests. With other conditions: the
    /// requests that fall through meet now what they meet in the end.
    fn is_safe_first(&self, default_changes: bool) -> Option<bool> {
        let goal = self.matched.goals.get(self.place)?;
        let index = goal.existing?;
        let slot = self.slots.get(index)?;
        let (above, below) = (self.slots.get(..index)?, self.slots.get(index + 1..)?);
        let goals_above = self.matched.goals.get(..self.place)?;
        let clear = |class: Class| {
            goals_above.iter().all(|other| {
                above.iter().any(|slot| slot.class == other.class) || self.classes().apart(other.class, class)
            })
        };
        if slot.class == goal.class {
            return Some(clear(goal.class));
        }
        let now: Vec<Option<usize>> = below
            .iter()
            .filter(|other| !self.classes().apart(other.class, slot.class))
            .map(|other| other.done)
            .collect();
        let then: Vec<Option<usize>> = self
            .matched
            .goals
            .iter()
            .enumerate()
            .skip(self.place + 1)
            .filter(|(_, other)| !self.classes().apart(other.class, slot.class))
            .map(|(place, _)| Some(place))
            .collect();
        Some(clear(goal.class) && clear(slot.class) && now == then && !default_changes)
    }

    /// Whether a request that would get to the goal in the end gets to the rule now, so that the old action is
    /// right until the rule changes.
    fn is_safe_last(&self) -> Option<bool> {
        let goal = self.matched.goals.get(self.place)?;
        let index = goal.existing?;
        let goals_above = self.matched.goals.get(..self.place)?;
        let safe = self.slots.get(..index)?.iter().all(|slot| {
            goals_above.iter().any(|other| other.class == slot.class)
                || self.classes().apart(slot.class, goal.class)
        });
        Some(safe && self.slots.get(index)?.class == goal.class)
    }
}
