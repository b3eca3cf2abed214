//! What one run of a binding looks at.

use std::sync::Arc;

use jiff::Timestamp;

use super::endpoints::Backends;
use super::memory::BindingMemory;
use super::zones::VpcBlocks;
use crate::settings::Settings;
use crate::view::{BindingObject, Pod, Service};

/// Everything a run looks at.
#[derive(Clone, Copy, Debug)]
pub struct BindingInput<'a> {
    /// The binding.
    pub binding: &'a BindingObject,
    /// The Service it names.
    pub service: Option<&'a Service>,
    /// Slices, pods and nodes.
    pub backends: &'a Backends,
    /// Pods of the namespace that carry the binding's gate.
    pub gated_pods: &'a [Arc<Pod>],
    /// Settings.
    pub settings: &'a Settings,
    /// What this process remembers.
    pub memory: &'a BindingMemory,
    /// What was read in this run.
    pub facts: &'a RunFacts,
    /// Now.
    pub now: Timestamp,
}

/// What was read in this run.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// Whether health was read.
    pub listed: bool,
    /// Address blocks of the target group's VPC.
    pub vpc: Option<VpcBlocks>,
    /// Whether the contribution to security group rules was worked out, or why that failed.
    pub contribution: Option<Result<(), String>>,
    /// How far the rules are.
    pub rules: RulesState,
    /// Whether another key needs this binding's contribution.
    pub contribution_wanted: bool,
}

/// How far the security group rules of a binding are.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum RulesState {
    /// The binding asks for none.
    #[default]
    Unmanaged,
    /// Some are not authorised yet.
    Waiting,
    /// All are authorised; others still have to be revoked.
    Granted,
    /// Nothing is left to do.
    Settled,
    /// AWS refused.
    Failed(String),
}
