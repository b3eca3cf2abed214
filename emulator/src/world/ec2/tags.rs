//! Tags of EC2 resources.

use std::collections::BTreeMap;

use super::Ec2;
use crate::world::ApiError;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

impl Ec2 {
    /// Adds tags to resources, or replaces their values. All or nothing.
    ///
    /// # Errors
    /// `Invalid*.NotFound` for an unknown resource, `InvalidParameterValue` for a key or value that AWS does not
    /// take, `TagLimitExceeded`.
    pub fn create_tags(&mut self, resources: &[String], tags: &Tags, limit: u32) -> Result<(), ApiError> {
        check(tags)?;
        for id in resources {
            let mut merged = self.tags_of(id).ok_or_else(|| unknown(id))?.clone();
            merged.extend(tags.clone());
            check_count(&merged, limit)?;
        }
        for id in resources {
            if let Some(own) = self.tags_of_mut(id) {
                own.extend(tags.clone());
            }
        }
        Ok(())
    }

    /// Removes tags from resources: by key, or only where the value is the given one. No tags at all removes
    /// every tag. What is not there is no error.
    pub fn delete_tags(
        &mut self,
        resources: &[String],
        tags: &[(String, Option<String>)],
    ) -> Result<(), ApiError> {
        if let Some(id) = resources.iter().find(|id| self.tags_of(id).is_none()) {
            return Err(unknown(id));
        }
        for id in resources {
            let Some(own) = self.tags_of_mut(id) else { continue };
            own.retain(|key, value| {
                let named = tags
                    .iter()
                    .any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value));
                !(named || tags.is_empty() && !key.starts_with("aws:"))
            });
        }
        Ok(())
    }

    /// The tags of a resource, by its id.
    pub fn tags_of(&self, id: &str) -> Option<&Tags> {
        match prefix(id) {
            "vpc" => self.vpcs.get(id).map(|r| &r.tags),
            "subnet" => self.subnets.get(id).map(|r| &r.tags),
            "rtb" => self.route_tables.get(id).map(|r| &r.tags),
            "sg" => self.security_groups.get(id).map(|r| &r.tags),
            "eni" => self.interfaces.get(id).map(|r| &r.tags),
            "i" => self.instances.get(id).map(|r| &r.tags),
            _ => None,
        }
    }

    fn tags_of_mut(&mut self, id: &str) -> Option<&mut Tags> {
        match prefix(id) {
            "vpc" => self.vpcs.get_mut(id).map(|r| &mut r.tags),
            "subnet" => self.subnets.get_mut(id).map(|r| &mut r.tags),
            "rtb" => self.route_tables.get_mut(id).map(|r| &mut r.tags),
            "sg" => self.security_groups.get_mut(id).map(|r| &mut r.tags),
            "eni" => self.interfaces.get_mut(id).map(|r| &mut r.tags),
            "i" => self.instances.get_mut(id).map(|r| &mut r.tags),
            _ => None,
        }
    }
}

fn prefix(id: &str) -> &str {
    id.split_once('-').map_or("", |(prefix, _)| prefix)
}

/// The error for an id that names nothing.
fn unknown(id: &str) -> ApiError {
    let (code, noun) = match prefix(id) {
        "vpc" => ("InvalidVpcID.NotFound", "vpc ID"),
        "subnet" => ("InvalidSubnetID.NotFound", "subnet ID"),
        "rtb" => ("InvalidRouteTableID.NotFound", "routeTable ID"),
        "sg" => ("InvalidGroup.NotFound", "security group"),
        "eni" => ("InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
        "i" => ("InvalidInstanceID.NotFound", "instance ID"),
        _ => return ApiError::new("InvalidID", format!("The ID '{id}' is not valid")),
    };
    ApiError::new(code, format!("The {noun} '{id}' does not exist"))
}

/// Refuses keys and values that AWS does not take: keys of 1 to 128 characters outside `aws:`, values of at most
/// 256 (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>).
pub fn check(tags: &Tags) -> Result<(), ApiError> {
    for (key, value) in tags {
        if key.starts_with("aws:") {
            let message = format!("Tag keys starting with 'aws:' are reserved for internal use: {key}");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        if key.is_empty() || key.chars().count() > 128 {
            return Err(ApiError::new(
                "InvalidParameterValue",
                format!("Tag key '{key}' must have 1 to 128 characters."),
            ));
        }
        if value.chars().count() > 256 {
            let message = format!("The value of tag '{key}' exceeds the maximum length of 256 characters.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
    }
    Ok(())
}

/// Refuses more tags than the quota allows.
pub fn check_count(tags: &Tags, limit: u32) -> Result<(), ApiError> {
    if u32::try_from(tags.len()).is_ok_and(|count| count <= limit) {
        return Ok(());
    }
    Err(ApiError::new(
        "TagLimitExceeded",
        format!("The maximum number of tags per resource is {limit}."),
    ))
}
