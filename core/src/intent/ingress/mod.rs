//! Ingresses: from the members of a group to what they ask for together.

mod member;
pub mod wish;

pub use member::Member;
