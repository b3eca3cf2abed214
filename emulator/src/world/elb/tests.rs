//! An account to test with: one VPC, three zones, one public and one private subnet in each, two instances.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
