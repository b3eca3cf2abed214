//! Health checks of a Service's target groups.
//!
//! Two profiles (upstream `pkg/service/model_build_target_group.go`): instance targets of a Service of type
//! LoadBalancer with `externalTrafficPolicy: Local` are asked over HTTP at the health check node port, where
//! kube-proxy answers for the pods of that node; everything else is checked by TCP at the traffic port.

use elbow_crds::limits::{self, Range};
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::Reader;
use crate::model::{HealthCheck, HealthCheckPort, Matcher, Protocol, Setting, TargetType};
use crate::view::Service;

const PROTOCOL: &str = "aws-load-balancer-healthcheck-protocol";
const PORT: &str = "aws-load-balancer-healthcheck-port";
const PATH: &str = "aws-load-balancer-healthcheck-path";
const CODES: &str = "aws-load-balancer-healthcheck-success-codes";
const INTERVAL: &str = "aws-load-balancer-healthcheck-interval";
const TIMEOUT: &str = "aws-load-balancer-healthcheck-timeout";
const HEALTHY: &str = "aws-load-balancer-healthcheck-healthy-threshold";
const UNHEALTHY: &str = "aws-load-balancer-healthcheck-unhealthy-threshold";

/// All health check annotations.
pub(super) const SUFFIXES: [&str; 8] = [PROTOCOL, PORT, PATH, CODES, INTERVAL, TIMEOUT, HEALTHY, UNHEALTHY];

struct Profile {
    protocol: Protocol,
    path: &'static str,
    timeout_seconds: i32,
    threshold: i32,
    local: bool,
}

/// Checked by TCP at the traffic port.
const ANYWHERE: Profile = Profile {
    protocol: Protocol::Tcp,
    path: "/",
    timeout_seconds: 10,
    threshold: 3,
    local: false,
};

/// Asked at the health check node port whether the node has a pod.
const LOCAL: Profile = Profile {
    protocol: Protocol::Http,
    path: "/healthz",
    timeout_seconds: 6,
    threshold: 2,
    local: true,
};

const INTERVAL_SECONDS: i32 = 10;
const SUCCESS_CODES: &str = "200-399";

/// Reads the health check of the target groups of `service`, the base Service or a weighted backend. The
/// annotations are always the base Service's.
pub(super) fn read(reader: &mut Reader<'_>, service: &Service, target_type: TargetType) -> HealthCheck {
    let local =
        target_type == TargetType::Instance && service.local_traffic && service.type_ == "LoadBalancer";
    let profile = if local { LOCAL } else { ANYWHERE };
    let advanced = reader.settings.gates.nlb_health_check_advanced_config;
    let protocol = protocol(reader).unwrap_or(profile.protocol);
    let by_http = protocol != Protocol::Tcp;
    warn_without_effect(reader, by_http, advanced);
    let matcher = (by_http && advanced)
        .then(|| Matcher::Http(reader.string(CODES).unwrap_or(SUCCESS_CODES).to_owned()));
    let timeout = number(reader, TIMEOUT, &limits::target_group::TIMEOUT).filter(|_| advanced);
    HealthCheck {
        protocol,
        port: port(reader, service, target_type, &profile),
        path: Setting::from(by_http.then(|| reader.string(PATH).unwrap_or(profile.path).to_owned())),
        matcher: Setting::from(matcher),
        interval_seconds: number(reader, INTERVAL, &limits::target_group::INTERVAL)
            .unwrap_or(INTERVAL_SECONDS),
        timeout_seconds: Setting::Set(timeout.unwrap_or(profile.timeout_seconds)),
        healthy_threshold: number(reader, HEALTHY, &limits::target_group::THRESHOLD)
            .unwrap_or(profile.threshold),
        unhealthy_threshold: number(reader, UNHEALTHY, &limits::target_group::THRESHOLD)
            .unwrap_or(profile.threshold),
    }
}

fn warn_without_effect(reader: &mut Reader<'_>, by_http: bool, advanced: bool) {
    for suffix in [PATH, CODES] {
        if !by_http && reader.string(suffix).is_some() {
            let message = "it has no effect on TCP health checks; remove it or choose http or https";
            reader.warn_at(suffix, ProblemCode::Ignored, message);
        }
    }
    for suffix in [CODES, TIMEOUT] {
        if !advanced && reader.string(suffix).is_some() {
            let message = "it has no effect while the feature gate NLBHealthCheckAdvancedConfig is off";
            reader.warn_at(suffix, ProblemCode::Ignored, message);
        }
    }
}

fn protocol(reader: &mut Reader<'_>) -> Option<Protocol> {
    let parse = |text: &str| {
        [Protocol::Tcp, Protocol::Http, Protocol::Https]
            .into_iter()
            .find(|protocol| protocol.as_str().eq_ignore_ascii_case(text))
    };
    reader.word(PROTOCOL, parse, "tcp, http or https")
}

/// A number; one that AWS will refuse is only a warning, because AWS has the last word.
fn number(reader: &mut Reader<'_>, suffix: &str, range: &Range) -> Option<i32> {
    let value = reader.int32(suffix)?;
    if !range.allows(value) {
        let message = format!(
            "{} is {value}, AWS allows {} to {}; choose a value in that range",
            range.what, range.min, range.max
        );
        reader.warn_at(suffix, ProblemCode::NotAllowed, message);
    }
    Some(value)
}

fn port(
    reader: &mut Reader<'_>,
    service: &Service,
    target_type: TargetType,
    profile: &Profile,
) -> HealthCheckPort {
    let Some(text) = reader.string(PORT) else {
        if !profile.local {
            return HealthCheckPort::TrafficPort;
        }
        // The base Service's port, for weighted backends too.
        let node_port = reader.of.health_check_node_port;
        if node_port == 0 {
            let message = format!(
                "the Service has no health check node port yet, which externalTrafficPolicy Local needs for \
                 instance targets; set spec.healthCheckNodePort or {}",
                reader.key(PORT)
            );
            reader.fault("spec.healthCheckNodePort", ProblemCode::NotFound, message);
        }
        return HealthCheckPort::Number(node_port);
    };
    if let Some(port) = HealthCheckPort::parse(text) {
        return port;
    }
    named_port(service, target_type, text).unwrap_or_else(|message| {
        reader.fault_at(PORT, ProblemCode::NotFound, message);
        HealthCheckPort::TrafficPort
    })
}

fn named_port(service: &Service, target_type: TargetType, name: &str) -> Result<HealthCheckPort, String> {
    let found = service
        .ports
        .iter()
        .find(|port| port.name == name)
        .ok_or_else(|| {
            format!("'{name}' is no port name of the Service; write a number, traffic-port or a port name")
        })?;
    match (&found.target_port, target_type) {
        (_, TargetType::Instance) => Ok(HealthCheckPort::Number(found.node_port)),
        (IntOrString::Int(number), _) => Ok(HealthCheckPort::Number(*number)),
        (IntOrString::String(target), _) => Err(format!(
            "port '{name}' leads to the named target port '{target}', which may differ from pod to pod; write \
             a number or traffic-port"
        )),
    }
}
