//! What outlives a controller: account, cluster and time; and the watches through which one sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use elbow::assemble::{self, Parts};
use elbow::aws::{Aws, AwsConfig, LeaseGuard};
use elbow::clock::Clock;
use elbow::cluster::wake::Wakes;
use elbow::cluster::{Store, Stores, Trimmed, trim, trim_ingress, wake, wake_ingress};
use elbow::config::Process;
use elbow::engine::Engine;
use elbow::work;
use elbow_core::settings::Settings;
use elbow_emulator::world::ScriptedHealth;
use elbow_emulator::{Call, CallFilter, Emulator, Options, Seed};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::driver::Controller;
use crate::support::cluster::Cluster;
use crate::support::fuse::Fuse;
use crate::support::land::{BINDINGS, Land, SERVICES};
use crate::support::{VPC, connector, quick_config};

pub const NODES: &str = "/api/v1/nodes";
pub const PODS: &str = "/api/v1/pods";
pub const CONFIG_MAPS: &str = "/api/v1/configmaps";
pub const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";
pub const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";
pub const CLASSES: &str = "/apis/networking.k8s.io/v1/ingressclasses";
pub const EVENTS: &str = "/apis/events.k8s.io/v1/events";
/// How long a change takes to arrive through the watch; changes within it arrive together.
pub const WATCH_DELAY: Duration = Duration::from_millis(20);

/// What outlives a controller: account, cluster and time. Clones share it.
#[derive(Clone, Debug)]
pub struct World {
    pub land: Land,
    changed: watch::Sender<u64>,
}

/// A world at a moment, from which others go on, each for itself.
#[derive(Debug)]
pub struct Frozen {
    account: elbow_emulator::World,
    cluster: Cluster,
    settings: Settings,
    at: Timestamp,
}

impl Frozen {
    /// A world that goes on from there; its logs are empty.
    pub fn thaw(&self) -> World {
        let world = World::at(self.at, Seed::parse("test.yaml", "").unwrap());
        world
            .land
            .emulator
            .with_world(|account, _| account.clone_from(&self.account));
        World {
            land: Land {
                cluster: self.cluster.copy(),
                settings: self.settings.clone(),
                ..world.land
            },
            changed: world.changed,
        }
    }
}

impl World {
    /// The account of a seed whose targets are all healthy, and an empty cluster.
    pub fn new(seed: &str) -> Self {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let world = Self::at(start, Seed::parse("test.yaml", seed).unwrap());
        world.land.emulator.script_health(healthy());
        // Rules on a group that is not ours are only revoked if it is tagged for the cluster.
        world.land.emulator.with_world(|world, _| {
            for group in world.ec2.security_groups.values_mut() {
                let tag = "kubernetes.io/cluster/c1".to_owned();
                group.tags.insert(tag, "owned".to_owned());
            }
        });
        world
    }

    fn at(start: Timestamp, seed: Seed) -> Self {
        Self::with(start, seed, Options::default())
    }

    /// The same with other options of the emulator.
    pub fn with(start: Timestamp, seed: Seed, options: Options) -> Self {
        let options = Options {
            start: Some(start),
            ..options
        };
        let mut settings = Settings::new("c1", "us-west-2", VPC);
        // Verification is spread over the period: one that ends after the test keeps reads countable.
        settings.sync_period = Duration::from_hours(100_000);
        let land = Land {
            emulator: Emulator::new(seed, options),
            cluster: Cluster::default(),
            fuse: Fuse::default(),
            clock: Clock::starting_at(start),
            settings,
            backend_group: String::new(),
        };
        Self {
            land,
            changed: watch::Sender::new(0),
        }
    }

    /// The world as it is now.
    pub fn freeze(&self) -> Frozen {
        Frozen {
            account: self.land.emulator.with_world(|account, _| account.clone()),
            cluster: self.land.cluster.copy(),
            settings: self.land.settings.clone(),
            at: self.land.clock.now(),
        }
    }

    /// As a user with `kubectl apply`.
    pub fn apply(&self, manifest: &Value) {
        self.land.cluster.apply(manifest);
        self.notify();
    }

    /// As a user with `kubectl delete`.
    pub fn delete(&self, collection: &str, namespace: &str, name: &str) {
        self.land.cluster.delete(collection, namespace, name);
        self.notify();
    }

    /// As another controller.
    pub fn change_all(&self, collection: &str, change: impl Fn(&mut Value)) {
        self.land.cluster.change_all(collection, change);
        self.notify();
    }

    /// An object; `Null` if there is none.
    pub fn get(&self, collection: &str, name: &str) -> Value {
        let objects: Vec<Value> = self.land.cluster.list(collection);
        let found = objects
            .into_iter()
            .find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_default()
    }

    /// All objects of a collection.
    pub fn list(&self, collection: &str) -> Vec<Value> {
        self.land.cluster.list(collection)
    }

    /// The reasons and notes of the events on an object, oldest first.
    pub fn events_of(&self, name: &str) -> Vec<(String, String)> {
        let mut events = self.list(EVENTS);
        events.retain(|event| event["regarding"]["name"] == name);
        events.sort_by_key(|event| {
            event["metadata"]["resourceVersion"]
                .as_str()
                .map(str::len)
                .map(|l| (l, event["metadata"]["resourceVersion"].to_string()))
        });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .map(|event| (text(&event["reason"]), text(&event["note"])))
            .collect()
    }

    /// Where the logs of calls and writes stand.
    pub fn mark(&self) -> Mark {
        Mark {
            call: self.land.emulator.last_call(),
            write: self.land.fuse.writes().len(),
        }
    }

    /// What happened since.
    pub fn since(&self, mark: Mark) -> Seen {
        let filter = CallFilter {
            since: mark.call,
            ..CallFilter::default()
        };
        let writes = self.land.fuse.writes().split_off(mark.write);
        Seen {
            calls: self.land.emulator.calls(&filter),
            kubernetes: writes.into_iter().filter(|write| write.contains(' ')).collect(),
        }
    }

    /// A client of the cluster that the watches hear.
    fn kube(&self) -> kube::Client {
        let (inner, changed) = (self.land.cluster.client(&self.land.fuse), self.changed.clone());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (inner, changed) = (inner.clone(), changed.clone());
            async move {
                let write = request.method() != http::Method::GET;
                let answer = inner.send(request).await;
                if write {
                    changed.send_modify(|count| *count += 1);
                }
                answer
            }
        });
        kube::Client::new(service, "default")
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// A controller that has just become the leader.
    pub fn start(&self) -> Controller {
        self.start_with(quick_config(), true)
    }

    /// The same with other settings of AWS; its records count or not.
    pub fn start_with(&self, config: AwsConfig, trusted: bool) -> Controller {
        let http = connector::fused(&self.land.emulator, &self.land.fuse);
        let aws = Aws::with_http_client(config, http);
        let parts = Parts {
            client: self.kube(),
            lease: LeaseGuard::always(),
            namespace: "kube-system".to_owned(),
            process: Process::one_shot(),
        };
        let engine = assemble::with(self.land.settings.clone(), aws, self.land.clock, parts);
        engine.records.set_trusted(trusted);
        let engine = Arc::new(engine);
        let mut seen = Versions::new();
        self.look(&engine.stores, &mut seen);
        engine.stores.mark_synced();
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().watch(engine.clone(), seen));
        let working = work::work(engine.clone(), 3, 3);
        tasks.spawn(async move {
            let error = working.await;
            panic!("the engine ended: {error}");
        });
        Controller {
            engine,
            world: self.clone(),
            tasks,
        }
    }

    async fn watch(self, engine: Arc<Engine>, mut seen: Versions) {
        let mut changed = self.changed.subscribe();
        loop {
            sleep(WATCH_DELAY).await;
            let wakes = self.look(&engine.stores, &mut seen);
            engine.wake_many(wakes);
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Brings the stores up to date; the keys this wakes.
    fn look(&self, s: &Stores, seen: &mut Versions) -> Wakes {
        let mut wakes = Wakes::new();
        self.follow(SERVICES, seen, trim::service, &s.services, |c| {
            wakes.extend(wake::by_service(&c, s, VPC));
        });
        self.follow(SLICES, seen, trim::endpoint_slice, &s.slices, |c| {
            wakes.extend(wake::by_slice(&c, s));
        });
        self.follow(
            PODS,
            seen,
            |pod| trim::pod(pod, ""),
            &s.pods,
            |c| wakes.extend(wake::by_pod(&c, s)),
        );
        self.follow(NODES, seen, trim::node, &s.nodes, |c| {
            wakes.extend(wake::by_node(&c, s));
        });
        let settings = &self.land.settings;
        self.follow(
            CLASSES,
            seen,
            trim_ingress::ingress_class,
            &s.ingress_classes,
            |c| wakes.extend(wake_ingress::by_class(&c, s, settings)),
        );
        self.follow(INGRESSES, seen, trim_ingress::ingress, &s.ingresses, |c| {
            wakes.extend(wake_ingress::by_ingress(&c, s, settings));
        });
        self.follow(BINDINGS, seen, trim::binding, &s.bindings, |c| {
            wakes.extend(wake::by_binding(&c));
        });
        wakes
    }

    fn follow<K: DeserializeOwned, T: Trimmed>(
        &self,
        collection: &'static str,
        seen: &mut Versions,
        trim: impl Fn(K) -> T,
        store: &Store<T>,
        mut changed: impl FnMut(elbow::cluster::Change<T>),
    ) {
        let seen = seen.entry(collection).or_default();
        let (mut fresh, mut arrived) = (BTreeMap::new(), Vec::new());
        self.land.cluster.visit(collection, |object| {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            let (name, version) = ((text("namespace"), text("name")), text("resourceVersion"));
            if seen.get(&name) != Some(&version) {
                arrived.push(trim(K::deserialize(object).unwrap()));
            }
            fresh.insert(name, version);
        });
        for change in arrived.into_iter().filter_map(|object| store.apply(object)) {
            changed(change);
        }
        for name in seen.keys().filter(|name| !fresh.contains_key(*name)) {
            if let Some(change) = store.delete(name) {
                changed(change);
            }
        }
        *seen = fresh;
    }
}

/// Resource versions by collection and name.
type Versions = BTreeMap<&'static str, BTreeMap<(String, String), String>>;

/// A position in the logs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    call: u64,
    pub write: usize,
}

/// What a controller did.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Calls to AWS.
    pub calls: Vec<Call>,
    /// Writes to Kubernetes.
    pub kubernetes: Vec<String>,
}

impl Seen {
    /// Writes to AWS that were carried out, by operation.
    pub fn writes(&self) -> BTreeMap<&str, usize> {
        count(self.calls.iter().filter(|call| call.mutation && call.committed))
    }

    /// Writes to AWS that were refused or cut, by operation.
    pub fn refused(&self) -> BTreeMap<&str, usize> {
        count(self.calls.iter().filter(|call| call.mutation && !call.committed))
    }

    /// Reads from AWS, by operation.
    pub fn reads(&self) -> BTreeMap<&str, usize> {
        count(self.calls.iter().filter(|call| !call.mutation))
    }
}

fn count<'a>(calls: impl Iterator<Item = &'a Call>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.as_str()).or_default() += 1;
    }
    counts
}

fn healthy() -> ScriptedHealth {
    ScriptedHealth {
        target_group: "*".to_owned(),
        target: "*".to_owned(),
        port: None,
        state: "healthy".to_owned(),
        reason: None,
    }
}
