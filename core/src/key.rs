//! Keys: the units of work. One run at a time per key; keys refer to each other only through questions and
//! waits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The front end a stack belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StackKind {
    /// A Service of type LoadBalancer: one NLB.
    Service,
    /// An Ingress or a group of them: one ALB.
    Ingress,
}

impl StackKind {
    /// Prefix of the tags and labels that mark resources of such a stack (upstream `pkg/deploy/tracking`).
    pub fn tag_prefix(self) -> &'static str {
        match self {
            Self::Service => "service.k8s.aws",
            Self::Ingress => "ingress.k8s.aws",
        }
    }

    /// The word used in keys and debug output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Ingress => "ingress",
        }
    }
}

/// Identity of a stack: front end, namespace (empty for an explicit Ingress group) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StackKey {
    /// The front end.
    pub kind: StackKind,
    /// Namespace; empty for an explicit Ingress group.
    pub namespace: String,
    /// Name of the Service, Ingress or group.
    pub name: String,
}

impl StackKey {
    /// The stack of a Service.
    pub fn service(namespace: &str, name: &str) -> Self {
        Self {
            kind: StackKind::Service,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The stack of an Ingress without a group.
    pub fn ingress(namespace: &str, name: &str) -> Self {
        Self {
            kind: StackKind::Ingress,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The stack of an explicit Ingress group.
    pub fn ingress_group(name: &str) -> Self {
        Self::ingress("", name)
    }

    /// Upstream's stack id, the value of the stack tag: `namespace/name`, or `name` without a namespace.
    pub fn stack_id(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let kind = [StackKind::Service, StackKind::Ingress]
            .into_iter()
            .find(|k| k.word() == kind)?;
        let (namespace, name) = id.split_once('/').unwrap_or(("", id));
        Some(Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for StackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.stack_id())
    }
}

/// A unit of work: one run at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// All that one Service or Ingress group needs.
    Stack(StackKey),
    /// The targets of one TargetGroupBinding.
    Binding {
        /// Namespace of the binding.
        namespace: String,
        /// Name of the binding.
        name: String,
    },
    /// Our rules on one security group of nodes or pods: the union over all bindings.
    GroupRules {
        /// VPC of the group.
        vpc: String,
        /// Security group id.
        group: String,
    },
    /// The shared backend security group of a VPC.
    BackendGroup {
        /// VPC id.
        vpc: String,
    },
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack(stack) => write!(f, "stack/{stack}"),
            Self::Binding { namespace, name } => write!(f, "binding/{namespace}/{name}"),
            Self::GroupRules { vpc, group } => write!(f, "group-rules/{vpc}/{group}"),
            Self::BackendGroup { vpc } => write!(f, "backend-group/{vpc}"),
        }
    }
}

/// Priority class of work and of AWS calls; weights 8:4:2:2:1:1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lane {
    /// Targets of bindings.
    Targets,
    /// A user's edit.
    Edit,
    /// Deletions.
    Delete,
    /// Health polling.
    Health,
    /// Spread verification.
    Resync,
    /// Lists and tags of the mirror.
    Sweep,
}

impl Lane {
    /// All lanes, highest first.
    pub const ALL: [Self; 6] = [
        Self::Targets,
        Self::Edit,
        Self::Delete,
        Self::Health,
        Self::Resync,
        Self::Sweep,
    ];

    /// Share of a contested bucket.
    pub fn weight(self) -> u32 {
        match self {
            Self::Targets => 8,
            Self::Edit => 4,
            Self::Delete | Self::Health => 2,
            Self::Resync | Self::Sweep => 1,
        }
    }
}
