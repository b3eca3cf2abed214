//! Metrics, with upstream's names where it has them: what the queues hold, what was asked of AWS. In: counters
//! and stores as they stand when somebody looks. Out: a page in the OpenMetrics text format.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::aws::{Count, CountKey};
use crate::engine::Engine;

/// Content type of the page (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The page served at `/metrics`.
pub fn page(engine: &Engine) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families(engine))));
    registry.register_collector(Box::new(engine.targets.gate_times()));
    let mut page = String::new();
    if let Err(error) = text::encode(&mut page, &registry) {
        tracing::error!(%error, "a metric could not be written");
    }
    page
}

/// A metric with its values by labels.
#[derive(Debug)]
struct Family {
    /// Name; a counter's without `_total`, which the format adds.
    name: &'static str,
    help: &'static str,
    kind: Kind,
    values: Vec<(Labels, u64)>,
}

type Labels = Vec<(&'static str, String)>;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    Gauge,
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        for family in &self.0 {
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, None, kind)?;
            for (labels, value) in &family.values {
                let series = metric.encode_family(labels)?;
                match family.kind {
                    Kind::Counter => ConstCounter::new(*value).encode(series)?,
                    Kind::Gauge => ConstGauge::new(*value).encode(series)?,
                }
            }
        }
        Ok(())
    }
}

fn families(engine: &Engine) -> Vec<Family> {
    let (stacks, bindings) = (engine.stacks.depth(), engine.bindings.depth());
    let calls = engine.aws.counts().snapshot();
    let asked = |count: fn(&CountKey, &Count) -> Option<u64>| {
        let values = calls.iter();
        values
            .filter_map(|(key, value)| Some((aws_labels(key), count(key, value)?)))
            .collect()
    };
    vec![
        Family {
            name: "elbow_queue_running",
            help: "Keys that run.",
            kind: Kind::Gauge,
            values: by("queue", [("stacks", stacks.0), ("bindings", bindings.0)]),
        },
        Family {
            name: "elbow_queue_waiting",
            help: "Keys that are due or wait.",
            kind: Kind::Gauge,
            values: by("queue", [("stacks", stacks.1), ("bindings", bindings.1)]),
        },
        Family {
            name: "awslbc_controller_cache_object_total",
            help: "Objects in the stores.",
            kind: Kind::Gauge,
            values: by(
                "resource",
                [
                    ("service", engine.stores.services.len()),
                    ("targetgroupbinding", engine.stores.bindings.len()),
                    ("pod", engine.stores.pods.len()),
                ],
            ),
        },
        Family {
            name: "aws_api_calls",
            help: "AWS calls that got an answer, whatever their number of attempts.",
            kind: Kind::Counter,
            values: asked(|key, count| (key.status != 0 && count.calls > 0).then_some(count.calls)),
        },
        Family {
            name: "aws_api_requests",
            help: "AWS requests, one per attempt.",
            kind: Kind::Counter,
            values: asked(|_, count| Some(count.attempts)),
        },
    ]
}

fn by<const N: usize>(label: &'static str, values: [(&str, usize); N]) -> Vec<(Labels, u64)> {
    let value = |(name, count): (&str, usize)| {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (vec![(label, name.to_owned())], count)
    };
    values.into_iter().map(value).collect()
}

/// The labels of upstream's counters of calls (`pkg/aws/metrics`).
fn aws_labels(key: &CountKey) -> Labels {
    vec![
        ("service", key.service.id().to_owned()),
        ("operation", key.operation.to_owned()),
        ("status_code", key.status.to_string()),
        ("error_code", key.code.clone()),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_quoted_counters_end_in_total_and_the_page_has_an_end() {
        let labels = vec![("error_code", "a \"b\"\n".to_owned())];
        let family = |name, kind| Family {
            name,
            help: "Help.",
            kind,
            values: vec![(labels.clone(), 3)],
        };
        let families = vec![family("calls", Kind::Counter), family("held", Kind::Gauge)];
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Families(families)));
        let mut page = String::new();
        text::encode(&mut page, &registry).unwrap();
        let expected = concat!(
            "# HELP calls Help.\n# TYPE calls counter\ncalls_total{error_code=\"a \\\"b\\\"\\n\"} 3\n",
            "# HELP held Help.\n# TYPE held gauge\nheld{error_code=\"a \\\"b\\\"\\n\"} 3\n# EOF\n",
        );
        assert_eq!(page, expected);
    }
}
