//! What the members of a group agree on: settings of the load balancer they share (upstream
//! `pkg/ingress/model_build_load_balancer.go`, `model_builder.go`).
//!
//! In: votes, member by member in group order. Out: one value for each setting. A member that contradicts earlier
//! ones is at fault and counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use elbow_crds::ingress::values::InboundCidrs;
use elbow_crds::problem::{Problem, ProblemCode};

use super::listeners::PortVote;
use super::votes::{Redirect, SubnetVote, Votes};
use crate::intent::wish::Asked;
use crate::model::{IpAddressType, Origins, Protocol, Scheme};

/// Values by key, each with who asked first.
type Pairs = BTreeMap<String, Asked<String>>;

/// What the members admitted so far agree on.
#[derive(Default)]
pub(super) struct Agreed {
    pub name: Option<Asked<String>>,
    pub scheme: Option<Asked<Scheme>>,
    pub ip_address_type: Option<Asked<IpAddressType>>,
    pub subnets: Option<Asked<SubnetVote>>,
    pub groups: Option<Asked<Vec<String>>>,
    pub manage_backend_rules: Option<Asked<bool>>,
    /// The first value of that setting that cannot be read, which matters with explicit groups only.
    pub manage_unreadable: Option<Problem>,
    attributes: Pairs,
    /// Attributes of the first member's class; `None` before there is one.
    class_attributes: Option<BTreeMap<String, String>>,
    pub tags: Pairs,
    pub redirect: Option<Asked<Redirect>>,
    pub ports: BTreeMap<i32, AgreedPort>,
    /// Whether a member lets the load balancer be deleted before another one takes its place.
    pub delete_first: bool,
    pub origins: Origins,
    pub security_origins: Origins,
}

/// What the members that listen on a port agree on.
pub(super) struct AgreedPort {
    pub protocol: Asked<Protocol>,
    pub cidrs: Option<Asked<InboundCidrs>>,
    pub prefix_lists: Option<Asked<Vec<String>>>,
    /// Certificates of all members, in order.
    certificates: Vec<String>,
    /// Who asked for them.
    pub certificate_origins: BTreeMap<String, Origins>,
    pub policy: Option<Asked<String>>,
    attributes: Pairs,
    class_attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    pub origins: Origins,
}

/// A vote against what was agreed before.
fn contradiction<T>(what: &str, agreed: &Asked<T>, vote: &Asked<T>, show: impl Fn(&T) -> String) -> Problem {
    let earlier = &agreed.origin.object;
    let message = format!(
        "the {what} '{}' contradicts '{}' of the Ingress {}/{}, which comes earlier in the group; set it to the same \
         value, or remove it from one of them",
        show(&vote.value),
        show(&agreed.value),
        earlier.namespace,
        earlier.name
    );
    Problem::fault(
        &vote.origin.object,
        &vote.origin.field,
        ProblemCode::Conflict,
        message,
    )
}

/// Where both say something, it must be the same.
fn check<T>(
    what: &str,
    agreed: Option<&Asked<T>>,
    vote: Option<&Asked<T>>,
    same: impl Fn(&T, &T) -> bool,
    show: impl Fn(&T) -> String,
) -> Option<Problem> {
    let (agreed, vote) = (agreed?, vote?);
    (!same(&agreed.value, &vote.value)).then(|| contradiction(what, agreed, vote, show))
}

fn check_shown<T: PartialEq + Display>(
    what: &str,
    agreed: Option<&Asked<T>>,
    vote: Option<&Asked<T>>,
) -> Option<Problem> {
    check(what, agreed, vote, PartialEq::eq, T::to_string)
}

fn check_pairs(
    what: &str,
    agreed: &Pairs,
    votes: &Pairs,
    decided: &BTreeMap<String, String>,
) -> Vec<Problem> {
    votes
        .iter()
        .filter(|(key, _)| !decided.contains_key(*key))
        .filter_map(|(key, vote)| check_shown(&format!("{what} {key}"), agreed.get(key), Some(vote)))
        .collect()
}

fn as_set(list: &[String]) -> BTreeSet<&String> {
    list.iter().collect()
}

fn same_cidrs(a: &InboundCidrs, b: &InboundCidrs) -> bool {
    same_set(&a.v4, &b.v4) && same_set(&a.v6, &b.v6)
}

fn show_cidrs(cidrs: &InboundCidrs) -> String {
    comma(&[cidrs.v4.clone(), cidrs.v6.clone()].concat())
}

fn same_set(a: &[String], b: &[String]) -> bool {
    as_set(a) == as_set(b)
}

fn comma(list: &[String]) -> String {
    list.join(",")
}

fn fill<T: Clone>(agreed: &mut Option<Asked<T>>, vote: Option<&Asked<T>>) {
    if agreed.is_none() {
        *agreed = vote.cloned();
    }
}

fn fill_pairs(agreed: &mut Pairs, votes: &Pairs) {
    for (key, vote) in votes {
        agreed.entry(key.clone()).or_insert_with(|| vote.clone());
    }
}

impl Agreed {
    /// Takes the votes of the next member, or none of them where one contradicts.
    pub fn admit(&mut self, votes: &Votes) -> Result<(), Vec<Problem>> {
        let problems = self.contradictions(votes);
        if !problems.is_empty() {
            return Err(problems);
        }
        fill(&mut self.name, votes.name.as_ref());
        fill(&mut self.scheme, votes.scheme.as_ref());
        fill(&mut self.ip_address_type, votes.ip_address_type.as_ref());
        fill(&mut self.subnets, votes.subnets.as_ref());
        fill(&mut self.groups, votes.groups.as_ref());
        fill(
            &mut self.manage_backend_rules,
            votes.manage_backend_rules.as_ref(),
        );
        if self.manage_unreadable.is_none() {
            self.manage_unreadable.clone_from(&votes.manage_unreadable);
        }
        fill_pairs(&mut self.attributes, &votes.attributes);
        self.class_attributes
            .get_or_insert_with(|| votes.class_attributes.clone());
        fill_pairs(&mut self.tags, &votes.tags);
        self.admit_redirect(votes.redirect.as_ref());
        self.delete_first |= votes.delete_first;
        self.origins.extend(votes.origins.iter().cloned());
        self.security_origins
            .extend(votes.security_origins.iter().cloned());
        for (port, vote) in &votes.ports {
            match self.ports.get_mut(port) {
                Some(agreed) => agreed.admit(vote, votes),
                None => {
                    self.ports.insert(*port, AgreedPort::new(vote, votes));
                }
            }
        }
        Ok(())
    }

    /// A class that switches the redirect off does so for everybody.
    fn admit_redirect(&mut self, vote: Option<&Asked<Redirect>>) {
        if vote.is_some_and(|vote| vote.value == Redirect::Unreadable) {
            self.redirect = vote.cloned();
        }
        fill(&mut self.redirect, vote);
    }

    fn contradictions(&self, votes: &Votes) -> Vec<Problem> {
        let none = BTreeMap::new();
        let decided = self.class_attributes.as_ref().unwrap_or(&none);
        let mut problems = self.of_the_load_balancer(votes);
        problems.extend(check_pairs(
            "attribute",
            &self.attributes,
            &votes.attributes,
            decided,
        ));
        problems.extend(check_pairs("tag", &self.tags, &votes.tags, &none));
        for (port, vote) in &votes.ports {
            if let Some(agreed) = self.ports.get(port) {
                problems.extend(agreed.contradictions(*port, vote));
            }
        }
        problems
    }

    fn of_the_load_balancer(&self, votes: &Votes) -> Vec<Problem> {
        let ip_address_type = (self.ip_address_type.as_ref(), votes.ip_address_type.as_ref());
        let groups = (self.groups.as_ref(), votes.groups.as_ref());
        let subnets = (self.subnets.as_ref(), votes.subnets.as_ref());
        let listed = |list: &Vec<String>| comma(list);
        [
            check_shown("name", self.name.as_ref(), votes.name.as_ref()),
            check_shown("scheme", self.scheme.as_ref(), votes.scheme.as_ref()),
            check_shown("IP address type", ip_address_type.0, ip_address_type.1),
            check(
                "list of subnets",
                subnets.0,
                subnets.1,
                SubnetVote::agrees,
                SubnetVote::to_string,
            ),
            check(
                "list of security groups",
                groups.0,
                groups.1,
                PartialEq::eq,
                listed,
            ),
            self.manage_contradiction(votes),
            self.redirect_contradiction(votes),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The setting is read with explicit groups only.
    fn manage_contradiction(&self, votes: &Votes) -> Option<Problem> {
        let effective = |groups: &Option<Asked<Vec<String>>>| {
            groups.as_ref().is_some_and(|groups| !groups.value.is_empty())
        };
        if !effective(&self.groups) && !effective(&votes.groups) {
            return None;
        }
        if votes.manage_unreadable.is_some() {
            return votes.manage_unreadable.clone();
        }
        check_shown(
            "setting",
            self.manage_backend_rules.as_ref(),
            votes.manage_backend_rules.as_ref(),
        )
    }

    fn redirect_contradiction(&self, votes: &Votes) -> Option<Problem> {
        let unreadable = |vote: &Option<Asked<Redirect>>| {
            vote.as_ref()
                .is_some_and(|vote| vote.value == Redirect::Unreadable)
        };
        if unreadable(&self.redirect) || unreadable(&votes.redirect) {
            return None;
        }
        let show = |redirect: &Redirect| match redirect {
            Redirect::Port(port) => port.to_string(),
            Redirect::Unreadable => String::new(),
        };
        check(
            "redirect port",
            self.redirect.as_ref(),
            votes.redirect.as_ref(),
            PartialEq::eq,
            show,
        )
    }

    /// Attributes of the load balancer: those of the first member's class win.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        let class = self.class_attributes.clone().unwrap_or_default();
        with_class(&self.attributes, class)
    }
}

fn with_class(pairs: &Pairs, class: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = values(pairs);
    all.extend(class);
    all
}

/// Values without who asked.
pub(super) fn values(pairs: &Pairs) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, asked)| (key.clone(), asked.value.clone()))
        .collect()
}

impl AgreedPort {
    fn new(vote: &PortVote, votes: &Votes) -> Self {
        let asked = vote.certificates_origin.iter().flat_map(|origin| {
            let one = Origins::from([origin.clone()]);
            let certificates = vote.certificates.iter();
            certificates.map(move |certificate| (certificate.clone(), one.clone()))
        });
        Self {
            certificate_origins: asked.collect(),
            protocol: vote.protocol.clone(),
            cidrs: vote.cidrs.clone(),
            prefix_lists: vote.prefix_lists.clone(),
            certificates: vote.certificates.clone(),
            policy: vote.policy.clone(),
            attributes: vote.attributes.clone(),
            class_attributes: vote.class_attributes.clone(),
            tags: values(&votes.tags),
            origins: vote.origins.clone(),
        }
    }

    fn admit(&mut self, vote: &PortVote, votes: &Votes) {
        fill(&mut self.cidrs, vote.cidrs.as_ref());
        fill(&mut self.prefix_lists, vote.prefix_lists.as_ref());
        fill(&mut self.policy, vote.policy.as_ref());
        self.certificates.extend(vote.certificates.iter().cloned());
        for certificate in &vote.certificates {
            let asked = self.certificate_origins.entry(certificate.clone()).or_default();
            asked.extend(vote.certificates_origin.clone());
        }
        fill_pairs(&mut self.attributes, &vote.attributes);
        self.tags.extend(values(&votes.tags));
        self.origins.extend(vote.origins.iter().cloned());
    }

    fn contradictions(&self, port: i32, vote: &PortVote) -> Vec<Problem> {
        let on = |what: &str| format!("{what} of port {port}");
        let cidrs = (self.cidrs.as_ref(), vote.cidrs.as_ref());
        let lists = (self.prefix_lists.as_ref(), vote.prefix_lists.as_ref());
        let same_lists = |a: &Vec<String>, b: &Vec<String>| same_set(a, b);
        let show_list = |list: &Vec<String>| comma(list);
        let mut problems: Vec<Problem> = [
            check_shown(&on("protocol"), Some(&self.protocol), Some(&vote.protocol)),
            check(&on("client CIDRs"), cidrs.0, cidrs.1, same_cidrs, show_cidrs),
            check(&on("prefix lists"), lists.0, lists.1, same_lists, show_list),
            check_shown(&on("TLS policy"), self.policy.as_ref(), vote.policy.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        problems.extend(check_pairs(
            &on("attribute"),
            &self.attributes,
            &vote.attributes,
            &self.class_attributes,
        ));
        problems
    }

    /// Certificates, the default one first. It stands at the end once more if it is asked for again: upstream
    /// leaves out only the place it was taken from.
    pub fn certificates(&self) -> Vec<String> {
        let mut list: Vec<String> = self.certificates.iter().take(1).cloned().collect();
        let mut seen = BTreeSet::new();
        let others = self.certificates.iter().skip(1);
        list.extend(others.filter(|arn| seen.insert((*arn).clone())).cloned());
        list
    }

    /// Attributes: those of the class of the first member on this port win.
    pub fn attributes(&self) -> BTreeMap<String, String> {
        with_class(&self.attributes, self.class_attributes.clone())
    }
}
