//! Builder: from an [`Intent`] and answers to a [`Stack`], one lowering for all front ends.
//!
//! In: wishes, settings, and what is known of AWS. Out: the wanted stack with warnings, or the questions that
//! are still open. Called again with more answers until it gives a stack; four rounds at most:
//! (1) what exists, explicit subnets; (2) other subnets, security groups, VPC; (3) route tables, zones;
//! (4) zones of subnets found by reachability.

mod addresses;
mod bindings;
mod inquiry;
mod json;
mod listeners;
mod load_balancer;
pub mod names;
mod security_groups;
mod subnets;
mod target_groups;

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::{ObjectRef, Problem};

use self::inquiry::Inquiry;
use crate::intent::{Intent, ServiceIntent, Wish};
use crate::key::StackKey;
use crate::model::{Origin, Origins, Stack};
use crate::question::{Answers, Question};
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
    /// The wanted stack, with warnings.
    Stack(Box<Stack>, Vec<Problem>),
}

/// What every part of a build reads.
pub(crate) struct Context<'a> {
    pub key: &'a StackKey,
    pub owner: &'a ObjectRef,
    pub settings: &'a Settings,
}

impl Context<'_> {
    /// Origins of a resource that the owner asked for in `fields`.
    pub(crate) fn origins(&self, fields: &BTreeSet<String>) -> Origins {
        let whole = fields.is_empty().then(String::new);
        fields
            .iter()
            .cloned()
            .chain(whole)
            .map(|field| Origin {
                object: self.owner.clone(),
                field,
            })
            .collect()
    }
}

/// Builds the wanted stack of an intent.
///
/// An empty intent gives an empty stack. Equal input gives an equal result; nothing is remembered between
/// calls.
pub fn build(intent: &Intent, settings: &Settings, answers: &Answers) -> Built {
    let context = Context {
        key: &intent.key,
        owner: &intent.owner,
        settings,
    };
    match &intent.wish {
        Wish::Ignore | Wish::Sick => Built::Sick(intent.problems.clone()),
        Wish::Empty => Built::Stack(Box::new(Stack::empty(&intent.key)), intent.problems.clone()),
        Wish::Service(service) => {
            let mut inquiry = Inquiry::new(answers, &intent.owner);
            let stack = build_service(&context, service, &mut inquiry);
            inquiry.finish(stack, &intent.problems)
        }
    }
}

/// `None` while an answer is missing or a fault was found; both are in the inquiry.
fn build_service(context: &Context<'_>, service: &ServiceIntent, inquiry: &mut Inquiry<'_>) -> Option<Stack> {
    let wish = &service.load_balancer;
    let existing = load_balancer::existing(context, wish, inquiry);
    let explicit = subnets::resolve_explicit(context, wish, inquiry);
    let existing = existing?;
    let scheme = load_balancer::scheme(context, wish, existing, inquiry)?;
    let subnets = match explicit {
        Some(subnets) => subnets,
        None => subnets::resolve(context, wish, existing, scheme, inquiry),
    };
    let security = security_groups::decide(context, service, existing, inquiry);
    let names = target_groups::names(context, &service.target_groups);
    let bindings = security.as_ref().and_then(|security| {
        let access = bindings::Access {
            security,
            scheme,
            subnets: subnets.as_deref(),
        };
        bindings::build(context, service, &names, &access, inquiry)
    });
    let subnets = subnets?;
    let mappings = addresses::map(&wish.addresses, scheme, &subnets, inquiry);
    let security = security?;
    let load_balancer =
        load_balancer::build(context, service, existing, scheme, &security, mappings?, inquiry);
    Some(Stack {
        key: context.key.clone(),
        security_groups: security.managed.into_iter().collect(),
        load_balancers: vec![load_balancer],
        target_groups: target_groups::build(context, service, &names),
        listeners: listeners::build(context, service),
        rules: Vec::new(),
        bindings: bindings?,
    })
}

/// Names of target groups by resource id.
pub(crate) type GroupNames = BTreeMap<crate::model::ResourceId, String>;
