//! Objects that own a stack, as far as their finalizer is concerned.

use elbow_crds::problem::ObjectRef;

/// An object that owns a stack, alone or with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The object.
    pub object: ObjectRef,
    /// Its UID; events carry it.
    pub uid: String,
    /// Our finalizer for this stack.
    pub finalizer: String,
    /// Whether the object carries it.
    pub has_finalizer: bool,
    /// Whether the object is being deleted or no longer belongs to the stack: the finalizer goes last.
    pub gone: bool,
}
