//! Integration tests: the shell of Elbow against the two wires.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs)]

mod apply;
mod discovery;
mod engine;
mod facts;
mod house;
mod mirror;
mod rules;
mod support;
mod targets;
mod transitions;
mod wire_emulator;
mod wire_hostile;
mod wire_order;
mod wire_rules;
