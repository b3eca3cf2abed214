//! A small HTTP/1.1 client for loopback endpoints: health ports, the emulator's control API.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Nothing on loopback that is well takes longer.
const LIMIT: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The whole body; bytes that are not UTF-8 are replaced.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))
    }
}

/// GET, at most 10 s. Fails only if no HTTP answer comes.
pub async fn get(url: &str) -> Result<Answer> {
    send("GET", url, JSON, String::new()).await
}

/// POST with a JSON body, at most 10 s.
pub async fn post(url: &str, body: &serde_json::Value) -> Result<Answer> {
    send("POST", url, JSON, body.to_string()).await
}

/// DELETE, at most 10 s.
pub async fn delete(url: &str) -> Result<Answer> {
    send("DELETE", url, JSON, String::new()).await
}

/// POST of a form, at most 10 s: the query protocol of AWS. The values must be URL-encoded already.
pub async fn form(url: &str, body: &str) -> Result<Answer> {
    send("POST", url, "application/x-www-form-urlencoded", body.to_owned()).await
}

async fn send(method: &str, url: &str, content_type: &str, body: String) -> Result<Answer> {
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", content_type)
        .body(Full::new(Bytes::from(body)))
        .with_context(|| format!("not a request: {method} {url}"))?;
    // One client per request: a connection kept open would hide that a port was closed.
    let client = Client::builder(TokioExecutor::new()).build_http();
    tokio::time::timeout(LIMIT, exchange(&client, request))
        .await
        .with_context(|| format!("{method} {url}: no answer within {} s", LIMIT.as_secs()))?
        .with_context(|| format!("{method} {url}"))
}

type Plain = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

async fn exchange(client: &Plain, request: http::Request<Full<Bytes>>) -> Result<Answer> {
    let response = client.request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
