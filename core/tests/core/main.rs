//! Tests of the pure rooms: goldens and properties.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    missing_docs
)]

mod ingress;
mod plan_goldens;
mod plan_lint;
mod plan_properties;
mod plan_rules;
mod plan_shape;
mod plan_world;
mod rule_plans;
mod service;
mod vectors;
