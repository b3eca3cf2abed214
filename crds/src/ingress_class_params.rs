//! The `IngressClassParams` custom resource (`elbv2.k8s.aws/v1beta1`): settings for all Ingresses of a class
//! (upstream `apis/elbv2/v1beta1/ingressclassparams_types.go`).

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::{CustomResource, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ingress::words::{IpAddressType, Scheme, TargetType};

/// The object as it is read. Without a spec it is one with an empty spec: the API server takes it so, and upstream too.
#[derive(Resource, Clone, Debug, PartialEq, Default, Deserialize)]
#[resource(inherit = Definition)]
pub struct IngressClassParams {
    /// Metadata.
    pub metadata: ObjectMeta,
    /// Settings.
    #[serde(default)]
    pub spec: IngressClassParamsSpec,
}

/// IngressClassParams holds settings for all Ingresses of an IngressClass.
#[derive(CustomResource, Clone, Debug, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "elbv2.k8s.aws",
    version = "v1beta1",
    kind = "IngressClassParams",
    plural = "ingressclassparams",
    singular = "ingressclassparam",
    root = "Definition",
    printcolumn = r#"{"name":"GROUP-NAME","type":"string","description":"Group of the Ingresses of the class","jsonPath":".spec.group.name"}"#,
    printcolumn = r#"{"name":"SCHEME","type":"string","description":"Whether load balancers have public addresses","jsonPath":".spec.scheme"}"#,
    printcolumn = r#"{"name":"IP-ADDRESS-TYPE","type":"string","description":"Address families of load balancers","jsonPath":".spec.ipAddressType"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct IngressClassParamsSpec {
    /// Certificate ARNs, the first is the default one; used by each Ingress when not empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_arn: Vec<String>,
    /// Namespaces whose Ingresses may use the class; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The group of all Ingresses of the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<IngressGroup>,
    /// `internal` or `internet-facing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Scheme>,
    /// Client CIDRs of all listeners.
    #[serde(rename = "inboundCIDRs", default, skip_serializing_if = "Vec::is_empty")]
    pub inbound_cidrs: Vec<String>,
    /// TLS security policy of HTTPS listeners.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ssl_policy: String,
    /// Port of the HTTPS listener that all HTTP listeners redirect to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ssl_redirect_port: String,
    /// Subnets of the load balancer: ids or tags, not both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<SubnetSelector>,
    /// Address families of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<IpAddressType>,
    /// Tags of all AWS resources; win over annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// `instance` or `ip`; wins over annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<TargetType>,
    /// Attributes of the load balancer; win over annotations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_attributes: Vec<KeyValue>,
    /// Attributes of listeners; win over annotations. Makes no listener.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<ListenerSettings>,
    /// Reserved capacity of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_load_balancer_capacity: Option<MinimumCapacity>,
    /// IPAM pools of the load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipam_configuration: Option<IpamConfiguration>,
    /// Prefix lists of clients.
    #[serde(rename = "prefixListsIDs", default, skip_serializing_if = "Vec::is_empty")]
    pub prefix_lists_ids: Vec<String>,
    /// Older spelling of prefixListsIDs.
    #[serde(rename = "PrefixListsIDs", default, skip_serializing_if = "Vec::is_empty")]
    pub legacy_prefix_lists_ids: Vec<String>,
    /// Web ACL of AWS WAF, by ARN.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wafv2_acl_arn: String,
    /// Web ACL of AWS WAF, by name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wafv2_acl_name: String,
    /// Name of the load balancer, used when it is created.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub load_balancer_name: String,
}

impl IngressClassParamsSpec {
    /// Prefix lists of clients, whichever spelling holds them.
    pub fn prefix_lists(&self) -> &[String] {
        if self.prefix_lists_ids.is_empty() {
            &self.legacy_prefix_lists_ids
        } else {
            &self.prefix_lists_ids
        }
    }

    /// Attributes of the listener with a protocol (`HTTP`, `HTTPS`) and port: those of the first entry with both.
    pub fn listener_attributes(&self, protocol: &str, port: i32) -> &[KeyValue] {
        self.listeners
            .iter()
            .find(|listener| listener.protocol == protocol && listener.port == port)
            .map_or(&[], |listener| &listener.listener_attributes)
    }
}

/// The group Ingresses belong to.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IngressGroup {
    /// Name of the group.
    pub name: String,
}

/// How subnets are found. A field that is there counts as given, even if it is empty.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SubnetSelector {
    /// Subnet ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// Tags that the subnets have, each with its allowed values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, Vec<String>>>,
}

/// A tag or an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
pub struct KeyValue {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
}

/// Settings of the listener with this protocol and port.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerSettings {
    /// `HTTP` or `HTTPS`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Port of the listener.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub port: i32,
    /// Attributes of the listener.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listener_attributes: Vec<KeyValue>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it with a reference
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// Reserved capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MinimumCapacity {
    /// Capacity units; 0 gives a reservation back.
    pub capacity_units: i32,
}

/// IPAM pools.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IpamConfiguration {
    /// Pool of public IPv4 addresses.
    #[serde(rename = "ipv4IPAMPoolId", default, skip_serializing_if = "Option::is_none")]
    pub ipv4_ipam_pool_id: Option<String>,
}

pub mod validate;
