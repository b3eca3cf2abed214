//! Builder: from an [`Intent`] and answers to a [`Stack`], one lowering for all front ends.
//!
//! In: wishes, settings, and what is known of AWS. Out: the wanted stack with warnings, or the questions that
//! are still open. Called again with more answers until it gives a stack; five rounds at most:
//! (1) what exists, explicit subnets; (2) other subnets, security groups, VPC; (3) route tables, zones;
//! (4) zones of subnets found by reachability.

mod addresses;
mod bindings;
mod ingress_target_groups;
mod inquiry;
mod json;
mod listeners;
mod load_balancer;
pub mod names;
mod rules;
mod security_groups;
mod subnets;
mod target_groups;

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::Problem;

use self::inquiry::Inquiry;
use self::security_groups::Security;
use crate::intent::wish::{ListenerWish, LoadBalancerWish, SecurityWish};
use crate::intent::{IngressIntent, Intent, ServiceIntent, Wish};
use crate::key::StackKey;
use crate::model::{LoadBalancer, Origin, Origins, Scheme, Stack, Tags};
use crate::question::{Answers, Question, Subnet};
use crate::settings::Settings;

pub use json::{stack_json, stack_pretty, stack_text};

/// What a build came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Built {
    /// These questions are open; ask them and build again with their answers.
    Ask(BTreeSet<Question>),
    /// An answer is not known now: nothing is created, replaced or deleted on this account. One sentence.
    Wait(String),
    /// Not buildable: what is there stays as it is. Holds at least one fault, except for an ignored intent.
    Sick(Vec<Problem>),
    /// The wanted stack, with warnings, and faults of members of a group that it was built without.
    Stack(Box<Stack>, Vec<Problem>),
}

/// What every part of a build reads.
pub(crate) struct Context<'a> {
    pub key: &'a StackKey,
    /// Who asked for what nobody in particular asked for.
    pub everybody: &'a Origins,
    pub settings: &'a Settings,
}

impl Context<'_> {
    /// Origins of a resource: those who asked, or everybody.
    pub(crate) fn origins(&self, asked: &Origins) -> Origins {
        if asked.is_empty() {
            self.everybody.clone()
        } else {
            asked.clone()
        }
    }
}

/// What every front end asks for.
pub(crate) struct Frame<'a> {
    pub load_balancer: &'a LoadBalancerWish,
    pub security: &'a SecurityWish,
    pub listeners: &'a [ListenerWish],
    /// Tags of load balancer and managed security group.
    pub tags: &'a Tags,
    /// UID of the Service, part of name hashes; empty for Ingresses.
    pub uid: &'a str,
}

/// Builds the wanted stack of an intent.
///
/// An empty intent gives an empty stack. Equal input gives an equal result; nothing is remembered between
/// calls.
pub fn build(intent: &Intent, settings: &Settings, answers: &Answers) -> Built {
    let whole = Origin {
        object: intent.owner.clone(),
        field: String::new(),
    };
    let everybody = everybody(intent);
    let context = Context {
        key: &intent.key,
        everybody: &everybody,
        settings,
    };
    match &intent.wish {
        Wish::Ignore | Wish::Sick => Built::Sick(intent.problems.clone()),
        Wish::Empty | Wish::Leave(_) => {
            Built::Stack(Box::new(Stack::empty(&intent.key)), intent.problems.clone())
        }
        Wish::Service(service) => {
            let mut inquiry = Inquiry::new(answers, &whole);
            let stack = build_service(&context, service, &mut inquiry);
            inquiry.finish(stack, &intent.problems)
        }
        Wish::Ingress(ingress) => {
            let mut inquiry = Inquiry::new(answers, &whole);
            let stack = build_ingress(&context, ingress, &mut inquiry);
            inquiry.finish_without(stack, &intent.problems, &ingress.sick)
        }
    }
}

fn everybody(intent: &Intent) -> Origins {
    let members = match &intent.wish {
        Wish::Ingress(ingress) => ingress.members.clone(),
        _ => vec![intent.owner.clone()],
    };
    let whole = |object| Origin {
        object,
        field: String::new(),
    };
    members.into_iter().map(whole).collect()
}

fn build_ingress(context: &Context<'_>, ingress: &IngressIntent, inquiry: &mut Inquiry<'_>) -> Option<Stack> {
    let frame = Frame {
        load_balancer: &ingress.load_balancer,
        security: &ingress.security,
        listeners: &ingress.listeners,
        tags: &ingress.tags,
        uid: "",
    };
    let foundation = foundation(context, &frame, inquiry);
    let listeners = listeners::build(context, &frame, inquiry);
    let rules = rules::build(context, &ingress.rules, inquiry);
    let foundation = foundation?;
    let security = foundation.security?;
    let wishes = &ingress.target_groups;
    let names = ingress_target_groups::names(context, wishes);
    Some(Stack {
        key: context.key.clone(),
        load_balancers: vec![foundation.load_balancer?],
        target_groups: target_groups::build(context, wishes, &names, foundation.scheme),
        listeners: listeners?,
        rules: rules?,
        bindings: ingress_target_groups::bindings(context, wishes, &names, &security.access),
        security_groups: security.managed.into_iter().collect(),
    })
}

/// The parts that do not depend on what targets there are; `None` of a part while an answer is missing or a
/// fault was found, both of which are in the inquiry.
struct Foundation {
    scheme: Scheme,
    subnets: Option<Vec<Subnet>>,
    security: Option<Security>,
    load_balancer: Option<LoadBalancer>,
}

fn foundation(context: &Context<'_>, frame: &Frame<'_>, inquiry: &mut Inquiry<'_>) -> Option<Foundation> {
    let wish = frame.load_balancer;
    let existing = load_balancer::existing(context, wish, inquiry);
    let explicit = subnets::resolve_explicit(context, wish, inquiry);
    let existing = existing?;
    let scheme = load_balancer::scheme(context, wish, existing, inquiry)?;
    // Whether there are groups is settled even by one that is replaced, as upstream has it; nothing else of it binds
    // the new one.
    let security = security_groups::decide(context, frame, existing, inquiry);
    let existing = existing.filter(|existing| existing.scheme == scheme);
    let subnets = match explicit {
        Some(subnets) => subnets,
        None => subnets::resolve(context, wish, existing, scheme, inquiry),
    };
    let mappings = subnets
        .as_ref()
        .and_then(|subnets| addresses::map(wish.addresses.as_ref(), scheme, subnets, inquiry));
    let load_balancer = match (&security, mappings) {
        (Some(security), Some(mappings)) => {
            let fixed = load_balancer::Fixed {
                existing,
                scheme,
                security,
            };
            Some(load_balancer::build(context, frame, &fixed, mappings, inquiry))
        }
        _ => None,
    };
    Some(Foundation {
        scheme,
        subnets,
        security,
        load_balancer,
    })
}

fn build_service(context: &Context<'_>, service: &ServiceIntent, inquiry: &mut Inquiry<'_>) -> Option<Stack> {
    let frame = Frame {
        load_balancer: &service.load_balancer,
        security: &service.security,
        listeners: &service.listeners,
        tags: &service.tags,
        uid: &service.uid,
    };
    let foundation = foundation(context, &frame, inquiry)?;
    let names = target_groups::names(context, &service.target_groups);
    let bindings = foundation.security.as_ref().and_then(|security| {
        let access = bindings::Access {
            security,
            scheme: foundation.scheme,
            subnets: foundation.subnets.as_deref(),
        };
        bindings::build(context, service, &names, &access, inquiry)
    });
    let listeners = listeners::build(context, &frame, inquiry);
    Some(Stack {
        key: context.key.clone(),
        security_groups: foundation.security?.managed.into_iter().collect(),
        load_balancers: vec![foundation.load_balancer?],
        target_groups: target_groups::build(context, &service.target_groups, &names, foundation.scheme),
        listeners: listeners?,
        rules: Vec::new(),
        bindings: bindings?,
    })
}

/// Names of target groups by resource id.
pub(crate) type GroupNames = BTreeMap<crate::model::ResourceId, String>;
