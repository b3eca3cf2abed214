//! The watches: list and watch every kind, trim, store, wake keys.

use std::fmt::Debug;
use std::sync::Arc;

use elbow_crds::target_group_binding::TargetGroupBinding;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::store::{Change, Name, Store, Trimmed};
use super::wake::{self, Wakes};
use super::{Bare, Stores, trim};

/// Receives the keys a change wakes.
pub type Waker = Arc<dyn Fn(Wakes) + Send + Sync>;

/// What the watches need to know.
#[derive(Clone)]
pub struct Watches {
    /// Connection to the API server.
    pub client: Client,
    /// Where objects go.
    pub stores: Arc<Stores>,
    /// Where keys go.
    pub waker: Waker,
    /// `--watch-namespace`.
    pub namespace: Option<String>,
    /// The VPC whose backend group is kept.
    pub vpc: String,
    /// `--quic-environment-variable-name`.
    pub quic_variable: String,
}

impl Watches {
    /// Watches everything until dropped. Kinds whose resource does not exist in the cluster are not watched
    /// and count as complete.
    pub async fn run(self, kinds: Kinds) {
        let Self {
            stores,
            waker,
            vpc,
            quic_variable,
            ..
        } = self.clone();
        let s = stores.clone();
        let services = self.watch::<Service, _>(trim::service, |s| &s.services, {
            let (s, vpc) = (s.clone(), vpc.clone());
            move |c| wake::by_service(&c, &s, &vpc)
        });
        let slices = self.watch::<EndpointSlice, _>(trim::endpoint_slice, |s| &s.slices, {
            let s = s.clone();
            move |c| wake::by_slice(&c, &s)
        });
        let pods = self.watch::<Pod, _>(move |pod| trim::pod(pod, &quic_variable), |s| &s.pods, {
            let s = s.clone();
            move |c| wake::by_pod(&c, &s)
        });
        let bindings =
            self.watch::<TargetGroupBinding, _>(trim::binding, |s| &s.bindings, |c| wake::by_binding(&c));
        let nodes = follow(
            guarded(watcher::<DeserializeGuard<Node>>(
                Api::all(self.client.clone()),
                watcher::Config::default(),
            )),
            trim::node,
            stores.clone(),
            |s| &s.nodes,
            {
                let s = s.clone();
                move |c| wake::by_node(&c, &s)
            },
            waker.clone(),
        );
        let ingresses = self.watch_ingresses(&vpc);
        let gateways = self.watch_gateways(kinds.gateway, &vpc);
        futures::join!(services, slices, pods, bindings, nodes, ingresses, gateways);
    }

    async fn watch<K, T>(
        &self,
        trim: impl Fn(K) -> T,
        store: impl Fn(&Stores) -> &Store<T>,
        wakes: impl Fn(Change<T>) -> Wakes,
    ) where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
        T: Trimmed,
    {
        let api = match &self.namespace {
            Some(namespace) => Api::<DeserializeGuard<K>>::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let events = guarded(watcher(api, watcher::Config::default()));
        follow(
            events,
            trim,
            self.stores.clone(),
            store,
            wakes,
            self.waker.clone(),
        )
        .await;
    }

    async fn watch_ingresses(&self, vpc: &str) {
        let api: Api<PartialObjectMeta<Ingress>> = match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        let events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        self.follow_bare(events, |s| &s.ingresses, vpc).await;
    }

    async fn watch_gateways(&self, resource: Option<ApiResource>, vpc: &str) {
        let Some(resource) = resource else {
            return self.stores.gateways.mark_synced();
        };
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        self.follow_bare(events, |s| &s.gateways, vpc).await;
    }

    async fn follow_bare<K: Send + 'static>(
        &self,
        events: impl futures::Stream<Item = Result<Event<PartialObjectMeta<K>>, watcher::Error>> + Unpin,
        store: impl Fn(&Stores) -> &Store<Bare>,
        vpc: &str,
    ) {
        let bare = |object: PartialObjectMeta<K>| {
            let mut meta = trim::meta(object.metadata);
            meta.annotations.clear();
            meta.resource_version.clear();
            Bare(meta)
        };
        follow(
            events,
            bare,
            self.stores.clone(),
            store,
            |c| wake::by_bare(&c, vpc),
            self.waker.clone(),
        )
        .await;
    }
}

/// Optional kinds that the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// `gateways.gateway.networking.k8s.io`.
    pub gateway: Option<ApiResource>,
}

/// Drops objects that do not parse, with a line in the log; they never stop the watch.
fn guarded<K: Resource<DynamicType = ()> + Send + 'static>(
    events: impl futures::Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>> + Send + 'static,
) -> impl futures::Stream<Item = Result<Event<K>, watcher::Error>> + Unpin {
    fn open<K: Resource<DynamicType = ()>>(guard: DeserializeGuard<K>) -> Option<K> {
        let (namespace, name) = (guard.namespace().unwrap_or_default(), guard.name_any());
        match guard.0 {
            Ok(object) => Some(object),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %namespace, %name, error = %error.error, "ignoring an object that does not parse");
                None
            }
        }
    }
    events
        .default_backoff()
        .try_filter_map(|event| async move {
            Ok(match event {
                Event::Apply(guard) => open(guard).map(Event::Apply),
                Event::InitApply(guard) => open(guard).map(Event::InitApply),
                Event::Delete(guard) => open(guard).map(Event::Delete),
                Event::Init => Some(Event::Init),
                Event::InitDone => Some(Event::InitDone),
            })
        })
        .boxed()
}

/// Follows one kind for ever: every event into the store, every change to the waker.
async fn follow<K, T: Trimmed>(
    mut events: impl futures::Stream<Item = Result<Event<K>, watcher::Error>> + Unpin,
    trim: impl Fn(K) -> T,
    stores: Arc<Stores>,
    store: impl Fn(&Stores) -> &Store<T>,
    wakes: impl Fn(Change<T>) -> Wakes,
    waker: Waker,
) {
    let mut list = Vec::new();
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(Event::Init) => {
                list.clear();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                list.push(trim(object));
                continue;
            }
            Ok(Event::InitDone) => store(&stores).replace(std::mem::take(&mut list)),
            Ok(Event::Apply(object)) => store(&stores).apply(trim(object)).into_iter().collect(),
            Ok(Event::Delete(object)) => {
                let name: Name = trim(object).name();
                store(&stores).delete(&name).into_iter().collect()
            }
            Err(error) => {
                tracing::warn!(%error, "a watch failed; it is started again");
                continue;
            }
        };
        let woken: Wakes = changes.into_iter().flat_map(&wakes).collect();
        store(&stores).mark_synced();
        if !woken.is_empty() {
            waker(woken);
        }
    }
}
