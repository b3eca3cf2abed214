//! Rules of a stack.

use std::collections::BTreeMap;

use super::inquiry::Inquiry;
use super::{Context, listeners};
use crate::intent::ingress::wish::RuleWish;
use crate::model::{Ref, ResourceId, ResourceKind, Rule, Setting};

/// All rules, ranked 1, 2, 3, ... on their listeners in the order of `wishes`. `None` while an answer is missing or
/// after a fault.
pub(super) fn build(
    context: &Context<'_>,
    wishes: &[RuleWish],
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Rule>> {
    let tagged = context.settings.gates.listener_rules_tagging;
    let mut ranks: BTreeMap<i32, i32> = BTreeMap::new();
    let mut rules = Vec::new();
    for wish in wishes {
        let rank = ranks.entry(wish.port).or_default();
        *rank += 1;
        let actions = listeners::actions(&wish.actions, inquiry);
        rules.push(actions.map(|actions| Rule {
            id: ResourceId(format!("{}:{rank}", wish.port)),
            arn: None,
            listener: Ref::pending(ResourceKind::Listener, &ResourceId(wish.port.to_string())),
            priority: *rank,
            conditions: wish.conditions.clone(),
            actions,
            transforms: wish.transforms.clone(),
            tags: Setting::from(tagged.then(|| wish.tags.clone())),
            origins: wish.origins.clone(),
        }));
    }
    rules.into_iter().collect()
}
