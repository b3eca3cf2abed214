//! Which limits a call meets, and how large they are.
//!
//! Sources: <https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html>,
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>,
//! <https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html>,
//! <https://docs.aws.amazon.com/tag-editor/latest/userguide/reference.html>.

use crate::wire::{AwsRequest, Service};

/// The size of a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many calls it takes at once when it is full.
    pub capacity: u32,
    /// How many thousandths of a call per second come back.
    pub millis_per_second: u32,
}

const fn limit(capacity: u32, millis_per_second: u32) -> Limit {
    Limit {
        capacity,
        millis_per_second,
    }
}

/// Every call of ELBv2 besides the limit of its class.
const ELB_ALL: Limit = limit(40, 10_000);

/// The classes of ELBv2 operations.
fn elb(operation: &str) -> (&'static str, Limit) {
    match operation {
        "CreateLoadBalancer" | "SetSubnets" => ("resource-intensive", limit(10, 200)),
        "RegisterTargets" | "DeregisterTargets" => ("registration", limit(20, 4_000)),
        "CreateTrustStore" => ("trust-store-create", limit(10, 200)),
        "AddTrustStoreRevocations"
        | "DeleteSharedTrustStoreAssociation"
        | "DeleteTrustStore"
        | "ModifyTrustStore"
        | "RemoveTrustStoreRevocations" => ("trust-store-mutate", limit(10, 200)),
        _ if operation.starts_with("DescribeTrustStore") => ("trust-store-describe", limit(40, 10_000)),
        _ if operation.starts_with("Get") => ("trust-store-get", limit(20, 4_000)),
        _ if operation.starts_with("Describe") => ("non-mutating", limit(40, 10_000)),
        _ => ("mutating", limit(20, 3_000)),
    }
}

/// The reads of EC2 that have a smaller limit when they ask for everything at once.
const WHOLE: [&str; 3] = [
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
];

/// The limit of one EC2 operation; every operation has its own bucket.
fn ec2(request: &AwsRequest) -> (&'static str, Limit) {
    let narrowed = |name: &String| {
        let narrow = [
            "Filter.",
            "InstanceId.",
            "NetworkInterfaceId.",
            "GroupId.",
            "GroupName.",
        ];
        name == "MaxResults" || name == "NextToken" || narrow.iter().any(|lead| name.starts_with(lead))
    };
    match request.operation.as_str() {
        "DescribeSecurityGroupReferences" | "DescribeStaleSecurityGroups" => ("", limit(20, 5_000)),
        operation if operation.starts_with("Describe") || operation.starts_with("Get") => {
            if WHOLE.contains(&operation) && !request.params.0.keys().any(narrowed) {
                ("/whole", limit(50, 10_000))
            } else {
                ("", limit(100, 20_000))
            }
        }
        "CreateTags" | "DeleteTags" => ("", limit(100, 10_000)),
        _ => ("", limit(50, 5_000)),
    }
}

/// Documented as calls per second; one second's worth is the bucket.
fn per_second(calls: u32) -> Limit {
    limit(calls, calls * 1_000)
}

fn acm(operation: &str) -> Limit {
    match operation {
        "ListCertificates" => per_second(8),
        "AddTagsToCertificate" | "RequestCertificate" => per_second(5),
        _ => per_second(10),
    }
}

fn tagging(operation: &str) -> Limit {
    match operation {
        "GetResources" => per_second(15),
        _ => per_second(5),
    }
}

/// The buckets that a call takes a token of, by name. STS is not limited here.
pub fn of(request: &AwsRequest) -> Vec<(String, Limit)> {
    let (service, operation) = (request.service.name(), &request.operation);
    match request.service {
        Service::Elb => {
            let (class, size) = elb(operation);
            vec![
                (format!("{service}:*"), ELB_ALL),
                (format!("{service}:{class}"), size),
            ]
        }
        Service::Ec2 => {
            let (class, size) = ec2(request);
            vec![(format!("{service}:{operation}{class}"), size)]
        }
        Service::Acm => vec![(format!("{service}:{operation}"), acm(operation))],
        Service::Tagging => vec![(format!("{service}:{operation}"), tagging(operation))],
        Service::Sts => Vec::new(),
    }
}
