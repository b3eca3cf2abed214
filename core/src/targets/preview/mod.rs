//! What the next runs over bindings, security groups of targets and the shared backend security group would do,
//! for people and programs to read.

mod backend;
mod binding;
mod rules;

pub use backend::{BackendChange, BackendPreview};
pub use binding::Preview;
pub use rules::RulesPreview;
