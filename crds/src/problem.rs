//! Problems: wrong or doubtful input as a value.
//!
//! In: what a parser or a build step found. Out: a value that travels beside the result and ends as an
//! event, a status or a line of `elbow plan`. Nothing here stops a build; see `Severity`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A Kubernetes object by kind, namespace (empty for cluster-scoped objects) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The kind, as in the object's `kind` field.
    pub kind: String,
    /// The namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// A reference to an object of the given kind.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Reported; the build goes on as upstream's does.
    Warning,
    /// Makes its object sick: nothing is deployed on the object's account until it is mended.
    Fault,
}

/// What kind of problem, as a stable code for metrics and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProblemCode {
    /// An annotation or field could not be parsed.
    Malformed,
    /// A parsed value is outside what is allowed.
    NotAllowed,
    /// Two settings contradict each other.
    Conflict,
    /// Something named by the object does not exist (subnet, security group, Service, port, certificate).
    NotFound,
    /// AWS or Kubernetes denied the read or write the object needs.
    Denied,
    /// AWS refused a step that the object asked for.
    Refused,
    /// A change that cannot be made without an outage; the old resource keeps serving.
    NeedsReplacement,
    /// A quota or limit is in the way.
    Limit,
    /// The wait for something took longer than its bound.
    TimedOut,
    /// The setting is known but has no effect here.
    Ignored,
    /// Deletion is blocked on purpose (deletion protection).
    Protected,
    /// The controller itself failed: a bug of ours, not of the object.
    Internal,
}

/// Wrong or doubtful input, or a refusal by AWS, with the object and field it belongs to.
///
/// `message` names the value, what is allowed and how to fix it, and never repeats the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Problem {
    /// The object that is at fault.
    pub object: ObjectRef,
    /// The field or annotation key; empty when the whole object is meant.
    pub field: String,
    /// Stable code.
    pub code: ProblemCode,
    /// Weight.
    pub severity: Severity,
    /// One sentence for a person.
    pub message: String,
}

impl Problem {
    /// A fault: the object is sick.
    pub fn fault(object: &ObjectRef, field: &str, code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            object: object.clone(),
            field: field.to_owned(),
            code,
            severity: Severity::Fault,
            message: message.into(),
        }
    }

    /// A warning: reported, nothing else.
    pub fn warning(object: &ObjectRef, field: &str, code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::fault(object, field, code, message)
        }
    }

    /// Whether this makes its object sick.
    pub fn is_fault(&self) -> bool {
        self.severity == Severity::Fault
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}: {}", self.object, self.message)
        } else {
            write!(f, "{}: {}: {}", self.object, self.field, self.message)
        }
    }
}

/// A value with the problems found on the way to it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Checked<T> {
    /// The value; where a fault was found, the best that could be made of the rest.
    pub value: T,
    /// What was found, in the order it was found.
    pub problems: Vec<Problem>,
}

impl<T> Checked<T> {
    /// A value without problems.
    pub fn good(value: T) -> Self {
        Self {
            value,
            problems: Vec::new(),
        }
    }

    /// Whether any problem makes its object sick.
    pub fn is_sick(&self) -> bool {
        self.problems.iter().any(Problem::is_fault)
    }
}
