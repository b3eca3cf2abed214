//! The state of the emulated AWS account.
//!
//! Everything here is synchronous and owns its data; time comes in as a [`jiff::Timestamp`], already scaled
//! by `--speed`, and identifiers come from a counter, so equal calls at equal times give equal worlds.

pub mod error;
pub mod ids;

pub use error::ApiError;
