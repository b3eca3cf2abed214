//! `elbow-emulator`: an AWS endpoint for one machine.
//!
//! `world` is a pure state machine (requests and time in, answers and state out), `wire` translates the AWS
//! protocols, the rest serves them: faults, call log, control API, health checks.

pub mod wire;
pub mod world;
