//! `elbow-core`: the pure rooms.
//!
//! Synchronous functions from values to values: no client, no `async`, no logging, no clock. Time comes in
//! as a value (`now`) and goes out as a value (`wake_at`).

pub mod binding;
pub mod build;
pub mod event;
pub mod intent;
pub mod key;
pub mod model;
pub mod pattern;
pub mod plan;
pub mod question;
pub mod record;
pub mod redacted;
pub mod settings;
pub mod status;
pub mod targets;
pub mod view;
