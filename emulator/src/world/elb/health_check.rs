//! The health check settings of a target group: defaults, limits, and which answers count as healthy.
//!
//! Source: CreateTargetGroup and `Matcher` in the ELBv2 API reference.

use serde::Serialize;

use super::words::{Protocol, ProtocolVersion, TargetType};
use crate::world::ApiError;

/// Settings of the health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Always on, except that checks of Lambda functions are off unless asked for.
    pub enabled: bool,
    /// HTTP, HTTPS or TCP.
    pub protocol: Protocol,
    /// `None` is `traffic-port`: the port of each target.
    pub port: Option<u16>,
    /// For HTTP and HTTPS.
    pub path: Option<String>,
    /// Seconds between two checks, 5 to 300.
    pub interval: u16,
    /// Seconds until a check has failed, 2 to 120.
    pub timeout: u16,
    /// Consecutive successes until healthy, 2 to 10.
    pub healthy_threshold: u16,
    /// Consecutive failures until unhealthy, 2 to 10.
    pub unhealthy_threshold: u16,
    /// For HTTP and HTTPS.
    pub matcher: Option<Matcher>,
}

/// Codes that count as success: `200`, `200,202`, `200-299` or a mixture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matcher {
    /// Codes of gRPC, not of HTTP.
    pub grpc: bool,
    /// As it was written.
    pub codes: String,
}

/// The health check parameters of CreateTargetGroup and ModifyTargetGroup: what is absent keeps its value.
#[derive(Clone, Debug, Default)]
pub struct HealthCheckRequest {
    /// `HealthCheckEnabled`
    pub enabled: Option<bool>,
    /// `HealthCheckProtocol`
    pub protocol: Option<Protocol>,
    /// `HealthCheckPort`
    pub port: Option<String>,
    /// `HealthCheckPath`
    pub path: Option<String>,
    /// `HealthCheckIntervalSeconds`
    pub interval: Option<i64>,
    /// `HealthCheckTimeoutSeconds`
    pub timeout: Option<i64>,
    /// `HealthyThresholdCount`
    pub healthy_threshold: Option<i64>,
    /// `UnhealthyThresholdCount`
    pub unhealthy_threshold: Option<i64>,
    /// `Matcher`
    pub matcher: Option<Matcher>,
}

/// What of a target group decides about its health check.
#[derive(Clone, Copy, Debug)]
pub struct GroupFacts {
    /// Absent for Lambda functions.
    pub protocol: Option<Protocol>,
    /// Of HTTP and HTTPS groups.
    pub version: Option<ProtocolVersion>,
    /// Instance, address, function or load balancer.
    pub target_type: TargetType,
}

impl GroupFacts {
    fn is_network(self) -> bool {
        self.protocol.is_some_and(|protocol| !protocol.is_application())
    }

    fn is_grpc(self) -> bool {
        self.version == Some(ProtocolVersion::Grpc)
    }
}

impl Matcher {
    /// Whether `code` counts as success.
    pub fn accepts(&self, code: u16) -> bool {
        ranges(&self.codes)
            .is_some_and(|ranges| ranges.iter().any(|(from, to)| (*from..=*to).contains(&code)))
    }
}

fn ranges(codes: &str) -> Option<Vec<(u16, u16)>> {
    codes
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => Some((from.trim().parse().ok()?, to.trim().parse().ok()?)),
            None => part.trim().parse().ok().map(|code| (code, code)),
        })
        .collect()
}

impl HealthCheck {
    /// The settings a new group gets.
    pub fn create(group: GroupFacts, request: &HealthCheckRequest) -> Result<Self, ApiError> {
        let lambda = group.target_type == TargetType::Lambda;
        let default = if group.is_network() && group.target_type != TargetType::Alb {
            Protocol::Tcp
        } else {
            Protocol::Http
        };
        let protocol = request.protocol.unwrap_or(default);
        let base = Self {
            enabled: !lambda,
            protocol,
            port: None,
            path: default_path(group, protocol),
            interval: if lambda { 35 } else { 30 },
            timeout: default_timeout(group, protocol),
            healthy_threshold: 5,
            unhealthy_threshold: if lambda { 5 } else { 2 },
            matcher: default_matcher(group, protocol),
        };
        base.with(group, request)
    }

    /// The settings after ModifyTargetGroup. A changed protocol brings its own default path and matcher.
    pub fn modified(&self, group: GroupFacts, request: &HealthCheckRequest) -> Result<Self, ApiError> {
        let mut base = self.clone();
        if let Some(protocol) = request.protocol {
            base.protocol = protocol;
            let http = protocol.is_application();
            base.path = base
                .path
                .filter(|_| http)
                .or_else(|| default_path(group, protocol));
            base.matcher = base
                .matcher
                .filter(|_| http)
                .or_else(|| default_matcher(group, protocol));
        }
        base.with(group, request)
    }

    fn with(mut self, group: GroupFacts, request: &HealthCheckRequest) -> Result<Self, ApiError> {
        check_protocol(group, self.protocol)?;
        if request.enabled == Some(false) && group.target_type != TargetType::Lambda {
            return Err(ApiError::validation(format!(
                "Health check enabled must be true for target groups with target type '{}'",
                group.target_type
            )));
        }
        self.enabled = request.enabled.unwrap_or(self.enabled);
        if let Some(port) = &request.port {
            self.port = checked_port(port)?;
        }
        if let Some(path) = &request.path {
            self.path = Some(checked_path(self.protocol, path)?);
        }
        if let Some(matcher) = &request.matcher {
            self.matcher = Some(checked_matcher(group, self.protocol, matcher)?);
        }
        set(
            &mut self.interval,
            request.interval,
            "healthCheckIntervalSeconds",
            5,
            300,
        )?;
        set(
            &mut self.timeout,
            request.timeout,
            "healthCheckTimeoutSeconds",
            2,
            120,
        )?;
        set(
            &mut self.healthy_threshold,
            request.healthy_threshold,
            "healthyThresholdCount",
            2,
            10,
        )?;
        set(
            &mut self.unhealthy_threshold,
            request.unhealthy_threshold,
            "unhealthyThresholdCount",
            2,
            10,
        )?;
        if self.timeout > self.interval {
            return Err(ApiError::validation(format!(
                "Health check timeout '{}' must be smaller than or equal to the interval '{}'",
                self.timeout, self.interval
            )));
        }
        Ok(self)
    }
}

fn default_path(group: GroupFacts, protocol: Protocol) -> Option<String> {
    let path = if group.is_grpc() {
        "/AWS.ALB/healthcheck"
    } else {
        "/"
    };
    protocol.is_application().then(|| path.to_owned())
}

fn default_matcher(group: GroupFacts, protocol: Protocol) -> Option<Matcher> {
    let codes = match (group.is_grpc(), group.is_network()) {
        (true, _) => "12",
        (false, true) => "200-399",
        (false, false) => "200",
    };
    protocol.is_application().then(|| Matcher {
        grpc: group.is_grpc(),
        codes: codes.to_owned(),
    })
}

fn default_timeout(group: GroupFacts, protocol: Protocol) -> u16 {
    match group.protocol {
        None => 30,
        Some(Protocol::Http) => 6,
        Some(Protocol::Https) => 10,
        Some(_) if protocol == Protocol::Http => 6,
        Some(_) => 10,
    }
}

fn check_protocol(group: GroupFacts, protocol: Protocol) -> Result<(), ApiError> {
    let allowed = match protocol {
        Protocol::Http | Protocol::Https => true,
        Protocol::Tcp => group.is_network() && group.target_type != TargetType::Alb,
        _ => false,
    };
    if allowed {
        return Ok(());
    }
    let owner = group.protocol.map_or("LAMBDA", Protocol::as_str);
    Err(ApiError::validation(format!(
        "Health check protocol '{protocol}' is not supported for target groups with protocol '{owner}'"
    )))
}

fn checked_port(port: &str) -> Result<Option<u16>, ApiError> {
    if port == "traffic-port" {
        return Ok(None);
    }
    match port.parse::<u16>() {
        Ok(number) if number > 0 => Ok(Some(number)),
        _ => Err(ApiError::validation(format!(
            "Health check port '{port}' must be 'traffic-port' or a number between 1 and 65535"
        ))),
    }
}

fn checked_path(protocol: Protocol, path: &str) -> Result<String, ApiError> {
    if !protocol.is_application() {
        let message =
            format!("Health check path cannot be specified for health checks with protocol '{protocol}'");
        return Err(ApiError::validation(message));
    }
    if !path.starts_with('/') || path.chars().count() > 1024 {
        return Err(ApiError::validation(format!(
            "Health check path '{path}' must begin with a '/' character and have up to 1024 characters"
        )));
    }
    Ok(path.to_owned())
}

fn checked_matcher(group: GroupFacts, protocol: Protocol, matcher: &Matcher) -> Result<Matcher, ApiError> {
    let codes = &matcher.codes;
    if !protocol.is_application() {
        let message = format!("A matcher cannot be specified for health checks with protocol '{protocol}'");
        return Err(ApiError::validation(message));
    }
    if matcher.grpc != group.is_grpc() {
        let word = if matcher.grpc { "gRPC" } else { "HTTP" };
        return Err(ApiError::validation(format!(
            "{word} codes do not fit the protocol version of the target group"
        )));
    }
    let (min, max) = match (group.is_grpc(), group.is_network()) {
        (true, _) => (0, 99),
        (false, true) => (200, 599),
        (false, false) => (200, 499),
    };
    let fits = |list: &Vec<(u16, u16)>| {
        list.iter()
            .all(|(from, to)| min <= *from && from <= to && *to <= max)
    };
    if ranges(codes).as_ref().is_some_and(fits) {
        return Ok(matcher.clone());
    }
    Err(ApiError::validation(format!(
        "Health check matcher '{codes}' must be codes or ranges between {min} and {max}"
    )))
}

fn set(place: &mut u16, value: Option<i64>, field: &str, min: u16, max: u16) -> Result<(), ApiError> {
    let Some(value) = value else { return Ok(()) };
    match u16::try_from(value) {
        Ok(number) if (min..=max).contains(&number) => {
            *place = number;
            Ok(())
        }
        _ => Err(ApiError::validation(format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: \
             Member must be between {min} and {max}"
        ))),
    }
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

    fn facts(protocol: Protocol) -> GroupFacts {
        GroupFacts {
            protocol: Some(protocol),
            version: None,
            target_type: TargetType::Instance,
        }
    }

    #[test]
    fn a_tcp_group_is_checked_by_tcp_every_thirty_seconds_unless_told_otherwise() {
        let check = HealthCheck::create(facts(Protocol::Tcp), &HealthCheckRequest::default()).unwrap();
        assert_eq!(
            (check.protocol, check.interval, check.timeout),
            (Protocol::Tcp, 30, 10)
        );
        assert_eq!((check.healthy_threshold, check.unhealthy_threshold), (5, 2));
        assert_eq!((check.path, check.matcher), (None, None));
    }

    #[test]
    fn an_http_check_of_a_network_group_accepts_200_to_399() {
        let request = HealthCheckRequest {
            protocol: Some(Protocol::Http),
            ..Default::default()
        };
        let check = HealthCheck::create(facts(Protocol::Tcp), &request).unwrap();
        assert_eq!(check.timeout, 6);
        assert_eq!(check.path.as_deref(), Some("/"));
        let matcher = check.matcher.unwrap();
        assert!(matcher.accepts(200) && matcher.accepts(399) && !matcher.accepts(400));
    }

    #[test]
    fn codes_may_be_listed_and_ranged() {
        let matcher = Matcher {
            grpc: false,
            codes: "200,204-206".to_owned(),
        };
        let accepted: Vec<u16> = (199..210).filter(|code| matcher.accepts(*code)).collect();
        assert_eq!(accepted, [200, 204, 205, 206]);
    }

    #[test]
    fn changing_to_tcp_drops_path_and_matcher_and_back_brings_the_defaults() {
        let group = facts(Protocol::Tcp);
        let to = |protocol| HealthCheckRequest {
            protocol: Some(protocol),
            ..Default::default()
        };
        let http = HealthCheck::create(
            group,
            &HealthCheckRequest {
                path: Some("/x".into()),
                ..to(Protocol::Http)
            },
        )
        .unwrap();
        let tcp = http.modified(group, &to(Protocol::Tcp)).unwrap();
        assert_eq!((tcp.path.as_deref(), &tcp.matcher), (None, &None));
        assert_eq!(
            tcp.modified(group, &to(Protocol::Https)).unwrap().path.as_deref(),
            Some("/")
        );
    }

    #[test]
    fn values_out_of_range_are_validation_errors() {
        let group = facts(Protocol::Tcp);
        let requests = [
            HealthCheckRequest {
                interval: Some(4),
                ..Default::default()
            },
            HealthCheckRequest {
                timeout: Some(121),
                ..Default::default()
            },
            HealthCheckRequest {
                healthy_threshold: Some(1),
                ..Default::default()
            },
            HealthCheckRequest {
                unhealthy_threshold: Some(11),
                ..Default::default()
            },
            HealthCheckRequest {
                interval: Some(10),
                timeout: Some(11),
                ..Default::default()
            },
            HealthCheckRequest {
                port: Some("0".into()),
                ..Default::default()
            },
            HealthCheckRequest {
                path: Some("/x".into()),
                ..Default::default()
            },
            HealthCheckRequest {
                protocol: Some(Protocol::Udp),
                ..Default::default()
            },
            HealthCheckRequest {
                enabled: Some(false),
                ..Default::default()
            },
        ];
        for request in requests {
            let error = HealthCheck::create(group, &request).unwrap_err();
            assert_eq!(error.code, "ValidationError", "{request:?}");
        }
    }

    #[test]
    fn an_http_group_cannot_be_checked_by_tcp() {
        let request = HealthCheckRequest {
            protocol: Some(Protocol::Tcp),
            ..Default::default()
        };
        assert!(HealthCheck::create(facts(Protocol::Http), &request).is_err());
    }
}
