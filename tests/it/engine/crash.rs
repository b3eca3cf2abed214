//! Crash safety, in process: a controller is ended at every write to AWS or Kubernetes, before it is carried
//! out and after, without an answer. A new one runs to rest. Account and cluster are then what they are
//! without the crash: nothing orphaned, nothing doubled.

use serde_json::Value;

use super::canonical;
use super::objects::world;
use super::scenarios::{self, Scenario};
use super::world::Frozen;
use crate::support::fuse::Side;

/// A world in which the scenario is about to happen.
async fn prepared(scenario: &Scenario) -> Frozen {
    let world = world();
    (scenario.before)(&world);
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content(scenario.name);
    drop(controller);
    (scenario.act)(&world);
    world.freeze()
}

/// What the scenario ends in without a crash, and the writes on the way.
async fn undisturbed(frozen: &Frozen, what: &str) -> (Vec<Value>, Vec<String>) {
    let world = frozen.thaw();
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content(what);
    (canonical::state(&world), world.land.fuse.writes())
}

/// Ends the controller at write number `at`, runs a new one to rest. `None`: that write was never reached.
async fn crashed(frozen: &Frozen, at: usize, side: Side, what: &str) -> Option<Vec<Value>> {
    let world = frozen.thaw();
    world.land.fuse.set(Some((at, side)));
    let mut controller = world.start();
    let survived = tokio::select! {
        biased;
        () = world.land.fuse.blown() => false,
        _ = controller.to_rest() => true,
    };
    drop(controller);
    if survived {
        return None;
    }
    world.land.fuse.set(None);
    let mut controller = world.start();
    controller.to_rest().await;
    controller.assert_content(what);
    Some(canonical::state(&world))
}

/// Ends a controller at every write of a scenario.
async fn crash_everywhere(name: &str) {
    let frozen = prepared(&scenarios::named(name)).await;
    let (expected, writes) = undisturbed(&frozen, name).await;
    let mut points = 0;
    for (index, write) in writes.iter().enumerate() {
        for side in [Side::Before, Side::After] {
            let at = index + 1;
            let what = format!("{name}: {side:?} write {at} ({write})");
            if let Some(state) = crashed(&frozen, at, side, &what).await {
                points += 1;
                canonical::assert_same(&state, &expected, &what);
            }
        }
    }
    println!("{name}: {} writes, {points} crash points", writes.len());
    assert!(!writes.is_empty(), "{name}: nothing is written");
    assert_eq!(
        points,
        2 * writes.len(),
        "{name}: before and after each of {writes:#?}"
    );
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $test() {
                crash_everywhere($name).await;
            }
        )*

        #[test]
        fn every_scenario_has_its_crash_test() {
            let tested = [$($name),*];
            let all = scenarios::ALL.iter().map(|scenario| scenario.name);
            let missing: Vec<&str> = all.filter(|name| !tested.contains(name)).collect();
            assert_eq!(missing, [""; 0]);
        }
    };
}

scenarios! {
    creating_the_example_of_instance_mode_survives_a_crash_at_any_write: "create instance-cluster.yaml",
    editing_the_example_of_instance_mode_survives_a_crash_at_any_write: "edit instance-cluster.yaml",
    deleting_the_example_of_instance_mode_survives_a_crash_at_any_write: "delete instance-cluster.yaml",
    creating_the_example_of_policy_local_survives_a_crash_at_any_write: "create instance-local.yaml",
    editing_the_example_of_policy_local_survives_a_crash_at_any_write: "edit instance-local.yaml",
    deleting_the_example_of_policy_local_survives_a_crash_at_any_write: "delete instance-local.yaml",
    creating_the_example_of_ip_mode_survives_a_crash_at_any_write: "create ip.yaml",
    editing_the_example_of_ip_mode_survives_a_crash_at_any_write: "edit ip.yaml",
    deleting_the_example_of_ip_mode_survives_a_crash_at_any_write: "delete ip.yaml",
    creating_the_example_with_tcp_and_udp_survives_a_crash_at_any_write: "create tcp-udp.yaml",
    editing_the_example_with_tcp_and_udp_survives_a_crash_at_any_write: "edit tcp-udp.yaml",
    deleting_the_example_with_tcp_and_udp_survives_a_crash_at_any_write: "delete tcp-udp.yaml",
    a_create_with_tls_survives_a_crash_at_any_write: "create with TLS, attributes and tags",
    an_edit_of_ports_survives_a_crash_at_any_write: "edit ports, health check, tags and source ranges",
    a_change_of_target_type_survives_a_crash_at_any_write: "edit from IP to instance mode",
    a_change_of_scheme_survives_a_crash_at_any_write: "change the scheme of a Service",
    a_change_of_scheme_of_an_ingress_survives_a_crash_at_any_write: "change the scheme of an Ingress",
    a_change_of_target_type_of_an_ingress_survives_a_crash_at_any_write: "edit an Ingress from instance to IP mode",
    an_edit_of_tls_survives_a_crash_at_any_write: "edit TLS off and attributes",
    a_change_of_security_groups_survives_a_crash_at_any_write: "edit from a managed to a given security group",
    a_delete_with_tls_survives_a_crash_at_any_write: "delete with TLS",
    giving_up_ownership_survives_a_crash_at_any_write: "give up ownership",
    creating_an_ingress_survives_a_crash_at_any_write: "create ingress-ip.yaml",
    editing_an_ingress_survives_a_crash_at_any_write: "edit ingress-ip.yaml",
    deleting_an_ingress_survives_a_crash_at_any_write: "delete ingress-ip.yaml",
    creating_a_group_survives_a_crash_at_any_write: "create ingress-group.yaml",
    editing_a_group_survives_a_crash_at_any_write: "edit ingress-group.yaml",
    leaving_a_group_survives_a_crash_at_any_write: "leave ingress-group.yaml",
    deleting_a_group_survives_a_crash_at_any_write: "delete ingress-group.yaml",
}
