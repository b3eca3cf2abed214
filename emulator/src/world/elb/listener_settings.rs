//! The settings of a listener: a listener and changes in, the listener with the changes out, checked as a whole.

use super::{
    action::{self, Action, Place},
    attributes::Schema,
    authentication, certificate,
    listener::Listener,
    load_balancer::LoadBalancer,
    mutual_authentication::{self, MutualAuthentication},
    room, ssl_policy,
    uses::{Except, Uses},
    words::{IpAddressType, LoadBalancerType, Protocol},
};
use crate::world::{ApiError, World};

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

/// `listener` with the settings, checked as a whole.
pub(super) fn configured(
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
    mutual_authentication::set(world, &mut listener, settings.mutual_authentication.as_ref())?;
    listener.default_actions = match &settings.default_actions {
        Some(wanted) => action::sorted(authentication::with_known_secrets(wanted, &actions_before)),
        None => actions_before,
    };
    let uses = Uses::of_listeners(
        world.elb.listeners.values(),
        Except::DefaultActions(&listener.arn),
    );
    let place = Place {
        load_balancer: owner,
        protocol: listener.protocol,
        uses: &uses,
    };
    action::check(world, place, &listener.default_actions)?;
    for rule in listener.rules.values() {
        action::check_protocol(listener.protocol, &rule.actions)?;
    }
    let mut groups = uses.groups_of(&owner.arn);
    groups.extend(listener.default_actions.iter().flat_map(Action::target_groups));
    room::check(world, owner, &groups, None)?;
    listener.attributes = Schema::listener(listener.protocol).kept(&listener.attributes);
    Ok(listener)
}

fn check_protocol(owner: &LoadBalancer, protocol: Protocol) -> Result<(), ApiError> {
    let application = owner.kind == LoadBalancerType::Application;
    if protocol == Protocol::Geneve || protocol.is_application() != application {
        // The API model has UnsupportedProtocol for this, but it is not what AWS answers.
        let allowed = if application {
            "HTTP, HTTPS"
        } else {
            "TCP, TLS, UDP, TCP_UDP, QUIC, TCP_QUIC"
        };
        let message = format!("Listener protocol '{protocol}' must be one of '{allowed}'");
        return Err(ApiError::validation(message));
    }
    let datagrams_need_prefix =
        owner.ip_address_type != IpAddressType::Ipv4 && owner.prefix_for_source_nat != Some(true);
    if protocol.carries_udp() && datagrams_need_prefix {
        let message =
            format!("Protocol '{protocol}' on a dualstack load balancer needs IPv6 prefixes for source NAT");
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
            let message =
                format!("Certificates and SSL policies cannot be specified for {protocol} listeners");
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
        return Err(ApiError::validation(format!(
            "A certificate must be specified for {protocol} listeners"
        )));
    }
    if let Some(policy) = &settings.ssl_policy {
        ssl_policy::check(policy)?;
        listener.ssl_policy = Some(policy.clone());
    }
    listener
        .ssl_policy
        .get_or_insert_with(|| ssl_policy::DEFAULT.to_owned());
    Ok(())
}

fn set_alpn(listener: &mut Listener, settings: &ListenerSettings) -> Result<(), ApiError> {
    let tls = listener.protocol == Protocol::Tls;
    listener.alpn_policy = listener.alpn_policy.take().filter(|_| tls);
    let Some(policies) = &settings.alpn_policy else {
        return Ok(());
    };
    match policies.as_slice() {
        [] => {}
        [policy] if tls => {
            ssl_policy::check_alpn(policy)?;
            listener.alpn_policy = Some(policy.clone());
        }
        [_] => {
            let message = format!(
                "ALPN policies cannot be specified for {} listeners",
                listener.protocol
            );
            return Err(ApiError::validation(message));
        }
        _ => return Err(ApiError::validation("Only one ALPN policy can be specified")),
    }
    Ok(())
}
