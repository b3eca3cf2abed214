//! Tests with real parts: a real Kubernetes control plane, the harness's machines, the built binaries.
//!
//! In: what `elbow-e2e setup` provides. All tests of this binary share one control plane ([`shared`]) and work
//! in namespaces of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod api_proxy;
mod boto3;
mod canonical;
mod control_plane;
mod examples;
mod handover;
mod idle;
mod ingresses;
mod kills;
mod leftovers;
mod messages;
mod moto;
mod permissions;
mod plan;
mod pods;
mod programs;
mod rig;
mod rolling;
mod services;
mod shared;
