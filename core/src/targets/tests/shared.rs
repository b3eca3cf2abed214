//! Target groups shared with other clusters (reference page, sections 11 and 20.4).

use std::collections::BTreeSet;

use serde_json::json;

use super::world::{World, binding, pod};
use crate::targets::TargetState;

fn set(identities: &[&str]) -> BTreeSet<String> {
    identities.iter().map(|i| (*i).to_owned()).collect()
}

#[test]
fn the_first_pass_deregisters_nothing_and_tracks_before_it_registers() {
    let mut world = World::new(binding("ip", json!({"multiClusterTargetGroup": true})));
    world.add_target("10.9.0.1", 80, TargetState::Healthy);
    world.add_pod(pod("a", "10.0.0.5", false));
    world.run();
    assert_eq!(
        world.take_calls(),
        ["describe all", "track 10.0.0.5:8080", "register 10.0.0.5:8080"]
    );
    world.restart();
    world.tracked = Some(set(&["10.0.0.5:8080"]));
    world.add_pod(pod("b", "10.0.0.6", false));
    world.pods.get_mut("a").unwrap().meta.deleting = true;
    world.run();
    assert_eq!(
        world.take_calls(),
        [
            "describe all",
            "track 10.0.0.5:8080 10.0.0.6:8080",
            "register 10.0.0.6:8080",
            "deregister 10.0.0.5:8080",
            "track 10.0.0.6:8080"
        ]
    );
}

#[test]
fn cleaning_up_leaves_the_targets_of_other_clusters() {
    let mut world = World::new(binding("ip", json!({"multiClusterTargetGroup": true})));
    world.add_target("10.9.0.1", 80, TargetState::Healthy);
    world.add_target("10.0.0.5", 8080, TargetState::Healthy);
    world.tracked = Some(set(&["10.0.0.5:8080"]));
    world.binding.meta.deleting = true;
    world.run();
    assert_eq!(world.take_calls(), ["describe all", "deregister 10.0.0.5:8080"]);
    assert_eq!(world.tracked, None);
}
