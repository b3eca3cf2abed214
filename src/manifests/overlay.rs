//! Manifests laid over what a cluster has: as if they had been applied.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use elbow_core::settings::Settings;
use elbow_core::view::Service;
use kube::api::ApiResource;

use super::{Assigned, Manifest, ManifestError, counted};
use crate::cluster::kinds::{Kind, Kinds, Reader, Typed, read_all};
use crate::cluster::parse::parse;
use crate::cluster::store::{Change, Store, Trimmed};
use crate::cluster::wake::Wakes;
use crate::cluster::{Name, Stores};

/// What came of it.
#[derive(Debug)]
pub struct Overlay {
    /// Keys that the manifests concern.
    pub wakes: Wakes,
    /// The Services among them.
    pub services: BTreeSet<Name>,
    /// Placeholders for what the API server assigns.
    pub assigned: Assigned,
    /// What was left out, if anything was.
    pub note: Option<String>,
}

/// What manifests are laid over.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// What the cluster has; empty where there is none.
    pub stores: &'a Stores,
    /// Settings: whom a change wakes.
    pub settings: &'a Settings,
    /// Namespace of objects that name none.
    pub namespace: &'a str,
    /// `--quic-environment-variable-name`.
    pub quic: &'a str,
}

/// Puts every object of a kind that is read into the stores, with what the API server assigns taken from the object
/// of that name, or with a placeholder.
pub async fn lay(manifests: &[Manifest], ground: &Ground<'_>) -> Result<Overlay, ManifestError> {
    let layer = Layer {
        manifests,
        ground,
        state: Mutex::new(State {
            assigned: Assigned::new(
                manifests.iter().map(|manifest| &manifest.object),
                ground.stores.services.all(),
            ),
            ..State::default()
        }),
    };
    // Gateways are looked at for their finalizers alone, which no file has.
    let optional = Kinds {
        class_params: true,
        gateway: None,
    };
    // Nothing here asks anybody, so nothing fails but the objects.
    let _ = read_all(&layer, &optional).await;
    let state = layer.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, error)) = state.errors.into_iter().min_by_key(|(position, _)| *position) {
        return Err(error);
    }
    let ignored = manifests.iter().enumerate();
    let ignored = ignored.filter(|(position, _)| !state.read.contains(position));
    Ok(Overlay {
        wakes: state.wakes,
        services: state.services,
        assigned: state.assigned,
        note: counted(ignored.map(|(_, manifest)| manifest)),
    })
}

struct Layer<'a> {
    manifests: &'a [Manifest],
    ground: &'a Ground<'a>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    wakes: Wakes,
    services: BTreeSet<Name>,
    assigned: Assigned,
    /// Positions of manifests of kinds that are read.
    read: BTreeSet<usize>,
    errors: Vec<(usize, ManifestError)>,
}

impl Reader for Layer<'_> {
    async fn read<K: Typed, T: Trimmed>(&self, kind: Kind<K, T>) -> Result<(), kube::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (position, manifest) in self.manifests.iter().enumerate() {
            if manifest.kind() != K::kind(&()) || manifest.api_version() != K::api_version(&()) {
                continue;
            }
            state.read.insert(position);
            if let Err(error) = self.put(manifest, &kind, &mut state) {
                state.errors.push((position, error));
            }
        }
        Ok(())
    }

    async fn read_gateways(&self, _resource: &ApiResource) -> Result<(), kube::Error> {
        Ok(())
    }

    fn absent<T: Trimmed>(&self, _store: fn(&Stores) -> &Store<T>) {}
}

impl Layer<'_> {
    fn put<K: Typed, T: Trimmed>(
        &self,
        manifest: &Manifest,
        kind: &Kind<K, T>,
        state: &mut State,
    ) -> Result<(), ManifestError> {
        let Ground {
            stores,
            settings,
            namespace,
            quic,
        } = *self.ground;
        let object: K =
            parse(&manifest.object).map_err(|wrong| manifest.wrong(&wrong.field, wrong.reason))?;
        let mut object = (kind.trim)(object, quic);
        let meta = object.meta_mut();
        if meta.name.is_empty() {
            return Err(manifest.wrong("metadata.name", "the field is missing"));
        }
        if kind.namespaced && meta.namespace.is_empty() {
            namespace.clone_into(&mut meta.namespace);
        }
        let store = (kind.store)(stores);
        let present = store.get(&object.meta().namespace, &object.meta().name);
        let before = present.as_deref();
        Assigned::meta(object.meta_mut(), manifest.kind(), before.map(Trimmed::meta));
        (kind.assign)(&mut object, before, &mut state.assigned);
        if manifest.kind() == "Service" {
            state.services.insert(object.name());
        }
        let (namespace, name) = object.name();
        store.apply(object);
        // What a new object wakes, whether the cluster has it already or not.
        let change = Change {
            old: None,
            new: store.get(&namespace, &name),
        };
        state.wakes.extend((kind.wakes)(&change, stores, settings));
        Ok(())
    }
}

/// The Services of an overlay with other placeholders in place of those they have.
pub fn others(overlay: &Overlay, stores: &Stores) -> Vec<Service> {
    let services = overlay.services.iter();
    let found = services.filter_map(|(namespace, name)| stores.service(namespace, name));
    found
        .filter_map(|service| overlay.assigned.another(&service))
        .collect()
}
