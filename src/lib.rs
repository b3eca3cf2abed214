//! Elbow: an AWS load balancer controller for Kubernetes. This package is the shell: everything that awaits.

pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod lease;
pub mod outcome;
pub mod queue;
