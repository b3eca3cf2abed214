//! The watches: list and watch every kind, trim, store, wake keys.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use elbow_core::settings::Settings;
use elbow_crds::ingress_class_params::IngressClassParams;
use elbow_crds::target_group_binding::TargetGroupBinding;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::store::{Change, Name, Store, Trimmed};
use super::wake::{self, Wakes};
use super::{Bare, Stores, trim, trim_ingress, wake_ingress};

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
    /// Settings: the namespace that is watched, the VPC, what makes an Ingress ours.
    pub settings: Arc<Settings>,
    /// `--quic-environment-variable-name`.
    pub quic_variable: String,
}

impl Watches {
    /// Watches everything until dropped. Kinds whose resource does not exist in the cluster are not watched
    /// and count as complete.
    pub async fn run(self, kinds: Kinds) {
        let Self {
            stores,
            settings,
            quic_variable,
            ..
        } = self.clone();
        let s = stores.clone();
        let services = self.watch::<Service, _>(trim::service, |s| &s.services, {
            let (s, settings) = (s.clone(), settings.clone());
            move |c| wake::by_service(&c, &s, &settings.realm.vpc)
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
        let nodes = self.watch_all::<Node, _>(trim::node, |s| &s.nodes, {
            let s = s.clone();
            move |c| wake::by_node(&c, &s)
        });
        let ingresses = self.watch_ingresses(kinds.class_params);
        let gateways = self.watch_gateways(kinds.gateway, &settings.realm.vpc);
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
        let api = match &self.settings.scope.namespace {
            Some(namespace) => Api::<DeserializeGuard<K>>::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        self.follow(api, trim, store, wakes).await;
    }

    /// Watches a kind without namespaces.
    async fn watch_all<K, T>(
        &self,
        trim: impl Fn(K) -> T,
        store: impl Fn(&Stores) -> &Store<T>,
        wakes: impl Fn(Change<T>) -> Wakes,
    ) where
        K: Resource<Scope = k8s_openapi::ClusterResourceScope, DynamicType = ()>
            + Clone
            + DeserializeOwned
            + Debug
            + Send
            + 'static,
        T: Trimmed,
    {
        let api = Api::<DeserializeGuard<K>>::all(self.client.clone());
        self.follow(api, trim, store, wakes).await;
    }

    async fn follow<K, T>(
        &self,
        api: Api<DeserializeGuard<K>>,
        trim: impl Fn(K) -> T,
        store: impl Fn(&Stores) -> &Store<T>,
        wakes: impl Fn(Change<T>) -> Wakes,
    ) where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
        T: Trimmed,
    {
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

    /// Ingresses and what they refer to. Without the resource definition of IngressClassParams there are none.
    async fn watch_ingresses(&self, class_params: bool) {
        let (stores, settings) = (&self.stores, &self.settings);
        let ingresses = self.watch::<Ingress, _>(
            trim_ingress::ingress,
            |s| &s.ingresses,
            |c| wake_ingress::by_ingress(&c, stores, settings),
        );
        let classes = self.watch_all::<IngressClass, _>(
            trim_ingress::ingress_class,
            |s| &s.ingress_classes,
            |c| wake_ingress::by_class(&c, stores, settings),
        );
        let namespaces = self.watch_all::<Namespace, _>(
            trim_ingress::namespace,
            |s| &s.namespaces,
            |c| wake_ingress::by_namespace(&c, stores, settings),
        );
        let params = async {
            if !class_params {
                return stores.class_params.mark_synced();
            }
            self.watch_all::<IngressClassParams, _>(
                trim_ingress::class_params,
                |s| &s.class_params,
                |c| wake_ingress::by_params(&c, stores, settings),
            )
            .await;
        };
        futures::join!(ingresses, classes, namespaces, params);
    }

    async fn watch_gateways(&self, resource: Option<ApiResource>, vpc: &str) {
        let Some(resource) = resource else {
            return self.stores.gateways.mark_synced();
        };
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.settings.scope.namespace {
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
        let events = events.map_ok(|event| {
            map(event, |object| Seen {
                name: address(&object.metadata),
                object: Some(object),
            })
        });
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
    /// `ingressclassparams.elbv2.k8s.aws`.
    pub class_params: bool,
    /// `gateways.gateway.networking.k8s.io`.
    pub gateway: Option<ApiResource>,
}

/// What an event is about.
struct Seen<K> {
    name: Name,
    /// `None`: it does not parse.
    object: Option<K>,
}

fn address(metadata: &ObjectMeta) -> Name {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    (text(&metadata.namespace), text(&metadata.name))
}

fn map<A, B>(event: Event<A>, f: impl FnOnce(A) -> B) -> Event<B> {
    match event {
        Event::Apply(object) => Event::Apply(f(object)),
        Event::InitApply(object) => Event::InitApply(f(object)),
        Event::Delete(object) => Event::Delete(f(object)),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    }
}

/// Opens objects. Those that do not parse keep their names, with a line in the log; they never stop the watch.
fn guarded<K: Resource<DynamicType = ()> + Send + 'static>(
    events: impl futures::Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>> + Send + 'static,
) -> impl futures::Stream<Item = Result<Event<Seen<K>>, watcher::Error>> + Unpin {
    fn open<K: Resource<DynamicType = ()>>(guard: DeserializeGuard<K>) -> Seen<K> {
        let name = address(guard.meta());
        let object = guard.0.inspect_err(|error| {
            tracing::warn!(kind = %K::kind(&()), namespace = %name.0, name = %name.1, error = %error.error, "ignoring an object that does not parse");
        });
        Seen {
            object: object.ok(),
            name,
        }
    }
    events.default_backoff().map_ok(|event| map(event, open)).boxed()
}

/// Follows one kind for ever: every event into the store, every change to the waker. An object that parses no
/// longer stays as it was last seen, until it is deleted: a half-finished edit takes nothing away.
async fn follow<K, T: Trimmed>(
    mut events: impl futures::Stream<Item = Result<Event<Seen<K>>, watcher::Error>> + Unpin,
    trim: impl Fn(K) -> T,
    stores: Arc<Stores>,
    store: impl Fn(&Stores) -> &Store<T>,
    wakes: impl Fn(Change<T>) -> Wakes,
    waker: Waker,
) {
    let (mut list, mut unread) = (Vec::new(), BTreeSet::new());
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(Event::Init) => {
                list.clear();
                unread.clear();
                continue;
            }
            Ok(Event::InitApply(seen)) => {
                match seen.object {
                    Some(object) => list.push(trim(object)),
                    None => drop(unread.insert(seen.name)),
                }
                continue;
            }
            Ok(Event::InitDone) => {
                let (list, unread) = (std::mem::take(&mut list), std::mem::take(&mut unread));
                store(&stores).replace_but(list, &unread)
            }
            Ok(Event::Apply(seen)) => {
                let object = seen.object.map(&trim);
                let change = object.and_then(|object| store(&stores).apply(object));
                change.into_iter().collect()
            }
            Ok(Event::Delete(seen)) => store(&stores).delete(&seen.name).into_iter().collect(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;

    /// A Service, or one whose ports are not a list.
    fn service(name: &str, parses: bool) -> DeserializeGuard<Service> {
        let ports = if parses {
            serde_json::json!([])
        } else {
            serde_json::json!("none")
        };
        serde_json::from_value(serde_json::json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": "demo", "name": name},
            "spec": {"ports": ports},
        }))
        .unwrap()
    }

    /// The Services that are stored after some events, and the keys these woke.
    async fn stored(events: Vec<Event<DeserializeGuard<Service>>>) -> (Vec<String>, usize) {
        let stores = Arc::new(Stores::default());
        let woken = Arc::new(Mutex::new(0));
        let waker: Waker = {
            let woken = woken.clone();
            Arc::new(move |wakes| *woken.lock().unwrap() += wakes.len())
        };
        let wakes = {
            let stores = stores.clone();
            move |change| wake::by_service(&change, &stores, "vpc-1")
        };
        let events = guarded(futures::stream::iter(events.into_iter().map(Ok)));
        follow(
            events,
            trim::service,
            stores.clone(),
            |s| &s.services,
            wakes,
            waker,
        )
        .await;
        let names = stores.services.all();
        let names = names.iter().map(|service| service.meta.name.clone()).collect();
        let woken = *woken.lock().unwrap();
        (names, woken)
    }

    fn list(objects: Vec<DeserializeGuard<Service>>) -> Vec<Event<DeserializeGuard<Service>>> {
        let objects = objects.into_iter().map(Event::InitApply);
        [Event::Init]
            .into_iter()
            .chain(objects)
            .chain([Event::InitDone])
            .collect()
    }

    #[tokio::test]
    async fn an_object_that_parses_no_longer_is_not_deleted_by_a_new_list() {
        let mut events = list(vec![service("a", true), service("b", true)]);
        let (_, before) = stored(events.clone()).await;
        events.push(Event::Apply(service("a", false)));
        events.extend(list(vec![service("a", false), service("b", true)]));
        assert_eq!(
            stored(events).await,
            (vec!["a".to_owned(), "b".to_owned()], before)
        );
    }

    #[tokio::test]
    async fn an_object_that_does_not_parse_can_be_deleted() {
        let mut events = list(vec![service("a", true)]);
        events.push(Event::Delete(service("a", false)));
        assert_eq!(stored(events).await.0, Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_object_that_never_parsed_is_not_there() {
        let (names, woken) = stored(list(vec![service("a", false)])).await;
        assert_eq!((names, woken), (Vec::new(), 0));
    }
}
