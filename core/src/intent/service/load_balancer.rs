//! The load balancer of a Service: name, scheme, address type, subnets, attributes, capacity, tags.

use std::collections::BTreeMap;

use elbow_crds::annotation::parse_int32;
use elbow_crds::limits;
use elbow_crds::problem::ProblemCode;

use super::Reader;
use super::addresses;
use crate::intent::wish::{Asked, LoadBalancerWish, SubnetsWish};
use crate::model::{IpAddressType, LoadBalancerType, ResourceId, Scheme, Setting, Tags};

const NAME: &str = "aws-load-balancer-name";
const SCHEME: &str = "aws-load-balancer-scheme";
const INTERNAL: &str = "aws-load-balancer-internal";
const IP_ADDRESS_TYPE: &str = "aws-load-balancer-ip-address-type";
const SUBNETS: &str = "aws-load-balancer-subnets";
const ATTRIBUTES: &str = "aws-load-balancer-attributes";
const ACCESS_LOG: &str = "aws-load-balancer-access-log-enabled";
const ACCESS_LOG_BUCKET: &str = "aws-load-balancer-access-log-s3-bucket-name";
const ACCESS_LOG_PREFIX: &str = "aws-load-balancer-access-log-s3-bucket-prefix";
const CROSS_ZONE: &str = "aws-load-balancer-cross-zone-load-balancing-enabled";
const CAPACITY: &str = "aws-load-balancer-minimum-load-balancer-capacity";
const TAGS: &str = "aws-load-balancer-additional-resource-tags";

const ROUTING_POLICY: &str = "dns_record.client_routing_policy";
const ROUTING_POLICIES: [&str; 3] = [
    "availability_zone_affinity",
    "partial_availability_zone_affinity",
    "any_availability_zone",
];

/// Annotations that shape the load balancer.
const FIELDS: [&str; 16] = [
    NAME,
    SCHEME,
    INTERNAL,
    IP_ADDRESS_TYPE,
    SUBNETS,
    ATTRIBUTES,
    ACCESS_LOG,
    ACCESS_LOG_BUCKET,
    ACCESS_LOG_PREFIX,
    CROSS_ZONE,
    CAPACITY,
    addresses::ELASTIC_IPS,
    addresses::PRIVATE_IPV4,
    addresses::IPV6,
    addresses::SOURCE_NAT,
    addresses::SOURCE_NAT_PREFIXES,
];

/// Reads everything about the load balancer but its security groups.
pub(super) fn read(reader: &mut Reader<'_>) -> LoadBalancerWish {
    let ip_address_type = ip_address_type(reader);
    LoadBalancerWish {
        id: ResourceId::from("LoadBalancer"),
        kind: LoadBalancerType::Network,
        name: name(reader),
        scheme: scheme(reader),
        ip_address_type,
        subnets: reader.list(SUBNETS).map(SubnetsWish::Named),
        subnets_origin: reader.origin(&reader.key(SUBNETS)),
        addresses: Some(addresses::read(reader, ip_address_type)),
        attributes: attributes(reader),
        delete_first: reader.deletes_first(),
        capacity_units: capacity_units(reader),
        origins: reader.present(&FIELDS),
    }
}

fn name(reader: &mut Reader<'_>) -> Option<Asked<String>> {
    let name = reader.string(NAME)?;
    if !limits::value::NAME.allows(name.len()) {
        reader.fault_at(
            NAME,
            ProblemCode::NotAllowed,
            format!(
                "the name '{name}' has {} bytes, allowed are {}; shorten it",
                name.len(),
                limits::value::NAME.value
            ),
        );
    }
    Some(reader.asked(NAME, name.to_owned()))
}

fn scheme(reader: &mut Reader<'_>) -> Option<Asked<Scheme>> {
    if reader.string(SCHEME).is_some() {
        if reader.string(INTERNAL).is_some() {
            reader.warn_at(
                INTERNAL,
                ProblemCode::Ignored,
                format!("it has no effect beside {}; remove it", reader.key(SCHEME)),
            );
        }
        let scheme = reader.word(
            SCHEME,
            |text| Scheme::parse(text).ok(),
            "internal or internet-facing",
        )?;
        return Some(reader.asked(SCHEME, scheme));
    }
    let scheme = if reader.bool(INTERNAL)? {
        Scheme::Internal
    } else {
        Scheme::InternetFacing
    };
    Some(reader.asked(INTERNAL, scheme))
}

fn ip_address_type(reader: &mut Reader<'_>) -> IpAddressType {
    let parse = |text: &str| match text {
        "ipv4" => Some(IpAddressType::Ipv4),
        "dualstack" => Some(IpAddressType::Dualstack),
        _ => None,
    };
    reader
        .word(IP_ADDRESS_TYPE, parse, "ipv4 or dualstack")
        .unwrap_or(IpAddressType::Ipv4)
}

/// The generic map, over which the dedicated annotations win.
fn attributes(reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut attributes = reader.map(ATTRIBUTES).unwrap_or_default();
    if let Some(policy) = attributes.get(ROUTING_POLICY)
        && !ROUTING_POLICIES.contains(&policy.as_str())
    {
        reader.fault_at(
            ATTRIBUTES,
            ProblemCode::NotAllowed,
            format!(
                "{ROUTING_POLICY} has the value '{policy}'; write one of {}",
                ROUTING_POLICIES.join(", ")
            ),
        );
    }
    match reader.bool(ACCESS_LOG) {
        Some(true) => {
            attributes.insert("access_logs.s3.enabled".to_owned(), "true".to_owned());
            for (suffix, key) in [
                (ACCESS_LOG_BUCKET, "access_logs.s3.bucket"),
                (ACCESS_LOG_PREFIX, "access_logs.s3.prefix"),
            ] {
                if let Some(value) = reader.string(suffix) {
                    attributes.insert(key.to_owned(), value.to_owned());
                }
            }
        }
        Some(false) => reader.warn_at(
            ACCESS_LOG,
            ProblemCode::Ignored,
            format!(
                "false does not switch access logs off; write access_logs.s3.enabled=false in {}",
                reader.key(ATTRIBUTES)
            ),
        ),
        None => {}
    }
    if let Some(cross_zone) = reader.bool(CROSS_ZONE) {
        let key = "load_balancing.cross_zone.enabled".to_owned();
        attributes.insert(key, cross_zone.to_string());
    }
    attributes
}

fn capacity_units(reader: &mut Reader<'_>) -> Setting<i32> {
    if !reader.settings.gates.lb_capacity_reservation {
        if reader.string(CAPACITY).is_some() {
            let message = "it has no effect while the feature gate LBCapacityReservation is off";
            reader.warn_at(CAPACITY, ProblemCode::Ignored, message);
        }
        return Setting::Unmanaged;
    }
    let mut units = Setting::Unmanaged;
    for (key, value) in reader.map(CAPACITY).unwrap_or_default() {
        if key != "CapacityUnits" {
            let message = format!("the key '{key}' is not allowed; write CapacityUnits=n");
            reader.fault_at(CAPACITY, ProblemCode::NotAllowed, message);
            continue;
        }
        match parse_int32(&value) {
            Ok(number) => units = Setting::Set(number),
            Err(rule) => {
                let message = format!("CapacityUnits has the value '{value}': {rule}");
                reader.fault_at(CAPACITY, ProblemCode::Malformed, message);
            }
        }
    }
    units
}

/// Tags of every AWS resource: the annotation's and `--default-tags`. Upstream: `buildAdditionalResourceTags`.
pub(super) fn tags(reader: &mut Reader<'_>) -> Tags {
    let own = reader.map(TAGS).unwrap_or_default();
    let settings = reader.settings;
    for key in own.keys() {
        if settings.external_managed_tags.contains(key) {
            let message = format!(
                "the tag '{key}' is managed outside the cluster (--external-managed-tags); remove it here"
            );
            reader.fault_at(TAGS, ProblemCode::Conflict, message);
        }
    }
    let (mut tags, winners) = if settings.gates.enable_default_tags_low_priority {
        (settings.default_tags.clone(), own)
    } else {
        (own, settings.default_tags.clone())
    };
    for (key, value) in &winners {
        if tags.get(key).is_some_and(|other| other != value)
            && !settings.gates.enable_default_tags_low_priority
        {
            let message = format!("the tag '{key}' is set to '{value}' by --default-tags, which wins");
            reader.warn_at(TAGS, ProblemCode::Ignored, message);
        }
    }
    tags.extend(winners);
    tags
}
