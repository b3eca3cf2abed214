//! Reading parameters that several operations have.

use super::super::Params;
use crate::world::{ApiError, World, elb::page::PageRequest};

/// A word of a closed list, if given.
pub fn word<T>(
    params: &Params,
    name: &str,
    parse: impl Fn(&str, &str) -> Result<T, ApiError>,
) -> Result<Option<T>, ApiError> {
    params.get(name).map(|text| parse(name, text)).transpose()
}

/// `on` or `off`, if given.
pub fn switch(params: &Params, name: &str) -> Result<Option<bool>, ApiError> {
    word(params, name, |field, text| match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(ApiError::validation(format!(
            "1 validation error detected: Value '{text}' at '{field}' failed to satisfy constraint: \
             Member must satisfy enum value set: [on, off]"
        ))),
    })
}

/// A text, if given.
pub fn text(params: &Params, name: &str) -> Option<String> {
    params.get(name).map(str::to_owned)
}

/// `Key` and `Value` pairs; a missing value is empty.
pub fn pairs(params: &Params, prefix: &str) -> Result<Vec<(String, String)>, ApiError> {
    let children = params.children(prefix);
    let pair = |child: &Params| {
        Ok((
            child.required("Key")?.to_owned(),
            text(child, "Value").unwrap_or_default(),
        ))
    };
    children.iter().map(pair).collect()
}

/// `Marker` and `PageSize`.
pub fn page(world: &World, params: &Params) -> Result<PageRequest, ApiError> {
    let marker = text(params, "Marker").filter(|marker| !marker.is_empty());
    Ok(PageRequest {
        marker,
        size: params.int("PageSize")?,
        cap: world.page_size,
    })
}

/// The wire's word for a switch.
pub fn on_off(value: bool) -> &'static str {
    if value { "on" } else { "off" }
}
