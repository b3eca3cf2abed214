//! Annotations that have no effect, which upstream does not mention: here they are warnings.

use elbow_crds::annotation::service::{self as table, Variant};
use elbow_crds::problem::ProblemCode;

use super::Reader;
use super::listeners::Lowered;
use crate::intent::wish::port_text;

/// Keys that look like ours and are not in the table.
pub(super) fn warn_unknown_annotations(reader: &mut Reader<'_>) {
    for suffix in reader.annotations.suffixes() {
        if !table::is_ours(suffix) || table::find(suffix).is_some() {
            continue;
        }
        reader.warn_unknown(suffix, table::nearest(suffix));
    }
}

/// Keys for one listener or port that does not exist.
pub(super) fn warn_unused_variants(reader: &mut Reader<'_>, lowered: &Lowered) {
    for suffix in reader.annotations.suffixes() {
        let Some(row) = table::find(suffix) else { continue };
        let variant = suffix.get(row.suffix.len() + 1..).unwrap_or_default();
        let message = match row.variant {
            Variant::Listener if !lowered.variants.contains(variant) => {
                let known: Vec<&str> = lowered.variants.iter().map(String::as_str).collect();
                format!(
                    "there is no listener {variant}; the listeners are {}",
                    known.join(", ")
                )
            }
            Variant::Port if !is_port(reader, lowered, variant) => {
                format!("no target group belongs to port '{variant}'; write the number of a port")
            }
            _ => continue,
        };
        reader.warn_at(suffix, ProblemCode::Ignored, message);
    }
}

fn is_port(reader: &Reader<'_>, lowered: &Lowered, variant: &str) -> bool {
    let mut groups = lowered.target_groups.values();
    let mut ports = reader.of.ports.iter();
    groups.any(|group| port_text(&group.service_port) == variant)
        || ports.any(|port| port.port.to_string() == variant)
}

/// Keys without effect beside the others that are there.
pub(super) fn warn_unused_settings(reader: &mut Reader<'_>) {
    const CERTIFICATES: &str = "aws-load-balancer-ssl-cert";
    const BACKEND: &str = "aws-load-balancer-backend-protocol";
    if reader.list(CERTIFICATES).unwrap_or_default().is_empty() {
        for suffix in [
            "aws-load-balancer-ssl-ports",
            "aws-load-balancer-ssl-negotiation-policy",
            "aws-load-balancer-alpn-policy",
        ] {
            if reader.string(suffix).is_some() {
                let message = format!("it has no effect without {}", reader.key(CERTIFICATES));
                reader.warn_at(suffix, ProblemCode::Ignored, message);
            }
        }
    }
    if let Some(protocol) = reader.string(BACKEND)
        && !matches!(protocol, "ssl" | "tcp")
    {
        let message = format!("the value '{protocol}' has no effect; only ssl has one");
        reader.warn_at(BACKEND, ProblemCode::Ignored, message);
    }
}
