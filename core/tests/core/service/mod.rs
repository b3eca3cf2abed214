//! Services: from a manifest and a small world to a stack.

mod manifest;
mod summary;
mod vectors;
mod world;
