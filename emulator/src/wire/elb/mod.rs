//! The ELBv2 protocol, API version 2015-12-01.

use jiff::Timestamp;

use super::Params;
use crate::world::{ApiError, World};

/// Answers one ELBv2 request: the full XML body, with [`super::REQUEST_ID`] where the request id belongs.
///
/// The operation is the parameter `Action`. The world was advanced to `now` before.
pub fn dispatch(_world: &mut World, _now: Timestamp, params: &Params) -> Result<String, ApiError> {
    let action = params.get("Action").unwrap_or_default();
    Err(ApiError::new(
        "InvalidAction",
        format!("Could not find operation {action} for version 2015-12-01"),
    ))
}
