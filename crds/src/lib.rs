//! `elbow-crds`: everything a user can write.
//!
//! Custom resource types, the annotation table with its parsers, checked types, AWS limits and the codes of
//! problems. No I/O, no clock.

pub mod annotation;
pub mod arn;
pub mod cidr;
pub mod ingress;
pub mod ingress_class_params;
pub mod limits;
pub mod name;
pub mod problem;
pub mod target_group_binding;
pub mod yaml;
