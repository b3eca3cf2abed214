//! What is waited for is told once.

use std::time::Duration;

use elbow_emulator::{Fault, FaultRule};

use super::objects::world;
use super::scenarios;

#[tokio::test(start_paused = true)]
async fn a_wait_is_told_on_entry_and_not_on_every_look() {
    let world = world();
    scenarios::nothing(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    let id = world.land.emulator.add_fault(FaultRule::every(
        "CreateTargetGroup",
        Fault::Throttle { code: None },
    ));
    scenarios::ip(&world);
    let seen = controller.run_for(Duration::from_mins(5)).await;
    assert!(
        seen.refused()["CreateTargetGroup"] > 5,
        "looked at again and again"
    );
    let told: Vec<_> = world
        .events_of("web")
        .into_iter()
        .filter(|(reason, _)| reason == "Waiting")
        .collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].1.starts_with("Waiting for AWS to carry it out"),
        "{told:#?}"
    );
    world.land.emulator.remove_fault(id);
    controller.to_rest().await;
    controller.assert_content("carried out");
}
