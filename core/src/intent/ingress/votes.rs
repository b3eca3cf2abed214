//! What one member asks of the load balancer that it shares (upstream `pkg/ingress/model_build_load_balancer.go`).
//!
//! In: a member. Out: its votes, each with its place; nothing is compared with other members here.

use std::collections::BTreeMap;
use std::fmt;

use elbow_crds::annotation::parse_int32;
use elbow_crds::ingress::values::parse_ssl_redirect;
use elbow_crds::ingress_class_params::{KeyValue, SubnetSelector};
use elbow_crds::limits;
use elbow_crds::problem::{Problem, ProblemCode};

use super::class::CLASS_FIELD;
use super::listeners::{self, PortVote};
use super::member::Member;
use super::{tags, warnings};
use crate::intent::wish::{Asked, SubnetsWish};
use crate::model::{IpAddressType, Origins, Scheme, Tags};

const NAME: &str = "load-balancer-name";
const SCHEME: &str = "scheme";
const IP_ADDRESS_TYPE: &str = "ip-address-type";
pub(super) const SUBNETS: &str = "subnets";
pub(super) const GROUPS: &str = "security-groups";
pub(super) const MANAGE: &str = "manage-backend-security-group-rules";
const ATTRIBUTES: &str = "load-balancer-attributes";
const REDIRECT: &str = "ssl-redirect";

/// Annotations that shape the load balancer.
const FIELDS: [&str; 5] = [NAME, SCHEME, IP_ADDRESS_TYPE, SUBNETS, ATTRIBUTES];
/// Annotations that shape its security groups.
const SECURITY_FIELDS: [&str; 4] = [GROUPS, MANAGE, listeners::INBOUND_CIDRS, listeners::PREFIX_LISTS];

/// What one member asks for.
pub(super) struct Votes {
    pub name: Option<Asked<String>>,
    pub scheme: Option<Asked<Scheme>>,
    pub ip_address_type: Option<Asked<IpAddressType>>,
    pub subnets: Option<Asked<SubnetVote>>,
    /// Security groups; possibly none, which is a vote all the same.
    pub groups: Option<Asked<Vec<String>>>,
    pub manage_backend_rules: Option<Asked<bool>>,
    /// What is wrong with that setting: it is read with explicit groups only, which another member may ask for.
    pub manage_unreadable: Option<Problem>,
    pub attributes: BTreeMap<String, Asked<String>>,
    /// Attributes of the class; only those of the first member count.
    pub class_attributes: BTreeMap<String, String>,
    pub tags: BTreeMap<String, Asked<String>>,
    pub redirect: Option<Asked<Redirect>>,
    pub ports: BTreeMap<i32, PortVote>,
    /// Whether the load balancer may be deleted before another one takes its place.
    pub delete_first: bool,
    pub origins: Origins,
    pub security_origins: Origins,
}

/// Where HTTP listeners send their clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// To the HTTPS listener on a port.
    Port(i32),
    /// Nowhere: the class's parameters hold no number, which switches it off for the whole group.
    Unreadable,
}

/// Subnets as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubnetVote {
    /// By the annotation; the order does not count.
    Listed(Vec<String>),
    /// By the class.
    Selected(SubnetSelector),
}

impl SubnetVote {
    /// Whether both ask for the same.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listed(a), Self::Listed(b)) => {
                let sorted = |list: &[String]| {
                    let mut list = list.to_vec();
                    list.sort();
                    list
                };
                sorted(a) == sorted(b)
            }
            (a, b) => a == b,
        }
    }

    /// For the build.
    pub fn wish(&self) -> SubnetsWish {
        match self {
            Self::Listed(names) => SubnetsWish::Named(names.clone()),
            Self::Selected(selector) => match (&selector.ids, &selector.tags) {
                (Some(ids), _) => SubnetsWish::Named(ids.clone()),
                (None, tags) => SubnetsWish::Tagged(tags.clone().unwrap_or_default()),
            },
        }
    }
}

impl fmt::Display for SubnetVote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wish() {
            SubnetsWish::Named(names) => f.write_str(&names.join(",")),
            SubnetsWish::Tagged(tags) => {
                let tags: Vec<String> = tags
                    .iter()
                    .map(|(key, values)| format!("{key}={}", values.join("|")))
                    .collect();
                write!(f, "tags {}", tags.join(","))
            }
        }
    }
}

/// Attributes or tags of a class as a map; of a repeated key the last value counts.
pub(super) fn pairs(list: &[KeyValue]) -> BTreeMap<String, String> {
    list.iter()
        .map(|pair| (pair.key.clone(), pair.value.clone()))
        .collect()
}

/// Reads all votes of a member.
pub(super) fn read(member: &mut Member<'_>) -> Votes {
    warnings::warn_annotations(member);
    warnings::warn_class(member);
    let tags = tags::own(member);
    let class_attributes = member
        .of
        .params
        .map(|params| pairs(&params.load_balancer_attributes));
    let groups = member.list(GROUPS).map(|groups| member.asked(GROUPS, groups));
    let explicit = groups.as_ref().is_some_and(|groups| !groups.value.is_empty());
    let (manage, unreadable) = match member.annotations.bool(MANAGE) {
        Err(error) if !explicit => (None, Some(member.malformed(&error))),
        manage => (
            member.take(manage).map(|manage| member.asked(MANAGE, manage)),
            None,
        ),
    };
    Votes {
        name: name(member),
        scheme: scheme(member),
        ip_address_type: ip_address_type(member),
        subnets: subnets(member),
        groups,
        manage_backend_rules: manage,
        manage_unreadable: unreadable,
        attributes: asked_map(member, ATTRIBUTES),
        class_attributes: class_attributes.unwrap_or_default(),
        tags: asked_tags(member, tags),
        redirect: redirect(member),
        ports: listeners::read(member),
        delete_first: member.deletes_first(),
        origins: member.present(&FIELDS),
        security_origins: member.present(&SECURITY_FIELDS),
    }
}

/// A value of the class with its place.
fn of_class<T>(member: &Member<'_>, value: T) -> Asked<T> {
    Asked {
        value,
        origin: member.origin(CLASS_FIELD),
    }
}

fn asked_map(member: &mut Member<'_>, suffix: &str) -> BTreeMap<String, Asked<String>> {
    let map = member.map(suffix).unwrap_or_default();
    map.into_iter()
        .map(|(key, value)| (key, member.asked(suffix, value)))
        .collect()
}

fn asked_tags(member: &Member<'_>, tags: Tags) -> BTreeMap<String, Asked<String>> {
    let class = member
        .of
        .params
        .map(|params| pairs(&params.tags))
        .unwrap_or_default();
    tags.into_iter()
        .map(|(key, value)| {
            let asked = if class.contains_key(&key) {
                of_class(member, value)
            } else {
                member.asked("tags", value)
            };
            (key, asked)
        })
        .collect()
}

fn name(member: &mut Member<'_>) -> Option<Asked<String>> {
    let of_params = member.of.params.map(|params| params.load_balancer_name.as_str());
    let asked = match of_params.filter(|name| !name.is_empty()) {
        Some(name) => of_class(member, name.to_owned()),
        None => member.asked(NAME, member.string(NAME)?.to_owned()),
    };
    if !limits::value::NAME.allows(asked.value.len()) {
        let message = format!(
            "the name '{}' has {} bytes, allowed are {}; shorten it",
            asked.value,
            asked.value.len(),
            limits::value::NAME.value
        );
        member.fault(&asked.origin.field, ProblemCode::NotAllowed, message);
    }
    Some(asked)
}

fn scheme(member: &mut Member<'_>) -> Option<Asked<Scheme>> {
    if let Some(scheme) = member.of.params.and_then(|params| params.scheme) {
        return Some(of_class(member, scheme));
    }
    let scheme = member.parsed(SCHEME, Scheme::parse)?;
    Some(member.asked(SCHEME, scheme))
}

fn ip_address_type(member: &mut Member<'_>) -> Option<Asked<IpAddressType>> {
    if let Some(kind) = member.of.params.and_then(|params| params.ip_address_type) {
        return Some(of_class(member, kind));
    }
    let kind = member.parsed(IP_ADDRESS_TYPE, IpAddressType::parse)?;
    Some(member.asked(IP_ADDRESS_TYPE, kind))
}

fn subnets(member: &Member<'_>) -> Option<Asked<SubnetVote>> {
    if let Some(selector) = member.of.params.and_then(|params| params.subnets.clone()) {
        return Some(of_class(member, SubnetVote::Selected(selector)));
    }
    let names = member.list(SUBNETS)?;
    Some(member.asked(SUBNETS, SubnetVote::Listed(names)))
}

fn redirect(member: &mut Member<'_>) -> Option<Asked<Redirect>> {
    let of_params = member.of.params.map(|params| params.ssl_redirect_port.as_str());
    if let Some(text) = of_params.filter(|port| !port.is_empty()) {
        let port = parse_int32(text).ok();
        if port.is_none() {
            let message = format!(
                "sslRedirectPort of its class is '{text}', which is no port and switches the redirect off for the \
                 whole group; write the port of an HTTPS listener"
            );
            member.warn(CLASS_FIELD, ProblemCode::Malformed, message);
        }
        return Some(of_class(
            member,
            port.map_or(Redirect::Unreadable, Redirect::Port),
        ));
    }
    let port = member.parsed(REDIRECT, parse_ssl_redirect)?;
    Some(member.asked(REDIRECT, Redirect::Port(port)))
}
