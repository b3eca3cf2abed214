//! Wishes: what a front end asks for, typed and checked, before AWS has been asked anything.
//!
//! Every front end lowers to these, and [`crate::build`] knows nothing else.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use elbow_crds::cidr::Cidr;
use elbow_crds::problem::Problem;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::model::{
    FixedResponseAction, HealthCheck, IngressPermission, IpAddressType, IpFamily, LoadBalancerType, OnOff,
    Origin, Origins, Protocol, RedirectAction, ResourceId, Scheme, Setting, Stickiness, Tags, TargetType,
};

/// A value with the object and field that asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<T> {
    /// The value.
    pub value: T,
    /// Who asked.
    pub origin: Origin,
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerWish {
    /// Resource id.
    pub id: ResourceId,
    /// Type.
    pub kind: LoadBalancerType,
    /// Explicit name, at most 32 bytes.
    pub name: Option<Asked<String>>,
    /// Explicit scheme; otherwise that of the existing load balancer, otherwise the default.
    pub scheme: Option<Asked<Scheme>>,
    /// IP address type.
    pub ip_address_type: IpAddressType,
    /// Explicit subnets.
    pub subnets: Option<SubnetsWish>,
    /// Where subnets are named, or would be.
    pub subnets_origin: Origin,
    /// Addresses and source NAT; `None` leaves both to AWS.
    pub addresses: Option<AddressWish>,
    /// Attributes to set.
    pub attributes: BTreeMap<String, String>,
    /// Whether an existing one may be deleted before the new one is made, where both cannot stand side by side.
    pub delete_first: bool,
    /// Capacity reservation.
    pub capacity_units: Setting<i32>,
    /// Who asked; nobody in particular if empty.
    pub origins: Origins,
}

/// Which subnets a load balancer gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubnetsWish {
    /// These, by id or name; possibly none.
    Named(Vec<String>),
    /// One per zone of those that have all these tags, each with one of its values.
    Tagged(BTreeMap<String, Vec<String>>),
}

/// Addresses a load balancer takes in its subnets. What can be checked without the subnets is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressWish {
    /// Elastic IP allocations, by position of the subnet.
    pub elastic_ips: Option<Asked<Vec<String>>>,
    /// Private IPv4 addresses, by CIDR of the subnet.
    pub private_ipv4: Option<Asked<Vec<Ipv4Addr>>>,
    /// IPv6 addresses, by CIDR of the subnet.
    pub ipv6: Option<Asked<Vec<Ipv6Addr>>>,
    /// Whether source NAT prefixes are used.
    pub source_nat: Asked<OnOff>,
    /// Source NAT prefixes, by position of the subnet.
    pub source_nat_prefixes: Option<Asked<Vec<SourceNatPrefix>>>,
}

/// A source NAT prefix of one subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceNatPrefix {
    /// Chosen by AWS.
    AutoAssigned,
    /// An IPv6 /80.
    Block {
        /// As written.
        text: String,
        /// Its address.
        address: Ipv6Addr,
    },
}

impl SourceNatPrefix {
    /// AWS's form.
    pub fn wire(&self) -> &str {
        match self {
            Self::AutoAssigned => "auto_assigned",
            Self::Block { text, .. } => text,
        }
    }
}

/// Security groups of a load balancer and their rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityWish {
    /// The load balancer is to have no groups; the field that says so, or the name of the feature gate.
    pub disabled: Option<Origin>,
    /// Explicit groups (ids or names); none means a managed group.
    pub groups: Vec<String>,
    /// Where groups are named, or would be.
    pub groups_origin: Origin,
    /// Whether rules on targets are managed; an unreadable value counts only where it is needed.
    pub manage_backend_rules: Result<Option<bool>, Problem>,
    /// Where `manage_backend_rules` stands, or would.
    pub manage_backend_rules_origin: Origin,
    /// Who may connect, for a managed group.
    pub inbound: InboundWish,
    /// Whether inbound rules apply to PrivateLink traffic.
    pub private_link_inbound: Setting<OnOff>,
    /// Who asked; nobody in particular if empty.
    pub origins: Origins,
}

/// Inbound rules of a managed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboundWish {
    /// The same clients on every port.
    Clients(ClientsWish),
    /// Each rule by itself.
    Listed(Vec<IngressPermission>),
}

/// Clients of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientsWish {
    /// Clients that may connect, as asked for.
    pub sources: SourceRanges,
    /// Prefix lists of clients; `Some` even when empty.
    pub prefix_lists: Option<Vec<String>>,
    /// Whether ICMP for path MTU discovery is let in.
    pub icmp: bool,
    /// Protocol (`tcp`, `udp`) and port of each listener-to-be, in order.
    pub ports: Vec<(String, i32)>,
}

/// Client CIDRs with the place they stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRanges {
    /// Where they stand, or would.
    pub origin: Origin,
    /// The ranges in order.
    pub ranges: Vec<SourceRange>,
}

impl SourceRanges {
    /// The blocks as written with their meaning, or the problems of those that are none; `warn` gets what is
    /// understood otherwise than it is written.
    pub fn blocks(&self, mut warn: impl FnMut(String)) -> Result<Vec<(String, Cidr)>, Vec<String>> {
        let mut blocks = Vec::new();
        let mut faults = Vec::new();
        for range in &self.ranges {
            let text = range.text.trim();
            let Some(cidr) = range.cidr else {
                faults.push(format!("'{text}' is no CIDR block; write for example 10.0.0.0/8"));
                continue;
            };
            if text.parse().is_ok_and(|net: ipnet::IpNet| net != net.trunc()) {
                warn(format!(
                    "'{text}' has bits set behind its prefix and counts as {cidr}; write {cidr}"
                ));
            }
            blocks.push((text.to_owned(), cidr));
        }
        if faults.is_empty() {
            Ok(blocks)
        } else {
            Err(faults)
        }
    }
}

/// A client CIDR; whether it must be valid depends on where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRange {
    /// As written.
    pub text: String,
    /// As understood.
    pub cidr: Option<Cidr>,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerWish {
    /// Port.
    pub port: i32,
    /// Protocol.
    pub protocol: Protocol,
    /// TLS settings, exactly when the protocol is TLS or HTTPS.
    pub tls: Option<TlsWish>,
    /// Attributes to set.
    pub attributes: BTreeMap<String, String>,
    /// What happens to connections, or to requests that no rule takes, in order.
    pub actions: Vec<ActionWish>,
    /// Tags, `--default-tags` included.
    pub tags: Tags,
    /// Who asked; nobody in particular if empty.
    pub origins: Origins,
}

/// TLS settings of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsWish {
    /// Certificate ARNs, the default one first; the others in the order they were asked for.
    pub certificates: Vec<String>,
    /// Who asked for each, where several objects share the listener.
    pub certificate_origins: BTreeMap<String, Origins>,
    /// Security policy.
    pub policy: String,
    /// ALPN policy.
    pub alpn: Option<AlpnPolicy>,
}

/// ALPN policies of a TLS listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are AWS's own
pub enum AlpnPolicy {
    None,
    Http1Only,
    Http2Only,
    Http2Optional,
    Http2Preferred,
}

impl AlpnPolicy {
    /// All policies.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Http1Only,
        Self::Http2Only,
        Self::Http2Optional,
        Self::Http2Preferred,
    ];

    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Http1Only => "HTTP1Only",
            Self::Http2Only => "HTTP2Only",
            Self::Http2Optional => "HTTP2Optional",
            Self::Http2Preferred => "HTTP2Preferred",
        }
    }

    /// Reads AWS's word, case-sensitive.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text)
    }
}

/// An action of a listener or rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionWish {
    /// Forward to target groups.
    Forward {
        /// The groups, in order.
        groups: Vec<ForwardWish>,
        /// Stickiness to target groups.
        stickiness: Setting<Stickiness>,
    },
    /// Send the client elsewhere.
    Redirect(RedirectAction),
    /// Answer without a target.
    FixedResponse(FixedResponseAction),
}

/// A target group with its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardWish {
    /// The group.
    pub group: GroupWish,
    /// Weight.
    pub weight: Option<i32>,
}

/// A target group to forward to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupWish {
    /// One of this stack.
    Own(ResourceId),
    /// Somebody else's, by ARN.
    Arn(String),
    /// Somebody else's, by name.
    Name {
        /// The name.
        name: String,
        /// Who asked for it.
        origin: Origin,
    },
}

/// A target group with its binding. `M` is what only one front end asks.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetGroupWish<M> {
    /// Resource id.
    pub id: ResourceId,
    /// Namespace of the Service behind it.
    pub namespace: String,
    /// Name of that Service.
    pub service: String,
    /// UID of that Service.
    pub uid: String,
    /// Port of that Service as it is referred to: a number, or for an Ingress a name.
    pub service_port: IntOrString,
    /// Port at the target: node port, or target port, which may be a name.
    pub target_port: IntOrString,
    /// Default port of the group; 1 where targets listen on a named port.
    pub port: i32,
    /// Target type.
    pub target_type: TargetType,
    /// Protocol.
    pub protocol: Protocol,
    /// `HTTP1`, `HTTP2` or `GRPC`, for HTTP and HTTPS.
    pub protocol_version: Setting<String>,
    /// Port of the target control agent.
    pub control_port: Setting<i32>,
    /// Address family.
    pub family: IpFamily,
    /// Health check.
    pub health_check: HealthCheck,
    /// Attributes to set.
    pub attributes: BTreeMap<String, String>,
    /// Labels of nodes that may become targets; `None` for all.
    pub node_labels: Option<BTreeMap<String, String>>,
    /// Whether other clusters register targets too.
    pub multi_cluster: bool,
    /// Tags, `--default-tags` included.
    pub tags: Tags,
    /// Who asked; nobody in particular if empty.
    pub origins: Origins,
    /// The rest.
    pub more: M,
}

/// A port as it is written in ids and names.
pub(crate) fn port_text(port: &IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

/// What only Services ask of a target group.
#[derive(Clone, Debug, PartialEq)]
pub struct OfService {
    /// UID of the base Service, for the group of a weighted backend.
    pub base_uid: Option<String>,
    /// Whether targets see the client's address.
    pub preserve_client_ip: bool,
    /// Clients that may connect, for a load balancer without security groups.
    pub sources: SourceRanges,
}

/// A target group of a Service; its id is `namespace/service:port`.
pub type ServiceTargetGroupWish = TargetGroupWish<OfService>;
