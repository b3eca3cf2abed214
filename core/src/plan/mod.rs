//! Plans: what has to be done so that what is there becomes what is wanted.

pub mod step;

pub use step::{Action, Plan, Step, StepId};
