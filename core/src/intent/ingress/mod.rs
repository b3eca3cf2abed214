//! Ingresses: from the members of a group to what they ask for together.

mod backend;
mod member;
pub mod rules;
mod tags;
pub mod target_groups;
pub mod wish;

pub use member::Member;
pub use target_groups::TargetGroups;
pub(crate) use target_groups::port_text;
