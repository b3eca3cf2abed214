//! DescribeAccountLimits and DescribeSSLPolicies.

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{
    ApiError, World,
    elb::{limits, ssl_policy},
};

pub(super) fn limits(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let page = read::page(world, params)?.cut(limits::all(&world.quotas), |(name, _)| (*name).to_owned())?;
    let mut xml = Xml::new();
    xml.list("Limits", "member", page.items, |xml, (name, max)| {
        xml.text("Name", name).text("Max", max);
    });
    xml.opt("NextMarker", page.next);
    Ok(xml)
}

pub(super) fn ssl_policies(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let found = ssl_policy::describe(&params.list("Names.member"))?;
    let page = read::page(world, params)?.cut(found, |policy| policy.name.to_owned())?;
    let mut xml = Xml::new();
    xml.list("SslPolicies", "member", page.items, |xml, policy| {
        xml.list("SslProtocols", "member", policy.protocols, |xml, protocol| {
            xml.data(protocol);
        });
        xml.list(
            "Ciphers",
            "member",
            policy.ciphers.iter().enumerate(),
            |xml, (index, cipher)| {
                xml.text("Name", cipher).text("Priority", index + 1);
            },
        );
        xml.text("Name", policy.name);
        xml.list(
            "SupportedLoadBalancerTypes",
            "member",
            ["application", "network"],
            |xml, kind| {
                xml.data(kind);
            },
        );
    });
    xml.opt("NextMarker", page.next);
    Ok(xml)
}
