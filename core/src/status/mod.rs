//! What is written back to Kubernetes objects: `status.loadBalancer` and events, as values.

mod address;
mod events;
mod ingress;
mod ledger;
mod service;

pub use address::address;
pub use events::{
    Reason, build_failed, build_failed_for, failed, failed_for_all, group_unclear, reconciled, step_failed,
    wait_entered, warnings,
};
pub use ingress::group_change;
pub use ledger::{Ledger, REPEAT_AFTER};
pub use service::{cleared_ingress, ingress_change, wanted_ingress};

use elbow_crds::problem::ObjectRef;

use crate::key::{StackKey, StackKind};

/// The object a stack key stands for: what problems are reported on when nobody else is to blame.
pub fn owner_object(key: &StackKey) -> ObjectRef {
    let kind = match key.kind {
        StackKind::Service => "Service",
        StackKind::Ingress => "Ingress",
    };
    ObjectRef::new(kind, &key.namespace, &key.name)
}
