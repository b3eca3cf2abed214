//! Tags and labels by which our resources are found again (upstream `pkg/deploy/tracking`).

use std::collections::BTreeMap;

use super::{ResourceId, Tags};
use crate::key::StackKey;

/// Tag that names the cluster, on every resource of ours.
pub const CLUSTER_TAG: &str = "elbv2.k8s.aws/cluster";
/// Tag that names a cluster-wide resource (the backend security group).
pub const SHARED_RESOURCE_TAG: &str = "elbv2.k8s.aws/resource";
/// Cluster tag of the first generation of the controller.
pub const LEGACY_CLUSTER_TAG: &str = "ingress.k8s.aws/cluster";

/// Key of the stack tag.
pub fn stack_tag(key: &StackKey) -> String {
    format!("{}/stack", key.kind.tag_prefix())
}

/// Key of the resource tag.
pub fn resource_tag(key: &StackKey) -> String {
    format!("{}/resource", key.kind.tag_prefix())
}

/// The tags of every resource of a stack.
pub fn stack_tags(cluster: &str, key: &StackKey) -> Tags {
    BTreeMap::from([
        (CLUSTER_TAG.to_owned(), cluster.to_owned()),
        (stack_tag(key), key.stack_id()),
    ])
}

/// All tags of a resource as sent with its creation: tracking tags win over `tags`.
pub fn resource_tags(cluster: &str, key: &StackKey, id: &ResourceId, tags: &Tags) -> Tags {
    let mut all = tags.clone();
    all.extend(stack_tags(cluster, key));
    all.insert(resource_tag(key), id.0.clone());
    all
}

/// Labels of the bindings of a stack.
pub fn binding_labels(key: &StackKey) -> BTreeMap<String, String> {
    let prefix = key.kind.tag_prefix();
    if key.namespace.is_empty() {
        BTreeMap::from([(format!("{prefix}/stack"), key.name.clone())])
    } else {
        BTreeMap::from([
            (format!("{prefix}/stack-namespace"), key.namespace.clone()),
            (format!("{prefix}/stack-name"), key.name.clone()),
        ])
    }
}

/// Whether reconciliation leaves a tag of a security group, load balancer or target group alone because the
/// first generation of the controller wrote it.
pub fn is_legacy_tag(cluster: &str, tag: &str) -> bool {
    const KEYS: [&str; 6] = [
        "kubernetes.io/cluster-name",
        "kubernetes.io/namespace",
        "kubernetes.io/ingress-name",
        "kubernetes.io/service-name",
        "kubernetes.io/service-port",
        LEGACY_CLUSTER_TAG,
    ];
    KEYS.contains(&tag) || tag.strip_prefix("kubernetes.io/cluster/") == Some(cluster)
}

/// Whether a tag is one of ours for tracking, whatever the stack.
pub fn is_tracking_tag(tag: &str) -> bool {
    const KEYS: [&str; 10] = [
        CLUSTER_TAG,
        SHARED_RESOURCE_TAG,
        "ingress.k8s.aws/stack",
        "ingress.k8s.aws/resource",
        "service.k8s.aws/stack",
        "service.k8s.aws/resource",
        "gateway.k8s.aws.nlb/resource",
        "gateway.k8s.aws.alb/resource",
        "gateway.k8s.aws.nlb/stack",
        "gateway.k8s.aws.alb/stack",
    ];
    KEYS.contains(&tag)
}
