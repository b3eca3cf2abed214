//! AWS's published token buckets per account and region, our starting ceiling.
//!
//! Sources: "Request throttling for the Elastic Load Balancing API" and "Request throttling for the Amazon EC2
//! API" in AWS's documentation.

use super::error::Service;

/// A published bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    /// Name within the service; for EC2 the operation, because every API has its own bucket.
    pub(super) name: &'static str,
    pub(super) capacity: u32,
    /// Tokens per second.
    pub(super) rate: f64,
}

const fn bucket(name: &'static str, capacity: u32, rate: f64) -> Published {
    Published { name, capacity, rate }
}

/// The buckets an operation draws on; the one it shares with the most others first.
pub(super) fn buckets(service: Service, operation: &'static str) -> Vec<Published> {
    match service {
        Service::Elb => vec![bucket("account", 40, 10.0), elb_category(operation)],
        Service::Ec2 => vec![ec2_api(operation)],
    }
}

fn elb_category(operation: &str) -> Published {
    match operation {
        "CreateLoadBalancer" | "SetSubnets" => bucket("resource-intensive", 10, 0.2),
        "RegisterTargets" | "DeregisterTargets" => bucket("registration", 20, 4.0),
        describe if describe.starts_with("Describe") => bucket("non-mutating", 40, 10.0),
        _ => bucket("mutating", 20, 3.0),
    }
}

/// Every describe of ours is filtered or names its items.
fn ec2_api(operation: &'static str) -> Published {
    match operation {
        "CreateTags" | "DeleteTags" => bucket(operation, 100, 10.0),
        describe if describe.starts_with("Describe") => bucket(operation, 100, 20.0),
        _ => bucket(operation, 50, 5.0),
    }
}
