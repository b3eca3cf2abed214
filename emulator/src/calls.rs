//! The log of AWS calls.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;

use crate::wire::{AwsRequest, Service};

/// How many calls are kept; the oldest go first.
const KEPT: usize = 200_000;

/// Parameters whose value is never written down, by the end of their name.
const SECRET: [&str; 5] = [
    "ClientSecret",
    "WebIdentityToken",
    "TokenCode",
    "SAMLAssertion",
    "SecurityToken",
];

/// One AWS call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Number, from 1, in the order of arrival; a reset does not start again.
    pub seq: u64,
    /// Emulated time of arrival.
    pub at: Timestamp,
    /// Access key id, or `anonymous`.
    pub actor: String,
    /// Service.
    pub service: Service,
    /// Operation.
    pub operation: String,
    /// Parameters; secret values read `(hidden)`.
    pub parameters: BTreeMap<String, String>,
    /// Whether the operation changes something.
    pub mutation: bool,
    /// Whether it was carried out without an error.
    pub committed: bool,
    /// HTTP status; absent while not answered, and for ever if the connection was cut.
    pub status: Option<u16>,
    /// AWS error code.
    pub error_code: Option<String>,
    /// Request id.
    pub request_id: String,
    /// The fault that hit it, for example `hold-after`.
    pub fault: Option<String>,
    /// Whether it was refused because a rate limit was reached.
    pub throttled: bool,
}

/// Which calls to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Only calls with a higher number.
    pub since: u64,
    /// Only calls of this actor.
    pub actor: Option<String>,
    /// Only this operation.
    pub operation: Option<String>,
    /// Only calls that change something.
    pub mutations: bool,
}

impl CallFilter {
    fn keeps(&self, call: &Call) -> bool {
        call.seq > self.since
            && self.actor.as_ref().is_none_or(|actor| *actor == call.actor)
            && self
                .operation
                .as_ref()
                .is_none_or(|operation| *operation == call.operation)
            && (!self.mutations || call.mutation)
    }
}

/// How often an operation was carried out since the start, resets notwithstanding. What a fault or a rate limit kept from
/// the account does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OperationCount {
    /// Service.
    pub service: Service,
    /// Operation.
    pub operation: &'static str,
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that the service refused.
    pub refused: u64,
}

/// The calls since the start or the last reset.
#[derive(Clone, Debug, Default)]
pub struct CallLog {
    last: u64,
    calls: VecDeque<Call>,
    /// Successes and refusals by operation, since the start.
    outcomes: BTreeMap<(Service, &'static str), (u64, u64)>,
}

impl CallLog {
    /// Writes down a call that has arrived; answers its number.
    pub fn arrive(
        &mut self,
        at: Timestamp,
        request: &AwsRequest,
        request_id: &str,
        fault: Option<String>,
    ) -> u64 {
        self.last += 1;
        let hide = |(name, value): (&String, &String)| {
            let secret = SECRET.iter().any(|end| name.ends_with(end));
            (
                name.clone(),
                if secret {
                    "(hidden)".to_owned()
                } else {
                    value.clone()
                },
            )
        };
        let shown = |name: &&String| !["Action", "Version"].contains(&name.as_str());
        self.calls.push_back(Call {
            seq: self.last,
            at,
            actor: request.actor.clone(),
            service: request.service,
            operation: request.operation.clone(),
            parameters: request
                .params
                .0
                .iter()
                .filter(|(name, _)| shown(name))
                .map(hide)
                .collect(),
            mutation: request.service.mutates(&request.operation),
            committed: false,
            status: None,
            error_code: None,
            request_id: request_id.to_owned(),
            fault,
            throttled: false,
        });
        if self.calls.len() > KEPT {
            self.calls.pop_front();
        }
        self.last
    }

    /// Counts a call that the account answered.
    pub fn answered(&mut self, request: &AwsRequest, succeeded: bool) {
        let name = request.operation.as_str();
        let known = request.service.operations().iter().find(|known| **known == name);
        let Some(operation) = known else { return };
        let (successes, refusals) = self.outcomes.entry((request.service, operation)).or_default();
        *(if succeeded { successes } else { refusals }) += 1;
    }

    /// Every operation that there is, with its count.
    pub fn operations(&self) -> Vec<OperationCount> {
        let count = |service: Service, operation: &'static str| {
            let counted = self.outcomes.get(&(service, operation)).copied();
            let (succeeded, refused) = counted.unwrap_or_default();
            OperationCount {
                service,
                operation,
                succeeded,
                refused,
            }
        };
        let of = |service: Service| service.operations().iter().map(move |name| count(service, name));
        Service::ALL.into_iter().flat_map(of).collect()
    }

    /// Forgets all calls, but not the counts. Numbers go on, so that none means two calls.
    pub fn clear(&mut self) {
        self.calls.clear();
    }

    /// Changes what is written about a call.
    pub fn note(&mut self, seq: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.seq == seq) {
            change(call);
        }
    }

    /// A call by its number.
    pub fn get(&self, seq: u64) -> Option<&Call> {
        self.calls.iter().rev().find(|call| call.seq == seq)
    }

    /// The calls that a filter keeps, in order.
    pub fn list(&self, filter: &CallFilter) -> Vec<Call> {
        self.calls
            .iter()
            .filter(|call| filter.keeps(call))
            .cloned()
            .collect()
    }

    /// The number of the latest call, 0 if there is none.
    pub fn last(&self) -> u64 {
        self.last
    }
}
