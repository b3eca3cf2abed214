//! A proxy between a controller and the Kubernetes API: plain HTTP on loopback in, the real API out.
//!
//! It counts writes and can hold one of them, before it is carried out or after, so that a test can end the
//! process that sent it at just that moment. Reads and watches stream through. Whoever connects is the user of
//! the client it was started with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Headers that belong to one connection, or that the client towards the API sets itself.
const OF_THE_CONNECTION: [&str; 6] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
    "upgrade",
];
/// Kinds whose writes come by themselves and change nothing that anybody builds on.
const NOT_COUNTED: [&str; 2] = ["events", "leases"];

/// On which side of its commit a write is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is not carried out until it is released.
    Before,
    /// It is carried out, and not answered until it is released.
    After,
}

/// How a held write ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// As if nothing had happened.
    Answer,
    /// Its connection is cut; one held before its commit is never carried out.
    Cut,
}

/// A write that has arrived: POST, PUT, PATCH or DELETE of anything but leases and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// From 1, in the order of arrival.
    pub number: usize,
    /// `PATCH`.
    pub method: String,
    /// `/api/v1/namespaces/NAMESPACE/services/NAME/status`.
    pub path: String,
}

/// The running proxy; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct ApiProxy {
    url: String,
    gate: Arc<Gate>,
    serving: JoinHandle<()>,
}

impl ApiProxy {
    /// Listens on a free port of 127.0.0.1 and asks the API as the user of `client`.
    pub async fn start(client: Client) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
        let address = listener.local_addr().context("a bound socket has an address")?;
        let gate = Arc::new(Gate::default());
        let serving = tokio::spawn(serve(listener, client, Arc::clone(&gate)));
        Ok(Self {
            url: format!("http://{address}"),
            gate,
            serving,
        })
    }

    /// Writes a kubeconfig without credentials that points here.
    pub fn write_kubeconfig(&self, folder: &Path) -> Result<PathBuf> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "proxy", "cluster": { "server": self.url } }],
            "users": [{ "name": "proxy", "user": {} }],
            "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
            "current-context": "proxy",
        });
        let path = folder.join("proxy.kubeconfig");
        std::fs::write(&path, format!("{config:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// The writes that have arrived so far, held ones included.
    pub fn writes(&self) -> Vec<Write> {
        self.gate.state().writes.clone()
    }

    /// Holds the `next`-th write from now on (from 1) on this side of its commit. Writes that come after it are
    /// held before theirs, so that nothing is carried out beside it.
    pub fn hold(&self, next: usize, side: Side) {
        let mut state = self.gate.state();
        state.hold = Some((state.writes.len() + next, side));
    }

    /// The write that was to be held, once it is; those behind it are not named.
    pub fn held(&self) -> Option<Write> {
        self.gate.state().held.clone()
    }

    /// Ends all held writes; none is held any more until the next [`ApiProxy::hold`].
    pub fn release(&self, how: Release) {
        let mut state = self.gate.state();
        state.hold = None;
        state.held = None;
        self.gate.released.send_modify(|(count, last)| {
            *count += 1;
            *last = Some(how);
        });
    }
}

impl Drop for ApiProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What all connections share.
#[derive(Debug)]
struct Gate {
    state: Mutex<State>,
    /// How often was released, and how the last time.
    released: watch::Sender<(u64, Option<Release>)>,
}

#[derive(Debug, Default)]
struct State {
    writes: Vec<Write>,
    hold: Option<(usize, Side)>,
    held: Option<Write>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            released: watch::Sender::new((0, None)),
        }
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a write; whether and where it is to be held.
    fn arrive(&self, method: &Method, path: &str) -> (Write, Option<Side>) {
        let mut state = self.state();
        let write = Write {
            number: state.writes.len() + 1,
            method: method.to_string(),
            path: path.to_owned(),
        };
        state.writes.push(write.clone());
        let side = state.hold.and_then(|(at, side)| match write.number {
            number if number == at => Some(side),
            number if number > at => Some(Side::Before),
            _ => None,
        });
        (write, side)
    }

    /// Waits until held writes are released.
    async fn wait(&self, write: &Write) -> Release {
        let mut released = self.released.subscribe();
        {
            let mut state = self.state();
            match state.hold {
                Some((at, _)) if at == write.number => state.held = Some(write.clone()),
                Some(_) => {}
                // Released since it arrived.
                None => return released.borrow_and_update().1.unwrap_or(Release::Answer),
            }
            released.mark_unchanged();
        }
        match released.changed().await {
            Ok(()) => released.borrow().1.unwrap_or(Release::Answer),
            Err(_) => Release::Cut,
        }
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was cut")
    }
}

impl std::error::Error for Cut {}

async fn serve(listener: TcpListener, client: Client, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, client.clone(), Arc::clone(&gate)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, client: Client, gate: Arc<Gate>) {
    let service = service_fn(move |request| {
        let (client, gate) = (client.clone(), Arc::clone(&gate));
        async move { answer(request, client, &gate).await }
    });
    // An error is a client that went away, or a connection cut on purpose.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, client: Client, gate: &Gate) -> Result<Response<Body>, Cut> {
    if !is_counted(request.method(), request.uri().path()) {
        return Ok(forward(request, client).await);
    }
    let (write, side) = gate.arrive(request.method(), request.uri().path());
    if side == Some(Side::Before) && gate.wait(&write).await == Release::Cut {
        return Err(Cut);
    }
    let response = forward(request, client).await;
    if side == Some(Side::After) && gate.wait(&write).await == Release::Cut {
        return Err(Cut);
    }
    Ok(response)
}

async fn forward(request: Request<Incoming>, client: Client) -> Response<Body> {
    match send(request, client).await {
        Ok(response) => response,
        Err(error) => refusal(&format!("{error:#}")),
    }
}

async fn send(request: Request<Incoming>, client: Client) -> Result<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .context("cannot read the request")?
        .to_bytes();
    strip(&mut head.headers);
    let request = Request::from_parts(head, Body::from(body));
    let mut response = client.send(request).await.context("the API did not answer")?;
    strip(response.headers_mut());
    Ok(response)
}

fn strip(headers: &mut HeaderMap) {
    for name in OF_THE_CONNECTION {
        headers.remove(name);
    }
}

fn refusal(message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(message.as_bytes().to_vec()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// Paths are `/api/VERSION/...` and `/apis/GROUP/VERSION/...`, then `namespaces/NAMESPACE/` or not, then the
/// plural of the kind
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris>).
fn is_counted(method: &Method, path: &str) -> bool {
    let mut segments = path.trim_matches('/').split('/');
    let skipped = if segments.next() == Some("api") { 1 } else { 2 };
    let mut rest = segments.skip(skipped).peekable();
    let mut plural = rest.next().unwrap_or_default();
    if plural == "namespaces" && rest.clone().nth(1).is_some() {
        plural = rest.nth(1).unwrap_or_default();
    }
    let is_write = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
    is_write && !NOT_COUNTED.contains(&plural)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_count_and_those_of_leases_and_events_do_not() {
        for path in [
            "/api/v1/namespaces/a/services/web/status",
            "/api/v1/namespaces/a",
            "/api/v1/namespaces",
            "/apis/elbv2.k8s.aws/v1beta1/namespaces/a/targetgroupbindings",
            "/api/v1/namespaces/a/configmaps/events",
        ] {
            assert!(is_counted(&Method::PATCH, path), "{path}");
            assert!(!is_counted(&Method::GET, path), "{path}");
        }
        for path in [
            "/apis/coordination.k8s.io/v1/namespaces/a/leases/b",
            "/apis/events.k8s.io/v1/namespaces/a/events",
            "/api/v1/namespaces/a/events",
        ] {
            assert!(!is_counted(&Method::POST, path), "{path}");
        }
    }
}
