//! Whose a resource is, by its tags (upstream `pkg/deploy/tracking`, `aws-deploy.md` section 3).

use std::collections::BTreeMap;

use elbow_core::key::{StackKey, StackKind};
use elbow_core::model::Tags;
use elbow_core::model::tracking::{CLUSTER_TAG, LEGACY_CLUSTER_TAG, SHARED_RESOURCE_TAG, is_tracking_tag};

/// What the tags of a resource say about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// A resource of a stack of this cluster.
    Stack(Claim),
    /// A resource that the whole cluster shares, by the value of its resource tag (`backend-sg`).
    Shared(String),
    /// Not ours.
    Foreign,
}

/// A resource's place in a stack of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The stack.
    pub key: StackKey,
    /// Resource id; empty if the tag is missing.
    pub resource: String,
    /// Found only by the cluster tag of the first generation of the controller.
    pub legacy: bool,
}

/// Reads the tags of a resource.
pub fn ownership(cluster: &str, tags: &BTreeMap<String, String>) -> Ownership {
    let tag = |key: &str| tags.get(key).map(String::as_str);
    let current = tag(CLUSTER_TAG) == Some(cluster);
    let legacy = !current && tag(LEGACY_CLUSTER_TAG) == Some(cluster);
    if !current && !legacy {
        return Ownership::Foreign;
    }
    for kind in [StackKind::Service, StackKind::Ingress] {
        if let Some(stack) = tag(&format!("{}/stack", kind.tag_prefix())) {
            let (namespace, name) = stack.split_once('/').unwrap_or(("", stack));
            return Ownership::Stack(Claim {
                key: StackKey {
                    kind,
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                },
                resource: tag(&format!("{}/resource", kind.tag_prefix()))
                    .unwrap_or_default()
                    .to_owned(),
                legacy,
            });
        }
    }
    match tag(SHARED_RESOURCE_TAG) {
        Some(resource) if current => Ownership::Shared(resource.to_owned()),
        _ => Ownership::Foreign,
    }
}

/// The tags that a plan compares: all but the tracking tags and AWS's own.
pub(super) fn plain(tags: BTreeMap<String, String>) -> Tags {
    tags.into_iter()
        .filter(|(key, _)| !is_tracking_tag(key) && !key.starts_with("aws:"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;
    use elbow_core::model::ResourceId;
    use elbow_core::model::tracking::resource_tags;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_tags_we_create_with_name_the_stack_and_the_resource() {
        let key = StackKey::service("prod", "web");
        let all = resource_tags("c1", &key, &ResourceId::from("prod/web:80"), &Tags::new());
        let claim = Claim {
            key,
            resource: "prod/web:80".to_owned(),
            legacy: false,
        };
        assert_eq!(ownership("c1", &all), Ownership::Stack(claim));
        assert_eq!(ownership("c2", &all), Ownership::Foreign, "another cluster");
    }

    #[test]
    fn the_first_generations_cluster_tag_counts_too() {
        let old = tags(&[
            ("ingress.k8s.aws/cluster", "c1"),
            ("ingress.k8s.aws/stack", "shared"),
            ("ingress.k8s.aws/resource", "LoadBalancer"),
        ]);
        let Ownership::Stack(claim) = ownership("c1", &old) else {
            panic!("not found");
        };
        assert!(claim.legacy);
        assert_eq!(claim.key.to_string(), "ingress:shared");
    }

    #[test]
    fn a_missing_resource_tag_gives_an_empty_resource_id() {
        let half = tags(&[("elbv2.k8s.aws/cluster", "c1"), ("service.k8s.aws/stack", "a/b")]);
        let Ownership::Stack(claim) = ownership("c1", &half) else {
            panic!("not found");
        };
        assert_eq!(claim.resource, "");
    }

    #[test]
    fn the_backend_group_is_shared() {
        let shared = tags(&[
            ("elbv2.k8s.aws/cluster", "c1"),
            ("elbv2.k8s.aws/resource", "backend-sg"),
        ]);
        assert_eq!(
            ownership("c1", &shared),
            Ownership::Shared("backend-sg".to_owned())
        );
    }

    #[test]
    fn plans_do_not_see_tracking_tags_and_tags_of_aws() {
        let all = tags(&[
            ("elbv2.k8s.aws/cluster", "c1"),
            ("aws:cloudformation:stack-name", "x"),
            ("team", "a"),
        ]);
        assert_eq!(plain(all), tags(&[("team", "a")]));
    }
}
