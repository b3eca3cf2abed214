//! `elbow-emulator`: an AWS endpoint for one machine.
//!
//! `world` is a pure state machine (requests and time in, answers and state out), `wire` translates the AWS
//! protocols, the rest serves them: faults, call log, control API, health checks.

pub mod aws;
pub mod calls;
pub mod clock;
pub mod control;
pub mod dial;
pub mod faults;
pub mod health;
pub mod imds;
pub mod options;
pub mod seed;
pub mod server;
pub mod throttle;
pub mod wire;
pub mod world;

pub use aws::{HeldCall, Release};
pub use calls::{Call, CallFilter};
pub use clock::EmulatedClock;
pub use dial::DialMap;
pub use faults::{ActiveFault, Fault, FaultRule};
pub use options::{Options, Throttle};
pub use seed::{Seed, SeedError};
pub use server::{Cut, Emulator};
pub use world::{ApiError, World};
