//! A target group that takes the place of another one stands beside it with weight 0 first: AWS checks only
//! targets of groups that something uses. Traffic moves once it is as healthy as the old one, in one call that
//! also lets go of the old one.
//!
//! One action per group is enough for AWS to count it as used. Where no action can hold both, traffic is switched
//! by one call after registration, as upstream does.

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::limits::target_group::PER_ACTION;

use super::draft::Draft;
use super::listener::attributes_of;
use super::listener_drift::DEFAULT_WEIGHT;
use super::load_balancer::describe_ref;
use super::pair::Pairs;
use super::rules::normal;
use super::target_group::known_groups;
use super::{Action, StepId};
use crate::model::{
    Action as ListenerAction, ForwardAction, Listener, LoadBalancer, Origins, Protocol, Ref, ResourceKind,
    Rule, TargetGroup, WeightedTargetGroup,
};

/// Attribute of a group that sends a client to the same target again.
const STICKY: &str = "stickiness.enabled";
/// Protocol version that is spoken by gRPC clients only.
const GRPC: &str = "GRPC";

/// A group that comes in place of others.
struct Replacement<'a> {
    wanted: &'a TargetGroup,
    new: Ref,
    old: Vec<&'a TargetGroup>,
}

/// Where a load balancer that stays says what it forwards to.
#[derive(Clone, Copy)]
enum Place<'a> {
    Default(&'a Listener),
    Rule(&'a Listener, &'a Rule),
}

impl<'a> Place<'a> {
    fn listener(self) -> &'a Listener {
        match self {
            Self::Default(listener) | Self::Rule(listener, _) => listener,
        }
    }

    fn actions(self) -> &'a [ListenerAction] {
        match self {
            Self::Default(listener) => &listener.default_actions,
            Self::Rule(_, rule) => &rule.actions,
        }
    }

    fn leads_to(self, arn: Option<&str>) -> bool {
        arn.is_some_and(|arn| known_groups(self.actions()).any(|group| group == arn))
    }

    /// Whether a group gets traffic here: of several those with a weight do.
    fn serves(self, arn: Option<&str>) -> bool {
        let serves = |action: &ListenerAction| {
            let groups = action.target_groups();
            groups.iter().any(|tuple| {
                let weighs = groups.len() == 1 || tuple.weight != Some(0);
                weighs && arn.is_some() && tuple.target_group.known() == arn
            })
        };
        self.actions().iter().any(serves)
    }

    /// Whether what is wanted has this listener, or a rule with these conditions, too.
    fn stays(self, draft: &Draft) -> bool {
        let on = |listener: &Listener| {
            listener.port == self.listener().port
                && draft.resolve(&listener.load_balancer) == self.listener().load_balancer
        };
        let mut listeners = draft.wanted.listeners.iter().filter(|listener| on(listener));
        match self {
            Self::Default(_) => listeners.next().is_some(),
            Self::Rule(_, rule) => listeners.any(|listener| {
                let reference = Ref::pending(ResourceKind::Listener, &listener.id);
                let mut rules = draft.wanted.rules.iter();
                rules.any(|other| {
                    other.listener == reference && normal(&other.conditions) == normal(&rule.conditions)
                })
            }),
        }
    }
}

/// Puts every group that comes in place of another one beside it, and waits until it is as healthy.
pub(super) fn put(draft: &mut Draft, groups: &Pairs<TargetGroup>, balancers: &Pairs<LoadBalancer>) {
    let places = places(draft, balancers);
    let mut carried: BTreeMap<usize, Vec<Replacement>> = BTreeMap::new();
    for replacement in replacements(draft, groups, &places) {
        if places.iter().any(|place| place.leads_to(replacement.new.known())) {
            await_health(draft, &replacement, None);
            continue;
        }
        let found = places.iter().enumerate().position(|(at, place)| {
            let more = carried.get(&at).map_or(0, Vec::len) + 1;
            replacement.can_stand_in(*place, more, draft)
        });
        match found {
            Some(at) => carried.entry(at).or_default().push(replacement),
            None => draft.stands_alone(&replacement.wanted.id),
        }
    }
    for (at, replacements) in carried {
        let step = places
            .get(at)
            .and_then(|place| stand(draft, *place, &replacements));
        for replacement in &replacements {
            await_health(draft, replacement, step);
        }
    }
}

/// Listeners and rules of the load balancers that stay: default actions first, then rules by number.
fn places<'a>(draft: &Draft<'a>, balancers: &Pairs<LoadBalancer>) -> Vec<Place<'a>> {
    let kept: BTreeSet<&str> = balancers
        .kept
        .iter()
        .filter_map(|(_, balancer)| balancer.arn.as_deref())
        .collect();
    let actual = draft.actual;
    let listeners: Vec<&'a Listener> = actual
        .listeners
        .iter()
        .filter(|listener| {
            listener
                .load_balancer
                .known()
                .is_some_and(|arn| kept.contains(arn))
        })
        .collect();
    let rules = actual.rules.iter().filter_map(|rule| {
        let mut listeners = listeners.iter();
        let on = listeners.find(|one| one.arn.is_some() && one.arn.as_deref() == rule.listener.known())?;
        Some(Place::Rule(on, rule))
    });
    listeners
        .iter()
        .map(|listener| Place::Default(listener))
        .chain(rules)
        .collect()
}

/// Groups that come in place of others which serve now.
fn replacements<'a>(
    draft: &Draft<'a>,
    groups: &Pairs<'a, TargetGroup>,
    places: &[Place<'a>],
) -> Vec<Replacement<'a>> {
    let kept = groups.kept.iter().map(|(wanted, _)| *wanted);
    let wanted = groups.missing.iter().map(|(wanted, _)| *wanted).chain(kept);
    let replacement = |wanted: &'a TargetGroup| {
        let serves = |group: &TargetGroup| places.iter().any(|place| place.serves(group.arn.as_deref()));
        let surplus = groups.surplus.iter().copied();
        Replacement {
            wanted,
            new: draft.handle(ResourceKind::TargetGroup, &wanted.id),
            old: surplus.filter(|old| old.id == wanted.id && serves(old)).collect(),
        }
    };
    wanted
        .map(replacement)
        .filter(|one| !one.old.is_empty() && draft.can_resolve(&one.new))
        .collect()
}

impl Replacement<'_> {
    fn replaces(&self, arn: Option<&str>) -> bool {
        self.old
            .iter()
            .any(|old| arn.is_some() && old.arn.as_deref() == arn)
    }

    /// Whether the action of a place leads to the old group and can hold the new one, and so many in all, beside
    /// it.
    fn can_stand_in(&self, place: Place<'_>, more: usize, draft: &Draft) -> bool {
        let old = self.old.iter();
        let forwards = || place.actions().iter().filter_map(ListenerAction::as_forward);
        let crowded = |forward: &ForwardAction| !PER_ACTION.allows(forward.target_groups.len() + more);
        let sticky = |forward: &ForwardAction| forward.stickiness.get().is_some_and(|sticky| sticky.enabled);
        draft.settings.gates.weighted_target_groups
            && old.clone().any(|group| place.serves(group.arn.as_deref()))
            && place.stays(draft)
            && !forwards().any(crowded)
            && fits(place.listener().protocol, self.wanted.protocol)
            && old.clone().all(|old| is_grpc(old) == is_grpc(self.wanted))
            // AWS wants stickiness of the action where a group of several is sticky itself.
            && (forwards().all(sticky) || !old.chain([&self.wanted]).any(|group| is_sticky(group)))
    }
}

/// Whether a listener can forward to a group
/// (https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html).
fn fits(listener: Protocol, group: Protocol) -> bool {
    match listener {
        Protocol::Http | Protocol::Https => matches!(group, Protocol::Http | Protocol::Https),
        Protocol::Tcp => matches!(group, Protocol::Tcp | Protocol::TcpUdp),
        Protocol::Tls => matches!(group, Protocol::Tcp | Protocol::Tls),
        Protocol::Udp => matches!(group, Protocol::Udp | Protocol::TcpUdp),
        Protocol::Quic => matches!(group, Protocol::Quic | Protocol::TcpQuic),
        Protocol::TcpUdp | Protocol::TcpQuic => listener == group,
    }
}

fn is_grpc(group: &TargetGroup) -> bool {
    group
        .protocol_version
        .get()
        .is_some_and(|version| version == GRPC)
}

fn is_sticky(group: &TargetGroup) -> bool {
    group.attributes.get(STICKY).map(String::as_str) == Some("true")
}

/// The step that adds new groups with weight 0 to the action that leads to the old ones.
fn stand(draft: &mut Draft, place: Place<'_>, replacements: &[Replacement]) -> Option<StepId> {
    let new: Vec<Ref> = replacements.iter().map(|one| one.new.clone()).collect();
    let mut needs = draft.producers(&new);
    needs.extend(attributes_of(draft, new.iter()));
    let origins: Origins = replacements
        .iter()
        .flat_map(|one| one.wanted.origins.iter().cloned())
        .collect();
    let mut actions = place.actions().to_vec();
    for action in &mut actions {
        if let ListenerAction::Forward(forward) = action {
            add(forward, replacements);
        }
    }
    let names: Vec<String> = new.iter().map(describe_ref).collect();
    let reason = format!(
        "{} with weight 0, so that AWS checks its targets",
        names.join(" ")
    );
    let (action, reason) = match place {
        Place::Default(listener) => {
            let arn = listener.arn.clone()?;
            let listener = Listener {
                default_actions: actions,
                ..listener.clone()
            };
            (Action::ModifyListener { arn, listener }, reason)
        }
        Place::Rule(_, rule) => {
            let arn = rule.arn.clone()?;
            let rule = Rule {
                actions,
                ..rule.clone()
            };
            (Action::ModifyRule { arn, rule }, reason)
        }
    };
    Some(draft.push(action, needs, &origins, reason))
}

/// Adds the new groups whose old ones a forward action leads to; the shares stay as they are.
fn add(forward: &mut ForwardAction, replacements: &[Replacement]) {
    let leads = |one: &&Replacement| {
        let mut tuples = forward.target_groups.iter();
        tuples.any(|tuple| one.replaces(tuple.target_group.known()))
    };
    let new: Vec<WeightedTargetGroup> = replacements
        .iter()
        .filter(leads)
        .map(|one| WeightedTargetGroup {
            target_group: one.new.clone(),
            weight: Some(0),
        })
        .collect();
    let alone = forward.target_groups.len() == 1;
    for tuple in &mut forward.target_groups {
        // The weight of a group that stands alone does not matter to AWS; beside another one it does.
        if alone {
            tuple.weight = Some(DEFAULT_WEIGHT);
        }
        tuple.weight.get_or_insert(DEFAULT_WEIGHT);
    }
    forward.target_groups.extend(new);
}

fn await_health(draft: &mut Draft, replacement: &Replacement, beside: Option<StepId>) {
    let beside = beside.into_iter().collect();
    let old = replacement.old.iter().filter_map(|old| old.arn.clone());
    draft.await_health(replacement.wanted, old.collect(), &beside);
}
