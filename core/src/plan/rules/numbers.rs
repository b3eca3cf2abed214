//! Numbers of rules. Only their order counts; a number that is in order stays.

use std::collections::BTreeSet;

use elbow_crds::limits::value::RULE_PRIORITY;

/// Distance between rules that are spread, so that inserts find room.
const GAP: i32 = 100;

/// Which of the numbers stay: the positions of a longest increasing subsequence.
pub(super) fn in_order(numbers: &[i32]) -> BTreeSet<usize> {
    // For each position the length of the longest sequence that ends there, and the position before it.
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let before = numbers
            .iter()
            .zip(&best)
            .enumerate()
            .take(index)
            .filter(|(_, (other, _))| *other < number)
            .max_by_key(|(_, (_, (length, _)))| *length)
            .map(|(position, (_, (length, _)))| (*length, position));
        best.push(before.map_or((1, None), |(length, position)| (length + 1, Some(position))));
    }
    let mut kept = BTreeSet::new();
    let mut at = (0..best.len()).max_by_key(|index| best.get(*index).map(|(length, _)| *length));
    while let Some(index) = at {
        kept.insert(index);
        at = best.get(index).and_then(|(_, before)| *before);
    }
    kept
}

/// Numbers for all places of an order in which some are fixed (in increasing order) and some numbers are
/// `taken` by others. `None` where there is no room between two fixed ones.
pub(super) fn fill(order: &[Option<i32>], taken: &BTreeSet<i32>) -> Option<Vec<i32>> {
    let mut numbers = Vec::new();
    let mut low = RULE_PRIORITY.min - 1;
    let mut rest = order;
    while !rest.is_empty() {
        let open = rest.iter().take_while(|number| number.is_none()).count();
        let (_, after) = rest.split_at_checked(open)?;
        let high = after.first().copied().flatten();
        numbers.extend(between(low, high, open, numbers.len(), taken)?);
        numbers.extend(high);
        low = numbers.last().copied()?;
        rest = after.get(1..).unwrap_or_default();
    }
    Some(numbers)
}

/// `count` numbers above `low` and below `high`: the ranks where the rules around are dense, as upstream would
/// have it; else with the usual distance behind the last rule, else evenly.
fn between(
    low: i32,
    high: Option<i32>,
    count: usize,
    position: usize,
    taken: &BTreeSet<i32>,
) -> Option<Vec<i32>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let end = high.unwrap_or(RULE_PRIORITY.max + 1);
    let free = |number: &i32| low < *number && *number < end && !taken.contains(number);
    let sequence = |first: i32, step: i32| -> Option<Vec<i32>> {
        let numbers = (0..i32::try_from(count).ok()?)
            .map(|index| first.checked_add(index.checked_mul(step)?))
            .collect::<Option<Vec<i32>>>()?;
        numbers.iter().all(free).then_some(numbers)
    };
    let position = i32::try_from(position).ok()?;
    let dense = low == position && high.is_none_or(|high| usize::try_from(high - low) == Ok(count + 1));
    dense
        .then(|| sequence(low + 1, 1))
        .flatten()
        .or_else(|| {
            high.is_none()
                .then(|| sequence(low.checked_add(GAP)?, GAP))
                .flatten()
        })
        .or_else(|| {
            evenly(
                &(low + 1..end).filter(|number| free(number)).collect::<Vec<_>>(),
                count,
            )
        })
}

fn evenly(free: &[i32], count: usize) -> Option<Vec<i32>> {
    (1..=count)
        .map(|index| {
            let place = (index * (free.len() + 1) / (count + 1)).checked_sub(1)?;
            free.get(place).copied()
        })
        .collect::<Option<Vec<i32>>>()
        .filter(|_| free.len() >= count)
}

/// Numbers for `count` rules with room between them and for `below` more beneath.
pub(super) fn spread(count: usize, below: usize) -> Vec<i32> {
    let room = usize::try_from(RULE_PRIORITY.max)
        .unwrap_or_default()
        .saturating_sub(below);
    let gap = i32::try_from(room / count.max(1)).unwrap_or(GAP).clamp(1, GAP);
    (1..).map(|index| index * gap).take(count).collect()
}

/// The first `count` numbers above `low` that are free; fewer if there are not as many.
pub(super) fn beneath(low: i32, count: usize, taken: &BTreeSet<i32>) -> Vec<i32> {
    (low + 1..=RULE_PRIORITY.max)
        .filter(|number| !taken.contains(number))
        .take(count)
        .collect()
}

/// Numbers for `count` rules at the bottom of the range, in order.
pub(super) fn bottom(count: usize) -> Vec<i32> {
    let mut numbers: Vec<i32> = (RULE_PRIORITY.min..=RULE_PRIORITY.max)
        .rev()
        .take(count)
        .collect();
    numbers.reverse();
    numbers
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{bottom, fill, in_order, spread};

    fn none() -> BTreeSet<i32> {
        BTreeSet::new()
    }

    #[test]
    fn the_longest_increasing_part_stays() {
        assert_eq!(in_order(&[]), BTreeSet::new());
        assert_eq!(in_order(&[5]), BTreeSet::from([0]));
        assert_eq!(in_order(&[3, 1, 2]), BTreeSet::from([1, 2]));
        assert_eq!(in_order(&[1, 9, 2, 3, 8]), BTreeSet::from([0, 2, 3, 4]));
    }

    #[test]
    fn dense_rules_stay_dense_and_gaps_are_halved() {
        assert_eq!(fill(&[None, None], &none()), Some(vec![1, 2]));
        assert_eq!(fill(&[Some(1), None, Some(3)], &none()), Some(vec![1, 2, 3]));
        assert_eq!(fill(&[None, Some(100)], &none()), Some(vec![50, 100]));
        assert_eq!(
            fill(&[Some(100), None, Some(200)], &none()),
            Some(vec![100, 150, 200])
        );
        assert_eq!(fill(&[Some(200), None], &none()), Some(vec![200, 300]));
        assert_eq!(fill(&[Some(2), None], &BTreeSet::from([3])), Some(vec![2, 102]));
    }

    #[test]
    fn no_room_is_no_answer() {
        assert_eq!(fill(&[None, Some(1)], &none()), None);
        assert_eq!(fill(&[Some(7), None, Some(9)], &BTreeSet::from([8])), None);
        assert_eq!(fill(&[Some(50_000), None], &none()), None);
        assert_eq!(fill(&[Some(49_999), None], &none()), Some(vec![49_999, 50_000]));
    }

    #[test]
    fn spreading_leaves_room_and_stays_in_range() {
        assert_eq!(spread(3, 1), [100, 200, 300]);
        assert_eq!(spread(1_000, 10).last(), Some(&49_000));
        assert_eq!(bottom(2), [49_999, 50_000]);
    }
}
