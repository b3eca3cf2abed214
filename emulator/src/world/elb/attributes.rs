//! Attributes of load balancers, target groups and listeners: changes in, checked values out.
//!
//! A resource holds a value for every key it supports, so describe answers them all and modify is partial.

use std::collections::BTreeMap;

use super::{
    Elb,
    arn::Kind,
    attribute_keys::{
        ANY_GROUP, ANY_LOAD_BALANCER, APPLICATION, APPLICATION_GROUP, DEREGISTRATION, HTTP_LISTENER,
        HTTPS_LISTENER, LAMBDA_GROUP, NETWORK, NETWORK_GROUP, Spec, TCP_LISTENER, Takes,
    },
    words::{LoadBalancerType, Protocol, Scheme, TargetType},
};
use crate::world::ApiError;

/// Values by key.
pub type Attributes = BTreeMap<String, String>;

const MAX_PER_CALL: usize = 20;
const MAX_VALUE: usize = 1024;
const MAX_HEADER_NAME: usize = 40;

/// The attributes that one kind of resource supports.
#[derive(Clone, Debug)]
pub struct Schema {
    owner: String,
    specs: Vec<Spec>,
    foreign: Vec<&'static str>,
}

impl Schema {
    fn new(owner: String, tables: &[&[Spec]], all: &[&[Spec]]) -> Self {
        Self {
            owner,
            specs: tables.iter().flat_map(|table| table.iter().copied()).collect(),
            foreign: all
                .iter()
                .flat_map(|table| table.iter().map(|spec| spec.key))
                .collect(),
        }
    }

    fn set(&mut self, key: &str, default: &'static str, takes: Option<Takes>) {
        for spec in self.specs.iter_mut().filter(|spec| spec.key == key) {
            spec.default = default;
            spec.takes = takes.unwrap_or(spec.takes);
        }
    }

    /// The attributes of a load balancer.
    pub fn load_balancer(kind: LoadBalancerType, scheme: Scheme) -> Self {
        let own = match kind {
            LoadBalancerType::Application => APPLICATION,
            LoadBalancerType::Network => NETWORK,
        };
        let owner = format!("load balancers with type '{kind}'");
        let mut made = Self::new(
            owner,
            &[ANY_LOAD_BALANCER, own],
            &[ANY_LOAD_BALANCER, APPLICATION, NETWORK],
        );
        if scheme == Scheme::Internal {
            made.set("ipv6.deny_all_igw_traffic", "true", None);
        }
        made
    }

    /// The attributes of a target group; `protocol` is absent for Lambda functions.
    pub fn target_group(protocol: Option<Protocol>, target_type: TargetType) -> Self {
        let all = [
            ANY_GROUP,
            DEREGISTRATION,
            APPLICATION_GROUP,
            LAMBDA_GROUP,
            NETWORK_GROUP,
        ];
        let Some(protocol) = protocol else {
            return Self::new(
                "target groups of Lambda functions".to_owned(),
                &[LAMBDA_GROUP],
                &all,
            );
        };
        let own = if protocol.is_application() {
            APPLICATION_GROUP
        } else {
            NETWORK_GROUP
        };
        let owner = format!("target groups with protocol '{protocol}'");
        let mut made = Self::new(owner, &[ANY_GROUP, DEREGISTRATION, own], &all);
        if target_type == TargetType::Ip && matches!(protocol, Protocol::Tcp | Protocol::Tls) {
            made.set("preserve_client_ip.enabled", "false", None);
        }
        if protocol.carries_udp() {
            made.set("preserve_client_ip.enabled", "true", Some(Takes::Fixed("true")));
            made.set(
                "deregistration_delay.connection_termination.enabled",
                "true",
                None,
            );
            made.set(
                "target_health_state.unhealthy.connection_termination.enabled",
                "false",
                Some(Takes::Fixed("false")),
            );
        }
        made
    }

    /// The attributes of a listener. TLS and UDP listeners have none.
    pub fn listener(protocol: Protocol) -> Self {
        let tables: &[&[Spec]] = match protocol {
            Protocol::Http => &[HTTP_LISTENER],
            Protocol::Https => &[HTTP_LISTENER, HTTPS_LISTENER],
            Protocol::Tcp | Protocol::TcpUdp | Protocol::TcpQuic => &[TCP_LISTENER],
            _ => &[],
        };
        let owner = format!("listeners with protocol '{protocol}'");
        Self::new(owner, tables, &[HTTP_LISTENER, HTTPS_LISTENER, TCP_LISTENER])
    }

    /// Every key with its default.
    pub fn defaults(&self) -> Attributes {
        self.specs
            .iter()
            .map(|spec| (spec.key.to_owned(), spec.default.to_owned()))
            .collect()
    }

    /// `current` with the changes, or what is wrong with them: `ValidationError` for an unknown key or a
    /// malformed value, `InvalidConfigurationRequest` for a key or value that other resources take.
    pub fn changed(
        &self,
        current: &Attributes,
        changes: &[(String, String)],
    ) -> Result<Attributes, ApiError> {
        if changes.is_empty() {
            return Err(ApiError::validation("At least one attribute must be specified"));
        }
        if changes.len() > MAX_PER_CALL {
            return Err(ApiError::validation(format!(
                "At most {MAX_PER_CALL} attributes can be modified at a time"
            )));
        }
        let mut next = current.clone();
        for (key, value) in changes {
            self.check(key, value)?;
            next.insert(key.clone(), value.clone());
        }
        Ok(next)
    }

    /// The values of `current` for the keys that exist here, defaults for the rest: what a listener keeps
    /// when its protocol changes.
    pub fn kept(&self, current: &Attributes) -> Attributes {
        let mut next = self.defaults();
        for (key, value) in &mut next {
            if let Some(old) = current.get(key) {
                value.clone_from(old);
            }
        }
        next
    }

    fn check(&self, key: &str, value: &str) -> Result<(), ApiError> {
        let Some(spec) = self.specs.iter().find(|spec| spec.key == key) else {
            return Err(self.unknown(key));
        };
        let in_range = |min, max| {
            value
                .parse()
                .is_ok_and(|number: i64| (min..=max).contains(&number))
        };
        let fits = match spec.takes {
            Takes::Bool => matches!(value, "true" | "false"),
            Takes::One(words) => words.contains(&value),
            Takes::Number(min, max) => in_range(min, max),
            Takes::OffOr(min, max) => value == "off" || in_range(min, max),
            Takes::Text => value.chars().count() <= MAX_VALUE,
            Takes::HeaderName => {
                let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                (1..=MAX_HEADER_NAME).contains(&value.len()) && value.chars().all(token)
            }
            Takes::Fixed(only) => return self.check_fixed(key, value, only),
        };
        if fits {
            Ok(())
        } else {
            Err(ApiError::validation(format!(
                "The value '{value}' is not valid for the attribute '{key}'"
            )))
        }
    }

    fn check_fixed(&self, key: &str, value: &str, only: &str) -> Result<(), ApiError> {
        if value == only {
            return Ok(());
        }
        let message = format!(
            "The attribute '{key}' cannot be other than '{only}' on {}",
            self.owner
        );
        Err(ApiError::new("InvalidConfigurationRequest", message))
    }

    fn unknown(&self, key: &str) -> ApiError {
        if self.foreign.contains(&key) {
            let message = format!("The attribute key '{key}' is not supported on {}", self.owner);
            return ApiError::new("InvalidConfigurationRequest", message);
        }
        ApiError::validation(format!("The attribute key '{key}' is not recognized"))
    }
}

/// Every attribute of a load balancer, target group or listener.
pub fn describe<'a>(elb: &'a Elb, kind: Kind, arn: &str) -> Result<&'a Attributes, ApiError> {
    match kind {
        Kind::LoadBalancer => elb.load_balancer(arn).map(|found| &found.attributes),
        Kind::TargetGroup => elb.target_group(arn).map(|found| &found.attributes),
        Kind::Listener => elb.listener(arn).map(|found| &found.attributes),
        Kind::Rule | Kind::TrustStore => Err(kind.not_found()),
    }
}

/// Changes some attributes, all or none; answers them all. Errors as in [`Schema::changed`], and NotFound.
pub fn modify<'a>(
    elb: &'a mut Elb,
    kind: Kind,
    arn: &str,
    changes: &[(String, String)],
) -> Result<&'a Attributes, ApiError> {
    let (schema, place) = match kind {
        Kind::LoadBalancer => {
            let found = elb.load_balancer_mut(arn)?;
            (
                Schema::load_balancer(found.kind, found.scheme),
                &mut found.attributes,
            )
        }
        Kind::TargetGroup => {
            let found = elb.target_group_mut(arn)?;
            (
                Schema::target_group(found.protocol, found.target_type),
                &mut found.attributes,
            )
        }
        Kind::Listener => {
            let found = elb.listener_mut(arn)?;
            (Schema::listener(found.protocol), &mut found.attributes)
        }
        Kind::Rule | Kind::TrustStore => return Err(kind.not_found()),
    };
    *place = schema.changed(place, changes)?;
    Ok(place)
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

    fn change(schema: &Schema, key: &str, value: &str) -> Result<Attributes, ApiError> {
        schema.changed(&schema.defaults(), &[(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn client_addresses_are_preserved_by_default_except_for_tcp_and_tls_to_addresses() {
        let default = |protocol, target_type| {
            Schema::target_group(Some(protocol), target_type).defaults()["preserve_client_ip.enabled"].clone()
        };
        assert_eq!(default(Protocol::Tcp, TargetType::Instance), "true");
        assert_eq!(default(Protocol::Tcp, TargetType::Ip), "false");
        assert_eq!(default(Protocol::Tls, TargetType::Ip), "false");
        assert_eq!(default(Protocol::Udp, TargetType::Ip), "true");
        assert_eq!(default(Protocol::TcpUdp, TargetType::Ip), "true");
    }

    #[test]
    fn client_address_preservation_cannot_be_switched_off_for_udp() {
        let schema = Schema::target_group(Some(Protocol::Udp), TargetType::Instance);
        assert_eq!(
            change(&schema, "preserve_client_ip.enabled", "false")
                .unwrap_err()
                .code,
            "InvalidConfigurationRequest"
        );
        assert!(change(&schema, "preserve_client_ip.enabled", "true").is_ok());
    }

    #[test]
    fn a_change_leaves_all_other_keys_as_they_were() {
        let schema = Schema::load_balancer(LoadBalancerType::Network, Scheme::InternetFacing);
        let next = change(&schema, "load_balancing.cross_zone.enabled", "true").unwrap();
        assert_eq!(next.len(), schema.defaults().len());
        assert_eq!(next["load_balancing.cross_zone.enabled"], "true");
        assert_eq!(next["deletion_protection.enabled"], "false");
    }

    #[test]
    fn unknown_keys_and_bad_values_are_validation_errors_and_foreign_keys_a_wrong_configuration() {
        let schema = Schema::load_balancer(LoadBalancerType::Network, Scheme::InternetFacing);
        assert_eq!(
            change(&schema, "no.such.key", "1").unwrap_err().code,
            "ValidationError"
        );
        assert_eq!(
            change(&schema, "deletion_protection.enabled", "yes")
                .unwrap_err()
                .code,
            "ValidationError"
        );
        let foreign = change(&schema, "idle_timeout.timeout_seconds", "60").unwrap_err();
        assert_eq!(foreign.code, "InvalidConfigurationRequest");
    }

    #[test]
    fn a_deregistration_delay_of_3600_seconds_is_the_longest() {
        let schema = Schema::target_group(Some(Protocol::Tcp), TargetType::Ip);
        assert!(change(&schema, "deregistration_delay.timeout_seconds", "3600").is_ok());
        assert!(change(&schema, "deregistration_delay.timeout_seconds", "3601").is_err());
    }

    #[test]
    fn only_listeners_that_carry_tcp_have_an_idle_timeout() {
        assert_eq!(
            Schema::listener(Protocol::Tcp).defaults()["tcp.idle_timeout.seconds"],
            "350"
        );
        assert!(Schema::listener(Protocol::Tls).defaults().is_empty());
        assert!(Schema::listener(Protocol::Udp).defaults().is_empty());
    }
    #[test]
    fn listeners_of_application_load_balancers_name_and_set_headers() {
        let (http, https) = (
            Schema::listener(Protocol::Http),
            Schema::listener(Protocol::Https),
        );
        let renamed = "routing.http.request.x_amzn_tls_version.header_name";
        let sniff = "routing.http.response.x_content_type_options.header_value";
        assert_eq!(https.defaults()[renamed], "X-Amzn-Tls-Version");
        assert_eq!(https.defaults().len(), http.defaults().len() + 8);
        assert_eq!(
            change(&http, renamed, "X-Tls").unwrap_err().code,
            "InvalidConfigurationRequest"
        );
        assert!(change(&https, renamed, "X-Tls").is_ok() && change(&https, renamed, "X Tls").is_err());
        assert!(change(&http, sniff, "nosniff").is_ok() && change(&http, sniff, "sniff").is_err());
        assert!(change(&http, "routing.http.response.server.enabled", "maybe").is_err());
    }
}
