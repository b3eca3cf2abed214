//! A panic inside a run ends neither the worker nor the key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use elbow::assemble::{self, Parts};
use elbow::aws::{Aws, LeaseGuard};
use elbow::cluster::snapshot;
use elbow::config::Process;
use elbow::engine::Engine;
use elbow::work;
use elbow_core::key::{Key, StackKey};
use tokio::time::{Instant, sleep};

use super::objects::world;
use super::scenarios;
use super::world::World;
use crate::support::land::SERVICES;
use crate::support::{connector, quick_config};

/// The cluster, whose first patches of Services end in a panic.
fn treacherous(world: &World, panics: &Arc<AtomicU32>) -> kube::Client {
    let (inner, panics) = (world.land.cluster.client(&world.land.fuse), panics.clone());
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let (inner, panics) = (inner.clone(), panics.clone());
        async move {
            if request.method() == http::Method::PATCH && request.uri().path().contains("/services/") {
                let left =
                    panics.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
                assert!(left.is_err(), "a bug met by the run");
            }
            inner.send(request).await
        }
    });
    kube::Client::new(service, "default")
}

async fn engine(world: &World, kube: kube::Client) -> Arc<Engine> {
    let aws = Aws::with_http_client(
        quick_config(),
        connector::fused(&world.land.emulator, &world.land.fuse),
    );
    let parts = Parts {
        client: kube,
        lease: LeaseGuard::always(),
        namespace: "kube-system".to_owned(),
        process: Process::one_shot(),
    };
    let engine = assemble::with(world.land.settings.clone(), aws, world.land.clock, parts);
    let client = world.land.cluster.client(&world.land.fuse);
    let unread = snapshot::fill(&client, &engine.stores, None, "").await.unwrap();
    assert_eq!(unread, []);
    Arc::new(engine)
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_is_told_and_tried_again_with_back_off() {
    let world = world();
    scenarios::cluster(&world);
    let panics = Arc::new(AtomicU32::new(4));
    let engine = engine(&world, treacherous(&world, &panics)).await;
    let began = Instant::now();
    let working = tokio::spawn(work::work(engine.clone(), 1, 1));
    let key = Key::Stack(StackKey::service("demo", "web"));
    let mut told = String::new();
    while world.get(SERVICES, "web")["metadata"]["finalizers"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        assert!(
            began.elapsed() < Duration::from_mins(1),
            "the key never came back"
        );
        assert!(!working.is_finished(), "the workers ended");
        if let Some(run) = engine.last.lock().unwrap().get(&key)
            && let Some(problem) = run.problems.first()
        {
            assert!(run.retry);
            told.clone_from(problem);
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert!(
        told.starts_with("Service demo/web: the controller failed (a bug met by the run)"),
        "{told}"
    );
    assert_eq!(panics.load(Ordering::Acquire), 0);
    // 250 ms, 500 ms, 1 s and 2 s.
    assert!(began.elapsed() >= Duration::from_millis(3750));
    working.abort();
}
