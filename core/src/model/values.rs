//! Small values used by all resources.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use elbow_crds::problem::ObjectRef;
use serde::{Deserialize, Serialize};

/// Resource id within a stack, the value of the resource tag (`LoadBalancer`, `ns/svc:80`, `80`, ...).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResourceId(pub String);

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ResourceId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// Kinds of resources in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ResourceKind {
    SecurityGroup,
    LoadBalancer,
    TargetGroup,
    Listener,
    Rule,
    Binding,
}

impl ResourceKind {
    /// Upstream's type string in the stack JSON.
    pub fn type_string(self) -> &'static str {
        match self {
            Self::SecurityGroup => "AWS::EC2::SecurityGroup",
            Self::LoadBalancer => "AWS::ElasticLoadBalancingV2::LoadBalancer",
            Self::TargetGroup => "AWS::ElasticLoadBalancingV2::TargetGroup",
            Self::Listener => "AWS::ElasticLoadBalancingV2::Listener",
            Self::Rule => "AWS::ElasticLoadBalancingV2::ListenerRule",
            Self::Binding => "K8S::ElasticLoadBalancingV2::TargetGroupBinding",
        }
    }
}

/// A resource of the same stack, by kind and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceAddress {
    /// Kind.
    pub kind: ResourceKind,
    /// Id.
    pub id: ResourceId,
}

impl ResourceAddress {
    /// An address.
    pub fn new(kind: ResourceKind, id: &ResourceId) -> Self {
        Self { kind, id: id.clone() }
    }
}

impl fmt::Display for ResourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.id)
    }
}

/// A reference to something AWS knows by an ARN or id: known, or produced by an earlier step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ref {
    /// ARN of a load balancer, target group or listener; id of a security group.
    Known(String),
    /// Will be known once the step that creates the resource is done.
    Pending(ResourceAddress),
    /// The shared backend security group of the VPC, not created yet (only in `elbow plan`: the controller
    /// waits for the BackendGroup key instead).
    BackendGroup,
}

impl Ref {
    /// The ARN or id, if known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(value) => Some(value),
            Self::Pending(_) | Self::BackendGroup => None,
        }
    }

    /// A reference to a resource of the same stack.
    pub fn pending(kind: ResourceKind, id: &ResourceId) -> Self {
        Self::Pending(ResourceAddress::new(kind, id))
    }
}

/// A setting that may be left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Setting<T> {
    /// Leave what is there.
    #[default]
    Unmanaged,
    /// Make it so.
    Set(T),
}

impl<T> Setting<T> {
    /// The value, if managed.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Unmanaged => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Whether `actual` has to change to satisfy this wanted setting.
    pub fn differs(&self, actual: &Self) -> bool
    where
        T: PartialEq,
    {
        self.get().is_some_and(|wanted| actual.get() != Some(wanted))
    }
}

impl<T> From<Option<T>> for Setting<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unmanaged, Self::Set)
    }
}

/// Tags without the tracking tags and without `aws:` keys.
pub type Tags = BTreeMap<String, String>;

/// An object and the field of it that asked for a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The object.
    pub object: ObjectRef,
    /// Field path or annotation key; empty when the whole object asked.
    pub field: String,
}

/// Everybody who asked for a resource.
pub type Origins = BTreeSet<Origin>;

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum IpFamily {
    Ipv4,
    Ipv6,
}

impl IpFamily {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum TargetType {
    Instance,
    Ip,
    Alb,
}

impl TargetType {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Ip => "ip",
            Self::Alb => "alb",
        }
    }

    /// Reads AWS's word, case-sensitive.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Instance, Self::Ip, Self::Alb]
            .into_iter()
            .find(|t| t.as_str() == text)
    }
}

/// Protocol of a listener, a target group or a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Protocol {
    Http,
    Https,
    Tcp,
    Tls,
    Udp,
    TcpUdp,
    Quic,
    TcpQuic,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Self; 8] = [
        Self::Http,
        Self::Https,
        Self::Tcp,
        Self::Tls,
        Self::Udp,
        Self::TcpUdp,
        Self::Quic,
        Self::TcpQuic,
    ];

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Udp => "UDP",
            Self::TcpUdp => "TCP_UDP",
            Self::Quic => "QUIC",
            Self::TcpQuic => "TCP_QUIC",
        }
    }

    /// Reads AWS's word, case-sensitive.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// Whether datagrams travel on it.
    pub fn carries_udp(self) -> bool {
        matches!(self, Self::Udp | Self::TcpUdp | Self::Quic | Self::TcpQuic)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
