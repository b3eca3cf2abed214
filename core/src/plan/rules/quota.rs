//! The quota of rules per load balancer: old and new rules do not always fit side by side.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::limits::alb::RULES;
use elbow_crds::problem::{Problem, ProblemCode};

use super::steps::{ListenerRules, wanted_of};
use crate::model::{Listener, Ref};
use crate::plan::draft::Draft;

/// Plans the listeners of a load balancer again where its quota does not take the rules that go beside those
/// that come: rules go and come in turn, as upstream does after a refusal, and listeners that free rules go
/// first. Whether there was such a load balancer. More rules than the quota, there or wanted, mean that it was raised at least so far.
pub(in crate::plan) fn fit<'a>(
    draft: &mut Draft<'a>,
    staying: &mut [&mut ListenerRules<'a>],
    new: &[(&Listener, Ref)],
) -> bool {
    let mut crowded = false;
    let balancers: BTreeSet<Ref> = staying
        .iter()
        .map(|rules| rules.load_balancer().clone())
        .collect();
    for balancer in balancers {
        let mut own: Vec<&mut ListenerRules<'a>> = staying
            .iter_mut()
            .map(|rules| &mut **rules)
            .filter(|rules| *rules.load_balancer() == balancer)
            .collect();
        let written: usize = new
            .iter()
            .filter(|(_, on)| *on == balancer)
            .map(|(listener, _)| wanted_of(draft, &listener.id).len())
            .sum();
        let (there, left) = count(draft, &balancer, &own);
        let created: usize = own.iter().map(|rules| rules.balance().0).sum();
        let wanted: usize = own.iter().map(|rules| rules.wanted()).sum::<usize>() + written;
        let quota = usize::try_from(RULES.value)
            .unwrap_or(usize::MAX)
            .max(there)
            .max(wanted);
        if there + created + written <= quota || created + written == 0 {
            continue;
        }
        crowded = true;
        warn(draft, &own, there, created + written);
        let mut room = quota.saturating_sub(left);
        own.sort_by_key(|rules| {
            let (created, deleted) = rules.balance();
            created + there.saturating_sub(deleted)
        });
        for (turn, rules) in own.iter_mut().enumerate() {
            rules.squeeze(turn, room);
            let (created, deleted) = rules.balance();
            room = (room + deleted).saturating_sub(created);
        }
    }
    crowded
}

/// Rules of a load balancer now, and once the listeners are deleted that nobody wants.
fn count(draft: &Draft, balancer: &Ref, own: &[&mut ListenerRules<'_>]) -> (usize, usize) {
    let staying: BTreeSet<&str> = own.iter().filter_map(|rules| rules.arn()).collect();
    let listeners: BTreeMap<&str, bool> = draft
        .actual
        .listeners
        .iter()
        .filter(|listener| listener.load_balancer == *balancer)
        .filter_map(|listener| listener.arn.as_deref())
        .map(|arn| (arn, staying.contains(arn) || draft.hold))
        .collect();
    let of_rules: Vec<bool> = draft
        .actual
        .rules
        .iter()
        .filter_map(|rule| listeners.get(rule.listener.known()?).copied())
        .collect();
    (of_rules.len(), of_rules.iter().filter(|stays| **stays).count())
}

fn warn(draft: &mut Draft, own: &[&mut ListenerRules<'_>], there: usize, more: usize) {
    let message = format!(
        "the load balancer has {there} rules and {more} are to come before others go, AWS allows {} unless the \
         quota of the account was raised; old rules go first, and requests of theirs may meet another rule for \
         a moment; change fewer rules at once, or ask AWS for a higher quota",
        RULES.value
    );
    let origins: BTreeSet<_> = own
        .iter()
        .flat_map(|rules| rules.creators())
        .flat_map(|rule| rule.origins.iter().cloned())
        .collect();
    for origin in origins {
        draft.problem(Problem::warning(
            &origin.object,
            &origin.field,
            ProblemCode::Limit,
            message.clone(),
        ));
    }
}
