//! What several test modules need: AWS in process.

pub mod canonical;
pub mod cluster;
pub mod connector;
pub mod fuse;
mod groups;
pub mod land;
pub mod process;
pub mod rules;
pub mod wanted;

use elbow::aws::{Aws, AwsConfig, Throttle};
use elbow_core::key::Lane;
use elbow_core::settings::Realm;
use elbow_emulator::{Emulator, Options, Seed};

/// VPC of the emulator's default seed.
pub const VPC: &str = "vpc-0e1b0000000000001";

/// The realm of the emulator's default seed.
pub fn realm() -> Realm {
    Realm {
        partition: "aws".to_owned(),
        role: String::new(),
        region: "us-west-2".to_owned(),
        vpc: VPC.to_owned(),
    }
}

/// Budgets that never make a test wait.
pub fn unlimited() -> Throttle {
    "Elastic Load Balancing v2:.*=1000000:1000000,EC2:.*=1000000:1000000"
        .parse()
        .unwrap()
}

/// A configuration without waits.
pub fn quick_config() -> AwsConfig {
    AwsConfig {
        throttle: unlimited(),
        pause: std::time::Duration::from_millis(1),
        ..AwsConfig::new(realm())
    }
}

/// An emulator with a seed text (empty: the default account).
pub fn emulator(seed: &str) -> Emulator {
    Emulator::new(Seed::parse("test.yaml", seed).unwrap(), Options::default())
}

/// The real SDK, in process, against an emulator.
pub fn aws(emulator: &Emulator) -> Aws {
    aws_with(emulator, quick_config())
}

/// As [`aws`] with other settings.
pub fn aws_with(emulator: &Emulator, config: AwsConfig) -> Aws {
    Aws::with_http_client(config, connector::client(emulator))
}

/// Somebody who asks.
pub fn cx() -> elbow::aws::Cx {
    elbow::aws::Cx::lane(Lane::Edit)
}
