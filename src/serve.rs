//! What the process shows: liveness, readiness, metrics, and on loopback the state of all stacks.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::{get, post};
use elbow_core::key::Lane;
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::engine::Engine;
use crate::metrics;

/// An address that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr} (flag --{flag}): {reason}")]
pub struct ServeError {
    addr: String,
    flag: &'static str,
    reason: String,
}

/// Listens on an address in Go's form: `:8080` is every interface, a host may be a name. `0` and the empty text are no
/// address.
pub async fn bind(flag: &'static str, addr: &str) -> Result<Option<TcpListener>, ServeError> {
    if addr.is_empty() || addr == "0" {
        return Ok(None);
    }
    let wrong = |reason: String| ServeError {
        addr: addr.to_owned(),
        flag,
        reason,
    };
    let Some((host, port)) = addr
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
    else {
        return Err(wrong(
            "allowed is an address such as 127.0.0.1:8080 or :8080".to_owned(),
        ));
    };
    let bound = if host.is_empty() {
        every_interface(port).await
    } else {
        TcpListener::bind(addr).await
    };
    bound.map(Some).map_err(|error| wrong(error.to_string()))
}

/// IPv6 takes IPv4 along; a machine without IPv6 has the other one only.
async fn every_interface(port: &str) -> std::io::Result<TcpListener> {
    match TcpListener::bind(format!("[::]:{port}")).await {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
        Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        bound => bound,
    }
}

/// `/healthz` and `/readyz`, with upstream's names of the single checks.
pub fn probes(engine: Arc<Engine>) -> Router {
    let ready = |State(engine): State<Arc<Engine>>| async move {
        match engine.readiness() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        }
    };
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/healthz/health-ping", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(engine)
}

/// `/metrics`.
pub fn metrics_page(engine: Arc<Engine>) -> Router {
    let text = |State(engine): State<Arc<Engine>>| async move {
        ([("content-type", metrics::CONTENT_TYPE)], metrics::page(&engine))
    };
    Router::new().route("/metrics", get(text)).with_state(engine)
}

#[derive(Deserialize)]
struct Enqueue {
    key: Option<String>,
}

/// `GET /debug/stacks` and `POST /debug/enqueue[?key=...]`. Loopback only; `config` sees to that.
pub fn debug(engine: Arc<Engine>) -> Router {
    let stacks = |State(engine): State<Arc<Engine>>| async move { Json(engine.debug_stacks()) };
    let enqueue = |State(engine): State<Arc<Engine>>, Query(query): Query<Enqueue>| async move {
        let woken = engine.wake_all(query.key.as_deref(), Lane::Edit);
        let status = if woken.is_empty() {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::ACCEPTED
        };
        (status, Json(serde_json::json!({ "enqueued": woken }))).into_response()
    };
    Router::new()
        .route("/debug/stacks", get(stacks))
        .route("/debug/enqueue", post(enqueue))
        .with_state(engine)
}

/// Serves until `stop` ends.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) {
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
        tracing::error!(%error, "a server ended");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn addresses_are_read_as_go_reads_them() {
        for none in ["", "0"] {
            assert!(bind("metrics-bind-addr", none).await.unwrap().is_none());
        }
        let named = bind("metrics-bind-addr", "localhost:0").await.unwrap().unwrap();
        assert!(named.local_addr().unwrap().ip().is_loopback());
        for wrong in ["8080", "127.0.0.1", ":http", "localhost:99999"] {
            let error = bind("metrics-bind-addr", wrong).await.unwrap_err().to_string();
            let begin = format!("cannot listen on {wrong} (flag --metrics-bind-addr): allowed is an address");
            assert!(error.starts_with(&begin), "{error}");
        }
    }
}
