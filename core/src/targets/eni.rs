//! Network interfaces of pods and nodes (reference page `target-group-binding.md`, section 16).
//!
//! In: pods and nodes; then, for what they name, instances and interfaces read from EC2. Out: what to read,
//! and the interface behind each pod or node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::endpoints::{COMPUTE_TYPE, instance_id};
use crate::view::{Node, Pod};

/// A network interface, as far as targets look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-...`.
    pub id: String,
    /// Attachment device index; `None` when detached.
    pub device_index: Option<i32>,
    /// Security group ids, in AWS order.
    pub groups: Vec<String>,
    /// Private IPv4 addresses.
    pub private_ips: Vec<String>,
    /// IPv6 addresses.
    pub ipv6_addresses: Vec<String>,
    /// IPv4 prefixes (CIDR) delegated to it.
    pub ipv4_prefixes: Vec<String>,
    /// IPv6 prefixes (CIDR) delegated to it.
    pub ipv6_prefixes: Vec<String>,
}

/// An instance with its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Instance {
    /// `i-...`.
    pub id: String,
    /// VPC id.
    pub vpc: String,
    /// Interfaces in AWS order.
    pub interfaces: Vec<Interface>,
}

/// What to read from EC2 to find interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InterfaceReads {
    /// Instances by id.
    pub instances: BTreeSet<String>,
    /// Interfaces by id.
    pub interfaces: BTreeSet<String>,
    /// Interfaces of the VPC by address.
    pub addresses: BTreeSet<String>,
}

impl InterfaceReads {
    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.interfaces.is_empty() && self.addresses.is_empty()
    }
}

/// What was read from EC2.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InterfaceFacts {
    /// Instances by id.
    pub instances: BTreeMap<String, Instance>,
    /// Interfaces by id.
    pub interfaces: BTreeMap<String, Interface>,
}

/// How the interface of a pod is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Ec2,
    Fargate,
    HyperPod,
    Hybrid,
}

fn class(node: &Node) -> Class {
    let label = |key: &str| node.meta.labels.get(key).map(String::as_str);
    if label(COMPUTE_TYPE) == Some("fargate") {
        Class::Fargate
    } else if label("sagemaker.amazonaws.com/compute-type") == Some("hyperpod") {
        Class::HyperPod
    } else if label(COMPUTE_TYPE) == Some("hybrid") {
        Class::Hybrid
    } else {
        Class::Ec2
    }
}

/// An entry of the annotation `vpc.amazonaws.com/pod-eni`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct PodEni {
    eni_id: String,
    private_ip: String,
    ipv6_addr: String,
}

/// The interface that an annotation gives to a pod alone. Malformed JSON counts as none.
fn annotated_interface(pod: &Pod) -> Option<String> {
    let text = pod.meta.annotations.get("vpc.amazonaws.com/pod-eni")?;
    let entries: Vec<PodEni> = serde_json::from_str(text).ok()?;
    let entry = entries
        .into_iter()
        .find(|e| e.private_ip == pod.ip || (!e.ipv6_addr.is_empty() && e.ipv6_addr == pod.ip));
    entry.map(|e| e.eni_id)
}

fn node_of<'a>(pod: &Pod, nodes: &'a BTreeMap<String, std::sync::Arc<Node>>) -> Result<&'a Node, String> {
    nodes
        .get(&pod.node)
        .map(std::convert::AsRef::as_ref)
        .ok_or_else(|| format!("nodes \"{}\" not found", pod.node))
}

/// What to read for pods. An unknown node or a provider id that is not an instance's fails all of them.
pub fn pod_reads<'a>(
    pods: impl IntoIterator<Item = &'a Pod>,
    nodes: &BTreeMap<String, std::sync::Arc<Node>>,
) -> Result<InterfaceReads, String> {
    let mut reads = InterfaceReads::default();
    for pod in pods {
        let node = node_of(pod, nodes)?;
        match class(node) {
            Class::Hybrid => {}
            Class::Fargate => {
                reads.addresses.insert(pod.ip.clone());
            }
            Class::HyperPod => {
                reads.addresses.insert(pod.ip.clone());
                reads.addresses.insert(node.internal_ip.clone());
            }
            Class::Ec2 => match annotated_interface(pod) {
                Some(interface) => {
                    reads.interfaces.insert(interface);
                }
                None => {
                    reads.instances.insert(instance_id(node)?);
                }
            },
        }
    }
    reads.addresses.remove("");
    Ok(reads)
}

/// The interface of every pod that has one in EC2, in the order of `pods`; pods of hybrid nodes are left
/// out. A pod without a match fails all of them.
pub fn pod_interfaces<'p, 'f>(
    pods: impl IntoIterator<Item = &'p Pod>,
    nodes: &BTreeMap<String, std::sync::Arc<Node>>,
    facts: &'f InterfaceFacts,
) -> Result<Vec<(&'p Pod, &'f Interface)>, String> {
    let mut found = Vec::new();
    let mut missing = BTreeSet::new();
    for pod in pods {
        let node = node_of(pod, nodes)?;
        if class(node) == Class::Hybrid {
            continue;
        }
        match pod_interface(pod, node, facts) {
            Some(interface) => found.push((pod, interface)),
            None => {
                missing.insert(format!("{}/{}", pod.meta.namespace, pod.meta.name));
            }
        }
    }
    if missing.is_empty() {
        Ok(found)
    } else {
        let names: Vec<_> = missing.into_iter().collect();
        Err(format!("cannot resolve pod ENI for pods: [{}]", names.join(" ")))
    }
}

fn pod_interface<'f>(pod: &Pod, node: &Node, facts: &'f InterfaceFacts) -> Option<&'f Interface> {
    let by_address = || {
        facts
            .interfaces
            .values()
            .find(|interface| has_address(interface, &pod.ip))
    };
    match class(node) {
        Class::Hybrid => None,
        Class::Fargate => by_address(),
        Class::HyperPod => by_address().or_else(|| {
            facts.interfaces.values().find(|interface| {
                interface.private_ips.contains(&node.internal_ip) && has_prefix_of(interface, &pod.ip)
            })
        }),
        Class::Ec2 => match annotated_interface(pod) {
            Some(id) => facts.interfaces.get(&id),
            None => facts
                .instances
                .get(&instance_id(node).ok()?)?
                .interfaces
                .iter()
                .find(|i| i.private_ips.contains(&pod.ip) || has_prefix_of(i, &pod.ip)),
        },
    }
}

fn has_address(interface: &Interface, ip: &str) -> bool {
    interface
        .private_ips
        .iter()
        .chain(&interface.ipv6_addresses)
        .any(|address| address == ip)
}

fn has_prefix_of(interface: &Interface, ip: &str) -> bool {
    let Ok(address) = ip.parse::<IpAddr>() else {
        return false;
    };
    interface
        .ipv4_prefixes
        .iter()
        .chain(&interface.ipv6_prefixes)
        .filter_map(|prefix| prefix.parse::<IpNet>().ok())
        .any(|prefix| prefix.contains(&address))
}

/// What to read for nodes.
pub fn node_reads<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Result<InterfaceReads, String> {
    let mut reads = InterfaceReads::default();
    for node in nodes {
        if class(node) != Class::Hybrid {
            reads.instances.insert(instance_id(node)?);
        }
    }
    Ok(reads)
}

/// The primary interface (device index 0) of every node; one without fails all of them.
pub fn node_interfaces<'a, 'f>(
    nodes: impl IntoIterator<Item = &'a Node>,
    facts: &'f InterfaceFacts,
) -> Result<Vec<&'f Interface>, String> {
    let mut found = Vec::new();
    let mut missing = BTreeSet::new();
    for node in nodes {
        let id = instance_id(node)?;
        match facts.instances.get(&id) {
            None => {
                missing.insert(format!("/{}", node.meta.name));
            }
            Some(instance) => {
                let primary = instance.interfaces.iter().find(|i| i.device_index == Some(0));
                found.push(primary.ok_or_else(|| {
                    format!("[this should never happen] no primary ENI found for instance {id}")
                })?);
            }
        }
    }
    if missing.is_empty() {
        Ok(found)
    } else {
        let names: Vec<_> = missing.into_iter().collect();
        Err(format!(
            "cannot resolve node ENI for nodes: [{}]",
            names.join(" ")
        ))
    }
}
