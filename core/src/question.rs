//! Questions to AWS and their answers.
//!
//! `build` asks by value and is called again with the answers; it never reads AWS itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::key::StackKey;
use crate::model::{IpAddressType, LoadBalancerState, LoadBalancerType, Ref, Scheme};

/// What a build needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Question {
    /// All subnets of the controller's VPC.
    VpcSubnets,
    /// Subnets by id, whatever their VPC. Answered with those that exist.
    SubnetsById(BTreeSet<String>),
    /// All route tables of the controller's VPC.
    RouteTables,
    /// Zone types by zone id.
    Zones(BTreeSet<String>),
    /// The CIDR blocks of the controller's VPC.
    Vpc,
    /// Security groups by id, whatever their VPC. Answered with those that exist.
    GroupsById(BTreeSet<String>),
    /// Security groups of the VPC by the value of their `Name` tag; [patterns](crate::pattern) find several.
    GroupsByName(BTreeSet<String>),
    /// The load balancers tagged for a stack of this cluster.
    Existing(StackKey),
    /// The shared backend security group of the VPC. Asked alone it is made where there is none; asked beside others
    /// it stays unanswered.
    BackendGroup,
    /// The target group with a name, whoever made it.
    TargetGroupByName(String),
}

/// A fact about AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// To `VpcSubnets` and `SubnetsById`; sorted by id.
    Subnets(Vec<Subnet>),
    /// To `RouteTables`; sorted by id.
    RouteTables(Vec<RouteTable>),
    /// To `Zones`: zone id to zone type (`availability-zone`, `local-zone`, `wavelength-zone`).
    Zones(BTreeMap<String, String>),
    /// To `Vpc`.
    Vpc(Vpc),
    /// To `GroupsById` and `GroupsByName`; in AWS order.
    Groups(Vec<Group>),
    /// To `Existing`; in AWS order.
    Existing(Vec<ExistingLoadBalancer>),
    /// To `BackendGroup`: its id, or `Ref::BackendGroup` while only planning.
    BackendGroup(Ref),
    /// To `TargetGroupByName`: its ARN.
    TargetGroup(String),
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Subnet id.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Zone name, for example `us-west-2a`.
    pub zone: String,
    /// Zone id, for example `usw2-az1`.
    pub zone_id: String,
    /// Primary IPv4 CIDR.
    pub ipv4_cidr: String,
    /// IPv6 CIDRs in state `associated`.
    pub ipv6_cidrs: Vec<String>,
    /// Free IPv4 addresses.
    pub available_ips: i32,
    /// ARN of the Outpost, if it lies on one.
    pub outpost_arn: Option<String>,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// A route table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Route table id.
    pub id: String,
    /// Whether it is the VPC's main table.
    pub main: bool,
    /// Subnets associated explicitly.
    pub subnets: BTreeSet<String>,
    /// Gateway ids of its routes.
    pub gateways: BTreeSet<String>,
}

/// A VPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// VPC id.
    pub id: String,
    /// IPv4 CIDRs in state `associated`.
    pub ipv4_cidrs: Vec<String>,
    /// IPv6 CIDRs in state `associated`.
    pub ipv6_cidrs: Vec<String>,
}

/// A security group, as far as builds look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Security group id.
    pub id: String,
    /// All tags.
    pub tags: BTreeMap<String, String>,
}

/// A load balancer that carries the tags of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingLoadBalancer {
    /// Value of the resource tag; empty if it is missing.
    pub resource_id: String,
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Type.
    pub kind: LoadBalancerType,
    /// Scheme.
    pub scheme: Scheme,
    /// IP address type.
    pub ip_address_type: IpAddressType,
    /// Subnets in the order AWS lists the zones.
    pub subnets: Vec<String>,
    /// Security groups.
    pub security_groups: Vec<String>,
    /// State.
    pub state: LoadBalancerState,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Known, as read at a time.
    Known {
        /// The fact.
        fact: Fact,
        /// When it was read.
        read_at: Timestamp,
    },
    /// AWS says there is no such thing.
    Absent {
        /// One sentence.
        message: String,
    },
    /// The controller may not ask.
    Denied {
        /// IAM action that is missing, or AWS's message.
        action: String,
    },
    /// Not known now; the stack waits.
    Unknown {
        /// One sentence.
        reason: String,
    },
}

/// Answers by question.
pub type Answers = BTreeMap<Question, Answer>;
