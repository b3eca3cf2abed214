//! `elbow-e2e`: the real parts that Elbow is tested with, on one machine and without a container engine.
//!
//! In: a built control plane (`cache`), a seed of nodes (`e2e/seed.yaml`), the binaries `elbow` and
//! `elbow-emulator`. Out: etcd, kube-apiserver and kube-controller-manager as child processes
//! ([`control_plane`]); nodes, pods, NodePorts and health check ports on loopback addresses ([`world`]); and
//! the programs under test ([`programs`]). Whatever is started here ends with this process, however it ends
//! ([`lifeline`]).

pub mod account;
pub mod api_proxy;
pub mod apply;
pub mod cache;
pub mod control_plane;
pub mod demo;
pub mod gates;
pub mod http;
pub mod lifeline;
pub mod manifests;
pub mod process;
pub mod programs;

pub mod scratch;
pub mod sight;
pub mod table;
pub mod wait;
pub mod world;
