//! The watches: list and watch every kind, trim, store, wake keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_core::settings::Settings;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};

use super::kinds::{Kind, Kinds, Reader, Typed, read_all};
use super::store::{Change, Name, Store, Trimmed};
use super::wake::{self, Wakes};
use super::{Bare, Stores};

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
    pub async fn run(self, optional: Kinds) {
        if let Err(error) = read_all(&self, &optional).await {
            tracing::error!(%error, "a watch ended");
        }
    }

    async fn follow<K, T: Trimmed>(
        &self,
        events: impl futures::Stream<Item = Result<Event<Seen<K>>, watcher::Error>> + Unpin,
        trim: impl Fn(K) -> T,
        store: impl Fn(&Stores) -> &Store<T>,
        wakes: impl Fn(Change<T>) -> Wakes,
    ) {
        let (stores, waker) = (self.stores.clone(), self.waker.clone());
        follow(events, trim, stores, store, wakes, waker).await;
    }
}

impl Reader for Watches {
    /// Does not end: what fails is started again.
    async fn read<K: Typed, T: Trimmed>(&self, kind: Kind<K, T>) -> Result<(), kube::Error> {
        let api = (kind.api)(&self.client, self.settings.scope.namespace.as_deref());
        let events = guarded(watcher(api, watcher::Config::default()));
        let trim = |object| (kind.trim)(object, &self.quic_variable);
        let wakes = |change| (kind.wakes)(&change, &self.stores, &self.settings);
        self.follow(events, trim, kind.store, wakes).await;
        Ok(())
    }

    async fn read_gateways(&self, resource: &ApiResource) -> Result<(), kube::Error> {
        let api: Api<PartialObjectMeta<DynamicObject>> = match &self.settings.scope.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        let events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        let events = events.map_ok(|event| {
            map(event, |object| Seen {
                name: address(&object.metadata),
                object: Some(object),
            })
        });
        let trim = |object: PartialObjectMeta<DynamicObject>| Bare::of(object.metadata);
        let wakes = |change| wake::by_bare(&change, &self.settings.realm.vpc);
        self.follow(events, trim, |s| &s.gateways, wakes).await;
        Ok(())
    }

    fn absent<T: Trimmed>(&self, store: fn(&Stores) -> &Store<T>) {
        store(&self.stores).mark_synced();
    }
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
                if seen.object.is_none() {
                    store(&stores).note_unread(seen.name);
                }
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

    use k8s_openapi::api::core::v1::Service;

    use super::super::trim;
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
