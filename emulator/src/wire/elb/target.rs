//! RegisterTargets, DeregisterTargets, DescribeTargetHealth.

use jiff::Timestamp;

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{
        registration,
        target::{self, Described, Shown},
    },
};

fn described(params: &Params) -> Result<Vec<Described>, ApiError> {
    let one = |child: &Params| {
        Ok(Described {
            id: child.required("Id")?.to_owned(),
            port: child.int("Port")?,
            zone: read::text(child, "AvailabilityZone"),
            quic_server_id: read::text(child, "QuicServerId"),
        })
    };
    params.children("Targets.member").iter().map(one).collect()
}

pub(super) fn register(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    registration::register(
        world,
        now,
        params.required("TargetGroupArn")?,
        &described(params)?,
    )?;
    Ok(Xml::new())
}

pub(super) fn deregister(world: &mut World, now: Timestamp, params: &Params) -> Result<Xml, ApiError> {
    registration::deregister(
        world,
        now,
        params.required("TargetGroupArn")?,
        &described(params)?,
    )?;
    Ok(Xml::new())
}

pub(super) fn describe_health(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let group = params.required("TargetGroupArn")?;
    let found = target::describe_health(&world.elb, group, &described(params)?)?;
    let mut xml = Xml::new();
    xml.list("TargetHealthDescriptions", "member", found, |xml, shown| {
        one(xml, &shown);
    });
    Ok(xml)
}

fn one(xml: &mut Xml, shown: &Shown) {
    xml.element("Target", |xml| {
        xml.text("Id", &shown.key.id);
        xml.opt("Port", shown.key.port);
        xml.opt("AvailabilityZone", shown.zone.as_ref());
        xml.opt("QuicServerId", shown.quic_server_id.as_ref());
    });
    xml.opt("HealthCheckPort", shown.check_port);
    xml.element("TargetHealth", |xml| {
        xml.text("State", shown.health.state);
        xml.opt("Reason", shown.health.reason);
        xml.opt("Description", shown.health.description.as_ref());
    });
    xml.element("AdministrativeOverride", |xml| {
        xml.text("State", "no_override")
            .text("Reason", "AdministrativeOverride.NoOverride")
            .text("Description", "No override is currently active on target");
    });
}
