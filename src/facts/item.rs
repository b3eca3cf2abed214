//! Items of the cache: what questions are made of, and how answers are put together from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use elbow_core::question::{Answer, Fact, Group, Question, RouteTable, Subnet, Vpc};
use elbow_core::settings::Realm;
use jiff::Timestamp;

use crate::aws::lifetimes;

/// Something that is read and cached on its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    VpcSubnets,
    RouteTables,
    Vpc,
    Subnet(String),
    Zone(String),
    Group(String),
    GroupName(String),
    TargetGroupName(String),
}

impl Item {
    /// Whether it can change at all.
    pub(super) fn is_mortal(&self) -> bool {
        !matches!(self, Self::Zone(_))
    }
}

/// What is known of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Subnets(Vec<Subnet>),
    RouteTables(Vec<RouteTable>),
    Vpc(Vpc),
    Zone(String),
    /// Of an id: one; of a name: in AWS's order.
    Groups(Vec<Group>),
    /// ARN.
    TargetGroup(String),
    Absent,
    Denied(String),
    Unknown(String),
}

/// The items of a question; none for those that are not answered here.
pub(super) fn items(question: &Question) -> BTreeSet<Item> {
    let each = |ids: &BTreeSet<String>, item: fn(String) -> Item| ids.iter().cloned().map(item).collect();
    match question {
        Question::VpcSubnets => BTreeSet::from([Item::VpcSubnets]),
        Question::RouteTables => BTreeSet::from([Item::RouteTables]),
        Question::Vpc => BTreeSet::from([Item::Vpc]),
        Question::SubnetsById(ids) => each(ids, Item::Subnet),
        Question::Zones(ids) => each(ids, Item::Zone),
        Question::GroupsById(ids) => each(ids, Item::Group),
        Question::GroupsByName(names) => each(names, Item::GroupName),
        Question::TargetGroupByName(name) => BTreeSet::from([Item::TargetGroupName(name.clone())]),
        Question::Existing(_) | Question::BackendGroup => BTreeSet::new(),
    }
}

impl Value {
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Absent | Self::Denied(_) | Self::Unknown(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// How long it is believed.
    pub(super) fn lifetime(&self, item: &Item) -> Duration {
        match self {
            Self::Unknown(_) => Duration::ZERO,
            Self::Absent => lifetimes::ABSENT,
            Self::Denied(_) => lifetimes::DENIED,
            Self::TargetGroup(_) => lifetimes::TARGET_GROUP,
            _ if item.is_mortal() => lifetimes::NETWORK,
            _ => lifetimes::ZONE,
        }
    }

    /// Whether a build would see no difference.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Subnets(a), Self::Subnets(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| without_noise(a) == without_noise(b))
            }
            (Self::Unknown(_), Self::Unknown(_)) => true,
            _ => self == other,
        }
    }
}

/// Free addresses change all the time; discovery only asks whether there are at least 8 (upstream
/// `pkg/networking/subnet_resolver.go`).
fn without_noise(subnet: &Subnet) -> Subnet {
    Subnet {
        available_ips: subnet.available_ips.min(8),
        ..subnet.clone()
    }
}

/// An item's value and when it was read.
pub(super) type Lookup<'a> = dyn Fn(&Item) -> Option<(&'a Value, Timestamp)> + 'a;

/// The answer to a question; `None` for those that are not answered here.
pub(super) fn assemble(
    question: &Question,
    realm: &Realm,
    now: Timestamp,
    lookup: &Lookup<'_>,
) -> Option<Answer> {
    if matches!(question, Question::Existing(_) | Question::BackendGroup) {
        return None;
    }
    let mut parts = Vec::new();
    let mut read_at = now;
    for item in items(question) {
        match lookup(&item) {
            None => return Some(unknown(format!("{item:?} has not been read yet"))),
            Some((Value::Denied(action), _)) => {
                return Some(Answer::Denied {
                    action: action.clone(),
                });
            }
            Some((Value::Unknown(reason), _)) => return Some(unknown(reason.clone())),
            Some((value, at)) => {
                read_at = read_at.min(at);
                parts.push((item, value));
            }
        }
    }
    Some(match fact(question, &parts) {
        Some(fact) => Answer::Known { fact, read_at },
        None => Answer::Absent {
            message: missing(question, realm),
        },
    })
}

/// One sentence about the one thing that was asked for.
fn missing(question: &Question, realm: &Realm) -> String {
    let Realm { vpc, region, .. } = realm;
    match question {
        Question::TargetGroupByName(name) => {
            format!("there is no target group '{name}' in region {region}; create it or name another one")
        }
        _ => format!("there is no VPC {vpc} in region {region}"),
    }
}

fn unknown(reason: String) -> Answer {
    Answer::Unknown { reason }
}

/// The fact made of known and absent parts; `None` where the one thing asked for does not exist.
fn fact(question: &Question, parts: &[(Item, &Value)]) -> Option<Fact> {
    let only = parts.first().map(|(_, value)| *value);
    match (question, only) {
        (Question::VpcSubnets, Some(Value::Subnets(subnets))) => Some(Fact::Subnets(subnets.clone())),
        (Question::RouteTables, Some(Value::RouteTables(tables))) => Some(Fact::RouteTables(tables.clone())),
        (Question::Vpc, Some(Value::Vpc(vpc))) => Some(Fact::Vpc(vpc.clone())),
        (Question::TargetGroupByName(_), Some(Value::TargetGroup(arn))) => {
            Some(Fact::TargetGroup(arn.clone()))
        }
        (Question::SubnetsById(_), _) => Some(Fact::Subnets(subnets(parts))),
        (Question::Zones(_), _) => Some(Fact::Zones(zones(parts))),
        (Question::GroupsById(_) | Question::GroupsByName(_), _) => Some(Fact::Groups(groups(parts))),
        _ => None,
    }
}

/// In the order of the parts: by id.
fn subnets(parts: &[(Item, &Value)]) -> Vec<Subnet> {
    let of = |(_, value): &(Item, &Value)| match value {
        Value::Subnets(subnets) => subnets.clone(),
        _ => Vec::new(),
    };
    parts.iter().flat_map(of).collect()
}

fn zones(parts: &[(Item, &Value)]) -> BTreeMap<String, String> {
    let of = |(item, value): &(Item, &Value)| match (item, value) {
        (Item::Zone(id), Value::Zone(kind)) => Some((id.clone(), kind.clone())),
        _ => None,
    };
    parts.iter().filter_map(of).collect()
}

fn groups(parts: &[(Item, &Value)]) -> Vec<Group> {
    let of = |(_, value): &(Item, &Value)| match value {
        Value::Groups(groups) => groups.clone(),
        _ => Vec::new(),
    };
    parts.iter().flat_map(of).collect()
}
