//! Operations on target groups.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{
        health_check::{HealthCheckRequest, Matcher},
        target_group::{self, CreateTargetGroup, DescribeTargetGroups, TargetGroup},
        uses::Uses,
        words::{Protocol, ProtocolVersion, TargetIpAddressType, TargetType},
    },
};

pub(super) fn create(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    let request = CreateTargetGroup {
        name: params.required("Name")?.to_owned(),
        protocol: read::word(params, "Protocol", Protocol::parse)?,
        version: read::word(params, "ProtocolVersion", ProtocolVersion::parse)?,
        port: params.int("Port")?,
        vpc: read::text(params, "VpcId"),
        target_type: read::word(params, "TargetType", TargetType::parse)?,
        ip_address_type: read::word(params, "IpAddressType", TargetIpAddressType::parse)?,
        control_port: params.int("TargetControlPort")?,
        health_check: health_check(params)?,
        tags: read::pairs(params, "Tags.member")?,
    };
    let created = target_group::create(world, now, &request)?;
    Ok(answer(world, [&created]))
}

fn health_check(params: &Params) -> Result<HealthCheckRequest, ApiError> {
    let http = params.get("Matcher.HttpCode").map(|codes| Matcher {
        grpc: false,
        codes: codes.to_owned(),
    });
    let grpc = params.get("Matcher.GrpcCode").map(|codes| Matcher {
        grpc: true,
        codes: codes.to_owned(),
    });
    if http.is_some() && grpc.is_some() {
        return Err(ApiError::validation(
            "HTTP codes and gRPC codes cannot be specified at the same time",
        ));
    }
    Ok(HealthCheckRequest {
        enabled: params.bool("HealthCheckEnabled")?,
        protocol: read::word(params, "HealthCheckProtocol", Protocol::parse)?,
        port: read::text(params, "HealthCheckPort"),
        path: read::text(params, "HealthCheckPath"),
        interval: params.int("HealthCheckIntervalSeconds")?,
        timeout: params.int("HealthCheckTimeoutSeconds")?,
        healthy_threshold: params.int("HealthyThresholdCount")?,
        unhealthy_threshold: params.int("UnhealthyThresholdCount")?,
        matcher: http.or(grpc),
    })
}

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let request = DescribeTargetGroups {
        load_balancer: read::text(params, "LoadBalancerArn"),
        arns: params.list("TargetGroupArns.member"),
        names: params.list("Names.member"),
        page: read::page(world, params)?,
    };
    let page = target_group::describe(&world.elb, &request)?;
    let mut xml = answer(world, &page.items);
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

pub(super) fn modify(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let request = health_check(params)?;
    let changed = target_group::modify(world, params.required("TargetGroupArn")?, &request)?;
    Ok(answer(world, [&changed]))
}

pub(super) fn delete(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    target_group::delete(world, now, params.required("TargetGroupArn")?)?;
    Ok(Xml::new())
}

fn answer<'a>(world: &World, found: impl IntoIterator<Item = &'a TargetGroup>) -> Xml {
    let uses = world.elb.uses();
    let mut xml = Xml::new();
    xml.list("TargetGroups", "member", found, |xml, group| {
        one(xml, group, &uses);
    });
    xml
}

fn one(xml: &mut Xml, group: &TargetGroup, uses: &Uses) {
    let check = &group.health_check;
    xml.text("TargetGroupArn", &group.arn)
        .text("TargetGroupName", &group.name);
    xml.opt("Protocol", group.protocol)
        .opt("Port", group.port)
        .opt("VpcId", group.vpc.as_ref());
    xml.text("HealthCheckProtocol", check.protocol);
    xml.text(
        "HealthCheckPort",
        check
            .port
            .map_or_else(|| "traffic-port".to_owned(), |port| port.to_string()),
    );
    xml.text("HealthCheckEnabled", check.enabled)
        .text("HealthCheckIntervalSeconds", check.interval)
        .text("HealthCheckTimeoutSeconds", check.timeout)
        .text("HealthyThresholdCount", check.healthy_threshold)
        .text("UnhealthyThresholdCount", check.unhealthy_threshold)
        .opt("HealthCheckPath", check.path.as_ref());
    if let Some(matcher) = &check.matcher {
        xml.element("Matcher", |xml| {
            xml.text(if matcher.grpc { "GrpcCode" } else { "HttpCode" }, &matcher.codes);
        });
    }
    xml.list("LoadBalancerArns", "member", uses.of(&group.arn), |xml, arn| {
        xml.data(arn);
    });
    xml.text("TargetType", group.target_type);
    xml.opt("ProtocolVersion", group.version)
        .opt("IpAddressType", group.ip_address_type);
    xml.opt("TargetControlPort", group.control_port);
}
