//! AddTags, RemoveTags, DescribeTags.

use super::{
    super::{Params, Xml},
    read,
};
use crate::world::{ApiError, World, elb::tags};

pub(super) fn describe(world: &World, params: &Params) -> Result<Xml, ApiError> {
    let found = tags::describe(world, &params.list("ResourceArns.member"))?;
    let mut xml = Xml::new();
    xml.list("TagDescriptions", "member", found, |xml, (arn, tags)| {
        xml.text("ResourceArn", arn);
        xml.list("Tags", "member", tags, |xml, (key, value)| {
            xml.text("Key", key).text("Value", value);
        });
    });
    Ok(xml)
}

pub(super) fn add(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    let list = read::pairs(params, "Tags.member")?;
    tags::add(world, &params.list("ResourceArns.member"), &list)?;
    Ok(Xml::new())
}

pub(super) fn remove(world: &mut World, params: &Params) -> Result<Xml, ApiError> {
    tags::remove(
        world,
        &params.list("ResourceArns.member"),
        &params.list("TagKeys.member"),
    )?;
    Ok(Xml::new())
}
