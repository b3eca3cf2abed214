//! Security groups of a Service's load balancer (upstream `pkg/service/model_build_load_balancer.go`,
//! `model_build_managed_sg.go`).

use elbow_crds::cidr::Cidr;
use elbow_crds::problem::ProblemCode;

use super::Reader;
use crate::intent::wish::{ClientsWish, InboundWish, SecurityWish, SourceRange, SourceRanges};
use crate::model::{OnOff, Origin, Setting};

const DISABLE: &str = "aws-load-balancer-disable-nlb-sg";
const GROUPS: &str = "aws-load-balancer-security-groups";
const MANAGE: &str = "aws-load-balancer-manage-backend-security-group-rules";
const SOURCE_RANGES: &str = "load-balancer-source-ranges";
const PREFIX_LISTS: &str = "aws-load-balancer-security-group-prefix-lists";
const ICMP: &str = "aws-load-balancer-enable-icmp-for-path-mtu-discovery";
const PRIVATE_LINK: &str = "aws-load-balancer-inbound-sg-rules-on-private-link-traffic";
const SPEC_RANGES: &str = "spec.loadBalancerSourceRanges";

const FIELDS: [&str; 7] = [
    DISABLE,
    GROUPS,
    MANAGE,
    SOURCE_RANGES,
    PREFIX_LISTS,
    ICMP,
    PRIVATE_LINK,
];

/// Reads everything about security groups.
pub(super) fn read(reader: &mut Reader<'_>, sources: &SourceRanges) -> SecurityWish {
    let disabled_by_annotation = reader.bool(DISABLE) == Some(true);
    let disabled = if disabled_by_annotation {
        Some(reader.origin(&reader.key(DISABLE)))
    } else if reader.settings.gates.nlb_security_group {
        None
    } else {
        Some(reader.origin("feature gate NLBSecurityGroup"))
    };
    let groups = reader.list(GROUPS).unwrap_or_default();
    if disabled.is_some() || !groups.is_empty() {
        warn_without_managed_group(reader);
    }
    let manage_backend_rules = reader
        .annotations
        .bool(MANAGE)
        .map_err(|error| reader.malformed(&error));
    let service = reader.of;
    SecurityWish {
        disabled,
        groups,
        groups_origin: reader.origin(&reader.key(GROUPS)),
        manage_backend_rules,
        manage_backend_rules_origin: reader.origin(&reader.key(MANAGE)),
        inbound: InboundWish::Clients(ClientsWish {
            sources: sources.clone(),
            prefix_lists: reader.list(PREFIX_LISTS),
            icmp: icmp(reader),
            ports: service
                .ports
                .iter()
                .map(|port| (port.protocol.to_lowercase(), port.port))
                .collect(),
        }),
        private_link_inbound: Setting::from(reader.word(
            PRIVATE_LINK,
            |text| OnOff::parse(text).ok(),
            "on or off",
        )),
        origins: reader.present(&FIELDS),
    }
}

fn warn_without_managed_group(reader: &mut Reader<'_>) {
    for suffix in [PREFIX_LISTS, ICMP] {
        if reader.string(suffix).is_some() {
            let message = "it has no effect without a managed security group; remove it";
            reader.warn_at(suffix, ProblemCode::Ignored, message);
        }
    }
}

fn icmp(reader: &mut Reader<'_>) -> bool {
    let Some(text) = reader.string(ICMP) else {
        return false;
    };
    if !matches!(text, "on" | "off") {
        let message = format!("the value '{text}' counts as off; write on or off");
        reader.warn_at(ICMP, ProblemCode::Ignored, message);
    }
    text == "on"
}

/// `spec.loadBalancerSourceRanges`, else the annotation.
pub(super) fn sources(reader: &mut Reader<'_>) -> SourceRanges {
    let annotation = reader.list(SOURCE_RANGES).unwrap_or_default();
    if reader.of.source_ranges.is_empty() {
        return source_ranges(reader.origin(&reader.key(SOURCE_RANGES)), &annotation);
    }
    if !annotation.is_empty() {
        let message = format!("it has no effect beside {SPEC_RANGES}; remove one of them");
        reader.warn_at(SOURCE_RANGES, ProblemCode::Ignored, message);
    }
    source_ranges(reader.origin(SPEC_RANGES), &reader.of.source_ranges)
}

/// Ranges with what could be understood of them.
pub(super) fn source_ranges(origin: Origin, texts: &[String]) -> SourceRanges {
    SourceRanges {
        origin,
        ranges: texts
            .iter()
            .map(|text| SourceRange {
                text: text.clone(),
                cidr: Cidr::parse(text),
            })
            .collect(),
    }
}

/// Clients of a backend Service behind a load balancer without groups: its own ranges, else `base`'s.
pub(super) fn backend_sources(ranges: &[String], base_annotation: &SourceRanges) -> SourceRanges {
    if ranges.is_empty() {
        base_annotation.clone()
    } else {
        let origin = Origin {
            object: base_annotation.origin.object.clone(),
            field: SPEC_RANGES.to_owned(),
        };
        source_ranges(origin, ranges)
    }
}

/// The ranges of the annotation alone.
pub(super) fn annotation_sources(reader: &Reader<'_>) -> SourceRanges {
    let annotation = reader.list(SOURCE_RANGES).unwrap_or_default();
    source_ranges(reader.origin(&reader.key(SOURCE_RANGES)), &annotation)
}
