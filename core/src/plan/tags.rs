//! Comparison of tags (upstream `pkg/deploy/elbv2/tagging_manager.go`, `pkg/algorithm/maps.go`).

use std::collections::BTreeSet;

use super::Action;
use super::draft::Draft;
use crate::model::{Origins, Ref, Tags, tracking};
use crate::settings::Settings;

/// What has to happen to the tags of a resource.
pub(super) struct TagDiff {
    /// Missing or different ones.
    pub add: Tags,
    /// Ones too many, with their present values.
    pub remove: Tags,
}

impl TagDiff {
    /// Keys of `remove`.
    pub fn removed_keys(&self) -> BTreeSet<String> {
        self.remove.keys().cloned().collect()
    }
}

/// Which tags of the first generation of the controller are left alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Legacy {
    /// Security groups, load balancers and target groups.
    Kept,
    /// Listeners.
    Unknown,
}

/// Compares tags; keys that reconciliation never touches are neither added nor removed.
pub(super) fn diff_tags(wanted: &Tags, actual: &Tags, settings: &Settings, legacy: Legacy) -> TagDiff {
    let touched = |key: &str| {
        let left_alone = key.starts_with("aws:")
            || tracking::is_tracking_tag(key)
            || settings.external_managed_tags.contains(key)
            || (legacy == Legacy::Kept && tracking::is_legacy_tag(&settings.scope.cluster, key));
        !left_alone
    };
    let select = |from: &Tags, keep: &dyn Fn(&str, &str) -> bool| {
        from.iter()
            .filter(|(key, value)| touched(key) && keep(key, value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    TagDiff {
        add: select(wanted, &|key, value| {
            actual.get(key).map(String::as_str) != Some(value)
        }),
        remove: select(actual, &|key, _| !wanted.contains_key(key)),
    }
}

/// `tag a x -> y, tag b z` for printing.
pub(super) fn describe_added(add: &Tags, actual: &Tags) -> String {
    let text = |(key, value): (&String, &String)| match actual.get(key) {
        Some(old) => format!("tag {key} {old} -> {value}"),
        None => format!("tag {key} (none) -> {value}"),
    };
    add.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// `tag a x -> (none)` for printing.
pub(super) fn describe_removed(remove: &Tags) -> String {
    remove
        .iter()
        .map(|(key, value)| format!("tag {key} {value} -> (none)"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl Draft<'_> {
    /// AddTags and RemoveTags of an ELBv2 resource that stays. `label` says which, where its ARN does not.
    pub fn change_elb_tags(
        &mut self,
        resource: Ref,
        label: &str,
        diff: TagDiff,
        actual: &Tags,
        origins: &Origins,
    ) {
        let keys = diff.removed_keys();
        if !diff.add.is_empty() {
            let reason = format!("{label}{}", describe_added(&diff.add, actual));
            let action = Action::AddTags {
                resource: resource.clone(),
                tags: diff.add,
            };
            self.push(action, BTreeSet::new(), origins, reason);
        }
        if !keys.is_empty() {
            let reason = format!("{label}{}", describe_removed(&diff.remove));
            self.push(
                Action::RemoveTags { resource, keys },
                BTreeSet::new(),
                origins,
                reason,
            );
        }
    }
}
