//! What the next run over the shared backend security group would do.

use std::fmt;

use elbow_crds::problem::Problem;

use crate::key::Key;
use crate::model::Tags;
use crate::settings::Settings;
use crate::targets::SecurityGroupState;
use crate::targets::backend_group::{name, tag_changes, tags};

/// What becomes of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendChange {
    /// It stays as it is.
    Nothing,
    /// It is created with these tags.
    Create(Tags),
    /// Tags are set and removed.
    Tag {
        /// Tags to set.
        set: Tags,
        /// Tags to remove.
        remove: Tags,
    },
    /// It is deleted when nobody has wanted it for a minute and nothing uses it.
    Delete,
}

/// The change a run over the group is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendPreview {
    /// The group's key.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Its id; `None` before it is created.
    pub id: Option<String>,
    /// What becomes of it.
    pub change: BackendChange,
    /// What is in the way; nothing is changed then.
    pub problem: Option<Problem>,
}

impl BackendPreview {
    /// What becomes of the group that was `found`: it is `wanted` while an owner carries a finalizer, and made
    /// once a stack has `asked` for it. `None` if there is none and nobody asks.
    pub fn new(
        settings: &Settings,
        found: Option<&SecurityGroupState>,
        wanted: bool,
        asked: bool,
    ) -> Option<Self> {
        let change = match found {
            None if wanted && asked => BackendChange::Create(tags(settings)),
            None => return None,
            Some(_) if !wanted => BackendChange::Delete,
            Some(group) => match tag_changes(group, settings) {
                (set, remove) if set.is_empty() && remove.is_empty() => BackendChange::Nothing,
                (set, remove) => BackendChange::Tag { set, remove },
            },
        };
        Some(Self {
            key: Key::BackendGroup {
                vpc: settings.realm.vpc.clone(),
            },
            name: name(&settings.scope.cluster),
            id: found.map(|group| group.id.clone()),
            change,
            problem: None,
        })
    }
}

impl fmt::Display for BackendPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.key)?;
        if let Some(problem) = &self.problem {
            return writeln!(f, "  problem: {problem}");
        }
        let (name, id) = (&self.name, self.id.as_deref().unwrap_or_default());
        match &self.change {
            BackendChange::Nothing => writeln!(f, "  no changes"),
            BackendChange::Create(_) => writeln!(f, "  create  security group {name}"),
            BackendChange::Delete => {
                writeln!(f, "  delete  security group {id} {name}")?;
                writeln!(
                    f,
                    "      waits until nobody has wanted it for a minute and nothing uses it"
                )
            }
            BackendChange::Tag { set, remove } => {
                let set = set.iter().map(|(key, value)| format!("{key} = {value}"));
                let remove = remove.keys().map(|key| format!("{key} removed"));
                let tags: Vec<String> = set.chain(remove).collect();
                writeln!(f, "  change  tags of security group {id}: {}", tags.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn group(settings: &Settings) -> SecurityGroupState {
        SecurityGroupState {
            id: "sg-1".to_owned(),
            tags: tags(settings),
            ..SecurityGroupState::default()
        }
    }

    #[test]
    fn the_group_is_made_when_asked_for_and_deleted_when_unwanted() {
        let settings = Settings::new("test", "us-west-2", "vpc-1");
        let text = |found: Option<&SecurityGroupState>, wanted, asked| {
            BackendPreview::new(&settings, found, wanted, asked).map(|preview| preview.to_string())
        };
        assert_eq!(text(None, true, false), None);
        assert_eq!(text(None, false, false), None);
        assert_eq!(
            text(None, true, true).unwrap(),
            "backend-group/vpc-1\n  create  security group k8s-traffic-test-9f86d08188\n"
        );
        let mut there = group(&settings);
        assert_eq!(
            text(Some(&there), true, false).unwrap(),
            "backend-group/vpc-1\n  no changes\n"
        );
        let deleted = text(Some(&there), false, false).unwrap();
        assert!(
            deleted.contains("  delete  security group sg-1 k8s-traffic-test-"),
            "{deleted}"
        );
        there.tags.insert("old".to_owned(), "1".to_owned());
        let tagged = text(Some(&there), true, true).unwrap();
        assert!(
            tagged.contains("tags of security group sg-1: old removed"),
            "{tagged}"
        );
    }
}
