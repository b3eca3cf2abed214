//! The instance metadata service, version 2: a token by PUT, then paths under `/latest` by GET.
//!
//! Describes the instance of [`crate::Options::metadata_instance`], else the first of the seed. Where there is none
//! it describes a machine in the first subnet that nothing else knows.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    options::Options,
    server::{Emulator, plain},
    wire::sts::{Credentials, seconds_only},
    world::{
        World,
        ec2::{Subnet, interface::mac_of},
    },
};

/// Name of the role that the machine has.
const ROLE: &str = "emulated-node";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// Answers a request under `/latest/`.
pub(crate) fn answer(emulator: &Emulator, request: &Request<Bytes>) -> Response<Bytes> {
    match (request.method(), request.uri().path()) {
        (&Method::PUT, "/latest/api/token") => token(emulator, request),
        (&Method::GET, _) if !authorized(emulator, request) => {
            text(StatusCode::UNAUTHORIZED, "401 - Unauthorized\n")
        }
        (&Method::GET, path) => {
            emulator.with_world(|world, now| match get(world, now, emulator.options(), path) {
                Some(found) => text(StatusCode::OK, found),
                None => text(StatusCode::NOT_FOUND, "404 - Not Found\n"),
            })
        }
        _ => text(StatusCode::METHOD_NOT_ALLOWED, "405 - Method Not Allowed\n"),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    plain(status, "text/plain", body)
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn token(emulator: &Emulator, request: &Request<Bytes>) -> Response<Bytes> {
    let asked = header(request, TTL)
        .and_then(|ttl| ttl.parse::<u64>().ok())
        .filter(|ttl| (1..=21_600).contains(ttl));
    let Some(ttl) = asked else {
        return text(StatusCode::BAD_REQUEST, "400 - Bad Request\n");
    };
    let mut state = emulator.state();
    let now = Instant::now();
    state.tokens.retain(|_, end| *end > now);
    let token = state.request_ids.hex(56);
    state.tokens.insert(token.clone(), now + Duration::from_secs(ttl));
    drop(state);
    let mut response = text(StatusCode::OK, token);
    response.headers_mut().insert(TTL, HeaderValue::from(ttl));
    response
}

fn authorized(emulator: &Emulator, request: &Request<Bytes>) -> bool {
    let state = emulator.state();
    header(request, TOKEN)
        .and_then(|token| state.tokens.get(token))
        .is_some_and(|end| *end > Instant::now())
}

/// The value at a path, or the listing of a folder.
fn get(world: &mut World, now: Timestamp, options: &Options, path: &str) -> Option<String> {
    let path = path.strip_prefix("/latest/")?.trim_end_matches('/');
    let tree = tree(world, now, options)?;
    if let Some(value) = tree.get(path) {
        return Some(value.clone());
    }
    let folder = format!("{path}/");
    let mut names: Vec<String> = Vec::new();
    for rest in tree.keys().filter_map(|key| key.strip_prefix(&folder)) {
        let name = rest
            .split_once('/')
            .map_or_else(|| rest.to_owned(), |(name, _)| format!("{name}/"));
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join("\n"))
}

/// The machine that is described.
struct Machine {
    id: String,
    kind: String,
    address: Ipv4Addr,
    subnet: Subnet,
    interface: String,
    groups: Vec<String>,
}

fn machine(world: &World, options: &Options) -> Option<Machine> {
    let chosen = match &options.metadata_instance {
        Some(id) => world.ec2.instance(id),
        None => world
            .ec2
            .instances
            .values()
            .find(|i| options.metadata_vpc.as_ref().is_none_or(|vpc| *vpc == i.vpc_id)),
    };
    if let Some(instance) = chosen {
        let interface = world.ec2.interfaces_of(&instance.id).first().copied()?;
        return Some(Machine {
            id: instance.id.clone(),
            kind: instance.kind.clone(),
            address: instance.address,
            subnet: world.ec2.subnet(&instance.subnet_id)?.clone(),
            interface: interface.id.clone(),
            groups: interface.groups.iter().cloned().collect(),
        });
    }
    let in_vpc = |s: &&Subnet| options.metadata_vpc.as_ref().is_none_or(|vpc| *vpc == s.vpc_id);
    let subnet = world.ec2.subnets.values().find(in_vpc)?.clone();
    let address = Ipv4Addr::from_bits(subnet.cidr.network().to_bits().saturating_add(4));
    let (id, interface) = (
        "i-0e1b0000000000000".to_owned(),
        "eni-0e1b0000000000000".to_owned(),
    );
    Some(Machine {
        id,
        kind: "m5.large".into(),
        address,
        subnet,
        interface,
        groups: Vec::new(),
    })
}

/// Everything there is, by path below `/latest/`.
fn tree(world: &mut World, now: Timestamp, options: &Options) -> Option<BTreeMap<String, String>> {
    let machine = machine(world, options)?;
    let mac = mac_of(machine.address);
    let mut tree = BTreeMap::new();
    let mut put = |path: &str, value: String| tree.insert(path.to_owned(), value);
    put("meta-data/instance-id", machine.id.clone());
    put("meta-data/instance-type", machine.kind.clone());
    put("meta-data/local-ipv4", machine.address.to_string());
    put("meta-data/mac", mac.clone());
    put(
        "meta-data/placement/availability-zone",
        machine.subnet.zone.clone(),
    );
    put(
        "meta-data/placement/availability-zone-id",
        machine.subnet.zone_id.clone(),
    );
    put("meta-data/placement/region", world.region.clone());
    put("meta-data/services/domain", "amazonaws.com".into());
    put("meta-data/services/partition", world.partition().into());
    for (name, value) in interface(world, &machine) {
        put(&format!("meta-data/network/interfaces/macs/{mac}/{name}"), value);
    }
    put("dynamic/instance-identity/document", identity(world, &machine));
    let session = format!(
        "arn:{}:sts::{}:assumed-role/{ROLE}/{}",
        world.partition(),
        world.account,
        machine.id
    );
    let expiration = now.saturating_add(SignedDuration::from_hours(6)).unwrap_or(now);
    let info = json!({
        "Code": "Success",
        "LastUpdated": seconds_only(now),
        "InstanceProfileArn": format!("arn:{}:iam::{}:instance-profile/{ROLE}", world.partition(), world.account),
        "InstanceProfileId": "AIPAEMULATEDPROFILE0",
    });
    put("meta-data/iam/info", format!("{info:#}"));
    put(
        &format!("meta-data/iam/security-credentials/{ROLE}"),
        credentials(world, &session, now, expiration),
    );
    Some(tree)
}

fn interface(world: &World, machine: &Machine) -> [(&'static str, String); 9] {
    let vpc = world.ec2.vpc(&machine.subnet.vpc_id);
    let ranges = vpc
        .map(|v| v.cidrs.iter().map(ToString::to_string).collect::<Vec<_>>())
        .unwrap_or_default();
    [
        ("device-number", "0".into()),
        ("interface-id", machine.interface.clone()),
        ("local-ipv4s", machine.address.to_string()),
        ("owner-id", world.account.clone()),
        ("security-group-ids", machine.groups.join("\n")),
        ("subnet-id", machine.subnet.id.clone()),
        ("vpc-id", machine.subnet.vpc_id.clone()),
        ("vpc-ipv4-cidr-block", ranges.first().cloned().unwrap_or_default()),
        ("vpc-ipv4-cidr-blocks", ranges.join("\n")),
    ]
}

fn identity(world: &World, machine: &Machine) -> String {
    let document = json!({
        "accountId": world.account,
        "architecture": "x86_64",
        "availabilityZone": machine.subnet.zone,
        "instanceId": machine.id,
        "instanceType": machine.kind,
        "privateIp": machine.address,
        "region": world.region,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

fn credentials(world: &mut World, session: &str, now: Timestamp, expiration: Timestamp) -> String {
    let issued = Credentials::issue(world, session);
    let document = json!({
        "Code": "Success",
        "LastUpdated": seconds_only(now),
        "Type": "AWS-HMAC",
        "AccessKeyId": issued.key,
        "SecretAccessKey": issued.secret,
        "Token": issued.token,
        "Expiration": seconds_only(expiration),
    });
    format!("{document:#}")
}
