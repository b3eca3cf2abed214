//! Ingresses: vectors of the reference by number.

mod goldens;
mod groups;
mod json;
mod laws;
mod manifest;
mod rules;
mod scene;
mod summary;
mod target_groups;
mod vectors;
