//! `elbow-webhooks`: admission as pure functions.
//!
//! In: what was sent for admission and what the stores say about its namespace. Out: the answer, with the
//! smallest patch that does it. Serving it is the shell's.

pub mod inject;
pub mod review;

pub use inject::{GateSource, Namespace};
pub use review::admit_pod;
