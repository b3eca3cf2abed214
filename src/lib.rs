//! Elbow: an AWS load balancer controller for Kubernetes. This package is the shell: everything that awaits.

pub mod apply;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod facts;
pub mod lease;
pub mod mirror;
pub mod outcome;
pub mod queue;
