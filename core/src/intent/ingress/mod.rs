//! Ingresses: from the members of a group to what they ask for together.
//!
//! In: all Ingresses, their classes, Services, settings. Out: an [`Intent`]. A member at fault is left out, so that
//! the others go on; who is left out stands in [`IngressIntent::sick`].

mod backend;
mod class;
mod group;
mod listeners;
mod lower;
mod member;
mod merge;
mod redirect;
pub mod rules;
mod tags;
pub mod target_groups;
mod votes;
mod warnings;
pub mod wish;

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{ObjectRef, Problem};

use self::group::Group;
use self::lower::Voter;
use self::merge::Agreed;
use self::redirect::LeftOut;
use self::wish::{IngressTargetGroupWish, RuleWish};
use super::wish::{ListenerWish, LoadBalancerWish, SecurityWish};
use super::{Intent, Objects, Wish};
use crate::key::StackKey;
use crate::model::{ResourceId, Tags};
use crate::settings::Settings;
use crate::status::owner_object;

pub use class::{CLASS_ANNOTATION, CONTROLLER};
pub use group::{FINALIZER, Resolution, finalizer, finalizer_groups, resolve};
pub use member::{Member, Membership};
pub use target_groups::TargetGroups;

/// Ingresses that can be built.
#[derive(Clone, Debug, PartialEq)]
pub struct IngressIntent {
    /// The load balancer.
    pub load_balancer: LoadBalancerWish,
    /// Its security groups.
    pub security: SecurityWish,
    /// Tags of the load balancer and its managed security group, `--default-tags` included.
    pub tags: Tags,
    /// Listeners, by port.
    pub listeners: Vec<ListenerWish>,
    /// Rules by port and, within a port, in order.
    pub rules: Vec<RuleWish>,
    /// Target groups by resource id.
    pub target_groups: BTreeMap<ResourceId, IngressTargetGroupWish>,
    /// Members that contribute, in group order.
    pub members: Vec<ObjectRef>,
    /// Those that would if they had no fault, and one whose deletion is forbidden. What is there on their account
    /// has to stay: nothing here explains it.
    pub sick: BTreeSet<ObjectRef>,
}

/// Reads a group; see [`super::read`]. Members at fault in `refused` are left out, whatever they ask for.
pub(super) fn read(
    key: &StackKey,
    objects: &dyn Objects,
    settings: &Settings,
    refused: &[Problem],
) -> Intent {
    let group = Group::load(key, objects, settings);
    let owners = group.owners(key);
    let mut intent = Intent {
        key: key.clone(),
        owner: owners
            .first()
            .map_or_else(|| owner_object(key), |owner| owner.object.clone()),
        wish: Wish::Ignore,
        problems: Vec::new(),
        owners,
    };
    let mut sick = sick_beforehand(&group, refused);
    let healthy = contributions(&group, &mut sick, key, objects, settings);
    let nobody = group.members.is_empty() && group.unclear.is_empty();
    intent.problems = sick.values().flatten().cloned().collect();
    if let Some((wish, problems)) = healthy {
        if let Some(first) = wish.members.first() {
            intent.owner = first.clone();
        }
        intent.problems.extend(problems);
        intent.wish = Wish::Ingress(Box::new(wish));
    } else if !sick.is_empty() {
        let leaves = intent
            .owners
            .iter()
            .any(|owner| owner.gone && owner.has_finalizer);
        intent.wish = if leaves {
            Wish::Leave(sick.into_keys().collect())
        } else {
            Wish::Sick
        };
    } else if nobody && !group.leaving.is_empty() {
        intent.wish = Wish::Empty;
    }
    intent
}

type Sick = BTreeMap<ObjectRef, Vec<Problem>>;

/// Members whose fault is known before they are read.
fn sick_beforehand(group: &Group, refused: &[Problem]) -> Sick {
    let mut sick = Sick::new();
    for (ingress, problem) in &group.unclear {
        sick.entry(ingress.object()).or_default().push(problem.clone());
    }
    for problem in group
        .leaving
        .iter()
        .filter_map(|ingress| group::deletion_problem(ingress))
    {
        sick.entry(problem.object.clone()).or_default().push(problem);
    }
    let members: BTreeSet<ObjectRef> = group.members.iter().map(|found| found.ingress.object()).collect();
    for problem in refused.iter().filter(|problem| problem.is_fault()) {
        if members.contains(&problem.object) {
            sick.entry(problem.object.clone())
                .or_default()
                .push(problem.clone());
        }
    }
    sick
}

/// Reads the members again and again without those at fault, until none is left that is. `None` if nobody
/// contributes.
fn contributions(
    group: &Group,
    sick: &mut Sick,
    key: &StackKey,
    objects: &dyn Objects,
    settings: &Settings,
) -> Option<(IngressIntent, Vec<Problem>)> {
    loop {
        let mut voters: Vec<Voter<'_>> = group
            .members
            .iter()
            .filter(|found| !sick.contains_key(&found.ingress.object()))
            .map(|found| {
                let of = Membership {
                    ingress: &found.ingress,
                    params: found.params.as_ref().map(|params| &params.spec),
                    group: key,
                };
                let mut member = Member::new(of, objects, settings);
                let votes = votes::read(&mut member);
                Voter {
                    member,
                    votes,
                    admitted: false,
                }
            })
            .collect();
        let left_out = redirect::left_out(group, |object| sick.contains_key(object));
        let attempt = attempt(&mut voters, &left_out, settings);
        let at_fault: Vec<&Voter<'_>> = voters.iter().filter(|voter| voter.member.is_sick()).collect();
        if at_fault.is_empty() {
            let mut wish = attempt?;
            wish.sick = sick.keys().cloned().collect();
            let problems = voters.iter().flat_map(|voter| voter.member.problems().to_vec());
            return Some((wish, problems.collect()));
        }
        for voter in at_fault {
            let problems = voter.member.problems().to_vec();
            sick.insert(voter.member.object().clone(), problems);
        }
    }
}

/// Puts the votes together; `None` where somebody turns out to be at fault, or nobody votes. Contradictions count
/// last, so that nobody is measured against a member that is itself at fault.
fn attempt(voters: &mut [Voter<'_>], left_out: &[LeftOut], settings: &Settings) -> Option<IngressIntent> {
    let healthy = |voters: &[Voter<'_>]| voters.iter().all(|voter| !voter.member.is_sick()).then_some(());
    healthy(voters)?;
    let mut agreed = Agreed::default();
    let mut contradictions = Vec::new();
    for voter in voters.iter_mut() {
        match agreed.admit(&voter.votes) {
            Ok(()) => voter.admitted = true,
            Err(problems) => contradictions.extend(problems),
        }
    }
    let http = redirect::decide(&agreed, left_out, voters);
    let mut groups = TargetGroups::new(lower::ip_address_type(&agreed));
    let lowered = lower::rules(&agreed, http, voters, &mut groups);
    healthy(voters)?;
    contradictions.extend(lowered.contradictions);
    for voter in voters.iter_mut() {
        let own = |problem: &&Problem| problem.object == *voter.member.object();
        let own: Vec<Problem> = contradictions.iter().filter(own).cloned().collect();
        for problem in own {
            voter.member.push(problem);
        }
        lower::warn_clients(&agreed, &mut voter.member);
    }
    healthy(voters)?;
    let first = &voters.first()?.member;
    Some(IngressIntent {
        load_balancer: lower::load_balancer(&agreed, settings, first),
        security: lower::security(&agreed, first),
        tags: lower::tags(&agreed, settings),
        listeners: lower::listeners(&agreed, lowered.actions, settings),
        rules: lowered.rules,
        target_groups: groups.into_wishes(),
        members: voters.iter().map(|voter| voter.member.object().clone()).collect(),
        sick: BTreeSet::new(),
    })
}
