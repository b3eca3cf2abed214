//! Which load balancers use which target groups.

use std::collections::{BTreeMap, BTreeSet};

use super::listener::Listener;

/// Load balancers by target group, both as ARNs.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    by_group: BTreeMap<String, BTreeSet<String>>,
    none: BTreeSet<String>,
}

impl Uses {
    /// Reads every action of the listeners. A group with weight 0 is used.
    pub fn of_listeners<'a>(listeners: impl Iterator<Item = &'a Listener>) -> Self {
        let mut by_group: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for listener in listeners {
            for group in listener.target_groups() {
                by_group
                    .entry(group.to_owned())
                    .or_default()
                    .insert(listener.load_balancer.clone());
            }
        }
        Self {
            by_group,
            none: BTreeSet::new(),
        }
    }

    /// The load balancers that use a group.
    pub fn of(&self, group: &str) -> &BTreeSet<String> {
        self.by_group.get(group).unwrap_or(&self.none)
    }

    /// The groups that a load balancer uses.
    pub fn groups_of(&self, load_balancer: &str) -> BTreeSet<&str> {
        let using = self
            .by_group
            .iter()
            .filter(|(_, users)| users.contains(load_balancer));
        using.map(|(group, _)| group.as_str()).collect()
    }
}
