//! Rate limits as AWS keeps them: token buckets per account and region, a call and the time in, whether it may pass out.
//!
//! Time is that of the account: buckets refill as fast as everything else happens, `--speed` times as fast as in real
//! life, and on virtual time in process.

pub mod limits;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::wire::AwsRequest;
use limits::Limit;

/// Levels are kept in millionths of a thousandth of a call: a microsecond of refilling is a whole number of them.
const CALL: u64 = 1_000_000_000;

/// The buckets that were met so far; all others are full.
#[derive(Clone, Debug, Default)]
pub struct Buckets {
    buckets: BTreeMap<String, Bucket>,
    throttled: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    limit: Limit,
    level: u64,
    since: Timestamp,
    passed: u64,
    throttled: u64,
}

/// What the control API says about rate limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Throttling {
    /// How many calls were refused.
    pub throttled: u64,
    /// The same by operation, `SERVICE:OPERATION`.
    pub by_operation: BTreeMap<String, u64>,
    /// The buckets that calls met, by name.
    pub buckets: BTreeMap<String, Level>,
}

/// A bucket as shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    /// How many calls it takes at once when it is full.
    pub capacity: u32,
    /// How many come back in a second of emulated time.
    pub refill_per_second: f64,
    /// How many calls it would take now.
    pub left: u64,
    /// How many calls passed.
    pub passed: u64,
    /// How many were refused because it was empty.
    pub throttled: u64,
}

impl Bucket {
    fn full(limit: Limit, now: Timestamp) -> Self {
        Self {
            limit,
            level: u64::from(limit.capacity) * CALL,
            since: now,
            passed: 0,
            throttled: 0,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        let elapsed = u64::try_from(now.duration_since(self.since).as_micros()).unwrap_or(0);
        let gained = elapsed.saturating_mul(self.limit.millis_per_second.into());
        let full = u64::from(self.limit.capacity) * CALL;
        self.level = self.level.saturating_add(gained).min(full);
        self.since = self.since.max(now);
    }
}

impl Buckets {
    /// Takes a token for a call out of each of its buckets, or none if one of them is empty; whether it may pass.
    pub fn take(&mut self, now: Timestamp, request: &AwsRequest) -> bool {
        let limits = limits::of(request);
        let mut passes = true;
        for (name, limit) in &limits {
            let bucket = self
                .buckets
                .entry(name.clone())
                .or_insert_with(|| Bucket::full(*limit, now));
            bucket.refill(now);
            if bucket.level < CALL {
                bucket.throttled += 1;
                passes = false;
            }
        }
        if !passes {
            let operation = format!("{}:{}", request.service.name(), request.operation);
            *self.throttled.entry(operation).or_default() += 1;
            return false;
        }
        for (name, _) in &limits {
            if let Some(bucket) = self.buckets.get_mut(name) {
                bucket.level -= CALL;
                bucket.passed += 1;
            }
        }
        true
    }

    /// What the control API says at a time.
    pub fn report(&self, now: Timestamp) -> Throttling {
        let shown = |(name, bucket): (&String, &Bucket)| {
            let mut bucket = *bucket;
            bucket.refill(now);
            let level = Level {
                capacity: bucket.limit.capacity,
                refill_per_second: f64::from(bucket.limit.millis_per_second) / 1_000.0,
                left: bucket.level / CALL,
                passed: bucket.passed,
                throttled: bucket.throttled,
            };
            (name.clone(), level)
        };
        Throttling {
            throttled: self.throttled.values().sum(),
            by_operation: self.throttled.clone(),
            buckets: self.buckets.iter().map(shown).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use jiff::SignedDuration;

    use super::*;
    use crate::wire::{Params, Protocol, Service};

    fn call(service: Service, operation: &str) -> AwsRequest {
        AwsRequest {
            service,
            operation: operation.into(),
            actor: "A".into(),
            params: Params::default(),
            protocol: Protocol::Query,
        }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(milliseconds)
    }

    /// How many calls of one operation pass at a time.
    fn burst(buckets: &mut Buckets, milliseconds: i64, request: &AwsRequest) -> usize {
        (0..1_000)
            .take_while(|_| buckets.take(at(milliseconds), request))
            .count()
    }

    #[test]
    fn every_class_has_its_documented_size() {
        for (service, operation, capacity, in_ten_seconds) in [
            (Service::Elb, "CreateLoadBalancer", 10, 2),
            (Service::Elb, "SetSubnets", 10, 2),
            (Service::Elb, "RegisterTargets", 20, 20),
            (Service::Elb, "DescribeTargetHealth", 40, 40),
            (Service::Elb, "SetRulePriorities", 20, 20),
            (Service::Elb, "CreateTrustStore", 10, 2),
            (Service::Elb, "DeleteTrustStore", 10, 2),
            (Service::Elb, "DescribeTrustStores", 40, 40),
            (Service::Ec2, "DescribeSubnets", 100, 100),
            (Service::Ec2, "DescribeSecurityGroups", 50, 50),
            (Service::Ec2, "AuthorizeSecurityGroupIngress", 50, 50),
            (Service::Ec2, "CreateTags", 100, 100),
            (Service::Acm, "ListCertificates", 8, 8),
            (Service::Acm, "DescribeCertificate", 10, 10),
            (Service::Tagging, "GetResources", 15, 15),
        ] {
            let (mut buckets, request) = (Buckets::default(), call(service, operation));
            assert_eq!(burst(&mut buckets, 0, &request), capacity, "{operation}");
            assert_eq!(
                burst(&mut buckets, 10_000, &request),
                in_ten_seconds,
                "{operation}"
            );
        }
    }

    #[test]
    fn a_token_comes_back_when_it_is_due_and_not_before() {
        let (mut buckets, request) = (Buckets::default(), call(Service::Elb, "CreateLoadBalancer"));
        assert_eq!(burst(&mut buckets, 0, &request), 10);
        assert_eq!(burst(&mut buckets, 4_999, &request), 0);
        assert_eq!(burst(&mut buckets, 5_000, &request), 1);
        // Clocks do not go back; if one does, nothing is gained.
        assert_eq!(burst(&mut buckets, 0, &request), 0);
        assert_eq!(burst(&mut buckets, 10_000, &request), 1);
    }

    #[test]
    fn all_calls_of_elb_share_one_more_bucket_and_a_refused_call_takes_nothing() {
        let mut buckets = Buckets::default();
        assert_eq!(burst(&mut buckets, 0, &call(Service::Elb, "RegisterTargets")), 20);
        assert_eq!(burst(&mut buckets, 0, &call(Service::Elb, "DescribeTags")), 20);
        assert_eq!(burst(&mut buckets, 0, &call(Service::Elb, "AddTags")), 0);
        assert_eq!(burst(&mut buckets, 0, &call(Service::Ec2, "DescribeVpcs")), 100);
        let report = buckets.report(at(0));
        assert_eq!(report.throttled, 4);
        assert_eq!(report.by_operation["elasticloadbalancing:AddTags"], 1);
        let shared = &report.buckets["elasticloadbalancing:*"];
        assert_eq!((shared.left, shared.passed, shared.throttled), (0, 40, 2));
        assert_eq!(report.buckets["elasticloadbalancing:mutating"].left, 20);
        assert_eq!(
            buckets.report(at(1_000)).buckets["elasticloadbalancing:*"].left,
            10
        );
    }

    #[test]
    fn every_operation_of_ec2_has_its_own_bucket_and_narrow_reads_a_larger_one() {
        let mut buckets = Buckets::default();
        let mut narrow = call(Service::Ec2, "DescribeInstances");
        narrow.params.0.insert("InstanceId.1".into(), "i-1".into());
        assert_eq!(
            burst(&mut buckets, 0, &call(Service::Ec2, "DescribeInstances")),
            50
        );
        assert_eq!(burst(&mut buckets, 0, &narrow), 100);
        assert_eq!(burst(&mut buckets, 0, &call(Service::Ec2, "DescribeVpcs")), 100);
    }
}
