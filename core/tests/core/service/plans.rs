//! Stacks of the vectors, planned: each comes to rest, goes away again, and can be edited into the next one.

use elbow_core::key::StackKey;
use elbow_core::model::Stack;
use elbow_core::settings::Settings;
use elbow_crds::problem::ObjectRef;

use super::vectors;
use crate::plan_world::{World, groups_of};

fn empty() -> Stack {
    Stack::empty(&StackKey::service("default", "web"))
}

/// The rows whose stack stands alone: a target group given by ARN is not there in a fresh world.
fn stacks() -> Vec<(String, Stack, Settings)> {
    let foreign = |stack: &Stack| {
        stack
            .listeners
            .iter()
            .any(|listener| groups_of(listener) != [None].into())
    };
    let mut stacks = vectors::stacks();
    stacks.retain(|(_, stack, _)| !foreign(stack));
    stacks
}

fn world(settings: Settings) -> World {
    let mut world = World::new();
    world.owner.object = ObjectRef::new("Service", "default", "web");
    world.actual = empty();
    world.settings = settings;
    world
}

#[test]
fn every_vector_is_created_by_one_plan_and_deleted_by_one() {
    let stacks = stacks();
    assert!(stacks.len() > 60, "{}", stacks.len());
    for (id, stack, settings) in stacks.into_iter().filter(|(_, stack, _)| !stack.is_empty()) {
        let mut world = world(settings);
        assert_eq!(world.run_to_rest(&stack), 1, "vector {id}");
        world.owner.gone = true;
        assert_eq!(world.run_to_rest(&empty()), 1, "vector {id}");
        assert!(
            world.actual.is_empty() && !world.owner.has_finalizer,
            "vector {id}"
        );
    }
}

#[test]
fn every_vector_is_edited_into_the_next_and_stays_at_rest() {
    let stacks = stacks();
    for pair in stacks.windows(2) {
        let (from, to) = (&pair[0], &pair[1]);
        let mut world = world(to.2.clone());
        world.run_to_rest(&from.1);
        world.run_to_rest(&to.1);
        assert!(world.plan(&to.1).is_empty(), "{} -> {}", from.0, to.0);
    }
}
