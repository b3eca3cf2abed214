//! From what the members agree on, and their rules, to wishes (upstream `pkg/ingress/model_builder.go`).

use std::collections::BTreeMap;

use elbow_crds::problem::{Problem, ProblemCode};

use super::listeners::{INBOUND_CIDRS, PREFIX_LISTS};
use super::member::Member;
use super::merge::{self, Agreed, AgreedPort};
use super::redirect::HttpListeners;
use super::rules;
use super::tags::with_defaults;
use super::target_groups::TargetGroups;
use super::votes::{GROUPS, MANAGE, SUBNETS, Votes};
use super::wish::RuleWish;
use crate::intent::wish::{
    ActionWish, Asked, InboundWish, ListenerWish, LoadBalancerWish, SecurityWish, TlsWish,
};
use crate::model::{
    FixedResponseAction, IngressPermission, IpAddressType, LoadBalancerType, PermissionSource, Protocol,
    RedirectAction, ResourceId, Scheme, Setting,
};
use crate::settings::Settings;

const DEFAULT_BACKEND: &str = "spec.defaultBackend";

/// A member with its votes.
pub(super) struct Voter<'a> {
    pub member: Member<'a>,
    pub votes: Votes,
    /// Whether the votes count.
    pub admitted: bool,
}

/// Rules and default actions of all listeners.
#[derive(Default)]
pub(super) struct Lowered {
    pub rules: Vec<RuleWish>,
    pub actions: BTreeMap<i32, Vec<ActionWish>>,
    /// Faults of members that contradict an earlier one.
    pub contradictions: Vec<Problem>,
}

/// Reads rules and default backends of all voters on all listeners. Listeners that redirect, or stay as they are, have
/// neither.
pub(super) fn rules(
    agreed: &Agreed,
    http: HttpListeners,
    voters: &mut [Voter<'_>],
    groups: &mut TargetGroups,
) -> Lowered {
    let mut lowered = Lowered::default();
    for (port, listener) in &agreed.ports {
        let protocol = listener.protocol.value;
        let answer = match http {
            HttpListeners::Redirect(target) if protocol == Protocol::Http => Some(to_https(target)),
            HttpListeners::Stay if protocol == Protocol::Http => Some(not_found()),
            _ => None,
        };
        if let Some(answer) = answer {
            lowered.actions.insert(*port, vec![answer]);
            continue;
        }
        let mut wishes = Vec::new();
        let mut default: Option<(String, Vec<ActionWish>)> = None;
        let listening = |voter: &&mut Voter<'_>| voter.admitted && voter.votes.ports.contains_key(port);
        for voter in voters.iter_mut().filter(listening) {
            let member = &mut voter.member;
            wishes.extend(rules::read(member, *port, protocol, groups));
            if member.of.ingress.default_backend.is_none() {
                continue;
            }
            let actions = rules::default_actions(member, protocol, groups);
            match &default {
                Some((name, _)) => lowered.contradictions.push(second_default(member, *port, name)),
                None => default = actions.map(|actions| (full_name(member), actions)),
            }
        }
        lowered.rules.extend(rules::optimise(*port, protocol, wishes));
        let actions = default.map_or_else(|| vec![not_found()], |(_, actions)| actions);
        lowered.actions.insert(*port, actions);
    }
    lowered
}

fn full_name(member: &Member<'_>) -> String {
    format!(
        "{}/{}",
        member.of.ingress.meta.namespace, member.of.ingress.meta.name
    )
}

fn second_default(member: &Member<'_>, port: i32, earlier: &str) -> Problem {
    let message = format!(
        "the Ingress {earlier}, which comes earlier in the group, has a default backend on port {port}, too; remove \
         one of them"
    );
    Problem::fault(member.object(), DEFAULT_BACKEND, ProblemCode::Conflict, message)
}

fn to_https(port: i32) -> ActionWish {
    ActionWish::Redirect(RedirectAction {
        protocol: Some("HTTPS".to_owned()),
        port: Some(port.to_string()),
        host: None,
        path: None,
        query: None,
        status: "HTTP_301".to_owned(),
    })
}

fn not_found() -> ActionWish {
    ActionWish::FixedResponse(FixedResponseAction {
        status: "404".to_owned(),
        content_type: Some("text/plain".to_owned()),
        body: None,
    })
}

/// Address families of the load balancer.
pub(super) fn ip_address_type(agreed: &Agreed) -> IpAddressType {
    agreed
        .ip_address_type
        .as_ref()
        .map_or(IpAddressType::Ipv4, |asked| asked.value)
}

/// The load balancer. Without a scheme of their own Ingresses get the default one, whatever is there. `first`
/// stands for settings that nobody made.
pub(super) fn load_balancer(agreed: &Agreed, settings: &Settings, first: &Member<'_>) -> LoadBalancerWish {
    let default_scheme = || Asked::<Scheme> {
        value: settings.default_scheme,
        origin: first.origin_at("scheme"),
    };
    let subnets = agreed.subnets.as_ref();
    LoadBalancerWish {
        id: ResourceId::from("LoadBalancer"),
        kind: LoadBalancerType::Application,
        name: agreed.name.clone(),
        scheme: Some(agreed.scheme.clone().unwrap_or_else(default_scheme)),
        ip_address_type: ip_address_type(agreed),
        subnets: subnets.map(|asked| asked.value.wish()),
        subnets_origin: subnets.map_or_else(|| first.origin_at(SUBNETS), |asked| asked.origin.clone()),
        addresses: None,
        attributes: agreed.attributes(),
        delete_first: agreed.delete_first,
        capacity_units: Setting::Unmanaged,
        origins: agreed.origins.clone(),
    }
}

/// Security groups, with the inbound rules of a managed one.
pub(super) fn security(agreed: &Agreed, first: &Member<'_>) -> SecurityWish {
    let origin = |suffix: &str| first.origin_at(suffix);
    let groups = agreed.groups.as_ref();
    let manage = agreed.manage_backend_rules.as_ref();
    let dualstack = ip_address_type(agreed) != IpAddressType::Ipv4;
    SecurityWish {
        disabled: None,
        groups: groups.map(|asked| asked.value.clone()).unwrap_or_default(),
        groups_origin: groups.map_or_else(|| origin(GROUPS), |asked| asked.origin.clone()),
        manage_backend_rules: match &agreed.manage_unreadable {
            Some(problem) => Err(problem.clone()),
            None => Ok(manage.map(|asked| asked.value)),
        },
        manage_backend_rules_origin: manage.map_or_else(|| origin(MANAGE), |asked| asked.origin.clone()),
        inbound: InboundWish::Listed(permissions(agreed, dualstack)),
        private_link_inbound: Setting::Unmanaged,
        origins: agreed.security_origins.clone(),
    }
}

/// Port by port: IPv4 clients, IPv6 clients where the load balancer has such addresses, prefix lists.
fn permissions(agreed: &Agreed, dualstack: bool) -> Vec<IngressPermission> {
    let mut rules = Vec::new();
    for (port, listener) in &agreed.ports {
        let (v4, v6, lists) = clients(listener);
        let v4 = v4.into_iter().map(PermissionSource::Ipv4);
        let v6 = v6.into_iter().filter(|_| dualstack).map(PermissionSource::Ipv6);
        let lists = lists.into_iter().map(PermissionSource::PrefixList);
        rules.extend(v4.chain(v6).chain(lists).map(|source| IngressPermission {
            protocol: "tcp".to_owned(),
            from_port: Some(*port),
            to_port: Some(*port),
            source,
        }));
    }
    rules
}

/// IPv4 and IPv6 blocks and prefix lists, sorted; everybody if there is none of them.
fn clients(listener: &AgreedPort) -> (Vec<String>, Vec<String>, Vec<String>) {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list.dedup();
        list
    };
    let cidrs = listener.cidrs.as_ref().map(|asked| &asked.value);
    let lists = listener.prefix_lists.as_ref().map(|asked| sorted(&asked.value));
    match (cidrs, lists) {
        (None, None) => (vec!["0.0.0.0/0".to_owned()], vec!["::/0".to_owned()], Vec::new()),
        (cidrs, lists) => (
            cidrs.map(|cidrs| sorted(&cidrs.v4)).unwrap_or_default(),
            cidrs.map(|cidrs| sorted(&cidrs.v6)).unwrap_or_default(),
            lists.unwrap_or_default(),
        ),
    }
}

/// What is asked for and lets nobody in, or is of no account beside explicit groups.
pub(super) fn warn_clients(agreed: &Agreed, member: &mut Member<'_>) {
    let explicit = agreed.groups.as_ref().filter(|groups| !groups.value.is_empty());
    for suffix in [INBOUND_CIDRS, PREFIX_LISTS] {
        if explicit.is_some() && member.string(suffix).is_some() {
            let message = "it has no effect on given security groups; put the rules there";
            member.warn_at(suffix, ProblemCode::Ignored, message);
        }
    }
    if explicit.is_none() && ip_address_type(agreed) == IpAddressType::Ipv4 {
        warn_ipv6_clients(agreed, member);
    }
}

fn warn_ipv6_clients(agreed: &Agreed, member: &mut Member<'_>) {
    let mine = agreed
        .ports
        .values()
        .filter_map(|listener| listener.cidrs.as_ref())
        .filter(|cidrs| cidrs.origin.object == *member.object() && !cidrs.value.v6.is_empty());
    let problems: Vec<Problem> = mine
        .map(|cidrs| {
            let message = format!(
                "the IPv6 blocks {} let nobody in, because the load balancer has IPv4 addresses only; set \
                 ip-address-type to dualstack or remove them",
                cidrs.value.v6.join(", ")
            );
            let origin = &cidrs.origin;
            Problem::warning(&origin.object, &origin.field, ProblemCode::Ignored, message)
        })
        .collect();
    for problem in problems {
        member.push(problem);
    }
}

/// All listeners, by port.
pub(super) fn listeners(
    agreed: &Agreed,
    mut actions: BTreeMap<i32, Vec<ActionWish>>,
    settings: &Settings,
) -> Vec<ListenerWish> {
    let listener = |(port, listener): (&i32, &AgreedPort)| {
        let protocol = listener.protocol.value;
        let policy = listener.policy.as_ref();
        ListenerWish {
            port: *port,
            protocol,
            tls: (protocol == Protocol::Https).then(|| TlsWish {
                certificates: listener.certificates(),
                certificate_origins: listener.certificate_origins.clone(),
                policy: policy.map_or_else(
                    || settings.default_ssl_policy.clone(),
                    |asked| asked.value.clone(),
                ),
                alpn: None,
            }),
            attributes: listener.attributes(),
            actions: actions.remove(port).unwrap_or_default(),
            tags: with_defaults(settings, listener.tags.clone()),
            origins: listener.origins.clone(),
        }
    };
    agreed.ports.iter().map(listener).collect()
}

/// Tags of the load balancer and its security group.
pub(super) fn tags(agreed: &Agreed, settings: &Settings) -> crate::model::Tags {
    with_defaults(settings, merge::values(&agreed.tags))
}
