//! What is kept for a key ends with its object.

use super::objects::world;
use super::scenarios;
use super::world::World;
use crate::support::land::BINDINGS;

/// Whatever the rooms hold, as text.
fn held(controller: &super::driver::Controller) -> String {
    let engine = &controller.engine;
    format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
        engine.expectations, engine.records, engine.mirror, engine.interests, engine.reporter, engine.last
    )
}

fn mentions(text: &str) -> usize {
    text.matches("name: \"web\"").count()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_a_service_that_is_gone() {
    let world: World = world();
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    for key in controller.engine.keys() {
        if let elbow_core::key::Key::Stack(stack) = key {
            controller.engine.records.distrust(&stack);
        }
    }
    assert!(mentions(&held(&controller)) > 3);
    scenarios::delete(&world);
    controller.to_rest().await;
    let text = held(&controller);
    assert_eq!(mentions(&text), 0, "{text}");
}

/// The security groups that hold a rule with our label.
fn labelled(world: &World) -> usize {
    world.land.emulator.with_world(|account, _| {
        let groups = account.ec2.security_groups.values();
        let label = |entry: &elbow_emulator::world::ec2::RuleEntry| entry.description.is_some();
        groups.filter(|group| group.ingress.values().any(label)).count()
    })
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_another_process_left_does_not_keep_a_group_for_ever() {
    let mut world: World = world();
    world.land.settings.enable_backend_security_group = false;
    scenarios::ip(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    assert_eq!(labelled(&world), 1);
    drop(controller);
    // The binding went without its rules.
    world.change_all(BINDINGS, |binding| {
        binding["metadata"]["finalizers"] = serde_json::json!([]);
    });
    for binding in world.list(BINDINGS) {
        world.delete(BINDINGS, "demo", binding["metadata"]["name"].as_str().unwrap());
    }
    scenarios::delete(&world);
    world.start().to_rest().await;
    assert_eq!(labelled(&world), 0);
}
