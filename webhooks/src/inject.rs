//! Readiness gates of pods (upstream `pkg/inject/pod_readiness`).
//!
//! In: the labels and gates of a new pod, the TargetGroupBindings of its namespace and the selectors of the
//! Services they name. Out: the gates it should have, so that it counts as ready only once its targets are
//! healthy.

use std::collections::BTreeMap;

use elbow_core::view;
use elbow_crds::target_group_binding::{TargetGroupBinding, TargetType};
use k8s_openapi::api::core::v1::{PodReadinessGate, PodSpec, Service};

/// What stands before the name of a binding in its condition type.
pub const GATE_PREFIX: &str = "target-health.elbv2.k8s.aws/";
/// Beginning of condition types of the first generation of the controller.
pub const LEGACY_GATE_PREFIX: &str = "target-health.alb.ingress.k8s.aws";

/// A binding, as far as gates are concerned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GateSource {
    /// Name of the binding.
    pub binding: String,
    /// What it registers; only `ip` makes a gate.
    pub target_type: Option<TargetType>,
    /// Name of its Service, in the same namespace.
    pub service: String,
}

impl From<&TargetGroupBinding> for GateSource {
    fn from(binding: &TargetGroupBinding) -> Self {
        Self {
            binding: binding.metadata.name.clone().unwrap_or_default(),
            target_type: binding.spec.target_type,
            service: binding.spec.service_ref.name.clone(),
        }
    }
}

impl From<&view::BindingObject> for GateSource {
    fn from(binding: &view::BindingObject) -> Self {
        Self {
            binding: binding.meta.name.clone(),
            target_type: binding.spec.target_type,
            service: binding.spec.service_ref.name.clone(),
        }
    }
}

/// What is known about the namespace of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Namespace {
    /// Its bindings, in any order.
    pub bindings: Vec<GateSource>,
    /// Selectors of its Services by name; a Service that is missing makes no gate.
    pub selectors: BTreeMap<String, BTreeMap<String, String>>,
}

impl Namespace {
    /// From objects of the API, all of one namespace.
    pub fn of(bindings: &[TargetGroupBinding], services: &[Service]) -> Self {
        let selector = |service: &Service| {
            let name = service.metadata.name.clone().unwrap_or_default();
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.clone());
            (name, selector.unwrap_or_default())
        };
        Self {
            bindings: bindings.iter().map(GateSource::from).collect(),
            selectors: services.iter().map(selector).collect(),
        }
    }

    /// Condition types of a pod with these labels, sorted by the name of the binding. An empty selector
    /// matches no pod.
    pub fn gates(&self, labels: &BTreeMap<String, String>) -> Vec<String> {
        let matches = |selector: &BTreeMap<String, String>| {
            !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        let mut names: Vec<&str> = self
            .bindings
            .iter()
            .filter(|binding| binding.target_type == Some(TargetType::Ip))
            .filter(|binding| self.selectors.get(&binding.service).is_some_and(matches))
            .map(|binding| binding.binding.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| format!("{GATE_PREFIX}{name}"))
            .collect()
    }
}

/// How the gates of a pod change.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GateChange {
    /// Positions of legacy gates that go, ascending.
    pub remove: Vec<usize>,
    /// Condition types that are appended, in order.
    pub append: Vec<String>,
}

/// The change for a pod whose gates have the given condition types. A pod that no binding selects is not
/// touched at all; from others the legacy gates are taken.
pub fn change<'g>(
    labels: &BTreeMap<String, String>,
    present: impl IntoIterator<Item = &'g str>,
    namespace: &Namespace,
) -> GateChange {
    let wanted = namespace.gates(labels);
    if wanted.is_empty() {
        return GateChange::default();
    }
    let present: Vec<&str> = present.into_iter().collect();
    GateChange {
        remove: present
            .iter()
            .enumerate()
            .filter(|(_, gate)| gate.starts_with(LEGACY_GATE_PREFIX))
            .map(|(index, _)| index)
            .collect(),
        append: wanted
            .into_iter()
            .filter(|gate| !present.contains(&gate.as_str()))
            .collect(),
    }
}

/// Gives a pod, or the template of pods, its gates; returns whether anything changed.
pub fn inject(spec: &mut PodSpec, labels: &BTreeMap<String, String>, namespace: &Namespace) -> bool {
    let mut gates = spec.readiness_gates.take().unwrap_or_default();
    let change = change(
        labels,
        gates.iter().map(|gate| gate.condition_type.as_str()),
        namespace,
    );
    for index in change.remove.iter().rev() {
        gates.remove(*index);
    }
    gates.extend(
        change
            .append
            .iter()
            .cloned()
            .map(|condition_type| PodReadinessGate { condition_type }),
    );
    spec.readiness_gates = Some(gates).filter(|gates| !gates.is_empty());
    change != GateChange::default()
}
