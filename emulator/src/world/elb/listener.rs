//! Listeners and their default rules: create, describe, modify, delete.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Elb,
    action::{self, Action, Place},
    arn,
    attributes::{Attributes, Schema},
    certificate, limits,
    load_balancer::LoadBalancer,
    page::{Page, PageRequest},
    room, ssl_policy,
    tags::{self, Tags},
    uses::Uses,
    words::{IpAddressType, LoadBalancerType, Protocol},
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

/// `MutualAuthentication`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MutualAuthentication {
    /// `off` or `passthrough`; `verify` needs a trust store, and there are none yet.
    pub mode: String,
    /// `TrustStoreArn`
    pub trust_store: Option<String>,
    /// `IgnoreClientCertificateExpiry`
    pub ignore_expiry: Option<bool>,
    /// `AdvertiseTrustStoreCaNames`
    pub advertise_ca_names: Option<String>,
}

/// The settings of CreateListener and ModifyListener; what is absent in the latter stays.
#[derive(Clone, Debug, Default)]
pub struct ListenerSettings {
    /// `Port`
    pub port: Option<i64>,
    /// `Protocol`
    pub protocol: Option<Protocol>,
    /// `SslPolicy`
    pub ssl_policy: Option<String>,
    /// `Certificates`
    pub certificates: Option<Vec<certificate::Named>>,
    /// `AlpnPolicy`
    pub alpn_policy: Option<Vec<String>>,
    /// `MutualAuthentication`
    pub mutual_authentication: Option<MutualAuthentication>,
    /// `DefaultActions`
    pub default_actions: Option<Vec<Action>>,
}

impl Listener {
    /// Every group that one of its actions names, weight 0 included.
    pub fn target_groups(&self) -> impl Iterator<Item = &str> {
        self.default_actions.iter().flat_map(Action::target_groups)
    }

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
/// `LoadBalancerNotFound`, `DuplicateListener`, `TooManyListeners`, `UnsupportedProtocol`, certificate, policy,
/// tag errors and those of [`action::check`].
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
        return if existing.same_settings(&wanted) { Ok(existing.clone()) } else { Err(duplicate(&wanted)) };
    }
    let count = world.elb.listeners.values().filter(|listener| listener.load_balancer == load_balancer).count();
    let limit = world.quotas.listeners_per_load_balancer;
    limits::check("TooManyListeners", limit, count + 1, "listeners per load balancer")?;
    let path = format!("{}/{}", arn::path(load_balancer), world.ids.hex(16));
    let rule_id = world.ids.hex(16);
    let rule = arn::of(world, &format!("listener-rule/{path}/{rule_id}"));
    let created = Listener {
        arn: arn::of(world, &format!("listener/{path}")),
        default_rule: DefaultRule { arn: rule, tags: Tags::new() },
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
        attributes: Attributes::new(),
        tags: tags::checked(&world.quotas, tags)?,
    })
}

fn on_port<'a>(elb: &'a Elb, load_balancer: &str, port: u16) -> Option<&'a Listener> {
    elb.listeners.values().find(|listener| listener.load_balancer == load_balancer && listener.port == port)
}

fn duplicate(wanted: &Listener) -> ApiError {
    let message =
        format!("A listener already exists on port {} for this load balancer '{}'", wanted.port, wanted.load_balancer);
    ApiError::new("DuplicateListener", message)
}

/// `listener` with the settings, checked as a whole.
fn configured(
    world: &World,
    owner: &LoadBalancer,
    mut listener: Listener,
    settings: &ListenerSettings,
) -> Result<Listener, ApiError> {
    if let Some(port) = settings.port {
        listener.port = u16::try_from(port)
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| ApiError::validation(format!("The port '{port}' must be between 1 and 65535")))?;
    }
    let actions_before = std::mem::take(&mut listener.default_actions);
    listener.protocol = settings.protocol.unwrap_or(listener.protocol);
    check_protocol(owner, listener.protocol)?;
    set_tls(world, &mut listener, settings)?;
    set_alpn(&mut listener, settings)?;
    set_mutual_authentication(&mut listener, settings)?;
    listener.default_actions = settings.default_actions.clone().unwrap_or(actions_before);
    let others = world.elb.listeners.values().filter(|other| other.arn != listener.arn);
    let uses = Uses::of_listeners(others);
    let place = Place { load_balancer: owner, protocol: listener.protocol, uses: &uses };
    action::check(world, place, &listener.default_actions)?;
    let mut groups = uses.groups_of(&owner.arn);
    groups.extend(listener.target_groups());
    room::check(world, owner, &groups, None)?;
    listener.attributes = Schema::listener(listener.protocol).kept(&listener.attributes);
    Ok(listener)
}

fn check_protocol(owner: &LoadBalancer, protocol: Protocol) -> Result<(), ApiError> {
    let application = owner.kind == LoadBalancerType::Application;
    if protocol == Protocol::Geneve || protocol.is_application() != application {
        let message = format!("Protocol '{protocol}' is not supported by load balancers of type '{}'", owner.kind);
        return Err(ApiError::new("UnsupportedProtocol", message));
    }
    let datagrams_need_prefix = owner.ip_address_type != IpAddressType::Ipv4 && owner.prefix_for_source_nat != Some(true);
    if protocol.carries_udp() && datagrams_need_prefix {
        let message = format!("Protocol '{protocol}' on a dualstack load balancer needs IPv6 prefixes for source NAT");
        return Err(ApiError::new("InvalidConfigurationRequest", message));
    }
    Ok(())
}

/// Certificate and policy: both for TLS and HTTPS, neither for others.
fn set_tls(world: &World, listener: &mut Listener, settings: &ListenerSettings) -> Result<(), ApiError> {
    let protocol = listener.protocol;
    let certificates = settings.certificates.as_deref().unwrap_or_default();
    if !protocol.needs_certificate() {
        if !certificates.is_empty() || settings.ssl_policy.is_some() {
            let message = format!("Certificates and SSL policies cannot be specified for {protocol} listeners");
            return Err(ApiError::validation(message));
        }
        listener.ssl_policy = None;
        listener.certificate = None;
        listener.extra_certificates.clear();
        return Ok(());
    }
    if settings.certificates.is_some() {
        listener.certificate = certificate::only(world, certificates)?;
    }
    if listener.certificate.is_none() {
        return Err(ApiError::validation(format!("A certificate must be specified for {protocol} listeners")));
    }
    if let Some(policy) = &settings.ssl_policy {
        ssl_policy::check(policy)?;
        listener.ssl_policy = Some(policy.clone());
    }
    listener.ssl_policy.get_or_insert_with(|| ssl_policy::DEFAULT.to_owned());
    Ok(())
}

fn set_alpn(listener: &mut Listener, settings: &ListenerSettings) -> Result<(), ApiError> {
    let tls = listener.protocol == Protocol::Tls;
    listener.alpn_policy = listener.alpn_policy.take().filter(|_| tls);
    let Some(policies) = &settings.alpn_policy else { return Ok(()) };
    match policies.as_slice() {
        [] => {}
        [policy] if tls => {
            ssl_policy::check_alpn(policy)?;
            listener.alpn_policy = Some(policy.clone());
        }
        [_] => {
            let message = format!("ALPN policies cannot be specified for {} listeners", listener.protocol);
            return Err(ApiError::validation(message));
        }
        _ => return Err(ApiError::validation("Only one ALPN policy can be specified")),
    }
    Ok(())
}

fn set_mutual_authentication(listener: &mut Listener, settings: &ListenerSettings) -> Result<(), ApiError> {
    let https = listener.protocol == Protocol::Https;
    if !https {
        listener.mutual_authentication = None;
    } else if listener.mutual_authentication.is_none() {
        listener.mutual_authentication = Some(MutualAuthentication { mode: "off".to_owned(), ..Default::default() });
    }
    let Some(wanted) = &settings.mutual_authentication else { return Ok(()) };
    if !https {
        let message = format!("Mutual authentication cannot be specified for {} listeners", listener.protocol);
        return Err(ApiError::validation(message));
    }
    match wanted.mode.as_str() {
        "off" | "passthrough" if wanted.trust_store.is_none() => {}
        "verify" => {
            let store = wanted.trust_store.as_deref().unwrap_or_default();
            return Err(ApiError::new("TrustStoreNotFound", format!("Trust store '{store}' not found")));
        }
        mode => return Err(ApiError::validation(format!("The mutual authentication mode '{mode}' is not valid"))),
    }
    listener.mutual_authentication = Some(wanted.clone());
    Ok(())
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
            elb.listeners.values().filter(|listener| listener.load_balancer == owner).cloned().collect()
        }
        (None, [_, ..]) => {
            let wanted: BTreeSet<&String> = arns.iter().collect();
            wanted.into_iter().map(|arn| elb.listener(arn).cloned()).collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(ApiError::validation("Either a load balancer ARN or listener ARNs must be specified")),
    };
    page.cut(found, |listener| listener.arn.clone())
}

/// DeleteListener: `ListenerNotFound` if it is not there.
pub fn delete(world: &mut World, arn: &str) -> Result<(), ApiError> {
    world.elb.listener(arn)?;
    world.elb.listeners.remove(arn);
    Ok(())
}

/// DescribeRules, as far as rules exist: the default rule of the listener, or of the rule ARNs given.
pub fn describe_rules(
    elb: &Elb,
    listener: Option<&str>,
    arns: &[String],
    page: &PageRequest,
) -> Result<Page<Listener>, ApiError> {
    let found = match (listener, arns) {
        (Some(listener), []) => vec![elb.listener(listener)?.clone()],
        (None, [_, ..]) => arns.iter().map(|arn| of_rule(elb, arn)).collect::<Result<Vec<_>, _>>()?,
        _ => return Err(ApiError::validation("Either a listener ARN or rule ARNs must be specified")),
    };
    page.cut(found, |listener| listener.default_rule.arn.clone())
}

fn of_rule(elb: &Elb, rule: &str) -> Result<Listener, ApiError> {
    arn::Kind::Rule.check(rule)?;
    let found = elb.listeners.values().find(|listener| listener.default_rule.arn == rule);
    found.cloned().ok_or_else(|| arn::Kind::Rule.not_found())
}
