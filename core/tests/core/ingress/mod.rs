//! Ingresses: vectors of the reference by number.

mod json;
mod rules;
mod scene;
mod target_groups;
