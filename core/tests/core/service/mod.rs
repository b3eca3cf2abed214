//! Services: from a manifest and a small world to a stack.

mod goldens;
mod intents;
mod laws;
pub mod manifest;
mod plans;
mod rounds;
mod summary;
mod vectors;
pub mod world;
