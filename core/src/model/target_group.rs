//! Target groups.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{IpFamily, Origins, Protocol, ResourceId, Setting, Tags, TargetType};

/// A target group of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Resource id, `ns/svc:port`.
    pub id: ResourceId,
    /// ARN, assigned by AWS.
    pub arn: Option<String>,
    /// Name, used at creation only.
    pub name: String,
    /// Name where the first is taken by a group of a load balancer whose place is taken; only in what is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_name: Option<String>,
    /// Target type; a difference needs a replacement.
    pub target_type: TargetType,
    /// Default port of targets.
    pub port: i32,
    /// Protocol; a difference needs a replacement.
    pub protocol: Protocol,
    /// `HTTP1`, `HTTP2`, `GRPC`; a difference needs a replacement.
    pub protocol_version: Setting<String>,
    /// Port of the target control agent; a difference needs a replacement.
    pub control_port: Setting<i32>,
    /// Address family; fixed at creation, not compared.
    pub family: IpFamily,
    /// Health check.
    pub health_check: HealthCheck,
    /// Attributes: wanted ones only, or all that AWS reports.
    pub attributes: BTreeMap<String, String>,
    /// Tags.
    pub tags: Tags,
    /// ARNs of load balancers that use the group, reported by AWS.
    pub load_balancers: Vec<String>,
    /// Who asked for it.
    pub origins: Origins,
}

/// Health check of a target group. Unmanaged fields are left to AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HealthCheck {
    /// TCP, HTTP or HTTPS.
    pub protocol: Protocol,
    /// Port.
    pub port: HealthCheckPort,
    /// Path of HTTP and HTTPS checks.
    pub path: Setting<String>,
    /// Codes that count as healthy.
    pub matcher: Setting<Matcher>,
    /// Seconds between checks.
    pub interval_seconds: i32,
    /// Seconds before a check counts as failed.
    pub timeout_seconds: Setting<i32>,
    /// Passes in a row to become healthy.
    pub healthy_threshold: i32,
    /// Failures in a row to become unhealthy.
    pub unhealthy_threshold: i32,
}

/// Codes that count as healthy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Matcher {
    /// HTTP codes, for example `200-399`.
    Http(String),
    /// gRPC codes, for example `12`.
    Grpc(String),
}

/// Port of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum HealthCheckPort {
    /// The port of each target.
    TrafficPort,
    /// A fixed port; not range-checked, AWS does that.
    Number(i32),
}

impl HealthCheckPort {
    /// The wire form.
    pub fn wire(self) -> String {
        match self {
            Self::TrafficPort => "traffic-port".to_owned(),
            Self::Number(port) => port.to_string(),
        }
    }

    /// Reads the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "traffic-port" {
            Some(Self::TrafficPort)
        } else {
            text.parse().ok().map(Self::Number)
        }
    }
}
