//! The annotations of a Service, as data: for documentation and to find keys that mean nothing.
//!
//! In: nothing, or a suffix. Out: the rows of the table, the row of a suffix, the nearest known suffix.

use super::AnnotationType::{self, Bool, Int32, Json, String, StringList, StringMap};
use super::table::{self, Page};

pub use super::table::Variant;

/// Prefix of all annotations of a Service, without the slash.
pub const PREFIX: &str = "service.beta.kubernetes.io";

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Suffix without its variant.
    pub suffix: &'static str,
    /// What follows after a dot.
    pub variant: Variant,
    /// Type of the value.
    pub kind: AnnotationType,
    /// One line of documentation.
    pub doc: &'static str,
}

const fn row(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row {
        suffix,
        variant: Variant::None,
        kind,
        doc,
    }
}

const fn variant(suffix: &'static str, variant: Variant, kind: AnnotationType, doc: &'static str) -> Row {
    Row {
        suffix,
        variant,
        kind,
        doc,
    }
}

/// All annotations read on a Service (`pkg/annotations/constants.go`).
#[rustfmt::skip] // one line per row
pub const TABLE: [Row; 50] = [
    row("aws-load-balancer-type", String, "`external` or `nlb-ip`: this controller owns the Service"),
    row("aws-load-balancer-nlb-target-type", String, "what is registered: `instance` (nodes) or `ip` (pods)"),
    row("aws-load-balancer-name", String, "name of the load balancer, used when it is created"),
    row("aws-load-balancer-scheme", String, "`internal` or `internet-facing`"),
    row("aws-load-balancer-internal", Bool, "deprecated: use aws-load-balancer-scheme"),
    row("aws-load-balancer-ip-address-type", String, "`ipv4` or `dualstack`"),
    row("aws-load-balancer-subnets", StringList, "subnet ids or values of their Name tag, one per zone"),
    row("aws-load-balancer-eip-allocations", StringList, "Elastic IP allocation ids, one per subnet, internet-facing only"),
    row("aws-load-balancer-private-ipv4-addresses", StringList, "private IPv4 addresses, one per subnet, internal only"),
    row("aws-load-balancer-ipv6-addresses", StringList, "IPv6 addresses, one per subnet, dualstack only"),
    row("aws-load-balancer-enable-prefix-for-ipv6-source-nat", String, "`on` or `off`: source NAT prefixes for UDP over IPv6"),
    row("aws-load-balancer-source-nat-ipv6-prefixes", StringList, "`auto_assigned` or an IPv6 /80, one per subnet"),
    row("aws-load-balancer-attributes", StringMap, "load balancer attributes"),
    row("aws-load-balancer-access-log-enabled", Bool, "deprecated: use aws-load-balancer-attributes"),
    row("aws-load-balancer-access-log-s3-bucket-name", String, "deprecated: use aws-load-balancer-attributes"),
    row("aws-load-balancer-access-log-s3-bucket-prefix", String, "deprecated: use aws-load-balancer-attributes"),
    row("aws-load-balancer-cross-zone-load-balancing-enabled", Bool, "deprecated: use aws-load-balancer-attributes"),
    row("aws-load-balancer-minimum-load-balancer-capacity", StringMap, "reserved capacity: `CapacityUnits=n`"),
    row("aws-load-balancer-additional-resource-tags", StringMap, "tags of all AWS resources of the Service"),
    row("aws-load-balancer-security-groups", StringList, "security group ids or values of their Name tag"),
    row("aws-load-balancer-manage-backend-security-group-rules", Bool, "whether rules on nodes and pods are managed"),
    row("aws-load-balancer-disable-nlb-sg", Bool, "create the load balancer without security groups"),
    row("load-balancer-source-ranges", StringList, "client CIDRs, used if spec.loadBalancerSourceRanges is empty"),
    row("aws-load-balancer-security-group-prefix-lists", StringList, "prefix lists of clients"),
    row("aws-load-balancer-enable-icmp-for-path-mtu-discovery", String, "`on`: let ICMP for path MTU discovery in"),
    row("aws-load-balancer-inbound-sg-rules-on-private-link-traffic", String, "`on` or `off`: apply inbound rules to PrivateLink traffic"),
    row("aws-load-balancer-ssl-cert", StringList, "certificate ARNs, the first is the default one"),
    row("aws-load-balancer-ssl-ports", StringList, "port names or numbers that become TLS listeners"),
    row("aws-load-balancer-ssl-negotiation-policy", String, "TLS security policy"),
    row("aws-load-balancer-backend-protocol", String, "`ssl`: TLS to the targets of TLS listeners"),
    row("aws-load-balancer-alpn-policy", String, "ALPN policy of TLS listeners"),
    variant("aws-load-balancer-listener-attributes", Variant::Listener, StringMap, "attributes of one listener"),
    row("aws-load-balancer-enable-tcp-udp-listener", Bool, "one TCP_UDP listener for a TCP and a UDP port of one number"),
    row("aws-load-balancer-quic-enabled-ports", StringList, "UDP port names or numbers that become QUIC listeners"),
    variant("actions", Variant::Listener, Json, "weighted forward action of one listener"),
    row("aws-load-balancer-target-group-attributes", StringMap, "attributes of all target groups"),
    variant("aws-load-balancer-target-group-attributes", Variant::Port, StringMap, "attributes of one port's target group"),
    row("aws-load-balancer-proxy-protocol", String, "`*`: proxy protocol version 2 to all targets"),
    row("aws-load-balancer-proxy-protocol-per-target-group", StringList, "port numbers whose targets get proxy protocol version 2"),
    row("aws-load-balancer-healthcheck-protocol", String, "`tcp`, `http` or `https`"),
    row("aws-load-balancer-healthcheck-port", String, "a number, `traffic-port` or a port name"),
    row("aws-load-balancer-healthcheck-path", String, "path of HTTP and HTTPS health checks"),
    row("aws-load-balancer-healthcheck-success-codes", String, "codes that count as healthy"),
    row("aws-load-balancer-healthcheck-interval", Int32, "seconds between health checks"),
    row("aws-load-balancer-healthcheck-timeout", Int32, "seconds before a health check counts as failed"),
    row("aws-load-balancer-healthcheck-healthy-threshold", Int32, "passes in a row to become healthy"),
    row("aws-load-balancer-healthcheck-unhealthy-threshold", Int32, "failures in a row to become unhealthy"),
    row("aws-load-balancer-target-node-labels", StringMap, "labels of the nodes that are registered"),
    row("aws-load-balancer-multi-cluster-target-group", Bool, "other clusters register targets in the same target groups"),
    // Read on Pods; a Service that carries it has no effect, but the key is known.
    row("aws-load-balancer-quic-enabled-containers", StringList, "on Pods: containers that get a QUIC server id"),
];

/// The row of a suffix, with or without a variant.
pub fn find(suffix: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.variant.fits(row.suffix, suffix))
}

/// The table as a page of the user documentation (`docs/service-annotations.md`).
pub fn markdown() -> std::string::String {
    let mut page = Page::new("a Service", PREFIX, "this table", "");
    page.columns(&["Key", "Type", "Meaning"]);
    for row in &TABLE {
        let key = format!("`{}{}`", row.suffix, row.variant.form());
        page.row(&[&key, row.kind.word(), row.doc]);
    }
    page.finish()
}

/// Whether a suffix belongs to the families of keys that load balancer controllers for AWS own, so that an
/// unknown one is worth a warning.
pub fn is_ours(suffix: &str) -> bool {
    suffix.starts_with("aws-load-balancer-") || suffix.starts_with("actions.")
}

/// The known suffix that differs by at most three edits, for "did you mean".
pub fn nearest(suffix: &str) -> Option<&'static str> {
    table::nearest(TABLE.iter().map(|row| row.suffix), suffix)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )]
    use super::*;

    #[test]
    fn every_row_is_found_by_its_suffix_and_documented_on_one_line() {
        for row in &TABLE {
            let suffix = match row.variant {
                Variant::None => row.suffix.to_owned(),
                Variant::Port => format!("{}.443", row.suffix),
                _ => format!("{}.TLS-443", row.suffix),
            };
            let found = find(&suffix).unwrap();
            assert_eq!((found.suffix, found.variant), (row.suffix, row.variant));
            assert!(!row.doc.is_empty() && !row.doc.contains('\n'));
        }
    }

    #[test]
    fn a_misspelt_key_is_unknown_and_its_neighbour_is_named() {
        assert!(find("aws-load-balancer-shceme").is_none());
        assert_eq!(
            nearest("aws-load-balancer-shceme"),
            Some("aws-load-balancer-scheme")
        );
        assert_eq!(nearest("aws-load-balancer-extra-security-groups"), None);
    }
}
