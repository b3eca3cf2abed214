//! Where front ends look objects up: the View, as they see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::StackKey;
use crate::settings::Settings;
use crate::view;

/// Objects of the cluster, as last seen. What is not there may be not there yet: absence proves nothing about
/// an owner (the shell reads only complete stores).
pub trait Objects {
    /// A Service.
    fn service(&self, namespace: &str, name: &str) -> Option<Arc<view::Service>>;
    /// An Ingress.
    fn ingress(&self, namespace: &str, name: &str) -> Option<Arc<view::Ingress>>;
    /// The Ingresses that may have to do with an explicit group, by namespace and name: at least those of its name,
    /// and those with its finalizer.
    fn ingresses_of(&self, group: &StackKey, settings: &Settings) -> Vec<Arc<view::Ingress>>;
    /// An IngressClass.
    fn ingress_class(&self, name: &str) -> Option<Arc<view::IngressClass>>;
    /// All IngressClasses, by name.
    fn ingress_classes(&self) -> Vec<Arc<view::IngressClass>>;
    /// IngressClassParams.
    fn class_params(&self, name: &str) -> Option<Arc<view::IngressClassParams>>;
    /// A Namespace.
    fn namespace(&self, name: &str) -> Option<Arc<view::Namespace>>;
}

/// Objects in memory: manifests that are not in a cluster, and tests.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// Services by namespace and name.
    pub services: BTreeMap<(String, String), Arc<view::Service>>,
    /// Ingresses by namespace and name.
    pub ingresses: BTreeMap<(String, String), Arc<view::Ingress>>,
    /// IngressClasses by name.
    pub ingress_classes: BTreeMap<String, Arc<view::IngressClass>>,
    /// IngressClassParams by name.
    pub class_params: BTreeMap<String, Arc<view::IngressClassParams>>,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, Arc<view::Namespace>>,
}

impl Shelf {
    /// A shelf of Services.
    pub fn of_services(services: impl IntoIterator<Item = view::Service>) -> Self {
        let mut shelf = Self::default();
        for service in services {
            shelf.add_service(service);
        }
        shelf
    }

    /// Puts a Service in.
    pub fn add_service(&mut self, service: view::Service) {
        self.services.insert(name_of(&service.meta), Arc::new(service));
    }

    /// Puts an Ingress in.
    pub fn add_ingress(&mut self, ingress: view::Ingress) {
        self.ingresses.insert(name_of(&ingress.meta), Arc::new(ingress));
    }

    /// Puts an IngressClass in.
    pub fn add_ingress_class(&mut self, class: view::IngressClass) {
        self.ingress_classes
            .insert(class.meta.name.clone(), Arc::new(class));
    }

    /// Puts IngressClassParams in.
    pub fn add_class_params(&mut self, params: view::IngressClassParams) {
        self.class_params
            .insert(params.meta.name.clone(), Arc::new(params));
    }

    /// Puts a Namespace in.
    pub fn add_namespace(&mut self, namespace: view::Namespace) {
        self.namespaces
            .insert(namespace.meta.name.clone(), Arc::new(namespace));
    }
}

fn name_of(meta: &view::Meta) -> (String, String) {
    (meta.namespace.clone(), meta.name.clone())
}

impl Objects for Shelf {
    fn service(&self, namespace: &str, name: &str) -> Option<Arc<view::Service>> {
        self.services
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    fn ingress(&self, namespace: &str, name: &str) -> Option<Arc<view::Ingress>> {
        self.ingresses
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    fn ingresses_of(&self, _: &StackKey, _: &Settings) -> Vec<Arc<view::Ingress>> {
        self.ingresses.values().cloned().collect()
    }

    fn ingress_class(&self, name: &str) -> Option<Arc<view::IngressClass>> {
        self.ingress_classes.get(name).cloned()
    }

    fn ingress_classes(&self) -> Vec<Arc<view::IngressClass>> {
        self.ingress_classes.values().cloned().collect()
    }

    fn class_params(&self, name: &str) -> Option<Arc<view::IngressClassParams>> {
        self.class_params.get(name).cloned()
    }

    fn namespace(&self, name: &str) -> Option<Arc<view::Namespace>> {
        self.namespaces.get(name).cloned()
    }
}
