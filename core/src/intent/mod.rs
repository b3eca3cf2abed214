//! Front ends: from Kubernetes objects to what is wanted of AWS.
//!
//! In: the objects of one stack as the View holds them, and the settings. Out: an [`Intent`]: typed, checked
//! wishes, and every problem found. Nothing is asked of AWS here; what depends on AWS is left to
//! [`crate::build`].

pub mod ingress;
mod objects;
mod protection;
mod reader;
pub mod service;
pub mod wish;

use std::collections::BTreeSet;

use elbow_crds::problem::{ObjectRef, Problem};

use crate::key::{StackKey, StackKind};
use crate::model::Owner;
use crate::settings::Settings;

pub use ingress::IngressIntent;
pub use objects::{Objects, Shelf};
pub use service::{FINALIZER, ServiceIntent};

/// What the objects of one stack ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The stack.
    pub key: StackKey,
    /// The object that problems of the whole stack are reported on.
    pub owner: ObjectRef,
    /// Everybody who owns it or did: members of a group, and former members that still carry its finalizer.
    pub owners: Vec<Owner>,
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
    /// Ours, but [`Intent::problems`] holds a fault of everybody: what is there stays as it is.
    Sick,
    /// Ours, but everybody who stays is at fault: only what those had who leave goes. What these may have, given by
    /// object, stays as it is.
    Leave(BTreeSet<ObjectRef>),
    /// A Service that can be built.
    Service(Box<ServiceIntent>),
    /// Ingresses of which some can be built; [`Intent::problems`] holds the faults of the others.
    Ingress(Box<IngressIntent>),
}

impl Intent {
    /// Members that are left out of what is wanted: what may be theirs is held.
    pub fn left_out(&self) -> BTreeSet<ObjectRef> {
        match &self.wish {
            Wish::Ingress(ingress) => ingress.sick.clone(),
            Wish::Leave(sick) => sick.clone(),
            Wish::Ignore | Wish::Empty | Wish::Sick | Wish::Service(_) => BTreeSet::new(),
        }
    }
}

/// Reads what the owners of `key` ask for.
///
/// An owner that is not among `objects` is no proof that it was deleted and gives [`Wish::Ignore`]. The
/// objects that are looked up, found or not, decide about the result.
pub fn read(key: &StackKey, objects: &dyn Objects, settings: &Settings) -> Intent {
    match key.kind {
        StackKind::Service => service::read(key, objects, settings),
        StackKind::Ingress => ingress::read(key, objects, settings, &[]),
    }
}

/// Like [`read`], without the members of a group that are at fault in `refused`: what AWS refused, or what the
/// build found out. The others go on.
pub fn read_without(
    key: &StackKey,
    objects: &dyn Objects,
    settings: &Settings,
    refused: &[Problem],
) -> Intent {
    match key.kind {
        StackKind::Service => service::read(key, objects, settings),
        StackKind::Ingress => ingress::read(key, objects, settings, refused),
    }
}
