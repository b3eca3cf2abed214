//! The Resource Groups Tagging protocol: JSON 1.1 or CBOR, `ResourceGroupsTaggingAPI_20170126`. Only translates.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Params;
use crate::world::{
    ApiError, World,
    elb::tags::Tags,
    tagging::{self, Failure, Query},
};

/// The operations answered here.
pub const OPERATIONS: [&str; 3] = ["GetResources", "TagResources", "UntagResources"];

/// Answers one tagging request.
pub fn dispatch(world: &mut World, operation: &str, params: &Params) -> Result<Value, ApiError> {
    let arns = params.list("ResourceARNList");
    if !OPERATIONS.contains(&operation) {
        return Err(super::unknown_operation(operation));
    }
    match operation {
        "GetResources" => get(world, arns, params),
        "TagResources" => {
            let tags: Tags = params.below("Tags");
            Ok(failures(tagging::tag(world, &arns, &tags)?))
        }
        "UntagResources" => Ok(failures(tagging::untag(world, &arns, &params.list("TagKeys"))?)),
        _ => Err(super::unknown_operation(operation)),
    }
}

fn get(world: &World, arns: Vec<String>, params: &Params) -> Result<Value, ApiError> {
    let filter = |one: &Params| (one.get("Key").unwrap_or_default().to_owned(), one.list("Values"));
    let size = params
        .int("ResourcesPerPage")
        .map_err(|error| ApiError::new("InvalidParameterException", error.message))?;
    let query = Query {
        filters: params.children("TagFilters").iter().map(filter).collect(),
        types: params.list("ResourceTypeFilters"),
        arns,
        size,
        token: params
            .get("PaginationToken")
            .filter(|token| !token.is_empty())
            .map(str::to_owned),
    };
    let page = tagging::get(world, &query)?;
    let mapping = |(arn, tags): (String, Tags)| {
        let tags: Vec<Value> = tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
        json!({ "ResourceARN": arn, "Tags": tags })
    };
    let list: Vec<Value> = page.items.into_iter().map(mapping).collect();
    Ok(json!({ "ResourceTagMappingList": list, "PaginationToken": page.next.unwrap_or_default() }))
}

fn failures(failed: BTreeMap<String, Failure>) -> Value {
    let one = |(arn, failure): (String, Failure)| {
        let shown = json!({
            "StatusCode": failure.status,
            "ErrorCode": failure.code,
            "ErrorMessage": failure.message,
        });
        (arn, shown)
    };
    json!({ "FailedResourcesMap": failed.into_iter().map(one).collect::<Map<_, _>>() })
}
