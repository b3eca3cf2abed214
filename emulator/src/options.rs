//! How an emulator runs, apart from what is in its account.

use jiff::Timestamp;

use crate::dial::DialMap;

/// Whether calls are limited in their rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Throttle {
    /// No limits.
    #[default]
    Off,
    /// Token buckets of the size that AWS documents.
    Aws,
}

/// Options of an emulator.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How many emulated seconds pass in a real one.
    pub speed: f64,
    /// Where addresses of the VPC are dialled; absent: as they are.
    pub dial_map: Option<DialMap>,
    /// The instance that the metadata service describes; absent: the first one of the seed.
    pub metadata_instance: Option<String>,
    /// The VPC that the metadata service names when no instance says it; absent: the first one of the seed.
    pub metadata_vpc: Option<String>,
    /// Emulated time at the start; absent: the real time.
    pub start: Option<Timestamp>,
    /// Rate limits.
    pub throttle: Throttle,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            speed: 1.0,
            dial_map: None,
            metadata_instance: None,
            metadata_vpc: None,
            start: None,
            throttle: Throttle::Off,
        }
    }
}
