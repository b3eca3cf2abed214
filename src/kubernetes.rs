//! Connections to the API server, and the questions asked once at the start.

use std::path::Path;
use std::time::Duration;

use http::{Request, Response};
use kube::api::ApiResource;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::BoxError;

use crate::cluster::kinds::Kinds;

/// Where the pod's namespace is mounted.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Longest time of one request, its answer included: as long as the API server itself takes for a write
/// (kube-apiserver, `--request-timeout` 60 s, halved for a server that is reached but not well).
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// Longest silence on a connection of a watch. The API server ends a watch after 290 s and a connection lies
/// idle for 90 s at most, so that only a dead one is silent for so long.
const WATCH_SILENCE: Duration = Duration::from_mins(7);

/// Connections to the API server.
#[derive(Clone)]
#[allow(missing_debug_implementations)] // a kube client has none
pub struct Clients {
    /// For requests: each ends within 30 s, so that a connection whose other end is gone holds no key.
    pub requests: Client,
    /// For watches and for lists of whole clusters, which take as long as they take while something comes.
    pub watches: Client,
}

/// Why there is no connection. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a cluster around the controller, which does not look at `KUBECONFIG`.
    #[error("no kubeconfig: give --kubeconfig, or run inside a cluster")]
    NoCluster,
    /// Neither a kubeconfig nor a cluster around a command that a person types.
    #[error("no kubeconfig: give --kubeconfig, set KUBECONFIG, or run inside a cluster")]
    NoKubeconfig,
    /// The file cannot be used.
    #[error("cannot use the kubeconfig {path}: {reason}")]
    Kubeconfig {
        /// Path of the file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No client can be made of the configuration.
    #[error("cannot connect to Kubernetes: {0}")]
    Client(String),
    /// The API server does not answer.
    #[error("cannot reach the Kubernetes API server at {url}: {reason}")]
    Unreachable {
        /// Address.
        url: String,
        /// What happened.
        reason: String,
    },
}

/// Configuration of the controller: the flag, else the cluster around the process.
pub async fn controller_config(kubeconfig: Option<&str>) -> Result<Config, ConnectError> {
    match kubeconfig {
        Some(path) => from_file(path).await,
        None => Config::incluster().map_err(|_| ConnectError::NoCluster),
    }
}

/// Configuration of a command that a person types: the flag, else `KUBECONFIG`, else the cluster around the process.
pub async fn command_config(kubeconfig: Option<&str>) -> Result<Config, ConnectError> {
    let from_environment = std::env::var("KUBECONFIG").ok().filter(|path| !path.is_empty());
    match kubeconfig.map(str::to_owned).or(from_environment) {
        Some(path) => from_file(&path).await,
        None => Config::incluster().map_err(|_| ConnectError::NoKubeconfig),
    }
}

async fn from_file(path: &str) -> Result<Config, ConnectError> {
    let wrong = |reason: String| ConnectError::Kubeconfig {
        path: path.to_owned(),
        reason,
    };
    if !Path::new(path).is_file() {
        return Err(wrong("there is no such file".to_owned()));
    }
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| wrong(error.to_string()))?;
    let options = KubeConfigOptions::default();
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| wrong(error.to_string()))
}

/// Connections of a configuration. Connecting ends after 10 s, sending after 30 s.
pub fn clients(mut config: Config) -> Result<Clients, ConnectError> {
    config.connect_timeout = Some(Duration::from_secs(10));
    config.write_timeout = Some(REQUEST_LIMIT);
    config.read_timeout = Some(WATCH_SILENCE);
    let watches = Client::try_from(config).map_err(|error| ConnectError::Client(error.to_string()))?;
    Ok(Clients {
        requests: bounded(&watches, REQUEST_LIMIT),
        watches,
    })
}

/// A client whose requests fail when their answer is not complete within `limit`. Not for watches.
pub fn bounded(client: &Client, limit: Duration) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            match tokio::time::timeout(limit, answer(&client, request)).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("the API server did not answer within {limit:?}").into()),
            }
        }
    });
    Client::new(service, namespace)
}

/// The whole answer: a body may stop half way just as an answer may not come.
async fn answer(client: &Client, request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let unwrapped = |error| match error {
        kube::Error::Service(cause) => cause,
        error => error.into(),
    };
    let (parts, body) = client.send(request).await.map_err(unwrapped)?.into_parts();
    let bytes = body.collect_bytes().await.map_err(unwrapped)?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// A client where there is no cluster: nothing is found, and nothing is taken.
pub fn nobody() -> Client {
    const ANSWER: &[u8] =
        br#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"NotFound",
        "message":"there is no cluster","code":404}"#;
    let service = tower::service_fn(|_: Request<Body>| async {
        let answer = Response::builder().status(404);
        let answer = answer.header(http::header::CONTENT_TYPE, "application/json");
        answer.body(Body::from(ANSWER.to_vec())).map_err(BoxError::from)
    });
    Client::new(service, "default")
}

/// Checks that the API server answers.
pub async fn reach(client: &Client, url: &str) -> Result<(), ConnectError> {
    let unreachable = |reason: String| ConnectError::Unreachable {
        url: url.to_owned(),
        reason,
    };
    let answer = tokio::time::timeout(Duration::from_secs(10), client.apiserver_version()).await;
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(unreachable(chain(&error))),
        Err(_) => Err(unreachable("no answer within 10 s".to_owned())),
    }
}

/// The optional kinds the cluster serves, from discovery (we may not read CRDs).
pub async fn kinds(client: &Client) -> Result<Kinds, kube::Error> {
    let gateway = kind(client, "gateway.networking.k8s.io", "Gateway").await?;
    let class_params = kind(client, "elbv2.k8s.aws", "IngressClassParams").await?;
    Ok(Kinds {
        class_params: class_params.is_some(),
        gateway,
    })
}

/// A kind of an API group, if the cluster serves it.
async fn kind(client: &Client, group: &str, kind: &str) -> Result<Option<ApiResource>, kube::Error> {
    match kube::discovery::group(client, group).await {
        Ok(group) => Ok(group.recommended_kind(kind).map(|(resource, _)| resource)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(kube::Error::Discovery(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The namespace of our own objects: the flag, else the pod's, else `kube-system` outside a cluster.
pub fn own_namespace(flag: &str) -> String {
    if !flag.is_empty() {
        return flag.to_owned();
    }
    let mounted = std::fs::read_to_string(NAMESPACE_FILE).unwrap_or_default();
    let mounted = mounted.trim();
    if mounted.is_empty() {
        "kube-system".to_owned()
    } else {
        mounted.to_owned()
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    // The API server's own sentence; the error's text adds the whole answer in Rust's notation.
    if let Some(kube::Error::Api(status)) = error.downcast_ref::<kube::Error>()
        && !status.message.is_empty()
    {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Reads one ConfigMap from a server that accepts, says `answer` and nothing more. The error.
    async fn read_from(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = socket.read(&mut request).await.unwrap();
                assert!(read > 0);
                socket.write_all(answer.as_bytes()).await.unwrap();
                open.push(socket);
            }
        });
        let clients = clients(Config::new(url.parse().unwrap())).unwrap();
        let api: Api<ConfigMap> =
            Api::namespaced(bounded(&clients.watches, Duration::from_millis(300)), "default");
        let read = tokio::time::timeout(Duration::from_secs(20), api.get("a")).await;
        server.abort();
        chain(&read.unwrap().unwrap_err())
    }

    #[tokio::test]
    async fn a_request_that_gets_no_answer_ends_in_one_sentence() {
        let error = read_from("").await;
        assert!(
            error.contains("the API server did not answer within 300ms"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_request_whose_answer_stops_half_way_ends_as_well() {
        let error =
            read_from("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{")
                .await;
        assert!(error.contains("did not answer within 300ms"), "{error}");
    }
}
