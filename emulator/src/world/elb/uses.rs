//! Which load balancers use which target groups.

use std::collections::{BTreeMap, BTreeSet};

use super::{action::Action, listener::Listener};

/// Actions that are not counted, because others are about to take their place; each by ARN.
#[derive(Clone, Copy, Debug)]
pub enum Except<'a> {
    /// All are counted.
    Nothing,
    /// The default actions of a listener.
    DefaultActions(&'a str),
    /// The actions of a rule.
    Rule(&'a str),
}

/// Load balancers by target group, both as ARNs.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    by_group: BTreeMap<String, BTreeSet<String>>,
    none: BTreeSet<String>,
}

impl Uses {
    /// Reads every action of the listeners and their rules. A group with weight 0 is used.
    pub fn of_listeners<'a>(listeners: impl Iterator<Item = &'a Listener>, except: Except<'_>) -> Self {
        let mut by_group: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for listener in listeners {
            for group in groups_of_listener(listener, except) {
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

fn groups_of_listener<'a>(listener: &'a Listener, except: Except<'_>) -> impl Iterator<Item = &'a str> {
    let (listener_left_out, rule_left_out) = match except {
        Except::Nothing => (None, None),
        Except::DefaultActions(arn) => (Some(arn), None),
        Except::Rule(arn) => (None, Some(arn)),
    };
    let defaults = match listener_left_out {
        Some(arn) if arn == listener.arn => &[][..],
        _ => listener.default_actions.as_slice(),
    };
    let rules = listener.rules.values();
    let kept = rules.filter(move |rule| rule_left_out != Some(rule.arn.as_str()));
    let actions = defaults.iter().chain(kept.flat_map(|rule| &rule.actions));
    actions.flat_map(Action::target_groups)
}
