//! `elbow-emulator`: an AWS endpoint for one machine.
//!
//! `world` is a pure state machine (requests and time in, answers and state out), `wire` translates the AWS
//! protocols, the rest serves them: faults, call log, control API, health checks.

pub mod clock;
pub mod dial;
pub mod health;
pub mod options;
pub mod server;
pub mod wire;
pub mod world;

pub use clock::EmulatedClock;
pub use dial::DialMap;
pub use options::Options;
pub use server::Emulator;
pub use world::{ApiError, World};
