//! One list of every kind, without a watch: what `elbow plan` looks at.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use elbow_crds::problem::{ObjectRef, Problem, ProblemCode};
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectList, PartialObjectMeta};
use kube::core::Request;
use kube::{Api, Client};
use serde_json::Value;

use super::kinds::{Kind, Reader, Typed, read_all};
use super::parse::parse;
use super::store::{Name, Store, Trimmed};
use super::{Bare, Stores};
use crate::kubernetes;

/// Fills the stores from one list per kind and marks them complete. Objects that do not parse are left out, as
/// the watches leave them out; each gives a problem that names the field.
pub async fn fill(
    client: &Client,
    stores: &Stores,
    namespace: Option<&str>,
    quic: &str,
) -> Result<Vec<Problem>, kube::Error> {
    let lists = Lists {
        client,
        stores,
        namespace,
        quic,
        unread: Mutex::default(),
    };
    read_all(&lists, &kubernetes::kinds(client).await?).await?;
    stores.mark_synced();
    let mut unread = lists.unread.into_inner().unwrap_or_else(PoisonError::into_inner);
    unread.sort();
    Ok(unread)
}

struct Lists<'a> {
    client: &'a Client,
    stores: &'a Stores,
    namespace: Option<&'a str>,
    quic: &'a str,
    unread: Mutex<Vec<Problem>>,
}

impl Reader for Lists<'_> {
    async fn read<K: Typed, T: Trimmed>(&self, kind: Kind<K, T>) -> Result<(), kube::Error> {
        let api = (kind.api)(self.client, self.namespace);
        let request = Request::new(api.resource_url()).list(&ListParams::default());
        let request = request.map_err(kube::Error::BuildRequest)?;
        let list: ObjectList<Value> = self.client.request(request).await?;
        let (mut read, mut unread) = (Vec::new(), Vec::new());
        for object in &list.items {
            match parse::<K>(object) {
                Ok(object) => read.push((kind.trim)(object, self.quic)),
                Err(wrong) => {
                    let object = address(&K::kind(&()), object);
                    unread.push(Problem::fault(
                        &object,
                        &wrong.field,
                        ProblemCode::Malformed,
                        format!("the object does not parse and is left out: {}", wrong.reason),
                    ));
                }
            }
        }
        let name = |problem: &Problem| (problem.object.namespace.clone(), problem.object.name.clone());
        let names: BTreeSet<Name> = unread.iter().map(name).collect();
        (kind.store)(self.stores).replace_but(read, &names);
        let mut all = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(&mut unread);
        Ok(())
    }

    async fn read_gateways(&self, resource: &ApiResource) -> Result<(), kube::Error> {
        let api: Api<PartialObjectMeta<DynamicObject>> = match self.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        };
        let found = api.list(&ListParams::default()).await?.items;
        let bare = found.into_iter().map(|object| Bare::of(object.metadata));
        self.stores.gateways.replace(bare.collect());
        Ok(())
    }

    fn absent<T: Trimmed>(&self, _store: fn(&Stores) -> &Store<T>) {}
}

/// Which object it is, whatever else it says.
fn address(kind: &str, object: &Value) -> ObjectRef {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    ObjectRef::new(kind, text("/metadata/namespace"), text("/metadata/name"))
}
