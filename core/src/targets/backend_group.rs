//! The shared backend security group: name, description and tags (reference page `target-group-binding.md`,
//! section 18; upstream `pkg/networking/backend_sg_provider.go`).

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::group::SecurityGroupState;
use crate::model::Tags;
use crate::model::tracking::{CLUSTER_TAG, SHARED_RESOURCE_TAG};
use crate::settings::Settings;

/// Value of the resource tag.
pub const RESOURCE: &str = "backend-sg";
/// Description.
pub const DESCRIPTION: &str = "[k8s] Shared Backend SecurityGroup for LoadBalancer";

/// Name of the group of a cluster.
pub fn name(cluster: &str) -> String {
    // EC2 allows 255 characters in all.
    let readable: String = cluster
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(232)
        .collect();
    let mut hash = hex::encode(Sha256::digest(cluster.as_bytes()));
    hash.truncate(10);
    format!("k8s-traffic-{readable}-{hash}")
}

/// Tags by which the group is found.
pub fn tracking_tags(settings: &Settings) -> BTreeMap<String, String> {
    BTreeMap::from([
        (CLUSTER_TAG.to_owned(), settings.scope.cluster.clone()),
        (SHARED_RESOURCE_TAG.to_owned(), RESOURCE.to_owned()),
    ])
}

/// All tags of the group.
pub fn tags(settings: &Settings) -> Tags {
    let mut tags = settings.default_tags.clone();
    tags.extend(tracking_tags(settings));
    tags
}

/// Tags to set and tags to remove so that the group has exactly the wanted ones; `aws:` keys stay.
pub fn tag_changes(group: &SecurityGroupState, settings: &Settings) -> (Tags, Tags) {
    let wanted = tags(settings);
    let set = wanted
        .iter()
        .filter(|(key, value)| group.tags.get(*key) != Some(value));
    let remove = group
        .tags
        .iter()
        .filter(|(key, _)| !wanted.contains_key(*key) && !key.starts_with("aws:"));
    let own = |(key, value): (&String, &String)| (key.clone(), value.clone());
    (set.map(own).collect(), remove.map(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upstreams() {
        assert_eq!(name("my-cluster"), "k8s-traffic-mycluster-4cbfcec96c");
        assert_eq!(name("prod_cluster.1"), "k8s-traffic-prodcluster1-27a7606b20");
        assert_eq!(name("test"), "k8s-traffic-test-9f86d08188");
        assert!(name(&"x".repeat(300)).len() <= 255);
    }

    #[test]
    fn tags_become_exactly_the_wanted_ones() {
        let mut settings = Settings::new("test", "us-west-2", "vpc-1");
        settings.default_tags.insert("team".to_owned(), "net".to_owned());
        let mut group = SecurityGroupState {
            tags: tags(&settings),
            ..SecurityGroupState::default()
        };
        group.tags.insert("aws:created".to_owned(), "x".to_owned());
        assert_eq!(tag_changes(&group, &settings), (Tags::new(), Tags::new()));
        group.tags.insert("team".to_owned(), "other".to_owned());
        group.tags.insert("old".to_owned(), "1".to_owned());
        let (set, remove) = tag_changes(&group, &settings);
        assert_eq!(set, Tags::from([("team".to_owned(), "net".to_owned())]));
        assert_eq!(remove, Tags::from([("old".to_owned(), "1".to_owned())]));
    }
}
