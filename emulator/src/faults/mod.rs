//! Faults: rules in, and for each call what goes wrong with it.

mod written;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::wire::{AwsRequest, Service};

/// Which calls a fault hits, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "written::Written", into = "written::Written")]
pub struct FaultRule {
    /// `*`, an operation, or `SERVICE:OPERATION` (`ec2:*` too).
    pub operation: String,
    /// Only calls of this access key id.
    pub actor: Option<String>,
    /// Only calls that change something.
    pub mutations: bool,
    /// How many calls it hits; absent: all until it is removed.
    pub count: Option<u64>,
    /// How many matching calls pass before the first is hit.
    pub after: u64,
    /// What happens.
    pub fault: Fault,
}

/// What goes wrong. Seconds and milliseconds are real time, not scaled by `--speed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is carried out later. Adds up with other faults.
    Latency {
        /// How much later.
        milliseconds: u64,
    },
    /// Refused for too many calls.
    Throttle {
        /// Absent: `Throttling`, for EC2 `RequestLimitExceeded`. Another spelling is `ThrottlingException`.
        code: Option<String>,
    },
    /// Refused with a code.
    Error {
        /// Wire code, for example `InternalFailure`.
        code: String,
        /// HTTP status.
        status: u16,
    },
    /// Refused for want of permission.
    AccessDenied,
    /// The connection is cut, nothing was done.
    CutBefore,
    /// The connection is cut, everything was done.
    CutAfter,
    /// Nothing is done and nothing answered until the call is released.
    HoldBefore,
    /// Everything is done and nothing answered until the call is released.
    HoldAfter,
    /// Reads answer from an older state; DescribeTargetHealth is never stale. States are kept from the moment the
    /// rule is added: at first reads answer from then.
    Stale {
        /// How old.
        seconds: u64,
    },
    /// Reads do not see what was created lately.
    FreshInvisible {
        /// How lately.
        seconds: u64,
    },
}

impl Fault {
    /// The `kind` of the JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Throttle { .. } => "throttle",
            Self::Error { .. } => "error",
            Self::AccessDenied => "access-denied",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
            Self::HoldBefore => "hold-before",
            Self::HoldAfter => "hold-after",
            Self::Stale { .. } => "stale",
            Self::FreshInvisible { .. } => "fresh-invisible",
        }
    }

    /// Whether it can only hit reads.
    fn reads_only(&self) -> bool {
        matches!(self, Self::Stale { .. } | Self::FreshInvisible { .. })
    }
}

impl FaultRule {
    /// A rule that hits every call of an operation until it is removed.
    pub fn every(operation: &str, fault: Fault) -> Self {
        Self {
            operation: operation.to_owned(),
            actor: None,
            mutations: false,
            count: None,
            after: 0,
            fault,
        }
    }

    /// A rule that hits the next call of an operation.
    pub fn once(operation: &str, fault: Fault) -> Self {
        Self {
            count: Some(1),
            ..Self::every(operation, fault)
        }
    }

    fn matches(&self, request: &AwsRequest) -> bool {
        let operation = match self.operation.split_once(':') {
            Some((service, _)) if service != request.service.name() => return false,
            Some((_, operation)) => operation,
            None => &self.operation,
        };
        let mutation = request.service.mutates(&request.operation);
        let health = request.operation == "DescribeTargetHealth";
        (operation == "*" || operation == request.operation)
            && self.actor.as_ref().is_none_or(|actor| *actor == request.actor)
            && (mutation || !self.mutations)
            && !(self.fault.reads_only() && (mutation || health || request.service == Service::Sts))
    }
}

/// A rule in force, with what it did so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveFault {
    /// Number, from 1.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// How many calls matched.
    pub matched: u64,
    /// How many calls it hit.
    pub hits: u64,
}

impl ActiveFault {
    /// Counts a matching call; whether it is hit.
    fn strike(&mut self) -> bool {
        self.matched += 1;
        let hit = self.matched > self.rule.after && self.rule.count.is_none_or(|count| self.hits < count);
        self.hits += u64::from(hit);
        hit
    }
}

/// What happens to one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How long it waits first.
    pub latency: Duration,
    /// What goes wrong then: the first rule that hits it, in the order in which they were added.
    pub fault: Option<Fault>,
}

impl Verdict {
    /// What the call log says about it.
    pub fn name(&self) -> Option<String> {
        let latency = (!self.latency.is_zero()).then_some("latency");
        self.fault
            .as_ref()
            .map(Fault::kind)
            .or(latency)
            .map(str::to_owned)
    }
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    last: u64,
    active: BTreeMap<u64, ActiveFault>,
}

impl Faults {
    /// Puts a rule in force; answers its number.
    pub fn add(&mut self, rule: FaultRule) -> u64 {
        self.last += 1;
        self.active.insert(
            self.last,
            ActiveFault {
                id: self.last,
                rule,
                matched: 0,
                hits: 0,
            },
        );
        self.last
    }

    /// Removes a rule; whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        self.active.remove(&id).is_some()
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.active.clear();
    }

    /// All rules, those included that have hit as often as they may.
    pub fn list(&self) -> Vec<ActiveFault> {
        self.active.values().cloned().collect()
    }

    /// The age in seconds up to which past states are needed; absent: none are.
    pub fn oldest_view(&self) -> Option<u64> {
        let age = |active: &ActiveFault| match active.rule.fault {
            Fault::Stale { seconds } => Some(seconds),
            _ => None,
        };
        self.active.values().filter_map(age).max()
    }

    /// What happens to a call.
    pub fn judge(&mut self, request: &AwsRequest) -> Verdict {
        let mut verdict = Verdict::default();
        for active in self
            .active
            .values_mut()
            .filter(|active| active.rule.matches(request))
        {
            let latency = matches!(active.rule.fault, Fault::Latency { .. });
            if !latency && verdict.fault.is_some() || !active.strike() {
                continue;
            }
            match &active.rule.fault {
                Fault::Latency { milliseconds } => verdict.latency += Duration::from_millis(*milliseconds),
                fault => verdict.fault = Some(fault.clone()),
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::wire::Params;

    fn call(service: Service, operation: &str, actor: &str) -> AwsRequest {
        AwsRequest {
            service,
            operation: operation.into(),
            actor: actor.into(),
            params: Params::default(),
            protocol: crate::wire::Protocol::Query,
        }
    }

    #[test]
    fn a_rule_hits_as_many_calls_as_it_says_after_those_it_lets_pass() {
        let mut faults = Faults::default();
        let rule = FaultRule {
            after: 1,
            count: Some(2),
            ..FaultRule::every("CreateTags", Fault::CutBefore)
        };
        faults.add(rule);
        let hits: Vec<bool> = (0..5)
            .map(|_| {
                faults
                    .judge(&call(Service::Ec2, "CreateTags", "A"))
                    .fault
                    .is_some()
            })
            .collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert_eq!(faults.list()[0].hits, 2);
    }

    #[test]
    fn operation_service_actor_and_mutation_narrow_a_rule() {
        let hit = |rule: FaultRule, request: &AwsRequest| {
            let mut faults = Faults::default();
            faults.add(rule);
            faults.judge(request).fault.is_some()
        };
        let read = call(Service::Elb, "DescribeTags", "A");
        let write = call(Service::Elb, "AddTags", "A");
        let every = |operation: &str| FaultRule::every(operation, Fault::AccessDenied);
        assert!(hit(every("*"), &read) && hit(every("DescribeTags"), &read));
        assert!(hit(every("elasticloadbalancing:*"), &read) && !hit(every("ec2:*"), &read));
        assert!(
            hit(every("elasticloadbalancing:DescribeTags"), &read) && !hit(every("ec2:DescribeTags"), &read)
        );
        assert!(!hit(
            FaultRule {
                actor: Some("B".into()),
                ..every("*")
            },
            &read
        ));
        let mutations = FaultRule {
            mutations: true,
            ..every("*")
        };
        assert!(!hit(mutations.clone(), &read) && hit(mutations, &write));
        let stale = FaultRule::every("*", Fault::Stale { seconds: 3 });
        assert!(hit(stale.clone(), &read) && !hit(stale.clone(), &write));
        assert!(!hit(stale, &call(Service::Elb, "DescribeTargetHealth", "A")));
    }

    #[test]
    fn latencies_add_up_and_the_first_other_fault_counts() {
        let mut faults = Faults::default();
        faults.add(FaultRule::every("*", Fault::Latency { milliseconds: 100 }));
        faults.add(FaultRule::once("*", Fault::CutAfter));
        faults.add(FaultRule::once("*", Fault::CutBefore));
        faults.add(FaultRule::every("*", Fault::Latency { milliseconds: 50 }));
        let first = faults.judge(&call(Service::Ec2, "DescribeVpcs", "A"));
        assert_eq!(
            first,
            Verdict {
                latency: Duration::from_millis(150),
                fault: Some(Fault::CutAfter)
            }
        );
        assert_eq!(
            faults.judge(&call(Service::Ec2, "DescribeVpcs", "A")).fault,
            Some(Fault::CutBefore)
        );
    }
}
