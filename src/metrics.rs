//! Metrics in the text format of Prometheus: what the queues hold, what AWS was asked.

use std::fmt::Write as _;

use crate::engine::Engine;

/// The page served at `/metrics`.
pub fn text(engine: &Engine) -> String {
    let mut page = String::new();
    let (stacks, bindings) = (engine.stacks.depth(), engine.bindings.depth());
    let gauges = [
        ("elbow_queue_running", [stacks.0, bindings.0], "Keys that run."),
        (
            "elbow_queue_waiting",
            [stacks.1, bindings.1],
            "Keys that are due or wait.",
        ),
    ];
    for (name, [stacks, bindings], help) in gauges {
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} gauge");
        let _ = writeln!(
            page,
            "{name}{{queue=\"stacks\"}} {stacks}\n{name}{{queue=\"bindings\"}} {bindings}"
        );
    }
    let objects = [
        ("service", engine.stores.services.len()),
        ("targetgroupbinding", engine.stores.bindings.len()),
        ("pod", engine.stores.pods.len()),
    ];
    let _ = writeln!(
        page,
        "# HELP awslbc_controller_cache_object_total Objects in the stores.\n# TYPE awslbc_controller_cache_object_total gauge"
    );
    for (resource, count) in objects {
        let _ = writeln!(
            page,
            "awslbc_controller_cache_object_total{{resource=\"{resource}\"}} {count}"
        );
    }
    let _ = writeln!(
        page,
        "# HELP aws_api_requests_total AWS requests, one per attempt.\n# TYPE aws_api_requests_total counter"
    );
    for (key, count) in engine.aws.counts().snapshot() {
        let labels = format!(
            "service=\"{}\",operation=\"{}\",status_code=\"{}\",error_code=\"{}\"",
            key.service.id(),
            key.operation,
            key.status,
            key.code
        );
        let _ = writeln!(page, "aws_api_requests_total{{{labels}}} {}", count.attempts);
    }
    page
}
