//! The annotations of an Ingress, as data: for documentation and to find keys that mean nothing.
//!
//! In: nothing, or a suffix. Out: the rows of the table, the row of a suffix, the nearest known suffix.

use super::AnnotationType::{self, Bool, Int32, Int64, Json, String, StringList, StringMap};
use super::table::{self, Page};

pub use super::table::Variant;

/// Prefix of all annotations of an Ingress, without the slash.
pub const PREFIX: &str = "alb.ingress.kubernetes.io";

/// Where an annotation is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the Ingress only.
    Ingress,
    /// On the backend Service and on the Ingress; the Service wins.
    IngressAndService,
}

/// What happens if several Ingresses of a group set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It is about the Ingress's own rules and backends.
    Own,
    /// All that set it must agree; the order in a list is of no account.
    One,
    /// All that set it must agree, order included.
    OneOrdered,
    /// All that set it and listen on the same port must agree.
    PerPort,
    /// All that set the same key must agree.
    PerKey,
    /// What they say is put together; one key with two values is a conflict.
    Union,
}

impl Merge {
    fn words(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::One => "one value",
            Self::OneOrdered => "one value, in order",
            Self::PerPort => "one value per port",
            Self::PerKey => "one value per key",
            Self::Union => "together",
        }
    }
}

/// What an annotation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The load balancer.
    LoadBalancer,
    /// Its listeners.
    Listener,
    /// Rules and their actions.
    Rule,
    /// Target groups.
    TargetGroup,
    /// The Network Load Balancer before it.
    FrontendLoadBalancer,
}

impl Scope {
    /// All scopes, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::LoadBalancer,
        Self::Listener,
        Self::Rule,
        Self::TargetGroup,
        Self::FrontendLoadBalancer,
    ];

    fn heading(self) -> &'static str {
        match self {
            Self::LoadBalancer => "Load balancer",
            Self::Listener => "Listeners",
            Self::Rule => "Rules and actions",
            Self::TargetGroup => "Target groups",
            Self::FrontendLoadBalancer => "Network Load Balancer in front",
        }
    }
}

/// A feature that has no effect yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Reserved capacity.
    Capacity,
    /// Pools of addresses.
    AddressPools,
    /// AWS WAF and AWS Shield.
    Protection,
    /// What would be built, written to the Ingress.
    Plan,
    /// Client certificates.
    MutualTls,
    /// Certificates made by the controller.
    Certificates,
    /// Rewrites.
    Transforms,
    /// Users and tokens.
    Authentication,
    /// Agents beside pods.
    TargetControl,
    /// A Network Load Balancer in front.
    FrontendLoadBalancer,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Suffix without its variant.
    pub suffix: &'static str,
    /// What follows after a dot.
    pub variant: Variant,
    /// Type of the value.
    pub kind: AnnotationType,
    /// What holds without it; empty: nothing.
    pub default: &'static str,
    /// Where it is read.
    pub place: Place,
    /// What happens in a group.
    pub merge: Merge,
    /// What it is about.
    pub scope: Scope,
    /// The feature it waits for; `None`: it has its effect.
    pub later: Option<Feature>,
    /// One line of documentation.
    pub doc: &'static str,
}

impl Row {
    const fn new(scope: Scope, suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Self {
        Self {
            suffix,
            variant: Variant::None,
            kind,
            default: "",
            place: Place::Ingress,
            merge: Merge::Own,
            scope,
            later: None,
            doc,
        }
    }

    const fn variant(self, variant: Variant) -> Self {
        Self { variant, ..self }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn on_services(self) -> Self {
        let place = Place::IngressAndService;
        Self { place, ..self }
    }

    const fn merged(self, merge: Merge) -> Self {
        Self { merge, ..self }
    }

    const fn later(self, feature: Feature) -> Self {
        let later = Some(feature);
        Self { later, ..self }
    }
}

const fn load_balancer(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row::new(Scope::LoadBalancer, suffix, kind, doc)
}

const fn listener(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row::new(Scope::Listener, suffix, kind, doc)
}

const fn rule(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row::new(Scope::Rule, suffix, kind, doc)
}

const fn target_group(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row::new(Scope::TargetGroup, suffix, kind, doc).on_services()
}

const fn frontend(suffix: &'static str, kind: AnnotationType, doc: &'static str) -> Row {
    Row::new(Scope::FrontendLoadBalancer, suffix, kind, doc).later(Feature::FrontendLoadBalancer)
}

/// All annotations read on an Ingress or for one (`pkg/annotations/constants.go`).
#[rustfmt::skip] // one line per row
pub const TABLE: [Row; 72] = [
    load_balancer("group.name", String, "name of the group that shares the load balancer"),
    load_balancer("group.order", Int32, "place in the group, -1000 to 1000; lower comes first").or("0"),
    load_balancer("load-balancer-name", String, "name of the load balancer, used when it is created").or("generated").merged(Merge::One),
    load_balancer("scheme", String, "`internal` or `internet-facing`").or("internal").merged(Merge::One),
    load_balancer("ip-address-type", String, "`ipv4`, `dualstack` or `dualstack-without-public-ipv4`").or("ipv4").merged(Merge::One),
    load_balancer("subnets", StringList, "subnet ids or values of their Name tag, one per zone").or("discovered").merged(Merge::One),
    load_balancer("security-groups", StringList, "security group ids or values of their Name tag").or("managed group").merged(Merge::OneOrdered),
    load_balancer("manage-backend-security-group-rules", Bool, "whether rules on nodes and pods are managed when security groups are given").or("false").merged(Merge::One),
    load_balancer("load-balancer-attributes", StringMap, "attributes of the load balancer").merged(Merge::Union),
    load_balancer("tags", StringMap, "tags of all AWS resources; on a Service those of its target group").on_services().merged(Merge::Union),
    load_balancer("minimum-load-balancer-capacity", StringMap, "reserved capacity: `CapacityUnits=n`").merged(Merge::PerKey).later(Feature::Capacity),
    load_balancer("customer-owned-ipv4-pool", String, "pool of customer-owned addresses on an Outpost, used when it is created").merged(Merge::One).later(Feature::AddressPools),
    load_balancer("ipam-ipv4-pool-id", String, "IPAM pool of public IPv4 addresses").merged(Merge::One).later(Feature::AddressPools),
    load_balancer("wafv2-acl-name", String, "web ACL of AWS WAF by name; `none` takes it away").merged(Merge::One).later(Feature::Protection),
    load_balancer("wafv2-acl-arn", String, "web ACL of AWS WAF by ARN; `none` takes it away").merged(Merge::One).later(Feature::Protection),
    load_balancer("waf-acl-id", String, "web ACL of AWS WAF Classic; `none` takes it away").merged(Merge::One).later(Feature::Protection),
    load_balancer("web-acl-id", String, "deprecated: use waf-acl-id").merged(Merge::One).later(Feature::Protection),
    load_balancer("shield-advanced-protection", Bool, "whether AWS Shield Advanced protects the load balancer").merged(Merge::One).later(Feature::Protection),
    load_balancer("dry-run-plan", String, "written by the controller: what it would build").later(Feature::Plan),
    listener("listen-ports", Json, "ports and protocols, such as `[{\"HTTP\":80},{\"HTTPS\":443}]`").or("HTTP 80, with certificates HTTPS 443").merged(Merge::Union),
    listener("ssl-redirect", Int32, "port of the HTTPS listener that all HTTP listeners redirect to").merged(Merge::One),
    listener("inbound-cidrs", StringList, "CIDRs of clients").or("0.0.0.0/0, ::/0").merged(Merge::PerPort),
    listener("security-group-prefix-lists", StringList, "prefix lists of clients").merged(Merge::PerPort),
    listener("certificate-arn", StringList, "certificate ARNs, the first is the default one").or("discovered").merged(Merge::Union),
    listener("ssl-policy", String, "TLS security policy of HTTPS listeners").or("ELBSecurityPolicy-2016-08").merged(Merge::PerPort),
    listener("mutual-authentication", Json, "client certificates, port by port").merged(Merge::PerPort).later(Feature::MutualTls),
    listener("listener-attributes", StringMap, "attributes of one listener").variant(Variant::Listener).merged(Merge::PerPort),
    listener("create-acm-cert", Bool, "whether a certificate is made in AWS Certificate Manager").or("false").later(Feature::Certificates),
    listener("acm-pca-arn", String, "private certificate authority of the certificate that is made").later(Feature::Certificates),
    rule("actions", Json, "action of a backend whose port name is `use-annotation`").variant(Variant::Name),
    rule("conditions", Json, "more conditions for the rules of one backend").variant(Variant::Name),
    rule("transforms", Json, "rewrites of requests to one backend").variant(Variant::Name).later(Feature::Transforms),
    rule("use-regex-path-match", Bool, "whether paths of type ImplementationSpecific are regular expressions behind their slash").or("false"),
    rule("auth-type", String, "`none`, `oidc` or `cognito`").or("none").on_services().later(Feature::Authentication),
    rule("auth-idp-cognito", Json, "Amazon Cognito user pool").on_services().later(Feature::Authentication),
    rule("auth-idp-oidc", Json, "OpenID Connect provider").on_services().later(Feature::Authentication),
    rule("auth-on-unauthenticated-request", String, "`authenticate`, `allow` or `deny`").or("authenticate").on_services().later(Feature::Authentication),
    rule("auth-scope", String, "what is asked from the identity provider").or("openid").on_services().later(Feature::Authentication),
    rule("auth-session-cookie", String, "name of the session cookie").or("AWSELBAuthSessionCookie").on_services().later(Feature::Authentication),
    rule("auth-session-timeout", Int64, "seconds a session lasts").or("604800").on_services().later(Feature::Authentication),
    rule("jwt-validation", Json, "tokens that requests must carry").later(Feature::Authentication),
    target_group("target-type", String, "what is registered: `instance` (nodes) or `ip` (pods)").or("instance"),
    target_group("backend-protocol", String, "`HTTP` or `HTTPS`").or("HTTP"),
    target_group("backend-protocol-version", String, "`HTTP1`, `HTTP2` or `GRPC`").or("HTTP1"),
    target_group("target-group-attributes", StringMap, "attributes of the target group"),
    target_group("healthcheck-port", String, "a number, `traffic-port` or a port name").or("traffic-port"),
    target_group("healthcheck-protocol", String, "`HTTP` or `HTTPS`").or("backend-protocol"),
    target_group("healthcheck-path", String, "path of health checks").or("/, for GRPC /AWS.ALB/healthcheck"),
    target_group("healthcheck-interval-seconds", Int32, "seconds between health checks").or("15"),
    target_group("healthcheck-timeout-seconds", Int32, "seconds before a health check counts as failed").or("5"),
    target_group("healthy-threshold-count", Int32, "passes in a row to become healthy").or("2"),
    target_group("unhealthy-threshold-count", Int32, "failures in a row to become unhealthy").or("2"),
    target_group("success-codes", String, "codes that count as healthy").or("200, for GRPC 12"),
    target_group("target-node-labels", StringMap, "labels of the nodes that are registered"),
    target_group("multi-cluster-target-group", Bool, "other clusters register targets in the same target group; `true` on the Ingress wins").or("false"),
    target_group("target-control-port", Int32, "port of the agent that limits requests to a pod").variant(Variant::NamePort).later(Feature::TargetControl),
    frontend("enable-frontend-nlb", Bool, "whether a Network Load Balancer stands before the load balancer").or("false").merged(Merge::One),
    frontend("frontend-nlb-scheme", String, "`internal` or `internet-facing`").or("internal").merged(Merge::One),
    frontend("frontend-nlb-subnets", StringList, "subnet ids or values of their Name tag").or("discovered").merged(Merge::One),
    frontend("frontend-nlb-security-groups", StringList, "security group ids or values of their Name tag").or("those of the load balancer").merged(Merge::OneOrdered),
    frontend("frontend-nlb-eip-allocations", StringList, "Elastic IP allocation ids, one per subnet, internet-facing only").merged(Merge::One),
    frontend("frontend-nlb-attributes", StringMap, "attributes of the Network Load Balancer").merged(Merge::One),
    frontend("frontend-nlb-tags", StringMap, "tags of the Network Load Balancer, its listeners and target groups").or("those of the load balancer").merged(Merge::One),
    frontend("frontend-nlb-listener-port-mapping", StringMap, "pairs of ports: Network Load Balancer = load balancer").or("the same ports").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-port", String, "a number or `traffic-port`").or("traffic-port").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-protocol", String, "`HTTP` or `HTTPS`").or("HTTP").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-path", String, "path of health checks").or("/").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-interval-seconds", Int32, "seconds between health checks").or("15").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-timeout-seconds", Int32, "seconds before a health check counts as failed").or("5").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-healthy-threshold-count", Int32, "passes in a row to become healthy").or("2").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-unhealthy-threshold-count", Int32, "failures in a row to become unhealthy").or("2").merged(Merge::PerPort),
    frontend("frontend-nlb-healthcheck-success-codes", String, "codes that count as healthy").or("200").merged(Merge::PerPort),
];

/// The row of a suffix, with or without a variant.
pub fn find(suffix: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.variant.fits(row.suffix, suffix))
}

/// The known suffix that differs by at most three edits, for "did you mean".
pub fn nearest(suffix: &str) -> Option<&'static str> {
    table::nearest(TABLE.iter().map(|row| row.suffix), suffix)
}

/// The table as a page of the user documentation (`docs/ingress-annotations.md`).
pub fn markdown() -> std::string::String {
    let mut page = Page::new("an Ingress", PREFIX, "these tables", NOT_YET);
    page.text(PLACES);
    page.text(GROUPS);
    for scope in Scope::ALL {
        page.text(&format!("## {}", scope.heading()));
        page.columns(&["Key", "Type", "Default", "Read on", "In a group", "Meaning"]);
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            let place = match row.place {
                Place::Ingress => "Ingress",
                Place::IngressAndService => "Ingress, Service",
            };
            let key = format!("`{}{}`", row.suffix, row.variant.form());
            let later = if row.later.is_some() { " (not yet)" } else { "" };
            let doc = format!("{}{later}", row.doc);
            let merge = row.merge.words();
            page.row(&[&key, row.kind.word(), row.default, place, merge, &doc]);
        }
    }
    page.finish()
}

const NOT_YET: &str = " *Not yet* marks keys that are known and have no effect in this version.";

const PLACES: &str = "\
Read on: where a Service is named too, the annotation of the backend Service wins over that of the Ingress. Settings \
of the class (IngressClassParams) win over both.";

const GROUPS: &str = "\
In a group: *own* concerns only the rules and backends of that Ingress; *one value* means that all Ingresses of the \
group that set it must agree; *together* means that all values are put together, and one key with two values is a \
conflict.";

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
            let ending = match row.variant {
                Variant::None => "",
                Variant::Port | Variant::Listener => ".HTTPS-443",
                Variant::Name => ".my.action",
                Variant::NamePort => ".web.80",
            };
            let found = find(&format!("{}{ending}", row.suffix)).unwrap();
            assert_eq!((found.suffix, found.variant), (row.suffix, row.variant));
            assert!(
                !row.doc.is_empty() && !row.doc.contains(['\n', '|']),
                "{}",
                row.suffix
            );
        }
    }

    #[test]
    fn families_need_what_follows_and_plain_keys_nothing() {
        for suffix in [
            "actions",
            "actions.",
            "target-control-port.web",
            "scheme.x",
            "Scheme",
            "",
        ] {
            assert!(find(suffix).is_none(), "{suffix}");
        }
    }

    #[test]
    fn a_misspelt_key_is_unknown_and_its_neighbour_is_named() {
        assert!(find("shceme").is_none());
        assert_eq!(nearest("shceme"), Some("scheme"));
        assert_eq!(nearest("listen-port"), Some("listen-ports"));
        assert_eq!(nearest("something-else-entirely"), None);
    }
}
