//! Target groups in the stack JSON.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{Attribute, attributes, tags};
use crate::model::{HealthCheck, HealthCheckPort, Matcher, Tags, TargetGroup};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetGroupSpec<'a> {
    name: &'a str,
    target_type: &'static str,
    port: i32,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_version: Option<&'a str>,
    ip_address_type: &'static str,
    health_check_config: HealthCheckSpec<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    target_group_attributes: Vec<Attribute<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_control_port: Option<i32>,
}

impl<'a> From<&'a TargetGroup> for TargetGroupSpec<'a> {
    fn from(group: &'a TargetGroup) -> Self {
        Self {
            name: &group.name,
            target_type: group.target_type.as_str(),
            port: group.port,
            protocol: group.protocol.as_str(),
            protocol_version: group.protocol_version.get().map(String::as_str),
            ip_address_type: group.family.as_str(),
            health_check_config: HealthCheckSpec::from(&group.health_check),
            target_group_attributes: attributes(&group.attributes),
            tags: tags(&group.tags),
            target_control_port: group.control_port.get().copied(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthCheckSpec<'a> {
    #[serde(serialize_with = "health_check_port")]
    port: HealthCheckPort,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matcher: Option<BTreeMap<&'static str, &'a str>>,
    interval_seconds: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<i32>,
    healthy_threshold_count: i32,
    unhealthy_threshold_count: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn health_check_port<S: Serializer>(port: &HealthCheckPort, serializer: S) -> Result<S::Ok, S::Error> {
    match port {
        HealthCheckPort::TrafficPort => serializer.serialize_str("traffic-port"),
        HealthCheckPort::Number(number) => serializer.serialize_i32(*number),
    }
}

impl<'a> From<&'a HealthCheck> for HealthCheckSpec<'a> {
    fn from(check: &'a HealthCheck) -> Self {
        let matcher = check.matcher.get().map(|matcher| match matcher {
            Matcher::Http(codes) => BTreeMap::from([("httpCode", codes.as_str())]),
            Matcher::Grpc(codes) => BTreeMap::from([("grpcCode", codes.as_str())]),
        });
        Self {
            port: check.port,
            protocol: check.protocol.as_str(),
            path: check.path.get().map(String::as_str),
            matcher,
            interval_seconds: check.interval_seconds,
            timeout_seconds: check.timeout_seconds.get().copied(),
            healthy_threshold_count: check.healthy_threshold,
            unhealthy_threshold_count: check.unhealthy_threshold,
        }
    }
}
