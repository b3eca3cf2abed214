//! The order of changes to the rules of one listener.
//!
//! The law: at every moment each request meets its old action or its new one. Rules change in place where that
//! is safe. New rules are created from the top down: at their place if every number fits, else beneath all
//! rules that stay, where they only meet requests that nothing else takes, and are lifted by one atomic
//! SetRulePriorities. It puts the wanted rules on top in their order and those that go beneath. Then the
//! default action changes, and what goes is deleted from the bottom up.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Call, Change, Numbered};
use super::matcher::{Class, Matched, match_rules};
use super::numbers;
use super::safety::{InPlace, in_place, places};
use crate::model::Rule;

/// What to reach and what is in the way.
pub(super) struct Task<'a> {
    /// Wanted rules by rank, their references resolved.
    pub wanted: &'a [Rule],
    /// Existing rules by number.
    pub existing: &'a [&'a Rule],
    /// Whether the default action changes.
    pub default_changes: bool,
    /// Existing rules that stay even if nobody wants them.
    pub held: &'a BTreeSet<usize>,
    /// How many rules can be created before one has to go; `None`: as many as needed.
    pub room: Option<usize>,
}

/// The changes, in an order that satisfies their needs, and the existing rules that become wanted ones.
pub(super) struct Schedule {
    pub changes: Vec<Change>,
    /// Position of the existing rule by position of the wanted one.
    pub kept: BTreeMap<usize, usize>,
    /// Whether an existing rule stays that nobody wants.
    pub holds: bool,
}

/// Plans the changes.
pub(super) fn schedule(task: &Task<'_>) -> Schedule {
    let mut matched = match_rules(task.wanted, task.existing, task.held);
    let in_place = in_place(&mut matched, task.default_changes);
    let kept = matched
        .goals
        .iter()
        .filter_map(|goal| Some((goal.wanted?, goal.existing?)))
        .collect();
    let holds = matched.goals.iter().any(|goal| goal.wanted.is_none());
    let numbers = matched.there.iter().map(|rule| rule.number).collect();
    let mut writer = Writer {
        surplus: matched.surplus.iter().copied().collect(),
        matched: &matched,
        numbers,
        changes: Vec::new(),
        base: BTreeSet::new(),
        classes: Vec::new(),
        room: task.room,
    };
    writer.write(&in_place, task.default_changes);
    Schedule {
        changes: writer.changes,
        kept,
        holds,
    }
}

struct Writer<'a> {
    matched: &'a Matched,
    /// Numbers of the existing rules as they are at this point.
    numbers: Vec<i32>,
    changes: Vec<Change>,
    /// Changes that everything later needs.
    base: BTreeSet<usize>,
    /// Conditions of what a change touches, where it touches one rule.
    classes: Vec<Option<Class>>,
    /// Rules to delete, by number.
    surplus: Vec<usize>,
    room: Option<usize>,
}

impl Writer<'_> {
    fn write(&mut self, in_place: &InPlace, default_changes: bool) {
        for place in &in_place.first {
            self.modify(*place);
        }
        self.create_all();
        for place in &in_place.last {
            self.modify(*place);
        }
        if default_changes {
            let needs = self.positions(|call, _| matches!(call, Call::Create { .. }));
            let position = self.push(Call::Default, None, needs);
            self.base.insert(position);
        }
        while let Some(existing) = self.surplus.pop() {
            self.delete(existing);
        }
    }

    fn push(&mut self, call: Call, class: Option<Class>, mut needs: BTreeSet<usize>) -> usize {
        needs.extend(&self.base);
        self.changes.push(Change { call, needs });
        self.classes.push(class);
        self.changes.len() - 1
    }

    /// Positions of earlier changes that satisfy a predicate.
    fn positions(&self, predicate: impl Fn(&Call, Option<Class>) -> bool) -> BTreeSet<usize> {
        let calls = self.changes.iter().map(|change| &change.call).zip(&self.classes);
        calls
            .enumerate()
            .filter(|(_, (call, class))| predicate(call, **class))
            .map(|(position, _)| position)
            .collect()
    }

    /// Positions of earlier changes to rules that a request of this class can meet as well.
    fn met_with(&self, class: Class) -> BTreeSet<usize> {
        self.positions(|_, other| other.is_some_and(|other| !self.matched.classes.apart(other, class)))
    }

    fn all(&self) -> BTreeSet<usize> {
        (0..self.changes.len()).collect()
    }

    fn number(&self, existing: usize) -> Option<i32> {
        self.numbers.get(existing).copied()
    }

    fn modify(&mut self, place: usize) {
        let Some(goal) = self.matched.goals.get(place) else {
            return;
        };
        let (Some(existing), Some(wanted)) = (goal.existing, goal.wanted) else {
            return;
        };
        let call = Call::Modify { existing, wanted };
        let same = self
            .matched
            .there
            .get(existing)
            .is_some_and(|rule| rule.class == goal.class);
        if same {
            let needs = self.positions(|call, class| {
                matches!(call, Call::Create { .. })
                    && class.is_some_and(|class| !self.matched.classes.apart(class, goal.class))
            });
            self.push(call, Some(goal.class), needs);
        } else {
            let position = self.push(call, Some(goal.class), self.all());
            self.base.insert(position);
        }
    }

    /// Creates what is missing, and brings all rules into the wanted order.
    fn create_all(&mut self) {
        let goals = &self.matched.goals;
        let fixed: Vec<Option<i32>> = goals
            .iter()
            .map(|goal| goal.existing.and_then(|existing| self.number(existing)))
            .collect();
        let known: Vec<i32> = fixed.iter().flatten().copied().collect();
        let new = places(goals, |goal| goal.existing.is_none());
        let stay = numbers::in_order(&known);
        if stay.len() == known.len() {
            let taken = self
                .surplus
                .iter()
                .filter_map(|index| self.number(*index))
                .collect();
            if let Some(all) = numbers::fill(&fixed, &taken) {
                let at = new.iter().filter_map(|place| Some((*place, *all.get(*place)?)));
                return self.create(&at.collect::<Vec<_>>());
            }
        }
        let beneath = self.beneath(new.len());
        let created: Vec<(usize, i32)> = new.into_iter().zip(beneath).collect();
        self.create(&created);
        self.lift(&created);
    }

    /// Free numbers beneath all rules that stay; if there are not enough, all rules are spread first, in the
    /// order in which they stand.
    fn beneath(&mut self, count: usize) -> Vec<i32> {
        let found = self.free_beneath(count);
        if found.len() == count {
            return found;
        }
        self.numbers = numbers::spread(self.numbers.len(), count + self.surplus.len());
        let all = self
            .numbers
            .iter()
            .enumerate()
            .map(|(index, number)| (Numbered::Existing(index), *number));
        let position = self.push(Call::Renumber(all.collect()), None, BTreeSet::new());
        self.base.insert(position);
        self.free_beneath(count)
    }

    fn free_beneath(&self, count: usize) -> Vec<i32> {
        let goals = self.matched.goals.iter();
        let low = goals
            .filter_map(|goal| self.number(goal.existing?))
            .max()
            .unwrap_or(0);
        let taken = self
            .surplus
            .iter()
            .filter_map(|index| self.number(*index))
            .collect();
        numbers::beneath(low, count, &taken)
    }

    /// Creates rules at these places and numbers, from the top down. Where the quota leaves no room a rule that
    /// is to go makes room first, as upstream does after a refusal.
    fn create(&mut self, at: &[(usize, i32)]) {
        let crowded = self.room.is_some_and(|room| room < at.len());
        for (place, number) in at {
            let Some(goal) = self.matched.goals.get(*place) else {
                continue;
            };
            let Some(wanted) = goal.wanted else { continue };
            if self.room == Some(0)
                && let Some(existing) = self.surplus.pop()
            {
                let needs = self.all();
                let class = self.matched.there.get(existing).map(|rule| rule.class);
                self.push(Call::Delete(existing), class, needs);
                self.room = Some(1);
            }
            let call = Call::Create {
                wanted,
                number: *number,
            };
            let needs = if crowded {
                self.all()
            } else {
                self.positions(|call, class| {
                    matches!(call, Call::Create { .. })
                        && class.is_some_and(|class| !self.matched.classes.apart(class, goal.class))
                })
            };
            self.push(call, Some(goal.class), needs);
            self.room = self.room.map(|room| room.saturating_sub(1));
        }
    }

    /// One SetRulePriorities: wanted rules in order, those that go beneath them. Numbers in order stay if the
    /// others find room between them.
    fn lift(&mut self, created: &[(usize, i32)]) {
        let goals = &self.matched.goals;
        let temporary: BTreeMap<usize, i32> = created.iter().copied().collect();
        let target = self.target();
        let mut moves: Vec<(Numbered, i32)> = Vec::new();
        for ((place, goal), number) in goals.iter().enumerate().zip(&target) {
            let (rule, now) = match (goal.existing, goal.wanted) {
                (Some(existing), _) => (Numbered::Existing(existing), self.number(existing)),
                (None, Some(wanted)) => (Numbered::Created(wanted), temporary.get(&place).copied()),
                (None, None) => continue,
            };
            if now != Some(*number) {
                moves.push((rule, *number));
            }
        }
        let lowest = target.iter().copied().max().unwrap_or(0);
        if self
            .surplus
            .iter()
            .any(|index| self.number(*index).is_some_and(|number| number <= lowest))
        {
            let bottom = numbers::bottom(self.surplus.len());
            moves.extend(
                self.surplus
                    .iter()
                    .map(|index| Numbered::Existing(*index))
                    .zip(bottom),
            );
        }
        if !moves.is_empty() {
            let needs = self.all();
            let position = self.push(Call::Renumber(moves), None, needs);
            self.base.insert(position);
        }
    }

    /// The number of each goal after the lift.
    fn target(&self) -> Vec<i32> {
        let goals = &self.matched.goals;
        let known: Vec<(usize, i32)> = goals
            .iter()
            .enumerate()
            .filter_map(|(place, goal)| Some((place, self.number(goal.existing?)?)))
            .collect();
        let stay = numbers::in_order(&known.iter().map(|(_, number)| *number).collect::<Vec<_>>());
        let mut order: Vec<Option<i32>> = vec![None; goals.len()];
        for (place, number) in stay.iter().filter_map(|index| known.get(*index)) {
            if let Some(slot) = order.get_mut(*place) {
                *slot = Some(*number);
            }
        }
        let below = numbers::bottom(self.surplus.len()).first().copied();
        numbers::fill(&order, &BTreeSet::new())
            .filter(|all| below.is_none_or(|below| all.last().is_none_or(|last| *last < below)))
            .unwrap_or_else(|| numbers::spread(goals.len(), self.surplus.len()))
    }

    /// Deletes the lowest rule that goes, after everything that a request of its could meet instead.
    fn delete(&mut self, existing: usize) {
        let Some(class) = self.matched.there.get(existing).map(|rule| rule.class) else {
            return;
        };
        let needs = self.met_with(class);
        self.push(Call::Delete(existing), Some(class), needs);
    }
}
