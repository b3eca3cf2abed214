//! The law of rolling updates: we never make the number of healthy targets smaller than it was.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

use super::world::{World, binding, condition, is_ready, pod};
use crate::targets::TargetState;

/// Something that happens in the cluster, in AWS, or to the controller.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The Deployment goes on with its rollout.
    Roll,
    /// The containers of a starting pod become ready.
    Start(usize),
    /// A terminating pod is gone.
    Gone(usize),
    /// AWS checks health: initial becomes healthy, draining goes.
    Check,
    /// Time passes.
    Pass(u64),
    /// The binding's key runs.
    Run,
    /// Another process takes over.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => Just(Happening::Roll),
        3 => (0..8usize).prop_map(Happening::Start),
        2 => (0..8usize).prop_map(Happening::Gone),
        3 => Just(Happening::Check),
        3 => (1..400u64).prop_map(Happening::Pass),
        6 => Just(Happening::Run),
        1 => Just(Happening::Restart),
    ]
}

/// A Deployment of `replicas` pods with gates, maxUnavailable 0 and maxSurge 1.
struct Rollout {
    world: World,
    replicas: usize,
    made: usize,
    old: BTreeSet<String>,
}

impl Rollout {
    fn new(replicas: usize) -> Self {
        let mut rollout = Self {
            world: World::new(binding("ip", json!({}))),
            replicas,
            made: 0,
            old: BTreeSet::new(),
        };
        for _ in 0..replicas {
            let name = rollout.make();
            rollout.old.insert(name.clone());
            rollout.start(&name);
        }
        for _ in 0..3 {
            rollout.happen(Happening::Run);
            rollout.happen(Happening::Check);
            rollout.happen(Happening::Pass(15));
        }
        rollout
    }

    fn make(&mut self) -> String {
        self.made += 1;
        let name = format!("p{:03}", self.made);
        // Addresses come back: a new pod may get that of one that is gone.
        let used: BTreeSet<_> = self.world.pods.values().map(|pod| pod.ip.clone()).collect();
        let ip = (1..250)
            .map(|n| format!("10.0.0.{n}"))
            .find(|ip| !used.contains(ip));
        let mut made = pod(&name, &ip.unwrap(), true);
        made.conditions
            .insert("ContainersReady".to_owned(), condition("False"));
        self.world.add_pod(made);
        name
    }

    fn start(&mut self, name: &str) {
        let pod = self.world.pods.get_mut(name).unwrap();
        pod.conditions
            .insert("ContainersReady".to_owned(), condition("True"));
    }

    fn roll(&mut self) {
        let living = self.world.pods.values().filter(|p| !p.meta.deleting).count();
        let ready = self.world.pods.values().filter(|p| is_ready(p)).count();
        let old = self
            .old
            .iter()
            .find(|name| self.world.pods.get(*name).is_some_and(|p| !p.meta.deleting));
        let Some(old) = old.cloned() else { return };
        if ready > self.replicas {
            self.world.pods.get_mut(&old).unwrap().meta.deleting = true;
        } else if living <= self.replicas {
            self.make();
        }
    }

    fn nth(&self, n: usize, wanted: impl Fn(&crate::view::Pod) -> bool) -> Option<String> {
        let names: Vec<_> = self
            .world
            .pods
            .values()
            .filter(|p| wanted(p))
            .map(|p| p.meta.name.clone())
            .collect();
        (!names.is_empty()).then(|| names[n % names.len()].clone())
    }

    fn check(&mut self) {
        self.world.group.retain(|_, h| !h.state.is_draining());
        for health in self.world.group.values_mut() {
            health.state = TargetState::Healthy;
            health.reason.clear();
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Roll => self.roll(),
            Happening::Start(n) => {
                let waiting = |p: &crate::view::Pod| p.conditions["ContainersReady"].status == "False";
                if let Some(name) = self.nth(n, waiting) {
                    self.start(&name);
                }
            }
            Happening::Gone(n) => {
                // A pod that is gone takes its target with it sooner or later: the kubelet waits until it
                // is out of rotation, as a preStop hook does.
                let group = &self.world.group;
                let out = |p: &crate::view::Pod| {
                    p.meta.deleting
                        && group
                            .get(&(p.ip.clone(), 8080))
                            .is_none_or(|h| h.state.is_draining())
                };
                if let Some(name) = self.nth(n, out) {
                    self.world.pods.remove(&name);
                }
            }
            Happening::Check => self.check(),
            Happening::Pass(seconds) => self.world.pass(seconds),
            Happening::Run => {
                self.world.run();
            }
            Happening::Restart => self.world.restart(),
        }
    }

    /// Lets everything that waits happen, until all pods are new.
    fn finish(&mut self) {
        for n in 0..200 {
            for happening in [
                Happening::Roll,
                Happening::Start(n),
                Happening::Run,
                Happening::Check,
                Happening::Pass(15),
                Happening::Run,
                Happening::Gone(n),
            ] {
                self.happen(happening);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_rolling_update_with_gates_never_lowers_the_number_of_healthy_targets(
        replicas in 1..5usize,
        happenings in proptest::collection::vec(happening(), 1..120),
    ) {
        let mut rollout = Rollout::new(replicas);
        prop_assert_eq!(rollout.world.healthy(), replicas);
        for happening in happenings {
            rollout.happen(happening);
            prop_assert!(rollout.world.healthy() >= replicas, "after {:?}", happening);
        }
        rollout.finish();
        let pods: BTreeSet<_> = rollout.world.pods.values().map(|p| (p.ip.clone(), 8080)).collect();
        let targets: BTreeSet<_> = rollout.world.group.keys().cloned().collect();
        prop_assert_eq!(targets, pods, "at rest the targets are the pods");
        prop_assert!(rollout.old.iter().all(|name| !rollout.world.pods.contains_key(name)));
        rollout.world.take_calls();
        rollout.world.run();
        prop_assert!(rollout.world.calls.is_empty(), "at rest nothing is called");
    }

    #[test]
    fn a_selector_flip_never_lowers_the_number_of_healthy_targets_within_its_bound(
        replicas in 1..5usize,
        happenings in proptest::collection::vec(happening(), 1..40),
    ) {
        let mut rollout = Rollout::new(replicas);
        let green: BTreeSet<String> = (0..replicas).map(|_| rollout.make()).collect();
        rollout.world.selected = Some(green);
        let flipped = rollout.world.now;
        for happening in happenings {
            if matches!(happening, Happening::Roll | Happening::Restart | Happening::Gone(_)) {
                continue;
            }
            rollout.happen(happening);
            let bound = flipped + crate::targets::diff::RETENTION_BOUND;
            if rollout.world.now < bound {
                prop_assert!(rollout.world.healthy() >= replicas, "after {:?}", happening);
            }
        }
    }
}
