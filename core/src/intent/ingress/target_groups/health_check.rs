//! Health checks of an Ingress's target groups.

use elbow_crds::ingress::values;
use elbow_crds::ingress::words::ProtocolVersion;
use elbow_crds::limits::target_group;
use elbow_crds::problem::ProblemCode;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::backend::BackendAnnotations;
use super::super::member::Member;
use crate::model::{HealthCheck, HealthCheckPort, Matcher, Protocol, Setting, TargetType};
use crate::view::Service;

const PORT: &str = "healthcheck-port";
const PROTOCOL: &str = "healthcheck-protocol";
const PATH: &str = "healthcheck-path";
const INTERVAL: &str = "healthcheck-interval-seconds";
const TIMEOUT: &str = "healthcheck-timeout-seconds";
const HEALTHY: &str = "healthy-threshold-count";
const UNHEALTHY: &str = "unhealthy-threshold-count";
const CODES: &str = "success-codes";

/// All health check annotations.
pub(super) const SUFFIXES: [&str; 8] = [PORT, PROTOCOL, PATH, INTERVAL, TIMEOUT, HEALTHY, UNHEALTHY, CODES];

const INTERVAL_SECONDS: i32 = 15;
const TIMEOUT_SECONDS: i32 = 5;
const THRESHOLD: i32 = 2;

/// Reads the health check of a group that speaks `protocol` in `version`.
pub(super) fn read(
    member: &mut Member<'_>,
    annotations: &BackendAnnotations<'_>,
    service: &Service,
    target_type: TargetType,
    protocol: Protocol,
    version: ProtocolVersion,
) -> HealthCheck {
    let grpc = version == ProtocolVersion::Grpc;
    let default_path = if grpc { "/AWS.ALB/healthcheck" } else { "/" };
    let path = annotations.string(PATH).unwrap_or(default_path);
    let codes = annotations.string(CODES);
    let matcher = if grpc {
        Matcher::Grpc(codes.unwrap_or("12").to_owned())
    } else {
        Matcher::Http(codes.unwrap_or("200").to_owned())
    };
    let mut number = |suffix, range, default| annotations.number(member, suffix, range).unwrap_or(default);
    let interval_seconds = number(INTERVAL, &target_group::INTERVAL, INTERVAL_SECONDS);
    let timeout_seconds = number(TIMEOUT, &target_group::TIMEOUT, TIMEOUT_SECONDS);
    let healthy_threshold = number(HEALTHY, &target_group::THRESHOLD, THRESHOLD);
    let unhealthy_threshold = number(UNHEALTHY, &target_group::THRESHOLD, THRESHOLD);
    HealthCheck {
        protocol: super::protocol(member, annotations, PROTOCOL).unwrap_or(protocol),
        port: port(member, annotations, service, target_type),
        path: Setting::Set(path.to_owned()),
        matcher: Setting::Set(matcher),
        interval_seconds,
        timeout_seconds: Setting::Set(timeout_seconds),
        healthy_threshold,
        unhealthy_threshold,
    }
}

fn port(
    member: &mut Member<'_>,
    annotations: &BackendAnnotations<'_>,
    service: &Service,
    target_type: TargetType,
) -> HealthCheckPort {
    let written = annotations.string(PORT).map(values::HealthCheckPort::parse);
    let named = match written {
        None | Some(values::HealthCheckPort::Traffic) => Ok(HealthCheckPort::TrafficPort),
        Some(values::HealthCheckPort::Number(number)) => Ok(HealthCheckPort::Number(number)),
        Some(values::HealthCheckPort::Name(name)) => named_port(service, target_type, &name),
    };
    named.unwrap_or_else(|message| {
        annotations.fault(member, PORT, ProblemCode::NotFound, &message);
        HealthCheckPort::TrafficPort
    })
}

fn named_port(service: &Service, target_type: TargetType, name: &str) -> Result<HealthCheckPort, String> {
    let found = service
        .ports
        .iter()
        .find(|port| port.name == name)
        .ok_or_else(|| {
            format!(
                "'{name}' is no port name of the Service {}; write a number, traffic-port or a port name",
                service.meta.name
            )
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
