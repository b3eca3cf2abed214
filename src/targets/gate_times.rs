//! How long readiness gates were closed before they opened: upstream's histogram `awslbc_readiness_gate_ready_seconds`
//! (upstream `pkg/metrics/lbc`).
//!
//! In: conditions that were written. Out: a metric by namespace and name of the TargetGroupBinding.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use elbow_core::targets::gates::{ConditionPatch, GATE_PREFIX};
use elbow_core::targets::ledger::BindingName;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;

use super::lock;

/// Upper bounds in seconds, upstream's: a target is rarely healthy before 10 s, and most rollouts give up at 10 min.
const BUCKETS: [f64; 12] = [
    10.0, 30.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0, 420.0, 480.0, 540.0, 600.0,
];

/// The histograms by namespace and name of the binding. A clone shows the same ones.
#[derive(Clone, Debug, Default)]
pub struct GateTimes(Arc<Mutex<BTreeMap<(String, String), Histogram>>>);

impl GateTimes {
    /// Enters a condition that was written, if it opened a gate that was closed before.
    pub(super) fn written(&self, patch: &ConditionPatch) {
        let name = patch.type_.strip_prefix(GATE_PREFIX);
        let binding = name.and_then(|name| name.strip_prefix('/'));
        if let (Some(binding), Some(seconds)) = (binding, patch.opened_after) {
            lock(&self.0)
                .entry((patch.pod.namespace.clone(), binding.to_owned()))
                .or_insert_with(|| Histogram::new(BUCKETS))
                .observe(seconds);
        }
    }

    /// Drops what was counted for a binding that is gone.
    pub(super) fn forget(&self, binding: &BindingName) {
        lock(&self.0).remove(binding);
    }
}

impl Collector for GateTimes {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut metric = encoder.encode_descriptor(
            "awslbc_readiness_gate_ready_seconds",
            "Seconds from the last change of a closed readiness gate until it opened.",
            None,
            MetricType::Histogram,
        )?;
        for ((namespace, name), histogram) in lock(&self.0).iter() {
            let labels = [("namespace", namespace.as_str()), ("name", name.as_str())];
            histogram.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use elbow_core::targets::endpoints::PodRef;
    use elbow_core::targets::gates::{GateValue, gate};
    use jiff::Timestamp;
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::*;

    fn opened(binding: &str, opened_after: Option<f64>) -> ConditionPatch {
        ConditionPatch {
            pod: PodRef {
                namespace: "default".to_owned(),
                name: "web-0".to_owned(),
                uid: "uid".to_owned(),
            },
            type_: gate(binding),
            value: GateValue::binding_deleted(),
            since: Timestamp::UNIX_EPOCH,
            opened_after,
        }
    }

    fn page(times: &GateTimes) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(times.clone()));
        let mut page = String::new();
        text::encode(&mut page, &registry).unwrap();
        page
    }

    #[test]
    fn gates_that_opened_are_counted_by_binding() {
        let times = GateTimes::default();
        for patch in [
            opened("web", Some(45.0)),
            opened("web", Some(20.0)),
            opened("web", None),
            opened("api", Some(700.0)),
        ] {
            times.written(&patch);
        }
        let page = page(&times);
        let series = |rest: &str| format!("awslbc_readiness_gate_ready_seconds_{rest}");
        for line in [
            r#"sum{namespace="default",name="web"} 65.0"#,
            r#"count{namespace="default",name="web"} 2"#,
            r#"bucket{le="10.0",namespace="default",name="web"} 0"#,
            r#"bucket{le="30.0",namespace="default",name="web"} 1"#,
            r#"bucket{le="60.0",namespace="default",name="web"} 2"#,
            r#"bucket{le="600.0",namespace="default",name="api"} 0"#,
            r#"bucket{le="+Inf",namespace="default",name="api"} 1"#,
        ] {
            assert!(page.lines().any(|found| found == series(line)), "{line}\n{page}");
        }
        let (api, web) = (page.find(r#"name="api""#), page.find(r#"name="web""#));
        assert!(api < web, "in order: {page}");
        times.forget(&("default".to_owned(), "api".to_owned()));
        assert!(!self::page(&times).contains(r#"name="api""#));
    }
}
