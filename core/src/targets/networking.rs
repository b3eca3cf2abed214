//! Security group rules that let load balancers reach targets.
//!
//! In: a binding's `spec.networking` and the interfaces of its targets. Out: the binding's contribution of
//! permissions per security group; the union over all bindings; and what to authorise and revoke (reference
//! page `target-group-binding.md`, sections 15 and 17; upstream `pkg/networking`).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::target_group_binding::{Networking, NetworkingPeer, NetworkingPort, NetworkingProtocol};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::eni::Interface;
use super::group::{GroupRule, SecurityGroupState};
use crate::model::{IngressPermission, PermissionSource};
use crate::settings::Settings;
use crate::view::Pod;

/// Description of every rule written for bindings, and the label by which they are found again.
pub const RULE_LABEL: &str = "elbv2.k8s.aws/targetGroupBinding=shared";

/// What one binding asks of security groups: permissions by group id.
pub type Contribution = BTreeMap<String, BTreeSet<IngressPermission>>;

/// The permissions of a networking field. Named ports are looked up on `pods`; `None` for instance targets,
/// which cannot have them. A rule with an empty list of ports permits nothing, but its peers are checked.
pub fn permissions(
    networking: &Networking,
    pods: Option<&[&Pod]>,
) -> Result<BTreeSet<IngressPermission>, String> {
    let mut all = BTreeSet::new();
    for rule in &networking.ingress {
        for peer in &rule.from {
            let source = source(peer)?;
            for port in &rule.ports {
                for (from, to) in port_ranges(port, pods)? {
                    all.insert(IngressPermission {
                        protocol: protocol(port).to_owned(),
                        from_port: Some(from),
                        to_port: Some(to),
                        source: source.clone(),
                    });
                }
            }
        }
    }
    Ok(all)
}

fn protocol(port: &NetworkingPort) -> &'static str {
    match port.protocol {
        Some(NetworkingProtocol::Udp) => "udp",
        _ => "tcp",
    }
}

fn source(peer: &NetworkingPeer) -> Result<PermissionSource, String> {
    if let Some(group) = &peer.security_group {
        return Ok(PermissionSource::Group(group.group_id.clone()));
    }
    let Some(block) = &peer.ip_block else {
        return Err("either ipBlock or securityGroup should be specified".to_owned());
    };
    let parsed: IpNet = block.cidr.parse().map_err(|_| {
        format!(
            "spec.networking has the CIDR '{}', which is none; write it like 10.0.0.0/16",
            block.cidr
        )
    })?;
    // EC2 stores the network address, and what is read back has to be equal.
    Ok(match parsed.trunc() {
        IpNet::V4(net) => PermissionSource::Ipv4(net.to_string()),
        IpNet::V6(net) => PermissionSource::Ipv6(net.to_string()),
    })
}

fn port_ranges(port: &NetworkingPort, pods: Option<&[&Pod]>) -> Result<Vec<(i32, i32)>, String> {
    match (&port.port, pods) {
        (None, _) => Ok(vec![(0, 65535)]),
        (Some(IntOrString::Int(number)), _) => Ok(vec![(*number, *number)]),
        (Some(IntOrString::String(_)), None) => {
            Err("named ports can only be used with pod endpoints".to_owned())
        }
        (Some(IntOrString::String(name)), Some(pods)) => {
            let mut numbers = BTreeSet::new();
            for pod in pods {
                let found = pod.container_ports.iter().find(|(n, _)| n == name);
                let (_, number) = found.ok_or_else(|| {
                    format!(
                        "unable to find port {name} on pod {}/{}",
                        pod.meta.namespace, pod.meta.name
                    )
                })?;
                numbers.insert(*number);
            }
            Ok(numbers.into_iter().map(|number| (number, number)).collect())
        }
    }
}

/// Groups whose tags have to be read to choose among those of an interface.
pub fn ambiguous_groups<'a>(interfaces: impl IntoIterator<Item = &'a Interface>) -> BTreeSet<String> {
    interfaces
        .into_iter()
        .filter(|interface| interface.groups.len() > 1)
        .flat_map(|interface| interface.groups.iter().cloned())
        .collect()
}

/// The security group of an interface that carries our rules: its only one, or the only one tagged for the
/// cluster and with all `--service-target-eni-security-group-tags`.
pub fn endpoint_group(
    interface: &Interface,
    tags: &BTreeMap<String, BTreeMap<String, String>>,
    settings: &Settings,
) -> Result<String, String> {
    if let [only] = interface.groups.as_slice() {
        return Ok(only.clone());
    }
    let cluster_tag = cluster_tag(&settings.scope.cluster);
    let required = &settings.service_target_eni_security_group_tags;
    let matching: Vec<&String> = interface
        .groups
        .iter()
        .filter(|group| {
            tags.get(*group).is_some_and(|tags| {
                tags.contains_key(&cluster_tag) && required.iter().all(|(k, v)| tags.get(k) == Some(v))
            })
        })
        .collect();
    if let [only] = matching.as_slice() {
        return Ok((*only).clone());
    }
    let ids: Vec<_> = matching.iter().map(|id| id.as_str()).collect();
    let more: Vec<_> = required.iter().map(|(k, v)| format!("{k}:{v}")).collect();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" and map[{}]", more.join(" "))
    };
    Err(format!(
        "expected exactly one securityGroup tagged with {cluster_tag}{more} for eni {}, got: [{}] \
         (clusterName: {})",
        interface.id,
        ids.join(" "),
        settings.scope.cluster
    ))
}

/// Tag key that gives a resource to a cluster.
pub fn cluster_tag(cluster: &str) -> String {
    format!("kubernetes.io/cluster/{cluster}")
}

/// Contribution of a binding with pod targets.
pub fn pod_contribution(
    networking: &Networking,
    interfaces: &[(&Pod, &Interface)],
    tags: &BTreeMap<String, BTreeMap<String, String>>,
    settings: &Settings,
) -> Result<Contribution, String> {
    let mut pods_of: BTreeMap<String, Vec<&Pod>> = BTreeMap::new();
    for (pod, interface) in interfaces {
        let group = endpoint_group(interface, tags, settings)?;
        pods_of.entry(group).or_default().push(pod);
    }
    let contributions = pods_of
        .into_iter()
        .map(|(group, pods)| Ok((group, permissions(networking, Some(&pods))?)));
    contributions.collect()
}

/// Contribution of a binding with node targets.
pub fn node_contribution(
    networking: &Networking,
    interfaces: &[&Interface],
    tags: &BTreeMap<String, BTreeMap<String, String>>,
    settings: &Settings,
) -> Result<Contribution, String> {
    let permissions = permissions(networking, None)?;
    let contributions = interfaces.iter().map(|interface| {
        let group = endpoint_group(interface, tags, settings)?;
        Ok((group, permissions.clone()))
    });
    contributions.collect()
}

/// The permissions wanted on one group: the union over contributions. Unless `unrestricted`, permissions
/// of one protocol from one security group become a single range over all their ports.
pub fn aggregate<'a>(
    contributions: impl IntoIterator<Item = &'a BTreeSet<IngressPermission>>,
    unrestricted: bool,
) -> BTreeSet<IngressPermission> {
    let mut all = BTreeSet::new();
    let mut ranges: BTreeMap<(String, PermissionSource), (i32, i32)> = BTreeMap::new();
    for permission in contributions.into_iter().flatten() {
        let from_group = matches!(permission.source, PermissionSource::Group(_));
        if unrestricted || !from_group {
            all.insert(permission.clone());
            continue;
        }
        let (from, to) = match (permission.from_port.unwrap_or(0), permission.to_port.unwrap_or(0)) {
            (0, 0) => (0, 65535),
            range => range,
        };
        let range = ranges
            .entry((permission.protocol.clone(), permission.source.clone()))
            .or_insert((from, to));
        *range = (range.0.min(from), range.1.max(to));
    }
    all.extend(
        ranges
            .into_iter()
            .map(|((protocol, source), (from, to))| IngressPermission {
                protocol,
                from_port: Some(from),
                to_port: Some(to),
                source,
            }),
    );
    all
}

/// Text that makes two permissions equal, descriptions ignored; absent ports print as 0. Calls are sorted
/// by it.
pub fn permission_text(permission: &IngressPermission) -> String {
    let source = match &permission.source {
        PermissionSource::Ipv4(cidr) => format!("IpRange: {cidr}"),
        PermissionSource::Ipv6(cidr) => format!("Ipv6Range: {cidr}"),
        PermissionSource::PrefixList(id) => format!("PrefixListId: {id}"),
        PermissionSource::Group(id) => format!("UserIdGroupPair: {id}"),
    };
    format!(
        "IpProtocol: {}, FromPort: {}, ToPort: {}, {source}",
        permission.protocol,
        permission.from_port.unwrap_or(0),
        permission.to_port.unwrap_or(0)
    )
}

/// Whether a rule's description carries the label of bindings: a `key=value` pair that ends at a comma or at
/// the end and begins after a comma, a blank or the start.
pub fn is_labelled(rule: &GroupRule) -> bool {
    let parts = rule.description.split(',');
    parts
        .filter_map(|part| part.rsplit(char::is_whitespace).next())
        .any(|pair| pair == RULE_LABEL)
}

/// What to authorise and what to revoke on a group, each sorted by [`permission_text`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RuleDiff {
    /// Rules that are wanted and not there, with our label.
    pub grant: Vec<GroupRule>,
    /// Labelled rules that are there and not wanted.
    pub revoke: Vec<GroupRule>,
}

/// Compares wanted permissions with the rules of a group. A rule without our label satisfies a wish and is
/// never revoked.
pub fn rule_diff(wanted: &BTreeSet<IngressPermission>, rules: &[GroupRule]) -> RuleDiff {
    let wanted: BTreeMap<_, _> = wanted.iter().map(|p| (permission_text(p), p)).collect();
    let current: BTreeMap<_, _> = rules
        .iter()
        .map(|rule| (permission_text(&rule.permission), rule))
        .collect();
    let grant = wanted
        .iter()
        .filter(|(text, _)| !current.contains_key(*text))
        .map(|(_, permission)| GroupRule {
            permission: (*permission).clone(),
            description: RULE_LABEL.to_owned(),
        });
    let revoke = current
        .iter()
        .filter(|(text, rule)| !wanted.contains_key(*text) && is_labelled(rule))
        .map(|(_, rule)| (*rule).clone());
    RuleDiff {
        grant: grant.collect(),
        revoke: revoke.collect(),
    }
}

/// Whether a rule lets in at least what a permission asks: same protocol and source, ports around it.
/// While bindings are still being worked out, the union of those known so far is narrower than the rule of
/// them all that an earlier process wrote; granting it beside that rule would only have to be revoked again.
pub fn covers(held: &GroupRule, asked: &IngressPermission) -> bool {
    let held = &held.permission;
    let around = |(from, to): (Option<i32>, Option<i32>), (low, high): (Option<i32>, Option<i32>)| matches!((from, to, low, high), (Some(from), Some(to), Some(low), Some(high)) if from <= low && high <= to);
    held.protocol == asked.protocol
        && held.source == asked.source
        && around((held.from_port, held.to_port), (asked.from_port, asked.to_port))
}

/// Whether a group is tagged for our cluster and for no other: only there every labelled rule is ours.
pub fn is_exactly_ours(group: &SecurityGroupState, cluster: &str) -> bool {
    const PREFIX: &str = "kubernetes.io/cluster/";
    let mut clusters = group.tags.keys().filter_map(|key| key.strip_prefix(PREFIX));
    clusters.next() == Some(cluster) && clusters.next().is_none()
}

/// Of the rules to revoke on a group, those that are certainly ours: all of them on a group tagged for
/// exactly our cluster, elsewhere those that this process authorised: protocol, ports and peer. Another
/// cluster may let the same peer in on other ports under the same label.
pub fn revocable(
    revoke: Vec<GroupRule>,
    group: &SecurityGroupState,
    cluster: &str,
    authorised: &BTreeSet<IngressPermission>,
) -> Vec<GroupRule> {
    if is_exactly_ours(group, cluster) {
        return revoke;
    }
    let ours = |rule: &GroupRule| authorised.contains(&rule.permission);
    revoke.into_iter().filter(ours).collect()
}

/// Sources that a networking field names, whatever its ports.
pub fn sources(networking: &Networking) -> BTreeSet<PermissionSource> {
    let peers = networking.ingress.iter().flat_map(|rule| &rule.from);
    peers.filter_map(|peer| source(peer).ok()).collect()
}
