//! Rules of listeners: paired by content, then by conditions, then by place, and changed in an order in which
//! no request ever meets anything but what it met before or what it is to meet afterwards.
//!
//! In: the rules of one listener, wanted (by rank) and there (by number). Out: steps. `matcher` pairs them,
//! `schedule` orders what is to be done and proves it safe, `numbers` finds numbers, `steps` makes the plan's
//! steps of it (upstream `pkg/deploy/elbv2/listener_rule_synthesizer.go`, which deletes and creates one by
//! one).

mod changes;
mod compare;
mod describe;
mod handover;
mod matcher;
mod numbers;
mod overlap;
mod quota;
mod safety;
mod schedule;
mod steps;
mod write;

pub(super) use compare::normal;
pub use handover::handover;
pub(super) use quota::fit;
pub(super) use steps::ListenerRules;
pub(super) use write::write_new;
