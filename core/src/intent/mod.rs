//! Front ends: from Kubernetes objects to what is wanted of AWS.
//!
//! In: the objects of one stack as the View holds them, and the settings. Out: an [`Intent`]: typed, checked
//! wishes, and every problem found. Nothing is asked of AWS here; what depends on AWS is left to
//! [`crate::build`].

pub mod service;
pub mod wish;

use elbow_crds::problem::{ObjectRef, Problem};

use crate::key::{StackKey, StackKind};
use crate::settings::Settings;
use crate::view;

pub use service::{FINALIZER, ServiceIntent};

/// What the objects of one stack ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The stack.
    pub key: StackKey,
    /// The object that owns it.
    pub owner: ObjectRef,
    /// What is wanted.
    pub wish: Wish,
    /// What is wrong or doubtful, in the order it was found, each once.
    pub problems: Vec<Problem>,
}

/// What is wanted of a stack.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Not ours and without a finalizer of ours: nothing is read, written or deleted.
    Ignore,
    /// Deleted, or no longer ours, with our finalizer still there: everything goes.
    Empty,
    /// Ours, but [`Intent::problems`] holds a fault: what is there stays as it is.
    Sick,
    /// A Service that can be built.
    Service(Box<ServiceIntent>),
}

/// Reads what the owner of `key` asks for.
///
/// `service` is the Service of that name; `None` is no proof that it was deleted and gives [`Wish::Ignore`].
/// `backends` looks up Services by namespace and name: those it is asked for decide about the result, found
/// or not.
pub fn read(
    key: &StackKey,
    service: Option<&view::Service>,
    backends: &dyn Fn(&str, &str) -> Option<view::Service>,
    settings: &Settings,
) -> Intent {
    match key.kind {
        StackKind::Service => service::read(key, service, backends, settings),
        StackKind::Ingress => Intent {
            key: key.clone(),
            owner: ObjectRef::new("Ingress", &key.namespace, &key.name),
            wish: Wish::Ignore,
            problems: Vec::new(),
        },
    }
}
