//! What steps produce: identifiers assigned by AWS or Kubernetes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Ref, ResourceAddress};

/// What the creation of a resource returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// ARN, security group id, or UID of a binding.
    pub id: String,
    /// DNS name of a load balancer.
    pub dns_name: Option<String>,
}

impl Output {
    /// An output with an id only.
    pub fn id(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            dns_name: None,
        }
    }
}

/// Outputs of the steps done so far, by resource.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outputs(pub BTreeMap<ResourceAddress, Output>);

impl Outputs {
    /// Records what a creation returned.
    pub fn insert(&mut self, address: &ResourceAddress, output: Output) {
        self.0.insert(address.clone(), output);
    }

    /// What the creation of a resource returned.
    pub fn get(&self, address: &ResourceAddress) -> Option<&Output> {
        self.0.get(address)
    }

    /// The ARN or id behind a reference; `None` while it is not produced.
    pub fn resolve(&self, reference: &Ref) -> Option<String> {
        match reference {
            Ref::Known(id) => Some(id.clone()),
            Ref::Pending(address) => self.get(address).map(|output| output.id.clone()),
            Ref::BackendGroup => None,
        }
    }

    /// The reference itself, made known if it has been produced.
    pub fn settle(&self, reference: &Ref) -> Ref {
        self.resolve(reference)
            .map_or_else(|| reference.clone(), Ref::Known)
    }
}
