//! The stores as front ends see them, and what they looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use elbow_core::intent::Objects;
use elbow_core::key::StackKey;
use elbow_core::view::{Ingress, IngressClass, IngressClassParams, Namespace, Service};

use super::Stores;

/// The stores, with a list of the Services that were looked up.
#[derive(Debug)]
pub struct View<'a> {
    stores: &'a Stores,
    services: RefCell<BTreeSet<(String, String)>>,
}

impl<'a> View<'a> {
    /// A view of stores.
    pub fn new(stores: &'a Stores) -> Self {
        Self {
            stores,
            services: RefCell::default(),
        }
    }

    /// Namespace and name of the Services that were looked up, found or not, the owner of `key` excepted.
    pub fn into_services(self, key: &StackKey) -> BTreeSet<(String, String)> {
        let mut services = self.services.into_inner();
        services.remove(&(key.namespace.clone(), key.name.clone()));
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

    fn ingress(&self, _: &str, _: &str) -> Option<Arc<Ingress>> {
        None
    }

    fn ingresses(&self) -> Vec<Arc<Ingress>> {
        Vec::new()
    }

    fn ingress_class(&self, _: &str) -> Option<Arc<IngressClass>> {
        None
    }

    fn ingress_classes(&self) -> Vec<Arc<IngressClass>> {
        Vec::new()
    }

    fn class_params(&self, _: &str) -> Option<Arc<IngressClassParams>> {
        None
    }

    fn namespace(&self, _: &str) -> Option<Arc<Namespace>> {
        None
    }
}
