//! What the ELBv2 API reports, in our words. Total: a value we do not know is an error that names it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_sdk_elasticloadbalancingv2::types as sdk;
use elbow_core::model::{
    Action, FixedResponseAction, ForwardAction, HealthCheck, HealthCheckPort, IpAddressType, IpFamily,
    Listener, LoadBalancer, LoadBalancerState, LoadBalancerType, Matcher, OnOff, Protocol, RedirectAction,
    Ref, ResourceId, Scheme, Setting, Stickiness, SubnetMapping, Tags, TargetGroup, TargetType,
    WeightedTargetGroup,
};
use elbow_core::targets::{Target, TargetHealth, TargetState};

use super::{ListedLoadBalancer, ListedTargetGroup};
use crate::aws::error::{AwsError, Service};

/// Why something AWS reports is not in our vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Strange {
    /// A kind of resource that this controller never makes (gateway load balancers, Lambda groups).
    Foreign(String),
    /// A value this version does not know.
    Unknown(String),
}

impl Strange {
    /// One sentence.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Foreign(message) | Self::Unknown(message) => message,
        }
    }

    /// As the error of a call.
    pub(super) fn error(&self, operation: &'static str) -> AwsError {
        AwsError::unknown_value(Service::Elb, operation, self.message())
    }
}

/// Keeps what we can read of a list. Somebody else's strange resource must not hide ours.
pub(super) fn keep_readable<T>(operation: &'static str, items: Vec<Result<T, Strange>>) -> Vec<T> {
    let keep = |item: Result<T, Strange>| match item {
        Ok(item) => Some(item),
        Err(Strange::Foreign(_)) => None,
        Err(Strange::Unknown(message)) => {
            tracing::warn!(operation, message, "left out of a list");
            None
        }
    };
    items.into_iter().filter_map(keep).collect()
}

pub(super) fn missing(what: &str, field: &str) -> Strange {
    Strange::Unknown(format!("{what} has no {field}"))
}

pub(super) fn parsed<T>(what: &str, field: &str, text: &str, value: Option<T>) -> Result<T, Strange> {
    value.ok_or_else(|| {
        Strange::Unknown(format!(
            "{what} has the {field} {text}, which this version does not know"
        ))
    })
}

pub(super) fn load_balancer(listed: &sdk::LoadBalancer) -> Result<ListedLoadBalancer, Strange> {
    let arn = listed
        .load_balancer_arn()
        .ok_or_else(|| missing("a load balancer", "ARN"))?;
    let what = format!("load balancer {arn}");
    let kind = match listed.r#type() {
        Some(sdk::LoadBalancerTypeEnum::Network) => LoadBalancerType::Network,
        Some(sdk::LoadBalancerTypeEnum::Application) => LoadBalancerType::Application,
        Some(sdk::LoadBalancerTypeEnum::Gateway) => {
            return Err(Strange::Foreign(format!("{what} is a gateway load balancer")));
        }
        other => return parsed(&what, "type", other.map_or("none", |kind| kind.as_str()), None),
    };
    let scheme = listed.scheme().map_or("none", |scheme| scheme.as_str());
    let address_type = listed.ip_address_type().map_or("ipv4", |kind| kind.as_str());
    let state = listed
        .state()
        .and_then(|state| state.code())
        .map_or("none", |code| code.as_str());
    let load_balancer = LoadBalancer {
        id: ResourceId(String::new()),
        arn: Some(arn.to_owned()),
        dns_name: listed.dns_name().map(str::to_owned),
        state: Some(parsed(&what, "state", state, load_balancer_state(state))?),
        name: listed.load_balancer_name().unwrap_or_default().to_owned(),
        second_name: None,
        delete_first: false,
        kind,
        scheme: parsed(&what, "scheme", scheme, Scheme::parse(scheme).ok())?,
        ip_address_type: parsed(
            &what,
            "IP address type",
            address_type,
            IpAddressType::parse(address_type).ok(),
        )?,
        ipv6_source_nat: listed
            .enable_prefix_for_ipv6_source_nat()
            .and_then(|flag| OnOff::parse(flag.as_str()).ok())
            .into(),
        subnets: listed.availability_zones().iter().map(zone).collect(),
        security_groups: listed.security_groups().iter().cloned().map(Ref::Known).collect(),
        private_link_inbound: listed
            .enforce_security_group_inbound_rules_on_private_link_traffic()
            .and_then(|word| OnOff::parse(word).ok())
            .into(),
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: Tags::new(),
        origins: std::collections::BTreeSet::new(),
    };
    Ok(ListedLoadBalancer {
        load_balancer,
        vpc: listed.vpc_id().unwrap_or_default().to_owned(),
    })
}

fn load_balancer_state(word: &str) -> Option<LoadBalancerState> {
    match word {
        "provisioning" => Some(LoadBalancerState::Provisioning),
        "active" => Some(LoadBalancerState::Active),
        "active_impaired" => Some(LoadBalancerState::ActiveImpaired),
        "failed" => Some(LoadBalancerState::Failed),
        _ => None,
    }
}

fn zone(zone: &sdk::AvailabilityZone) -> SubnetMapping {
    let addresses = zone.load_balancer_addresses();
    let first = |field: fn(&sdk::LoadBalancerAddress) -> Option<&str>| addresses.iter().find_map(field);
    SubnetMapping {
        subnet: zone.subnet_id().unwrap_or_default().to_owned(),
        allocation_id: first(sdk::LoadBalancerAddress::allocation_id).map(str::to_owned),
        private_ipv4: first(sdk::LoadBalancerAddress::private_ipv4_address).map(canonical),
        ipv6: first(sdk::LoadBalancerAddress::ipv6_address).map(canonical),
        source_nat_prefix: zone.source_nat_ipv6_prefixes().first().cloned(),
    }
}

/// Canonical text of an address.
fn canonical(text: &str) -> String {
    text.parse::<IpAddr>()
        .map_or_else(|_| text.to_owned(), |address| address.to_string())
}

pub(super) fn target_group(listed: &sdk::TargetGroup) -> Result<ListedTargetGroup, Strange> {
    let arn = listed
        .target_group_arn()
        .ok_or_else(|| missing("a target group", "ARN"))?;
    let what = format!("target group {arn}");
    let target_type = match listed.target_type() {
        Some(sdk::TargetTypeEnum::Lambda) => {
            return Err(Strange::Foreign(format!("{what} has Lambda targets")));
        }
        other => other.map_or("instance", |kind| kind.as_str()),
    };
    let protocol = match listed.protocol() {
        Some(sdk::ProtocolEnum::Geneve) => return Err(Strange::Foreign(format!("{what} speaks GENEVE"))),
        other => other.map_or("none", |protocol| protocol.as_str()),
    };
    let family = match listed.ip_address_type().map_or("ipv4", |family| family.as_str()) {
        "ipv4" => IpFamily::Ipv4,
        "ipv6" => IpFamily::Ipv6,
        other => return parsed(&what, "IP address type", other, None),
    };
    let group = TargetGroup {
        id: ResourceId(String::new()),
        arn: Some(arn.to_owned()),
        name: listed.target_group_name().unwrap_or_default().to_owned(),
        second_name: None,
        target_type: parsed(&what, "target type", target_type, TargetType::parse(target_type))?,
        port: listed.port().ok_or_else(|| missing(&what, "port"))?,
        protocol: parsed(&what, "protocol", protocol, Protocol::parse(protocol))?,
        protocol_version: listed.protocol_version().map(str::to_owned).into(),
        control_port: listed.target_control_port().into(),
        family,
        health_check: health_check(&what, listed)?,
        attributes: BTreeMap::new(),
        tags: Tags::new(),
        load_balancers: listed.load_balancer_arns().to_vec(),
        origins: std::collections::BTreeSet::new(),
    };
    Ok(ListedTargetGroup {
        group,
        vpc: listed.vpc_id().unwrap_or_default().to_owned(),
    })
}

fn health_check(what: &str, listed: &sdk::TargetGroup) -> Result<HealthCheck, Strange> {
    let protocol = listed
        .health_check_protocol()
        .map_or("none", |protocol| protocol.as_str());
    let port = listed.health_check_port().unwrap_or("traffic-port");
    let matcher = listed.matcher().and_then(|matcher| {
        let http = matcher.http_code().map(|code| Matcher::Http(code.to_owned()));
        http.or_else(|| matcher.grpc_code().map(|code| Matcher::Grpc(code.to_owned())))
    });
    Ok(HealthCheck {
        protocol: parsed(what, "health check protocol", protocol, Protocol::parse(protocol))?,
        port: parsed(what, "health check port", port, HealthCheckPort::parse(port))?,
        path: listed.health_check_path().map(str::to_owned).into(),
        matcher: matcher.into(),
        interval_seconds: listed
            .health_check_interval_seconds()
            .ok_or_else(|| missing(what, "health check interval"))?,
        timeout_seconds: listed.health_check_timeout_seconds().into(),
        healthy_threshold: listed
            .healthy_threshold_count()
            .ok_or_else(|| missing(what, "healthy threshold"))?,
        unhealthy_threshold: listed
            .unhealthy_threshold_count()
            .ok_or_else(|| missing(what, "unhealthy threshold"))?,
    })
}

pub(super) fn listener(listed: &sdk::Listener) -> Result<Listener, Strange> {
    let arn = listed
        .listener_arn()
        .ok_or_else(|| missing("a listener", "ARN"))?;
    let what = format!("listener {arn}");
    let port = listed.port().ok_or_else(|| missing(&what, "port"))?;
    let protocol = listed.protocol().map_or("none", |protocol| protocol.as_str());
    let mut actions: Vec<&sdk::Action> = listed.default_actions().iter().collect();
    actions.sort_by_key(|action| action.order().unwrap_or_default());
    Ok(Listener {
        id: ResourceId(port.to_string()),
        arn: Some(arn.to_owned()),
        load_balancer: Ref::Known(listed.load_balancer_arn().unwrap_or_default().to_owned()),
        port,
        protocol: parsed(&what, "protocol", protocol, Protocol::parse(protocol))?,
        default_actions: actions
            .into_iter()
            .map(|one| action(&what, one))
            .collect::<Result<_, _>>()?,
        certificates: listed
            .certificates()
            .iter()
            .filter_map(|certificate| certificate.certificate_arn().map(str::to_owned))
            .collect(),
        extra_certificates: Setting::Unmanaged,
        certificate_origins: BTreeMap::new(),
        ssl_policy: listed.ssl_policy().map(str::to_owned).into(),
        alpn_policy: listed.alpn_policy().first().cloned().into(),
        attributes: BTreeMap::new(),
        tags: Setting::Unmanaged,
        origins: std::collections::BTreeSet::new(),
    })
}

pub(super) fn action(what: &str, action: &sdk::Action) -> Result<Action, Strange> {
    match action.r#type() {
        Some(sdk::ActionTypeEnum::Forward) => forward(what, action).map(Action::Forward),
        Some(sdk::ActionTypeEnum::Redirect) => redirect(what, action).map(Action::Redirect),
        Some(sdk::ActionTypeEnum::FixedResponse) => response(what, action).map(Action::FixedResponse),
        Some(other) => Ok(Action::Other(other.as_str().to_owned())),
        None => Err(missing(what, "type of an action")),
    }
}

fn redirect(what: &str, action: &sdk::Action) -> Result<RedirectAction, Strange> {
    let config = action
        .redirect_config()
        .ok_or_else(|| missing(what, "configuration of its redirect action"))?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    Ok(RedirectAction {
        protocol: text(config.protocol()),
        port: text(config.port()),
        host: text(config.host()),
        path: text(config.path()),
        query: text(config.query()),
        status: config
            .status_code()
            .map_or("", |status| status.as_str())
            .to_owned(),
    })
}

fn response(what: &str, action: &sdk::Action) -> Result<FixedResponseAction, Strange> {
    let config = action
        .fixed_response_config()
        .ok_or_else(|| missing(what, "configuration of its fixed response"))?;
    Ok(FixedResponseAction {
        status: config.status_code().unwrap_or_default().to_owned(),
        content_type: config.content_type().map(str::to_owned),
        body: config.message_body().map(str::to_owned),
    })
}

fn forward(what: &str, action: &sdk::Action) -> Result<ForwardAction, Strange> {
    let weighted = |group: &sdk::TargetGroupTuple| WeightedTargetGroup {
        target_group: Ref::Known(group.target_group_arn().unwrap_or_default().to_owned()),
        weight: group.weight(),
    };
    let config = action.forward_config();
    let mut target_groups: Vec<_> = config
        .map(|config| config.target_groups().iter().map(weighted).collect())
        .unwrap_or_default();
    if target_groups.is_empty() {
        let arn = action
            .target_group_arn()
            .ok_or_else(|| missing(what, "target group in its forward action"))?;
        target_groups.push(WeightedTargetGroup {
            target_group: Ref::Known(arn.to_owned()),
            weight: None,
        });
    }
    let stickiness = config
        .and_then(|config| config.target_group_stickiness_config())
        .and_then(|sticky| {
            Some(Stickiness {
                enabled: sticky.enabled()?,
                seconds: sticky.duration_seconds(),
            })
        });
    Ok(ForwardAction {
        target_groups,
        stickiness: stickiness.into(),
    })
}

pub(super) fn target_health(health: &sdk::TargetHealthDescription) -> TargetHealth {
    let target = health.target();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let state = health.target_health();
    TargetHealth {
        target: Target {
            id: text(target.and_then(|target| target.id())),
            port: target.and_then(sdk::TargetDescription::port).unwrap_or_default(),
            availability_zone: target
                .and_then(|target| target.availability_zone())
                .map(str::to_owned),
            quic_server_id: target
                .and_then(|target| target.quic_server_id())
                .map(str::to_owned),
        },
        state: TargetState::parse(
            state
                .and_then(|state| state.state())
                .map_or("", |state| state.as_str()),
        ),
        reason: text(
            state
                .and_then(|state| state.reason())
                .map(sdk::TargetHealthReasonEnum::as_str),
        ),
        description: text(state.and_then(|state| state.description())),
    }
}

pub(super) fn read_tags(tags: &[sdk::Tag]) -> Tags {
    let tag = |tag: &sdk::Tag| {
        let key = tag.key().unwrap_or_default().to_owned();
        (key, tag.value().unwrap_or_default().to_owned())
    };
    tags.iter().map(tag).collect()
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
