//! How long facts about AWS are believed. All lifetimes of the house are here.

use std::time::Duration;

/// Subnets, route tables, VPCs, security groups. Upstream caches VPCs and groups as long; subnets it does not
/// cache, but an idle controller must not ask every minute for what changes once a month.
pub const NETWORK: Duration = Duration::from_mins(10);

/// ARNs of target groups that somebody else made, by name (upstream caches them as long).
pub const TARGET_GROUP: Duration = Duration::from_mins(20);

/// Zone types never change (upstream: for ever).
pub const ZONE: Duration = Duration::from_hours(365 * 24);

/// Something that does not exist may be created any moment, usually because we said that it is missing.
pub const ABSENT: Duration = Duration::from_secs(15);

/// A permission that was missing may be granted.
pub const DENIED: Duration = Duration::from_secs(30);

/// An old answer stands in for an unreadable one at most so long after its lifetime.
pub const STALE: Duration = Duration::from_hours(1);

/// Questions nobody asked for so long are not refreshed and are dropped: twice the default of `--sync-period`.
pub const UNUSED: Duration = Duration::from_hours(20);

/// Answers that a sick object stands on, whose user may be mending it in AWS, and subnets for a new load balancer.
pub const DOUBTED: Duration = Duration::from_secs(30);

/// How often answers in use are looked through for those that are due.
pub const LOOK: Duration = Duration::from_secs(30);
