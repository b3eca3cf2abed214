//! EC2: typed calls, one file per noun. Items are looked for with filters, so that a missing or malformed id
//! fails nobody else's call.

mod convert;
mod instance;
mod interface;
mod network;
mod security_group;
mod tag;

use aws_sdk_ec2::types::Filter;
use elbow_core::model::Tags;

pub(super) use instance::instances_batch;
pub(super) use interface::{interfaces_batch, interfaces_by_ip_batch};
pub(super) use network::subnets_batch;
pub(super) use security_group::groups_batch;

/// EC2 takes 200 values per filter.
const FILTER_VALUES: usize = 200;

/// Filters for what carries all given tags.
fn tag_filters(tags: &Tags) -> Vec<Filter> {
    let carries = |(key, value): (&String, &String)| filter(format!("tag:{key}"), [value]);
    tags.iter().map(carries).collect()
}

/// A filter on a field with any of the values.
fn filter<V: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = V>) -> Filter {
    let values = values.into_iter().map(Into::into).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}
