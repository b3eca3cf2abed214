//! Subnets of a load balancer: named, kept, or discovered (upstream `pkg/networking/subnet_resolver.go`).

use std::collections::{BTreeMap, BTreeSet};

use elbow_crds::problem::ProblemCode;

use super::Context;
use super::inquiry::Inquiry;
use crate::intent::wish::{LoadBalancerWish, SubnetsWish};
use crate::model::{IpAddressType, LoadBalancerType, Origin, Scheme};
use crate::pattern;
use crate::question::{ExistingLoadBalancer, Question, RouteTable, Subnet};

const INTERNAL_ROLE: &str = "kubernetes.io/role/internal-elb";
const PUBLIC_ROLE: &str = "kubernetes.io/role/elb";
/// Without a trailing slash, as upstream compares it.
const CLUSTER_PREFIX: &str = "kubernetes.io/cluster";
/// Addresses a subnet must have free: AWS's own rule for load balancer subnets.
const MIN_FREE_IPS: i32 = 8;

/// What is wanted of subnets.
struct Wanted<'w> {
    kind: LoadBalancerType,
    ip_address_type: IpAddressType,
    origin: &'w Origin,
}

/// Subnets named by the object: outer `None` if it names none, inner `None` while they are not known.
#[allow(clippy::option_option)]
pub(super) fn resolve_explicit(
    context: &Context<'_>,
    wish: &LoadBalancerWish,
    inquiry: &mut Inquiry<'_>,
) -> Option<Option<Vec<Subnet>>> {
    let wanted = wanted(wish);
    Some(match wish.subnets.as_ref()? {
        SubnetsWish::Named(names) => by_name_or_id(context, &wanted, names, inquiry),
        SubnetsWish::Tagged(tags) => by_tags(context, &wanted, tags, inquiry),
    })
}

/// Subnets of a load balancer that names none: those of the existing one, else discovered ones.
pub(super) fn resolve(
    context: &Context<'_>,
    wish: &LoadBalancerWish,
    existing: Option<&ExistingLoadBalancer>,
    scheme: Scheme,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let wanted = wanted(wish);
    match existing.filter(|existing| existing.scheme == scheme) {
        // Upstream looks at what an Application Load Balancer has no more: what AWS minds, it says.
        Some(existing) if wish.kind == LoadBalancerType::Application => {
            pick_all(&wanted, &existing.subnets, inquiry)
        }
        Some(existing) => by_name_or_id(context, &wanted, &existing.subnets, inquiry),
        None => discover(context, &wanted, scheme, inquiry),
    }
}

fn wanted(wish: &LoadBalancerWish) -> Wanted<'_> {
    Wanted {
        kind: wish.kind,
        ip_address_type: wish.ip_address_type,
        origin: &wish.subnets_origin,
    }
}

fn by_name_or_id(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    names: &[String],
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let chosen = pick_all(wanted, names, inquiry)?;
    check_zones(wanted, &chosen, inquiry)?;
    let locale = check_locale(wanted, &chosen, inquiry)?;
    check_count(context, wanted, &chosen, &locale, inquiry)?;
    check_ipv6(wanted, &chosen, inquiry)?;
    Some(chosen)
}

/// One subnet per zone of those that carry every tag with one of its values.
fn by_tags(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    tags: &BTreeMap<String, Vec<String>>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let all = inquiry.subnets(Question::VpcSubnets, wanted.origin)?;
    let fits = |subnet: &&Subnet| {
        tags.iter().all(|(key, values)| {
            let tag = subnet.tags.get(key);
            tag.is_some_and(|tag| values.iter().any(|value| pattern::fits(value, tag)))
        })
    };
    let candidates = all.iter().filter(fits).collect();
    let list: Vec<String> = tags
        .iter()
        .map(|(key, values)| format!("{key}={}", values.join("|")))
        .collect();
    let remedy = format!("tag one subnet per zone with {}", list.join(" and "));
    let chosen = choose(context, wanted, candidates, &remedy, inquiry)?;
    checked(context, wanted, chosen, inquiry)
}

fn checked(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    chosen: Vec<Subnet>,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let locale = check_locale(wanted, &chosen, inquiry)?;
    check_count(context, wanted, &chosen, &locale, inquiry)?;
    Some(chosen)
}

fn pick_all(wanted: &Wanted<'_>, names: &[String], inquiry: &mut Inquiry<'_>) -> Option<Vec<Subnet>> {
    let ids: BTreeSet<String> = names.iter().filter(|name| is_id(name)).cloned().collect();
    let by_id: &[Subnet] = if ids.is_empty() {
        &[]
    } else {
        inquiry.subnets(Question::SubnetsById(ids), wanted.origin)?
    };
    let all: &[Subnet] = if names.iter().all(|name| is_id(name)) {
        &[]
    } else {
        inquiry.subnets(Question::VpcSubnets, wanted.origin)?
    };
    let mut chosen = Vec::new();
    let mut complete = true;
    for (position, name) in names.iter().enumerate() {
        let earlier = names.iter().take(position).filter(|other| *other == name).count();
        match pick(name, earlier, by_id, all) {
            Ok(subnet) => chosen.push(subnet.clone()),
            Err(message) => {
                inquiry.fault(wanted.origin, ProblemCode::NotFound, message);
                complete = false;
            }
        }
    }
    if !complete {
        return None;
    }
    if chosen.is_empty() {
        let message = "it names no subnet; name one per zone, or remove the annotation for discovery";
        inquiry.fault(wanted.origin, ProblemCode::NotFound, message);
        return None;
    }
    Some(chosen)
}

fn is_id(name: &str) -> bool {
    name.starts_with("subnet-")
}

/// The subnet of an id, or the `earlier`-th subnet (by id) of a name.
fn pick<'s>(
    name: &str,
    earlier: usize,
    by_id: &'s [Subnet],
    all: &'s [Subnet],
) -> Result<&'s Subnet, String> {
    if is_id(name) {
        if earlier > 0 {
            return Err(format!("the subnet {name} is named twice; name it once"));
        }
        return by_id
            .iter()
            .find(|subnet| subnet.id == name)
            .ok_or_else(|| format!("the subnet {name} does not exist; name an existing subnet"));
    }
    let mut named: Vec<&Subnet> = all
        .iter()
        .filter(|subnet| subnet.tags.get("Name").is_some_and(|tag| tag == name))
        .collect();
    named.sort_by(|a, b| a.id.cmp(&b.id));
    named.get(earlier).copied().ok_or_else(|| match named.len() {
        0 => format!("no subnet of the VPC has the Name tag '{name}'; name existing subnets"),
        count => format!(
            "the Name tag '{name}' is named {} times but only {count} subnet(s) of the VPC have it",
            earlier + 1
        ),
    })
}

fn check_zones(wanted: &Wanted<'_>, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<()> {
    let mut by_zone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for subnet in subnets {
        by_zone.entry(&subnet.zone).or_default().push(&subnet.id);
    }
    let mut good = Some(());
    for (zone, ids) in by_zone.iter().filter(|(_, ids)| ids.len() > 1) {
        let message = format!(
            "the subnets {} lie in the same zone {zone}; name one per zone",
            ids.join(", ")
        );
        inquiry.fault(wanted.origin, ProblemCode::Conflict, message);
        good = None;
    }
    good
}

/// All subnets must lie in zones of one kind, or all on Outposts. Gives that kind.
fn check_locale(wanted: &Wanted<'_>, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<String> {
    let on_outpost = |subnet: &Subnet| subnet.outpost_arn.as_ref().is_some_and(|arn| !arn.is_empty());
    let zone_ids: BTreeSet<String> = subnets
        .iter()
        .filter(|subnet| !on_outpost(subnet))
        .map(|subnet| subnet.zone_id.clone())
        .collect();
    let mut locales = BTreeSet::new();
    if subnets.iter().any(on_outpost) {
        locales.insert("outpost".to_owned());
    }
    if !zone_ids.is_empty() {
        let zones = inquiry.zones(zone_ids, wanted.origin)?;
        for subnet in subnets.iter().filter(|subnet| !on_outpost(subnet)) {
            let kind = zones.get(&subnet.zone_id).map_or("unknown", String::as_str);
            if !matches!(kind, "availability-zone" | "local-zone" | "wavelength-zone") {
                let message = format!(
                    "the subnet {} lies in the zone {} of the unknown type '{kind}'; choose other subnets",
                    subnet.id, subnet.zone
                );
                inquiry.fault(wanted.origin, ProblemCode::NotAllowed, message);
                return None;
            }
            locales.insert(kind.to_owned());
        }
    }
    if locales.len() > 1 {
        let kinds: Vec<&str> = locales.iter().map(String::as_str).collect();
        let message = format!(
            "the subnets {} lie in zones of several kinds ({}); name subnets of one kind",
            ids(subnets),
            kinds.join(", ")
        );
        inquiry.fault(wanted.origin, ProblemCode::Conflict, message);
        return None;
    }
    locales.pop_first()
}

fn needs_ipv6(wanted: &Wanted<'_>) -> bool {
    wanted.ip_address_type != IpAddressType::Ipv4
}

fn check_ipv6(wanted: &Wanted<'_>, subnets: &[Subnet], inquiry: &mut Inquiry<'_>) -> Option<()> {
    let without: Vec<Subnet> = subnets
        .iter()
        .filter(|subnet| needs_ipv6(wanted) && subnet.ipv6_cidrs.is_empty())
        .cloned()
        .collect();
    if without.is_empty() {
        return Some(());
    }
    let message = format!(
        "the subnets {} have no associated IPv6 CIDR block, which a {} load balancer needs; associate one or \
         choose other subnets",
        ids(&without),
        wanted.ip_address_type.as_str()
    );
    inquiry.fault(wanted.origin, ProblemCode::Conflict, message);
    None
}

fn ids(subnets: &[Subnet]) -> String {
    let ids: Vec<&str> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    ids.join(", ")
}

fn discover(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    scheme: Scheme,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let all = inquiry.subnets(Question::VpcSubnets, wanted.origin)?;
    let role = match scheme {
        Scheme::Internal => INTERNAL_ROLE,
        Scheme::InternetFacing => PUBLIC_ROLE,
    };
    let mut candidates: Vec<&Subnet> = all
        .iter()
        .filter(|subnet| matches!(subnet.tags.get(role).map(String::as_str), Some("" | "1")))
        .collect();
    if candidates.is_empty() && context.settings.gates.subnet_discovery_by_reachability {
        let tables = inquiry.route_tables(wanted.origin)?;
        candidates = reachable(wanted, all, tables, scheme, inquiry)?;
    }
    let remedy = format!(
        "it is {}: tag one subnet per zone with {role}=1, or name subnets with this annotation",
        scheme.as_str()
    );
    let chosen = choose(context, wanted, candidates, &remedy, inquiry)?;
    checked(context, wanted, chosen, inquiry)
}

/// Subnets with (internet-facing) or without (internal) a route to an internet gateway.
fn reachable<'s>(
    wanted: &Wanted<'_>,
    all: &'s [Subnet],
    tables: &[RouteTable],
    scheme: Scheme,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<&'s Subnet>> {
    let mut found = Vec::new();
    for subnet in all {
        let explicit = tables.iter().find(|table| table.subnets.contains(&subnet.id));
        let Some(table) = explicit.or_else(|| tables.iter().find(|table| table.main)) else {
            let message = format!(
                "the subnet {} has no route table and the VPC no main one, so its reachability is unknown; name \
                 subnets with this annotation",
                subnet.id
            );
            inquiry.fault(wanted.origin, ProblemCode::NotFound, message);
            return None;
        };
        let public = table.gateways.iter().any(|gateway| gateway.starts_with("igw"));
        if public == (scheme == Scheme::InternetFacing) {
            found.push(subnet);
        }
    }
    Some(found)
}

/// Drops candidates that cannot be used and takes one per zone: this cluster's first, then the lowest id.
fn choose(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    candidates: Vec<&Subnet>,
    remedy: &str,
    inquiry: &mut Inquiry<'_>,
) -> Option<Vec<Subnet>> {
    let cluster_tag = format!("{CLUSTER_PREFIX}/{}", context.settings.scope.cluster);
    let evaluated = candidates.len();
    let (mut foreign, mut full, mut without_ipv6) = (0, 0, 0);
    let mut by_zone: BTreeMap<&str, (bool, &Subnet)> = BTreeMap::new();
    for subnet in candidates {
        let own = subnet.tags.contains_key(&cluster_tag);
        let tagged = subnet.tags.keys().any(|key| key.starts_with(CLUSTER_PREFIX));
        if context.settings.gates.subnets_cluster_tag_check && tagged && !own {
            foreign += 1;
        } else if subnet.available_ips < MIN_FREE_IPS {
            full += 1;
        } else if needs_ipv6(wanted) && subnet.ipv6_cidrs.is_empty() {
            without_ipv6 += 1;
        } else {
            let best = by_zone.entry(&subnet.zone).or_insert((own, subnet));
            if (!own, &subnet.id) < (!best.0, &best.1.id) {
                *best = (own, subnet);
            }
        }
    }
    let mut chosen: Vec<Subnet> = by_zone.into_values().map(|(_, subnet)| subnet.clone()).collect();
    chosen.sort_by(|a, b| a.id.cmp(&b.id));
    if !chosen.is_empty() {
        return Some(chosen);
    }
    let mut reasons =
        format!("{foreign} are tagged for other clusters, {full} have fewer than 8 free addresses");
    if needs_ipv6(wanted) {
        reasons = format!("{reasons}, {without_ipv6} have no associated IPv6 CIDR block");
    }
    let message =
        format!("no subnet was found for the load balancer ({evaluated} evaluated: {reasons}); {remedy}");
    inquiry.fault(wanted.origin, ProblemCode::NotFound, message);
    None
}

fn check_count(
    context: &Context<'_>,
    wanted: &Wanted<'_>,
    subnets: &[Subnet],
    locale: &str,
    inquiry: &mut Inquiry<'_>,
) -> Option<()> {
    let needs_two = wanted.kind == LoadBalancerType::Application
        && locale == "availability-zone"
        && !context.settings.gates.alb_single_subnet;
    if !needs_two || subnets.len() >= 2 {
        return Some(());
    }
    let message = format!(
        "only the subnet {} was found, and an Application Load Balancer needs subnets in two zones; tag or name \
         another one",
        ids(subnets)
    );
    inquiry.fault(wanted.origin, ProblemCode::NotFound, message);
    None
}
