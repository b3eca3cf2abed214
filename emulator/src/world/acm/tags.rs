//! Tags of certificates: the limits of other tags, under ACM's own codes.

use super::{find, find_mut};
use crate::world::{
    ApiError, Quotas, World,
    elb::tags::{self, Tags},
};

/// Reads a request's tag list: `TooManyTagsException`, `InvalidTagException`, or `InvalidParameterException` for a key
/// that is given twice.
pub fn checked(quotas: &Quotas, list: &[(String, String)]) -> Result<Tags, ApiError> {
    tags::checked(quotas, list).map_err(renamed)
}

fn renamed(error: ApiError) -> ApiError {
    let code = match error.code {
        "TooManyTags" => "TooManyTagsException",
        "DuplicateTagKeys" => "InvalidParameterException",
        _ => "InvalidTagException",
    };
    ApiError { code, ..error }
}

/// AddTagsToCertificate: replaces the values of keys that are there.
pub fn add(world: &mut World, arn: &str, list: &[(String, String)]) -> Result<(), ApiError> {
    let mut merged = find(world, arn)?.tags.clone();
    if list.is_empty() {
        return Err(super::validation("At least one tag must be specified"));
    }
    merged.extend(checked(&world.quotas, list)?);
    tags::check_count(&world.quotas, &merged).map_err(renamed)?;
    find_mut(world, arn)?.tags = merged;
    Ok(())
}

/// Removes tags by key; keys that are not there are ignored.
pub fn remove(world: &mut World, arn: &str, keys: &[String]) -> Result<(), ApiError> {
    find_mut(world, arn)?.tags.retain(|key, _| !keys.contains(key));
    Ok(())
}
