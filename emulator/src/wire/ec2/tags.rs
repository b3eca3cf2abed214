//! CreateTags, DeleteTags, and the TagSpecification of create calls.

use super::{Params, done, required};
use crate::world::{ApiError, World, ec2::Tags};

pub fn create(world: &mut World, params: &Params) -> Result<String, ApiError> {
    let resources = resources(params)?;
    let tags = read(params, "Tag")?;
    if tags.is_empty() {
        return Err(ApiError::new(
            "MissingParameter",
            "The request must contain the parameter Tag",
        ));
    }
    let limit = world.quotas.tags_per_resource;
    world.ec2.create_tags(&resources, &tags, limit)?;
    Ok(done())
}

pub fn delete(world: &mut World, params: &Params) -> Result<String, ApiError> {
    let resources = resources(params)?;
    let tags: Result<Vec<_>, ApiError> = params
        .children("Tag")
        .iter()
        .map(|tag| {
            Ok((
                required(tag, "Key")?.to_owned(),
                tag.get("Value").map(str::to_owned),
            ))
        })
        .collect();
    world.ec2.delete_tags(&resources, &tags?)?;
    Ok(done())
}

/// The tags that `TagSpecification` gives to one resource type.
pub fn specified(params: &Params, resource_type: &str) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for specification in params.children("TagSpecification") {
        let kind = required(&specification, "ResourceType")?;
        if kind != resource_type {
            let message = format!("'{kind}' is not a valid taggable resource type for this operation.");
            return Err(super::invalid(message));
        }
        tags.append(&mut read(&specification, "Tag")?);
    }
    Ok(tags)
}

fn read(params: &Params, prefix: &str) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in params.children(prefix) {
        let key = required(&tag, "Key")?.to_owned();
        let value = tag.get("Value").unwrap_or_default().to_owned();
        if tags.insert(key.clone(), value).is_some() {
            return Err(super::invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(tags)
}

fn resources(params: &Params) -> Result<Vec<String>, ApiError> {
    let resources = params.list("ResourceId");
    if resources.is_empty() {
        return Err(ApiError::new(
            "MissingParameter",
            "The request must contain the parameter resourceIdSet",
        ));
    }
    Ok(resources)
}
