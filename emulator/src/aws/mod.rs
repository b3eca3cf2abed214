//! One AWS call from arrival to answer, faults included.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{
    calls::Call,
    faults::{Fault, Verdict},
    options::Throttle,
    server::{Cut, Emulator, State, plain},
    wire::{self, AwsRequest, Protocol, REQUEST_ID, Service, sts},
    world::{ApiError, World, ids::digits_of},
};

/// How many past states are kept at most.
const PAST_KEPT: usize = 512;

/// A call that waits for its release.
#[derive(Debug)]
pub(crate) struct Held {
    pub committed: bool,
    pub release: oneshot::Sender<Release>,
}

/// How a held call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Release {
    /// It is answered as if nothing had happened; one held before its commit is carried out now.
    Answer,
    /// Its connection is cut; one held before its commit is never carried out.
    Cut,
}

/// A held call as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldCall {
    /// Whether it has been carried out.
    pub held_after_commit: bool,
    /// The call; its number releases it.
    #[serde(flatten)]
    pub call: Call,
}

/// A call that was taken in.
struct Arrived {
    seq: u64,
    request_id: String,
    verdict: Verdict,
    /// Refused because a bucket was empty.
    throttled: bool,
}

/// Result of a call: status, code and body.
struct Outcome {
    status: u16,
    code: Option<String>,
    body: String,
}

impl Outcome {
    fn refusal(service: Service, status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: Some(code.to_owned()),
            body: service.error_body(status, code, message),
        }
    }

    fn of(service: Service, result: Result<String, ApiError>) -> Self {
        match result {
            Ok(body) => Self {
                status: 200,
                code: None,
                body,
            },
            Err(error) => Self::refusal(service, error.status, error.code, &error.message),
        }
    }

    fn response(self, protocol: Protocol, request_id: &str) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = protocol.encoded(self.body.replace(REQUEST_ID, request_id));
        let mut response = plain(status, protocol.content_type(), body);
        if protocol == Protocol::Cbor {
            let name = HeaderValue::from_static("rpc-v2-cbor");
            response.headers_mut().insert("smithy-protocol", name);
        }
        if let Ok(value) = HeaderValue::from_str(request_id) {
            response.headers_mut().insert("x-amzn-requestid", value);
        }
        response
    }
}

/// Takes a held call off the list when its client goes away or it is released.
struct Hold<'a> {
    emulator: &'a Emulator,
    seq: u64,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.emulator.state().held.remove(&self.seq);
    }
}

impl Emulator {
    /// Answers an AWS request.
    pub(crate) async fn aws(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Cut> {
        let request = match AwsRequest::read(request) {
            Ok(request) => request,
            Err(refused) => {
                let request_id = request_id(&mut self.state());
                let outcome = Outcome::of(refused.service, Err(refused.error));
                return Ok(outcome.response(refused.protocol, &request_id));
            }
        };
        let arrived = self.arrive(&request);
        if !arrived.verdict.latency.is_zero() {
            tokio::time::sleep(arrived.verdict.latency).await;
        }
        let outcome = self.outcome(&request, &arrived).await?;
        self.state().calls.note(arrived.seq, |call| {
            call.status = Some(outcome.status);
            call.error_code.clone_from(&outcome.code);
        });
        Ok(outcome.response(request.protocol, &arrived.request_id))
    }

    fn arrive(&self, request: &AwsRequest) -> Arrived {
        let now = self.clock().now();
        let mut state = self.state();
        let request_id = request_id(&mut state);
        let throttled = self.options().throttle == Throttle::Aws && !state.buckets.take(now, request);
        let verdict = if throttled {
            Verdict::default()
        } else {
            state.faults.judge(request)
        };
        let seq = state.calls.arrive(now, request, &request_id, verdict.name());
        state.calls.note(seq, |call| call.throttled = throttled);
        Arrived {
            seq,
            request_id,
            verdict,
            throttled,
        }
    }

    async fn outcome(&self, request: &AwsRequest, arrived: &Arrived) -> Result<Outcome, Cut> {
        let (service, seq) = (request.service, arrived.seq);
        if arrived.throttled {
            return Ok(throttled(service, None));
        }
        match &arrived.verdict.fault {
            None | Some(Fault::Latency { .. }) => Ok(self.commit(request, seq)),
            Some(Fault::Throttle { code }) => Ok(throttled(service, code.as_deref())),
            Some(Fault::Error { code, status }) => {
                let message = "We encountered an internal error. Please try again.";
                Ok(Outcome::refusal(service, *status, code, message))
            }
            Some(Fault::AccessDenied) => Ok(self.denied(request)),
            Some(Fault::CutBefore) => Err(Cut),
            Some(Fault::CutAfter) => {
                self.commit(request, seq);
                Err(Cut)
            }
            Some(Fault::HoldBefore) => {
                self.hold(seq, false).await?;
                Ok(self.commit(request, seq))
            }
            Some(Fault::HoldAfter) => {
                let outcome = self.commit(request, seq);
                self.hold(seq, true).await?;
                Ok(outcome)
            }
            Some(Fault::Stale { seconds }) => Ok(self.read_past(request, seq, *seconds)),
            Some(Fault::FreshInvisible { seconds }) => Ok(self.read_without_fresh(request, seq, *seconds)),
        }
    }

    /// Carries a call out.
    fn commit(&self, request: &AwsRequest, seq: u64) -> Outcome {
        let now = self.clock().now();
        let mut state = self.state();
        state.world.advance(now);
        let result = wire::dispatch(&mut state.world, now, request);
        let committed = result.is_ok();
        state.calls.note(seq, |call| call.committed = committed);
        state.calls.answered(request, committed);
        if committed && request.service.mutates(&request.operation) {
            self.remember(&mut state, now);
        }
        Outcome::of(request.service, result)
    }

    async fn hold(&self, seq: u64, committed: bool) -> Result<(), Cut> {
        let (release, released) = oneshot::channel();
        self.state().held.insert(seq, Held { committed, release });
        let _listed = Hold { emulator: self, seq };
        match released.await {
            Ok(Release::Answer) => Ok(()),
            Ok(Release::Cut) | Err(_) => Err(Cut),
        }
    }

    fn read_past(&self, request: &AwsRequest, seq: u64, seconds: u64) -> Outcome {
        let cutoff = self.ago(seconds);
        let mut state = self.state();
        let known = state
            .past
            .iter()
            .rev()
            .find(|(at, _)| *at <= cutoff)
            .or_else(|| state.past.front());
        let (at, mut world) = match known {
            Some((at, world)) => (*at, world.clone()),
            None => (cutoff, state.world.snapshot()),
        };
        state.calls.note(seq, |call| call.committed = true);
        drop(state);
        read(request, &mut world, at.max(cutoff))
    }

    fn read_without_fresh(&self, request: &AwsRequest, seq: u64, seconds: u64) -> Outcome {
        let (now, cutoff) = (self.clock().now(), self.ago(seconds));
        let mut state = self.state();
        state.calls.note(seq, |call| call.committed = true);
        let mut world = state.world.snapshot();
        drop(state);
        world.hide_created_since(cutoff);
        read(request, &mut world, now)
    }

    /// The emulated time that it was some real seconds ago.
    fn ago(&self, seconds: u64) -> Timestamp {
        let real = std::time::Duration::from_secs(seconds);
        let now = self.clock().now();
        now.checked_sub(self.clock().emulated(real))
            .unwrap_or(Timestamp::MIN)
    }

    /// Keeps the present state for stale reads, if any rule asks for them, and drops what is too old for all.
    pub(crate) fn remember(&self, state: &mut State, now: Timestamp) {
        let Some(oldest) = state.faults.oldest_view() else {
            state.past.clear();
            return;
        };
        let world = state.world.snapshot();
        state.past.push_back((now, world));
        let cutoff = self.ago(oldest);
        while state.past.get(1).is_some_and(|(at, _)| *at <= cutoff) || state.past.len() > PAST_KEPT {
            state.past.pop_front();
        }
    }

    /// The calls that wait for their release, by number.
    pub fn held(&self) -> Vec<HeldCall> {
        let state = self.state();
        let listed = |(seq, held): (&u64, &Held)| {
            let call = state.calls.get(*seq)?.clone();
            Some(HeldCall {
                held_after_commit: held.committed,
                call,
            })
        };
        state.held.iter().filter_map(listed).collect()
    }

    /// Ends held calls: one by its number, or all. Answers how many there were.
    pub fn release(&self, seq: Option<u64>, how: Release) -> usize {
        let mut state = self.state();
        let chosen: Vec<u64> = state
            .held
            .keys()
            .copied()
            .filter(|held| seq.is_none_or(|seq| seq == *held))
            .collect();
        let senders = chosen
            .into_iter()
            .filter_map(|seq| state.held.remove(&seq))
            .collect::<Vec<_>>();
        drop(state);
        senders
            .into_iter()
            .filter_map(|held| held.release.send(how).ok())
            .count()
    }

    fn denied(&self, request: &AwsRequest) -> Outcome {
        let actor = sts::arn_of(&self.state().world, &request.actor);
        let action = format!("{}:{}", request.service.name(), request.operation);
        let because = format!(
            "User: {actor} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
        );
        match request.service {
            Service::Ec2 => {
                let message = format!("You are not authorized to perform this operation. {because}");
                Outcome::refusal(request.service, 403, "UnauthorizedOperation", &message)
            }
            Service::Elb | Service::Sts => Outcome::refusal(request.service, 403, "AccessDenied", &because),
            Service::Acm | Service::Tagging => {
                Outcome::refusal(request.service, 400, "AccessDeniedException", &because)
            }
        }
    }
}

fn read(request: &AwsRequest, world: &mut World, at: Timestamp) -> Outcome {
    world.advance(at);
    Outcome::of(request.service, wire::dispatch(world, at, request))
}

fn throttled(service: Service, code: Option<&str>) -> Outcome {
    match (service, code) {
        (Service::Ec2, None | Some("RequestLimitExceeded")) => {
            Outcome::refusal(service, 503, "RequestLimitExceeded", "Request limit exceeded.")
        }
        (Service::Acm, None) => Outcome::refusal(service, 400, "ThrottlingException", "Rate exceeded"),
        (Service::Tagging, None) => Outcome::refusal(service, 400, "ThrottledException", "Rate exceeded"),
        (_, code) => Outcome::refusal(service, 400, code.unwrap_or("Throttling"), "Rate exceeded"),
    }
}

/// Shaped like AWS's, and different for every call.
fn request_id(state: &mut State) -> String {
    let digits = digits_of(format!("request {}", state.request_ids.hex(16)), 32);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}
