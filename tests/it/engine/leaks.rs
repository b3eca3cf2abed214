//! What is kept for a key ends with its object.

use super::objects::world;
use super::scenarios;
use super::world::World;

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
