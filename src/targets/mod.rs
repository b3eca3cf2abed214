//! Targets: placeholder until the bindings room lands. The engine calls exactly these functions; replace the whole file.
use crate::aws::{Aws, Cx};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::outcome::Run;
use elbow_core::key::Key;
use elbow_core::settings::Settings;
use std::sync::Arc;
/// x
#[derive(Debug)]
pub struct Targets {}
#[allow(missing_docs, clippy::unused_async)]
impl Targets {
    pub fn new(_: Arc<Settings>, _: Aws, _: Clock) -> Self {
        Self {}
    }
    pub async fn run(&self, _: &Engine, _: &Key, _: &Cx) -> Run {
        Run::default()
    }
    pub fn backend_group(&self, _: &Engine) -> Option<String> {
        None
    }
    pub fn group_rules_keys(&self) -> Vec<Key> {
        Vec::new()
    }
    pub fn distrust(&self, _: &Key) {}
}
