//! Kubernetes in: one watch and one trimmed store per kind; objects in, keys out.

pub mod groups;
pub mod kinds;
pub mod parse;
pub mod snapshot;
pub mod store;
pub mod trim;
pub mod trim_ingress;
pub mod view;
pub mod wake;
pub mod wake_ingress;
pub mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_core::view::{
    BindingObject, EndpointSlice, Ingress, IngressClass, IngressClassParams, Meta, Namespace, Node, Pod,
    Service,
};
use elbow_crds::problem::ObjectRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use store::{Change, Name, Store, Trimmed};

/// An object of which only the metadata is watched (kinds whose front end is not built or not enabled).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bare(pub Meta);

impl Bare {
    /// What is kept of metadata: heartbeats and annotations are nothing that is looked at.
    pub fn of(metadata: ObjectMeta) -> Self {
        let mut meta = trim::meta(metadata);
        meta.annotations.clear();
        meta.resource_version.clear();
        Self(meta)
    }
}

macro_rules! trimmed {
    ($($kind:ty),*) => {$(
        impl Trimmed for $kind {
            fn meta(&self) -> &Meta {
                &self.meta
            }

            fn meta_mut(&mut self) -> &mut Meta {
                &mut self.meta
            }
        }
    )*};
}
trimmed!(
    Service,
    EndpointSlice,
    Node,
    Pod,
    BindingObject,
    Ingress,
    IngressClass,
    IngressClassParams,
    Namespace
);

impl Trimmed for Bare {
    fn meta(&self) -> &Meta {
        &self.0
    }

    fn meta_mut(&mut self) -> &mut Meta {
        &mut self.0
    }
}

/// All stores.
#[derive(Debug, Default)]
pub struct Stores {
    /// Services.
    pub services: Store<Service>,
    /// EndpointSlices.
    pub slices: Store<EndpointSlice>,
    /// Nodes.
    pub nodes: Store<Node>,
    /// Pods.
    pub pods: Store<Pod>,
    /// TargetGroupBindings.
    pub bindings: Store<BindingObject>,
    /// Ingresses.
    pub ingresses: Store<Ingress>,
    /// IngressClasses.
    pub ingress_classes: Store<IngressClass>,
    /// IngressClassParams.
    pub class_params: Store<IngressClassParams>,
    /// Namespaces: their labels.
    pub namespaces: Store<Namespace>,
    /// Gateways, metadata only.
    pub gateways: Store<Bare>,
    /// Which Ingresses have to do with which stack.
    pub groups: groups::Groups,
}

impl Stores {
    /// A Service.
    pub fn service(&self, namespace: &str, name: &str) -> Option<Arc<Service>> {
        self.services.get(namespace, name)
    }

    /// The EndpointSlices of a Service, by name.
    pub fn slices_of_service(&self, namespace: &str, service: &str) -> Vec<Arc<EndpointSlice>> {
        let mut slices = self.slices.in_namespace(namespace);
        slices.retain(|slice| slice.service == service);
        slices
    }

    /// A Pod.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<Arc<Pod>> {
        self.pods.get(namespace, name)
    }

    /// The Pods of a namespace that have a readiness gate.
    pub fn pods_with_gate(&self, namespace: &str, condition: &str) -> Vec<Arc<Pod>> {
        let mut pods = self.pods.in_namespace(namespace);
        pods.retain(|pod| pod.readiness_gates.iter().any(|gate| gate == condition));
        pods
    }

    /// All Nodes, by name.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.all()
    }

    /// A Node.
    pub fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.nodes.get("", name)
    }

    /// A TargetGroupBinding.
    pub fn binding(&self, namespace: &str, name: &str) -> Option<Arc<BindingObject>> {
        self.bindings.get(namespace, name)
    }

    /// All TargetGroupBindings, by namespace and name.
    pub fn bindings(&self) -> Vec<Arc<BindingObject>> {
        self.bindings.all()
    }

    /// The resource version of a Service or Ingress; `None` if it is not there.
    pub fn version(&self, object: &ObjectRef) -> Option<String> {
        let (namespace, name) = (&object.namespace, &object.name);
        if object.kind.as_str() == "Ingress" {
            let ingress = self.ingresses.get(namespace, name);
            ingress.map(|ingress| ingress.meta.resource_version.clone())
        } else {
            let service = self.service(namespace, name);
            service.map(|service| service.meta.resource_version.clone())
        }
    }

    /// Whether any object carries a finalizer of a load balancer controller of upstream's family: while one
    /// does, the shared backend security group is wanted.
    pub fn has_finalized_owner(&self) -> bool {
        !self.backend_finalizers().is_empty()
    }

    /// The objects that keep the shared backend security group, each with every finalizer that does.
    pub fn backend_finalizers(&self) -> BTreeSet<(ObjectRef, String)> {
        let (services, ingresses) = (self.services.all(), self.ingresses.all());
        let gateways = self.gateways.all();
        let services = services.iter().map(|one| ("Service", &one.meta));
        let ingresses = ingresses.iter().map(|one| ("Ingress", &one.meta));
        let gateways = gateways.iter().map(|one| ("Gateway", &one.0));
        let held = services
            .chain(ingresses)
            .chain(gateways)
            .flat_map(|(kind, meta)| {
                let object = ObjectRef::new(kind, &meta.namespace, &meta.name);
                let finalizers = meta
                    .finalizers
                    .iter()
                    .filter(|name| wake::is_backend_finalizer(name));
                finalizers.map(move |finalizer| (object.clone(), finalizer.clone()))
            });
        held.collect()
    }

    /// Whether every first list is complete.
    pub fn is_synced(&self) -> bool {
        self.services.is_synced()
            && self.slices.is_synced()
            && self.nodes.is_synced()
            && self.pods.is_synced()
            && self.bindings.is_synced()
            && self.ingresses.is_synced()
            && self.ingress_classes.is_synced()
            && self.class_params.is_synced()
            && self.namespaces.is_synced()
            && self.gateways.is_synced()
    }

    /// Waits until every first list is complete.
    pub async fn synced(&self) {
        self.services.synced().await;
        self.slices.synced().await;
        self.nodes.synced().await;
        self.pods.synced().await;
        self.bindings.synced().await;
        self.ingresses.synced().await;
        self.ingress_classes.synced().await;
        self.class_params.synced().await;
        self.namespaces.synced().await;
        self.gateways.synced().await;
    }

    /// Marks all stores as complete: for worlds that are filled by hand.
    pub fn mark_synced(&self) {
        self.services.mark_synced();
        self.slices.mark_synced();
        self.nodes.mark_synced();
        self.pods.mark_synced();
        self.bindings.mark_synced();
        self.ingresses.mark_synced();
        self.ingress_classes.mark_synced();
        self.class_params.mark_synced();
        self.namespaces.mark_synced();
        self.gateways.mark_synced();
    }
}
