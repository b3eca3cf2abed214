//! From a configuration to an engine: clients, stores and rooms put together once.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use kube::Client;

use crate::apply::Refusals;
use crate::aws::{Aws, AwsConfig, LeaseGuard, discovery};
use crate::clock::Clock;
use crate::cluster::Stores;
use crate::config::{Config, Process};
use crate::engine::Engine;
use crate::expect::Expectations;
use crate::facts::Facts;
use crate::lease::{LEASE_DURATION, RENEW_DEADLINE};
use crate::mirror::Mirror;
use crate::queue::Queue;
use crate::records::Records;
use crate::rejections::Rejections;
use crate::status::Reporter;
use crate::targets::Targets;

/// What an engine is made of besides the configuration.
#[allow(missing_debug_implementations)] // a kube client has none
pub struct Parts {
    /// Connection to the API server.
    pub client: Client,
    /// Until when mutations may be sent.
    pub lease: LeaseGuard,
    /// Namespace of our own objects.
    pub namespace: String,
    /// Bounds of the process.
    pub process: Process,
}

/// Finds out region and VPC where they are not given, and builds the engine.
pub async fn engine(config: &Config, parts: Parts) -> Result<Engine> {
    for sentence in config.aws.unknown_services() {
        tracing::warn!("{sentence}");
    }
    let realm = discovery::discover(&config.aws, &discovery::process_environment).await?;
    let mut settings = config.settings.clone();
    settings.realm = realm.clone();
    let aws_config = AwsConfig {
        lease: parts.lease.clone(),
        mutation_timeout: LEASE_DURATION.saturating_sub(RENEW_DEADLINE),
        weighted_target_groups: settings.gates.weighted_target_groups,
        ..config.aws.config(realm)
    };
    let aws = Aws::connect(aws_config).await;
    Ok(with(settings, aws, Clock::start(), parts))
}

/// An engine over given connections; tests in process use it directly.
pub fn with(settings: elbow_core::settings::Settings, aws: Aws, clock: Clock, parts: Parts) -> Engine {
    let settings = Arc::new(settings);
    Engine {
        clock,
        stores: Arc::new(Stores::default()),
        facts: Facts::new(aws.clone(), clock),
        mirror: Arc::new(Mirror::new(settings.clone(), aws.clone(), clock)),
        records: Records::new(parts.client.clone(), &parts.namespace, settings.clone(), clock),
        targets: Targets::new(settings.clone(), aws.clone(), parts.client.clone(), clock),
        refusals: Refusals::default(),
        rejections: Rejections::default(),
        reporter: Reporter::new(parts.client.clone(), &crate::run::hostname()),
        stacks: Queue::new(parts.process.back_off_cap),
        bindings: Queue::new(parts.process.back_off_cap),
        leading: AtomicBool::new(false),
        planning: false,
        not_ready: Mutex::new(None),
        interests: Mutex::new(BTreeMap::new()),
        last: Mutex::new(BTreeMap::new()),
        expectations: Expectations::default(),
        kube: parts.client,
        settings,
        aws,
    }
}
