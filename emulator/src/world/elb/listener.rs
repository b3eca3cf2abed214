//! Listeners: create, describe, modify, delete.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Elb,
    action::Action,
    arn,
    attributes::Attributes,
    limits,
    listener_settings::{ListenerSettings, configured},
    mutual_authentication::MutualAuthentication,
    page::{Page, PageRequest},
    rule::Rule,
    tags::{self, Tags},
    words::Protocol,
};
use crate::world::{ApiError, World};

/// A listener.
#[derive(Clone, Debug, Serialize)]
pub struct Listener {
    /// ARN.
    pub arn: String,
    /// ARN of its load balancer.
    pub load_balancer: String,
    /// When it was created.
    pub created: Timestamp,
    /// Port; one listener per port, whatever the protocol.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Security policy of TLS and HTTPS listeners.
    pub ssl_policy: Option<String>,
    /// Default certificate of TLS and HTTPS listeners.
    pub certificate: Option<String>,
    /// Further certificates; the default one may be among them.
    pub extra_certificates: BTreeSet<String>,
    /// ALPN policy of TLS listeners.
    pub alpn_policy: Option<String>,
    /// Client certificates of HTTPS listeners.
    pub mutual_authentication: Option<MutualAuthentication>,
    /// Its default actions.
    pub default_actions: Vec<Action>,
    /// The rule that holds the default actions.
    pub default_rule: DefaultRule,
    /// Its other rules, by priority.
    pub rules: BTreeMap<u32, Rule>,
    /// Every attribute it supports.
    pub attributes: Attributes,
    /// Tags.
    pub tags: Tags,
}

/// The rule that every listener has and nobody can delete.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DefaultRule {
    /// ARN.
    pub arn: String,
    /// Tags.
    pub tags: Tags,
}

impl Listener {
    fn same_settings(&self, other: &Self) -> bool {
        self.port == other.port
            && self.protocol == other.protocol
            && self.ssl_policy == other.ssl_policy
            && self.certificate == other.certificate
            && self.alpn_policy == other.alpn_policy
            && self.mutual_authentication == other.mutual_authentication
            && self.default_actions == other.default_actions
    }
}

/// CreateListener. A second call with equal settings answers the existing one.
///
/// # Errors
/// `LoadBalancerNotFound`, `DuplicateListener`, `TooManyListeners`, `ValidationError`, certificate, policy,
/// tag errors and those of [`super::action::check`].
pub fn create(
    world: &mut World,
    now: Timestamp,
    load_balancer: &str,
    settings: &ListenerSettings,
    tags: &[(String, String)],
) -> Result<Listener, ApiError> {
    let owner = world.elb.load_balancer(load_balancer)?;
    let blank = blank(world, now, load_balancer, settings, tags)?;
    let wanted = configured(world, owner, blank, settings)?;
    if let Some(existing) = on_port(&world.elb, load_balancer, wanted.port) {
        return if existing.same_settings(&wanted) {
            Ok(existing.clone())
        } else {
            Err(duplicate(&wanted))
        };
    }
    let count = world
        .elb
        .listeners
        .values()
        .filter(|listener| listener.load_balancer == load_balancer)
        .count();
    let limit = world.quotas.listeners_per_load_balancer;
    limits::check(
        "TooManyListeners",
        limit,
        count + 1,
        "listeners per load balancer",
    )?;
    let path = format!("{}/{}", arn::path(load_balancer), world.ids.hex(16));
    let rule_id = world.ids.hex(16);
    let rule = arn::of(world, &format!("listener-rule/{path}/{rule_id}"));
    let created = Listener {
        arn: arn::of(world, &format!("listener/{path}")),
        default_rule: DefaultRule {
            arn: rule,
            tags: Tags::new(),
        },
        ..wanted
    };
    world.elb.listeners.insert(created.arn.clone(), created.clone());
    Ok(created)
}

fn blank(
    world: &World,
    now: Timestamp,
    load_balancer: &str,
    settings: &ListenerSettings,
    tags: &[(String, String)],
) -> Result<Listener, ApiError> {
    let missing = |what: &str| ApiError::validation(format!("A listener {what} must be specified"));
    settings.port.ok_or_else(|| missing("port"))?;
    let protocol = settings.protocol.ok_or_else(|| missing("protocol"))?;
    Ok(Listener {
        arn: String::new(),
        load_balancer: load_balancer.to_owned(),
        created: now,
        port: 0,
        protocol,
        ssl_policy: None,
        certificate: None,
        extra_certificates: BTreeSet::new(),
        alpn_policy: None,
        mutual_authentication: None,
        default_actions: Vec::new(),
        default_rule: DefaultRule::default(),
        rules: BTreeMap::new(),
        attributes: Attributes::new(),
        tags: tags::checked(&world.quotas, tags)?,
    })
}

fn on_port<'a>(elb: &'a Elb, load_balancer: &str, port: u16) -> Option<&'a Listener> {
    elb.listeners
        .values()
        .find(|listener| listener.load_balancer == load_balancer && listener.port == port)
}

fn duplicate(wanted: &Listener) -> ApiError {
    let message = format!(
        "A listener already exists on port {} for this load balancer '{}'",
        wanted.port, wanted.load_balancer
    );
    ApiError::new("DuplicateListener", message)
}

/// ModifyListener: settings that are absent stay; actions are replaced as a whole; a certificate replaces the
/// default one only.
pub fn modify(world: &mut World, arn: &str, settings: &ListenerSettings) -> Result<Listener, ApiError> {
    let current = world.elb.listener(arn)?.clone();
    let owner = world.elb.load_balancer(&current.load_balancer)?;
    let changed = configured(world, owner, current, settings)?;
    if on_port(&world.elb, &changed.load_balancer, changed.port).is_some_and(|other| other.arn != arn) {
        return Err(duplicate(&changed));
    }
    world.elb.listeners.insert(arn.to_owned(), changed.clone());
    Ok(changed)
}

/// DescribeListeners: of one load balancer, or by ARN.
pub fn describe(
    elb: &Elb,
    load_balancer: Option<&str>,
    arns: &[String],
    page: &PageRequest,
) -> Result<Page<Listener>, ApiError> {
    let found = match (load_balancer, arns) {
        (Some(owner), []) => {
            elb.load_balancer(owner)?;
            elb.listeners
                .values()
                .filter(|listener| listener.load_balancer == owner)
                .cloned()
                .collect()
        }
        (None, [_, ..]) => {
            let wanted: BTreeSet<&String> = arns.iter().collect();
            wanted
                .into_iter()
                .map(|arn| elb.listener(arn).cloned())
                .collect::<Result<Vec<_>, _>>()?
        }
        _ => {
            return Err(ApiError::validation(
                "Either a load balancer ARN or listener ARNs must be specified",
            ));
        }
    };
    page.cut(found, |listener| listener.arn.clone())
}

/// DeleteListener, rules included: `ListenerNotFound` if it is not there.
pub fn delete(world: &mut World, arn: &str) -> Result<(), ApiError> {
    world.elb.listener(arn)?;
    world.elb.listeners.remove(arn);
    Ok(())
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
    use crate::world::elb::{certificate, ssl_policy, tests::*};

    #[test]
    fn one_port_has_one_listener_whatever_the_protocol() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let tcp_group = create_group(&mut world, &tcp("tcp")).arn;
        let udp = super::super::target_group::CreateTargetGroup {
            protocol: Some(Protocol::Udp),
            ..tcp("udp")
        };
        let udp_group = create_group(&mut world, &udp).arn;
        let first = listen(&mut world, &owner, Protocol::Tcp, 53, &tcp_group).unwrap();
        assert_eq!(
            listen(&mut world, &owner, Protocol::Tcp, 53, &tcp_group)
                .unwrap()
                .arn,
            first.arn
        );
        assert_eq!(
            listen(&mut world, &owner, Protocol::Udp, 53, &udp_group)
                .unwrap_err()
                .code,
            "DuplicateListener"
        );
        let second = listen(&mut world, &owner, Protocol::Udp, 54, &udp_group).unwrap();
        let moved = ListenerSettings {
            port: Some(53),
            ..Default::default()
        };
        assert_eq!(
            modify(&mut world, &second.arn, &moved).unwrap_err().code,
            "DuplicateListener"
        );
    }

    #[test]
    fn listener_and_group_protocols_must_fit() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let group = create_group(&mut world, &tcp("web")).arn;
        assert_eq!(
            listen(&mut world, &owner, Protocol::Udp, 53, &group)
                .unwrap_err()
                .code,
            "IncompatibleProtocols"
        );
        assert_eq!(
            listen(&mut world, &owner, Protocol::Http, 80, &group)
                .unwrap_err()
                .code,
            "ValidationError"
        );
    }

    #[test]
    fn a_group_belongs_to_one_load_balancer() {
        let mut world = world();
        let (_, group) = serving(&mut world, true);
        let other = create_network(&mut world, "other");
        let error = listen(&mut world, &other, Protocol::Tcp, 80, &group).unwrap_err();
        assert_eq!(error.code, "TargetGroupAssociationLimit");
    }

    #[test]
    fn a_tls_listener_needs_exactly_one_certificate_that_exists() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let group = create_group(&mut world, &tcp("web")).arn;
        let named = |arn: &str| certificate::Named {
            arn: arn.into(),
            is_default: None,
        };
        let mut code = |certificates: &[&str]| {
            let settings = ListenerSettings {
                certificates: Some(certificates.iter().map(|arn| named(arn)).collect()),
                ..settings(Protocol::Tls, 443, forward(&[(&group, 1)]))
            };
            create(&mut world, at(0), &owner.arn, &settings, &[]).map_err(|error| error.code)
        };
        assert_eq!(code(&[]).unwrap_err(), "ValidationError");
        assert_eq!(code(&["arn:gone"]).unwrap_err(), "CertificateNotFound");
        assert_eq!(
            code(&[CERTIFICATE, CERTIFICATE]).unwrap_err(),
            "TooManyCertificates"
        );
        assert_eq!(
            code(&[CERTIFICATE]).unwrap().ssl_policy.as_deref(),
            Some(ssl_policy::DEFAULT)
        );
    }

    #[test]
    fn from_tls_to_tcp_certificate_and_policy_go() {
        let mut world = world();
        let owner = create_network(&mut world, "web");
        let group = create_group(&mut world, &tcp("web")).arn;
        let secure = ListenerSettings {
            certificates: Some(vec![certificate::Named {
                arn: CERTIFICATE.into(),
                is_default: None,
            }]),
            alpn_policy: Some(vec!["HTTP2Preferred".into()]),
            ..settings(Protocol::Tls, 443, forward(&[(&group, 1)]))
        };
        let arn = create(&mut world, at(0), &owner.arn, &secure, &[]).unwrap().arn;
        let plain = ListenerSettings {
            protocol: Some(Protocol::Tcp),
            ..Default::default()
        };
        let changed = modify(&mut world, &arn, &plain).unwrap();
        assert_eq!(
            (changed.certificate, changed.ssl_policy, changed.alpn_policy),
            (None, None, None)
        );
        assert_eq!(changed.attributes["tcp.idle_timeout.seconds"], "350");
        assert_eq!(changed.port, 443);
    }

    #[test]
    fn the_listener_quota_refuses() {
        let mut world = world();
        world.quotas.listeners_per_load_balancer = 1;
        let (owner, group) = serving(&mut world, true);
        assert_eq!(
            listen(&mut world, &owner, Protocol::Tcp, 81, &group)
                .unwrap_err()
                .code,
            "TooManyListeners"
        );
    }
}
