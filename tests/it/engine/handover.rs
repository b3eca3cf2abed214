//! `elbow handover`: after an edit the rules get upstream's numbers back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use elbow::aws::LeaseGuard;
use elbow::cluster::snapshot;
use elbow::engine::Engine;
use elbow::handover::{page, plans, refuse_beside_a_leader, write};
use serde_json::json;

use super::ingress::{backend, class, ingress};
use super::objects::world;
use super::plan::command;
use super::scenarios;
use super::world::World;

/// An engine as the command has it; the leader has gone.
async fn engine(world: &World) -> Engine {
    let client = world.land.cluster.client(&world.land.fuse);
    let engine = command(world, &client, LeaseGuard::always()).await;
    let unread = snapshot::fill(&client, &engine.stores, None, "").await.unwrap();
    assert_eq!(unread, []);
    engine
}

/// The numbers of the rules of each listener, by its port.
fn numbers(world: &World) -> Vec<(u16, Vec<u32>)> {
    world.land.emulator.with_world(|account, _| {
        let mut found: Vec<_> = account
            .elb
            .listeners
            .values()
            .map(|listener| {
                let mut numbers: Vec<u32> = listener.rules.values().map(|rule| rule.priority).collect();
                numbers.sort_unstable();
                (listener.port, numbers)
            })
            .collect();
        found.sort();
        found
    })
}

#[tokio::test(start_paused = true)]
async fn an_edited_group_is_handed_over_with_one_call_per_listener_and_tags() {
    let world = world();
    class(&world);
    for name in ["web", "api", "new"] {
        backend(&world, name);
    }
    let annotations = [
        ("target-type", "ip"),
        ("group.name", "shop"),
        ("listen-ports", r#"[{"HTTP": 80}, {"HTTP": 8080}]"#),
    ];
    let paths = [("/", "web"), ("/api", "api")];
    world.apply(&ingress("shop", &annotations, &paths));
    let mut controller = world.start();
    controller.to_rest().await;
    assert!(
        plans(&engine(&world).await).await.unwrap().is_empty(),
        "written densely"
    );
    let inserted = [("/", "web"), ("/api", "api"), ("/api/inserted", "new")];
    world.apply(&ingress("shop", &annotations, &inserted));
    controller.to_rest().await;
    controller.assert_content("edited");
    let spread = numbers(&world);
    assert!(
        spread.len() == 2 && spread.iter().all(|(_, numbers)| numbers.as_slice() != [1, 2, 3]),
        "{spread:?}"
    );
    controller.engine.leading.store(false, Ordering::Release);
    drop(controller);

    let (handing, mark) = (engine(&world).await, world.mark());
    let todo = plans(&handing).await.unwrap();
    let text = page(&todo);
    assert!(text.starts_with("stack/ingress:shop\n"), "{text}");
    assert_eq!(text.matches("numbered like upstream").count(), 2, "{text}");
    assert!(
        world.since(mark).writes().is_empty(),
        "it says first what it does"
    );
    write(&handing, &todo).await.unwrap();
    let seen = world.since(mark);
    let writes = seen.writes();
    println!("handover of two listeners with three rules each: {writes:?}");
    assert_eq!(writes["SetRulePriorities"], 2);
    assert_eq!(
        writes.keys().copied().collect::<Vec<_>>(),
        ["AddTags", "SetRulePriorities"]
    );
    assert!(seen.kubernetes.is_empty(), "{seen:#?}");
    assert_eq!(numbers(&world), [(80, vec![1, 2, 3]), (8080, vec![1, 2, 3])]);

    let (again, mark) = (engine(&world).await, world.mark());
    let todo = plans(&again).await.unwrap();
    assert!(page(&todo).starts_with("no changes: "), "{}", page(&todo));
    write(&again, &todo).await.unwrap();
    assert!(world.since(mark).writes().is_empty());

    let mut controller = world.start();
    let resumed = controller.to_rest().await;
    assert!(resumed.writes().is_empty(), "{:#?}", resumed.writes());
}

/// Upstream's controller knows nothing of the second load balancer.
#[tokio::test(start_paused = true)]
async fn a_replacement_under_way_is_told() {
    let world = world();
    scenarios::shop(&world, &[("target-type", "ip")]);
    let mut controller = world.start();
    controller.to_rest().await;
    scenarios::shop(&world, &[("target-type", "ip"), ("scheme", "internet-facing")]);
    controller.run_for(Duration::from_mins(1)).await;
    controller.engine.leading.store(false, Ordering::Release);
    drop(controller);
    let handing = engine(&world).await;
    let todo = plans(&handing).await.unwrap();
    assert!(page(&todo).contains("stand side by side"), "{}", page(&todo));
    let told = write(&handing, &todo).await.unwrap_err().to_string();
    assert!(told.contains("not everything is handed over"), "{told}");
}

async fn refuse(client: &kube::Client, now: jiff::Timestamp) -> anyhow::Result<()> {
    refuse_beside_a_leader(client, "kube-system", "leader", now).await
}

#[tokio::test(start_paused = true)]
async fn while_a_controller_holds_the_lease_the_command_refuses() {
    let world = world();
    let lease = |holder: &str, renewed: jiff::Timestamp| {
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": "kube-system", "name": "leader"},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15,
                     "renewTime": format!("{renewed:.6}")},
        })
    };
    let client = world.land.cluster.client(&world.land.fuse);
    let now = world.land.clock.now();
    assert!(refuse(&client, now).await.is_ok());
    world.apply(&lease("somebody_1", now));
    let refused = refuse(&client, now).await;
    let sentence = refused.unwrap_err().to_string();
    assert!(
        sentence.starts_with("somebody_1 holds the lease kube-system/leader: stop that controller first"),
        "{sentence}"
    );
    world.apply(&lease("", now));
    assert!(refuse(&client, now).await.is_ok());
    world.apply(&lease("somebody_1", now - jiff::SignedDuration::from_secs(60)));
    assert!(refuse(&client, now).await.is_ok());
}
