//! The stores as front ends see them, and what they looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_core::intent::Objects;
use elbow_core::key::{StackKey, StackKind};
use elbow_core::settings::Settings;
use elbow_core::view::{Ingress, IngressClass, IngressClassParams, Namespace, Service};

use super::Stores;

/// The stores as the front end of one stack sees them, with a list of the Services it looked up.
#[derive(Debug)]
pub struct View<'a> {
    stores: &'a Stores,
    key: &'a StackKey,
    services: RefCell<BTreeSet<(String, String)>>,
}

impl<'a> View<'a> {
    /// A view of stores for one stack.
    pub fn new(stores: &'a Stores, key: &'a StackKey) -> Self {
        Self {
            stores,
            key,
            services: RefCell::default(),
        }
    }

    /// Namespace and name of the Services that were looked up, found or not, the owner excepted.
    pub fn into_services(self) -> BTreeSet<(String, String)> {
        let mut services = self.services.into_inner();
        if self.key.kind == StackKind::Service {
            services.remove(&(self.key.namespace.clone(), self.key.name.clone()));
        }
        services
    }
}

impl Objects for View<'_> {
    fn service(&self, namespace: &str, name: &str) -> Option<Arc<Service>> {
        self.services
            .borrow_mut()
            .insert((namespace.to_owned(), name.to_owned()));
        self.stores.service(namespace, name)
    }

    fn ingress(&self, namespace: &str, name: &str) -> Option<Arc<Ingress>> {
        self.stores.ingresses.get(namespace, name)
    }

    fn ingresses_of(&self, group: &StackKey, settings: &Settings) -> Vec<Arc<Ingress>> {
        self.stores.ingresses_of(group, settings)
    }

    fn ingress_class(&self, name: &str) -> Option<Arc<IngressClass>> {
        self.stores.ingress_classes.get("", name)
    }

    fn ingress_classes(&self) -> Vec<Arc<IngressClass>> {
        self.stores.ingress_classes.all()
    }

    fn class_params(&self, name: &str) -> Option<Arc<IngressClassParams>> {
        self.stores.class_params.get("", name)
    }

    fn namespace(&self, name: &str) -> Option<Arc<Namespace>> {
        self.stores.namespaces.get("", name)
    }
}
