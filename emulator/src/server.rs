//! The emulator as a whole: HTTP requests in, answers or cut connections out, over a socket or in process.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::{net::TcpListener, task::JoinSet, time::Instant};

use crate::{
    aws::Held,
    calls::CallLog,
    clock::EmulatedClock,
    control,
    faults::Faults,
    health, imds,
    options::Options,
    seed::Seed,
    throttle::Buckets,
    world::{Ids, World},
};

/// Requests larger than this are refused; AWS's own bound for these services is far below.
const LARGEST_BODY: usize = 16 << 20;

/// A fault cut the connection: the client gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was cut")]
pub struct Cut;

/// A running emulator. Clones share one account.
#[derive(Clone, Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: EmulatedClock,
    options: Options,
    seed: Seed,
    state: Mutex<State>,
}

/// Everything that changes, behind one lock that is never held while waiting.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub world: World,
    /// Past states, oldest first, while a stale fault needs them.
    pub past: VecDeque<(Timestamp, World)>,
    pub faults: Faults,
    pub calls: CallLog,
    /// Rate limits, full at the start.
    pub buckets: Buckets,
    /// Calls that wait for their release, by number.
    pub held: BTreeMap<u64, Held>,
    pub request_ids: Ids,
    /// Tokens of the metadata service, with their end.
    pub tokens: BTreeMap<String, Instant>,
}

impl Emulator {
    /// An emulator of the account that a seed describes.
    pub fn new(seed: Seed, options: Options) -> Self {
        let clock = EmulatedClock::new(options.start.unwrap_or_else(Timestamp::now), options.speed);
        let state = Mutex::new(State {
            world: seed.world().clone(),
            ..State::default()
        });
        Self {
            shared: Arc::new(Shared {
                clock,
                options,
                seed,
                state,
            }),
        }
    }

    /// The clock that all its delays follow.
    pub fn clock(&self) -> &EmulatedClock {
        &self.shared.clock
    }

    /// What it was started with.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Runs a function on the account, advanced to now. The lock is held meanwhile: be quick.
    pub fn with_world<R>(&self, act: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let now = self.clock().now();
        let mut state = self.state();
        state.world.advance(now);
        act(&mut state.world, now)
    }

    /// Goes back to the seed: account, faults, calls, history, scripts and rate limits are as at the start; held calls
    /// are cut.
    /// The clock and the numbers of calls go on.
    pub fn reset(&self) {
        self.reset_to(&self.shared.seed);
    }

    /// The same with the account of another seed, until the next reset.
    pub fn reset_to(&self, seed: &Seed) {
        let mut state = self.state();
        state.world = seed.world().clone();
        state.past.clear();
        state.faults.clear();
        state.calls.clear();
        state.buckets = Buckets::default();
        state.held.clear();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request, in process. Dropping the future is a client that goes away.
    ///
    /// # Errors
    /// [`Cut`] where a fault cuts the connection.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Cut> {
        let path = request.uri().path();
        if path == "/_emulator" || path.starts_with("/_emulator/") {
            return Ok(control::answer(self, &request));
        }
        if path.starts_with("/latest/") {
            return Ok(imds::answer(self, &request));
        }
        self.aws(&request).await
    }

    /// Serves connections and checks the health of targets until the future is dropped; then all connections end.
    pub async fn serve(self, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        tasks.spawn(health::run(self.clone()));
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        tasks.spawn(self.clone().connection(stream));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(ended) = tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a task of the emulator failed");
                    }
                }
            }
        }
    }

    async fn connection(self, stream: tokio::net::TcpStream) {
        let service = service_fn(move |request| {
            let emulator = self.clone();
            async move { emulator.over_http(request).await }
        });
        let io = TokioIo::new(stream);
        if let Err(error) = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(io, service)
            .await
        {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn over_http(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            let refusal = plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "text/plain",
                "the request body cannot be read\n",
            );
            return Ok(refusal.map(Full::new));
        };
        let answer = self.call(Request::from_parts(head, body.to_bytes())).await?;
        Ok(answer.map(Full::new))
    }
}

/// An answer with a body.
pub(crate) fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
