//! Tests of whole runs, on a small world of pods, nodes and one target group.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod endpoints;
mod eni;
mod gates;
mod ledger;
mod networking;
mod rolling;
mod runs;
mod shared;
mod world;
