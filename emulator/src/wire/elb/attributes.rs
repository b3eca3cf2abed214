//! Describe and modify attributes of load balancers, target groups and listeners.

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{
        arn::Kind,
        attributes::{self, Attributes},
    },
};

fn answer(attributes: &Attributes) -> Xml {
    let mut xml = Xml::new();
    xml.list("Attributes", "member", attributes, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
    xml
}

fn describe(world: &World, params: &Params, kind: Kind, field: &str) -> Result<Xml, ApiError> {
    Ok(answer(attributes::describe(
        &world.elb,
        kind,
        params.required(field)?,
    )?))
}

fn modify(world: &mut World, params: &Params, kind: Kind, field: &str) -> Result<Xml, ApiError> {
    let changes = read::pairs(params, "Attributes.member")?;
    Ok(answer(attributes::modify(
        &mut world.elb,
        kind,
        params.required(field)?,
        &changes,
    )?))
}

pub(super) fn describe_load_balancer(world: &World, params: &Params) -> Result<Xml, ApiError> {
    describe(world, params, Kind::LoadBalancer, "LoadBalancerArn")
}

pub(super) fn modify_load_balancer(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    modify(world, params, Kind::LoadBalancer, "LoadBalancerArn")
}

pub(super) fn describe_target_group(world: &World, params: &Params) -> Result<Xml, ApiError> {
    describe(world, params, Kind::TargetGroup, "TargetGroupArn")
}

pub(super) fn modify_target_group(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    modify(world, params, Kind::TargetGroup, "TargetGroupArn")
}

pub(super) fn describe_listener(world: &World, params: &Params) -> Result<Xml, ApiError> {
    describe(world, params, Kind::Listener, "ListenerArn")
}

pub(super) fn modify_listener(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    modify(world, params, Kind::Listener, "ListenerArn")
}
