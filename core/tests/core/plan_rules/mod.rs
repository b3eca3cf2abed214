//! One test per rule of comparison and ordering.

mod beside;
mod listeners;
mod load_balancers;
mod takeover;

use std::collections::BTreeMap;

use elbow_core::model::Stack;
use elbow_core::plan::Plan;
use elbow_core::plan::render::kind;

use crate::plan_shape::{Port, Shape, Tls};
use crate::plan_world::World;

pub fn kinds(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| kind(&step.action)).collect()
}

/// Kinds of the steps that `wanted` needs in a world at rest for `Shape::default()`, changed by `drift`.
pub fn after(drift: impl Fn(&mut Stack), edit: impl Fn(&mut Stack)) -> Vec<&'static str> {
    let mut wanted = Shape::default().stack();
    let mut world = World::at_rest(&wanted);
    drift(&mut world.actual);
    edit(&mut wanted);
    kinds(&world.plan(&wanted))
}

pub fn nothing(_: &mut Stack) {}

pub const NONE: [&str; 0] = [];

pub fn tls_shape(certificates: &[u8]) -> Shape {
    let tls = Tls {
        certificates: certificates.to_vec(),
        policy: Some(1),
        alpn: None,
    };
    let port = Port {
        tls: Some(tls),
        ..Port::default()
    };
    Shape {
        ports: BTreeMap::from([(443, port)]),
        ..Shape::default()
    }
}
