//! Pairing of wanted with existing resources, once for all kinds.

use std::collections::BTreeMap;

/// Wanted and existing resources of one kind, paired.
pub(super) struct Pairs<'a, T> {
    /// Wanted ones with the existing one that stays.
    pub kept: Vec<(&'a T, &'a T)>,
    /// Wanted ones that have to be created, with the existing ones of the same key that cannot become them.
    pub missing: Vec<(&'a T, Vec<&'a T>)>,
    /// Existing ones that have to go.
    pub surplus: Vec<&'a T>,
}

/// Pairs by key. Of several existing resources that match, the one with the lowest rank stays.
pub(super) fn pair<'a, T, K: Ord, R: Ord>(
    wanted: &'a [T],
    actual: &'a [T],
    key: impl Fn(&T) -> K,
    matches: impl Fn(&T, &T) -> bool,
    rank: impl Fn(&T, &T) -> R,
) -> Pairs<'a, T> {
    let mut existing: BTreeMap<K, Vec<&'a T>> = BTreeMap::new();
    for resource in actual {
        existing.entry(key(resource)).or_default().push(resource);
    }
    let mut pairs = Pairs {
        kept: Vec::new(),
        missing: Vec::new(),
        surplus: Vec::new(),
    };
    for resource in wanted {
        let candidates = existing.remove(&key(resource)).unwrap_or_default();
        let best = candidates
            .iter()
            .enumerate()
            .filter(|(_, other)| matches(resource, other))
            .min_by_key(|(_, other)| rank(resource, other))
            .map(|(index, other)| (index, *other));
        let Some((index, other)) = best else {
            pairs.surplus.extend(candidates.iter().copied());
            pairs.missing.push((resource, candidates));
            continue;
        };
        pairs.kept.push((resource, other));
        let others = candidates.into_iter().enumerate().filter(|(i, _)| *i != index);
        pairs.surplus.extend(others.map(|(_, candidate)| candidate));
    }
    pairs.surplus.extend(existing.into_values().flatten());
    pairs
}
