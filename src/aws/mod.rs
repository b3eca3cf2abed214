//! AWS: the only room that imports the SDK.
//!
//! In: typed wishes in the words of `elbow-core`, with who asks ([`Cx`]). Out: typed answers, or an
//! [`AwsError`] classified by error code. Between them lie budgets and lanes, the attempt loop, merging and
//! batching of reads, and total conversions. One [`Aws`] per realm.

mod batch;
mod bucket;
mod budget;
mod call;
mod clients;
mod counts;
pub mod discovery;
mod ec2;
mod elb;
mod endpoints;
mod error;
mod failure;
mod lease;
pub mod lifetimes;
mod merge;
mod published;
mod throttle;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use elbow_core::key::{Key, Lane};
use elbow_core::redacted::Redacted;
use elbow_core::settings::Realm;

pub use counts::{Count, CountKey, Counts};
pub use discovery::{AwsOptions, DiscoveryError};
pub use elb::{CreatedLoadBalancer, ListedLoadBalancer, ListedTargetGroup};
pub use endpoints::Endpoints;
pub use error::{AwsError, Fault, Service};
pub use lease::LeaseGuard;
pub use throttle::{Throttle, ThrottleRule};

use batch::Batch;
use budget::Budget;
use merge::Merge;

/// Who asks: the lane decides about precedence, the key about turns inside the lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cx {
    /// Lane.
    pub lane: Lane,
    /// Key on whose account the call is made, if any.
    pub key: Option<Key>,
}

impl Cx {
    /// A call on account of a key.
    pub fn new(lane: Lane, key: &Key) -> Self {
        Self {
            lane,
            key: Some(key.clone()),
        }
    }

    /// A call on nobody's account.
    pub fn lane(lane: Lane) -> Self {
        Self { lane, key: None }
    }
}

/// Settings of a client.
#[derive(Clone)]
pub struct AwsConfig {
    /// Where the resources live.
    pub realm: Realm,
    /// `--aws-api-endpoints`.
    pub endpoints: Endpoints,
    /// `--aws-api-throttle`.
    pub throttle: Throttle,
    /// `--aws-max-retries`: attempts per call, the first one included; at least 1.
    pub max_attempts: u32,
    /// Time-out of one attempt of a read.
    pub read_timeout: Duration,
    /// Time-out of one attempt of a mutation: lease duration minus renew deadline.
    pub mutation_timeout: Duration,
    /// First pause between attempts; doubled each time up to 5 s.
    pub pause: Duration,
    /// Until when mutations may be sent.
    pub lease: LeaseGuard,
    /// Gate `WeightedTargetGroups`: off means that an action names its one target group directly.
    pub weighted_target_groups: bool,
    /// Fixed credentials; `None`: the SDK's default chain.
    pub credentials: Option<Redacted<Credentials>>,
}

impl std::fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsConfig")
            .field("realm", &self.realm)
            .field("endpoints", &self.endpoints)
            .field("throttle", &self.throttle)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}

impl AwsConfig {
    /// Upstream's defaults for a realm.
    pub fn new(realm: Realm) -> Self {
        Self {
            realm,
            endpoints: Endpoints::default(),
            throttle: Throttle::default(),
            max_attempts: 10,
            read_timeout: Duration::from_secs(20),
            mutation_timeout: Duration::from_secs(5),
            pause: Duration::from_millis(200),
            lease: LeaseGuard::always(),
            weighted_target_groups: true,
            credentials: None,
        }
    }
}

/// A client for one realm. Cheap to clone; clones share budgets, merged reads and counters.
#[derive(Clone)]
pub struct Aws(Arc<Inner>);

struct Inner {
    config: AwsConfig,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    ec2: aws_sdk_ec2::Client,
    budget: Budget,
    counts: Counts,
    merge: Arc<Merge>,
    batches: Batches,
}

/// Items that are read in batches.
struct Batches {
    tags: Arc<Batch<elb::ResourceTags>>,
    load_balancers: Arc<Batch<ListedLoadBalancer>>,
    target_groups: Arc<Batch<ListedTargetGroup>>,
    subnets: Arc<Batch<elbow_core::question::Subnet>>,
    groups: Arc<Batch<elbow_core::targets::SecurityGroupState>>,
    instances: Arc<Batch<elbow_core::targets::Instance>>,
    interfaces: Arc<Batch<elbow_core::targets::Interface>>,
    interfaces_by_ip: Arc<Batch<elbow_core::targets::Interface>>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aws")
            .field("realm", &self.0.config.realm)
            .finish_non_exhaustive()
    }
}

impl Aws {
    /// A client with the SDK's default chain for credentials and endpoints (environment, profile, web
    /// identity, container, instance metadata). Makes no AWS call.
    pub async fn connect(config: AwsConfig) -> Self {
        let http = clients::http_client();
        let sdk = clients::default_chain(&config, http.clone()).await;
        Self::assemble(config, &sdk, http)
    }

    /// A client over another HTTP client, for tests in process: no environment is read, credentials are those
    /// of the configuration, else `test`.
    pub fn with_http_client(config: AwsConfig, http: SharedHttpClient) -> Self {
        let sdk = clients::fixed(&config, http.clone());
        Self::assemble(config, &sdk, http)
    }

    fn assemble(config: AwsConfig, sdk: &aws_config::SdkConfig, http: SharedHttpClient) -> Self {
        let (elb, ec2) = clients::build(&config, sdk, http);
        Self(Arc::new(Inner {
            budget: Budget::new(&config.throttle),
            counts: Counts::default(),
            merge: Arc::new(Merge::default()),
            batches: Batches {
                tags: elb::tags_batch(),
                load_balancers: elb::load_balancers_batch(),
                target_groups: elb::target_groups_batch(),
                subnets: ec2::subnets_batch(),
                groups: ec2::groups_batch(),
                instances: ec2::instances_batch(),
                interfaces: ec2::interfaces_batch(),
                interfaces_by_ip: ec2::interfaces_by_ip_batch(),
            },
            config,
            elb,
            ec2,
        }))
    }

    /// Where the resources live.
    pub fn realm(&self) -> &Realm {
        &self.0.config.realm
    }

    /// Counters of calls.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    fn elb(&self) -> &aws_sdk_elasticloadbalancingv2::Client {
        &self.0.elb
    }

    fn ec2(&self) -> &aws_sdk_ec2::Client {
        &self.0.ec2
    }
}
