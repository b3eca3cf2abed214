//! Comparison of attributes: only listed keys count, values compare as text; what is not listed stays.

use std::collections::BTreeMap;

/// Attribute of a load balancer that forbids its deletion.
pub(super) const DELETION_PROTECTION: &str = "deletion_protection.enabled";

/// Wanted attributes whose present value is different or absent.
pub(super) fn diff_attributes(
    wanted: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    wanted
        .iter()
        .filter(|(key, value)| actual.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// `key old -> new` for printing.
pub(super) fn describe_attributes(
    changed: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
) -> String {
    changed
        .iter()
        .map(|(key, value)| match actual.get(key) {
            Some(old) => format!("{key} {old} -> {value}"),
            None => format!("{key} = {value}"),
        })
        .collect::<Vec<_>>()
        .join(", ")
}
