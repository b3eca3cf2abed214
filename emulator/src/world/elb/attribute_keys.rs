//! The attribute keys of the ELBv2 API: what has them, their defaults, the values they take.
//!
//! Source: `LoadBalancerAttribute`, `TargetGroupAttribute` and `ListenerAttribute` in the API reference.

/// Which values a key takes.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// `true` or `false`.
    Bool,
    /// One of these.
    One(&'static [&'static str]),
    /// A number in this range.
    Number(i64, i64),
    /// `off` or a number in this range.
    OffOr(i64, i64),
    /// Any text up to 1,024 characters.
    Text,
    /// The name of an HTTP header, up to 40 characters.
    HeaderName,
    /// Only the value it has.
    Fixed(&'static str),
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Key.
    pub key: &'static str,
    /// Value of a new resource.
    pub default: &'static str,
    /// Values it takes.
    pub takes: Takes,
}

const fn spec(key: &'static str, default: &'static str, takes: Takes) -> Spec {
    Spec { key, default, takes }
}

const MANY: i64 = 1_000_000;
const WEEK: i64 = 604_800;

/// Of every load balancer.
pub const ANY_LOAD_BALANCER: &[Spec] = &[
    spec("access_logs.s3.bucket", "", Takes::Text),
    spec("access_logs.s3.enabled", "false", Takes::Bool),
    spec("access_logs.s3.prefix", "", Takes::Text),
    spec("deletion_protection.enabled", "false", Takes::Bool),
    spec("ipv6.deny_all_igw_traffic", "false", Takes::Bool),
    spec("zonal_shift.config.enabled", "false", Takes::Bool),
];

/// Of application load balancers.
pub const APPLICATION: &[Spec] = &[
    spec("client_keep_alive.seconds", "3600", Takes::Number(60, WEEK)),
    spec("connection_logs.s3.bucket", "", Takes::Text),
    spec("connection_logs.s3.enabled", "false", Takes::Bool),
    spec("connection_logs.s3.prefix", "", Takes::Text),
    spec("health_check_logs.s3.bucket", "", Takes::Text),
    spec("health_check_logs.s3.enabled", "false", Takes::Bool),
    spec("health_check_logs.s3.prefix", "", Takes::Text),
    spec("idle_timeout.timeout_seconds", "60", Takes::Number(1, 4000)),
    spec("load_balancing.cross_zone.enabled", "true", Takes::Fixed("true")),
    spec(
        "routing.http.desync_mitigation_mode",
        "defensive",
        Takes::One(&["monitor", "defensive", "strictest"]),
    ),
    spec(
        "routing.http.drop_invalid_header_fields.enabled",
        "false",
        Takes::Bool,
    ),
    spec("routing.http.preserve_host_header.enabled", "false", Takes::Bool),
    spec(
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
        Takes::Bool,
    ),
    spec("routing.http.xff_client_port.enabled", "false", Takes::Bool),
    spec(
        "routing.http.xff_header_processing.mode",
        "append",
        Takes::One(&["append", "preserve", "remove"]),
    ),
    spec("routing.http2.enabled", "true", Takes::Bool),
    spec("waf.fail_open.enabled", "false", Takes::Bool),
];

/// Of network load balancers.
pub const NETWORK: &[Spec] = &[
    spec(
        "dns_record.client_routing_policy",
        "any_availability_zone",
        Takes::One(&[
            "any_availability_zone",
            "availability_zone_affinity",
            "partial_availability_zone_affinity",
        ]),
    ),
    spec("load_balancing.cross_zone.enabled", "false", Takes::Bool),
    spec("secondary_ips.auto_assigned.per_subnet", "0", Takes::Number(0, 7)),
];

/// Of groups behind application and network load balancers.
pub const ANY_GROUP: &[Spec] = &[
    spec("stickiness.enabled", "false", Takes::Bool),
    spec(
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
        Takes::One(&["true", "false", "use_load_balancer_configuration"]),
    ),
    spec(
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
        Takes::OffOr(1, MANY),
    ),
    spec(
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
        Takes::OffOr(1, 100),
    ),
    spec(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
        Takes::Number(1, MANY),
    ),
    spec(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
        Takes::OffOr(1, 100),
    ),
];

/// Of every group but those of Lambda functions.
pub const DEREGISTRATION: &[Spec] = &[spec(
    "deregistration_delay.timeout_seconds",
    "300",
    Takes::Number(0, 3600),
)];

/// Of HTTP and HTTPS groups.
pub const APPLICATION_GROUP: &[Spec] = &[
    spec(
        "load_balancing.algorithm.anomaly_mitigation",
        "off",
        Takes::One(&["on", "off"]),
    ),
    spec(
        "load_balancing.algorithm.type",
        "round_robin",
        Takes::One(&["round_robin", "least_outstanding_requests", "weighted_random"]),
    ),
    spec("slow_start.duration_seconds", "0", Takes::Number(0, 900)),
    spec("stickiness.app_cookie.cookie_name", "", Takes::Text),
    spec(
        "stickiness.app_cookie.duration_seconds",
        "86400",
        Takes::Number(1, WEEK),
    ),
    spec(
        "stickiness.lb_cookie.duration_seconds",
        "86400",
        Takes::Number(1, WEEK),
    ),
    spec(
        "stickiness.type",
        "lb_cookie",
        Takes::One(&["lb_cookie", "app_cookie"]),
    ),
];

/// Of groups of Lambda functions.
pub const LAMBDA_GROUP: &[Spec] = &[spec("lambda.multi_value_headers.enabled", "false", Takes::Bool)];

/// Of the groups behind network load balancers; UDP and address groups differ in some defaults.
pub const NETWORK_GROUP: &[Spec] = &[
    spec(
        "deregistration_delay.connection_termination.enabled",
        "false",
        Takes::Bool,
    ),
    spec("preserve_client_ip.enabled", "true", Takes::Bool),
    spec("proxy_protocol_v2.enabled", "false", Takes::Bool),
    spec("stickiness.type", "source_ip", Takes::One(&["source_ip"])),
    spec(
        "target_health_state.unhealthy.connection_termination.enabled",
        "true",
        Takes::Bool,
    ),
    spec(
        "target_health_state.unhealthy.draining_interval_seconds",
        "0",
        Takes::Number(0, 360_000),
    ),
];

/// Of listeners that carry TCP, TLS ones excepted.
pub const TCP_LISTENER: &[Spec] = &[spec("tcp.idle_timeout.seconds", "350", Takes::Number(60, 6000))];

/// Of HTTP and HTTPS listeners.
pub const HTTP_LISTENER: &[Spec] = &[
    spec(
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
        Takes::One(&["", "true"]),
    ),
    spec(
        "routing.http.response.access_control_allow_headers.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.access_control_allow_methods.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.access_control_allow_origin.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.access_control_expose_headers.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.access_control_max_age.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.content_security_policy.header_value",
        "",
        Takes::Text,
    ),
    spec("routing.http.response.server.enabled", "true", Takes::Bool),
    spec(
        "routing.http.response.strict_transport_security.header_value",
        "",
        Takes::Text,
    ),
    spec(
        "routing.http.response.x_content_type_options.header_value",
        "",
        Takes::One(&["", "nosniff"]),
    ),
    spec(
        "routing.http.response.x_frame_options.header_value",
        "",
        Takes::Text,
    ),
];

/// Of HTTPS listeners.
pub const HTTPS_LISTENER: &[Spec] = &[
    spec(
        "routing.http.request.x_amzn_mtls_clientcert.header_name",
        "X-Amzn-Mtls-Clientcert",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_mtls_clientcert_issuer.header_name",
        "X-Amzn-Mtls-Clientcert-Issuer",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_mtls_clientcert_leaf.header_name",
        "X-Amzn-Mtls-Clientcert-Leaf",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
        "X-Amzn-Mtls-Clientcert-Serial-Number",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_mtls_clientcert_subject.header_name",
        "X-Amzn-Mtls-Clientcert-Subject",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_mtls_clientcert_validity.header_name",
        "X-Amzn-Mtls-Clientcert-Validity",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_tls_cipher_suite.header_name",
        "X-Amzn-Tls-Cipher-Suite",
        Takes::HeaderName,
    ),
    spec(
        "routing.http.request.x_amzn_tls_version.header_name",
        "X-Amzn-Tls-Version",
        Takes::HeaderName,
    ),
];
