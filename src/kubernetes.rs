//! Connections to the API server, and the questions asked once at the start.

use std::path::Path;
use std::time::Duration;

use kube::api::ApiResource;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::cluster::watch::Kinds;

/// Where the pod's namespace is mounted.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Why there is no connection. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a cluster around the process.
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
        None => Config::incluster().map_err(|_| ConnectError::NoKubeconfig),
    }
}

/// Configuration of `plan`: the flag, else `KUBECONFIG`, else the cluster around the process.
pub async fn plan_config(kubeconfig: Option<&str>) -> Result<Config, ConnectError> {
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

/// A client of a configuration. Connecting ends after 10 s, sending after 30 s.
pub fn client(mut config: Config) -> Result<Client, ConnectError> {
    config.connect_timeout = Some(Duration::from_secs(10));
    config.write_timeout = Some(Duration::from_secs(30));
    Client::try_from(config).map_err(|error| ConnectError::Client(error.to_string()))
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
    let group = match kube::discovery::group(client, "gateway.networking.k8s.io").await {
        Ok(group) => group,
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Kinds::default()),
        Err(kube::Error::Discovery(_)) => return Ok(Kinds::default()),
        Err(error) => return Err(error),
    };
    let gateway: Option<ApiResource> = group.recommended_kind("Gateway").map(|(resource, _)| resource);
    Ok(Kinds { gateway })
}

/// The namespace of our own objects: the flag, else the pod's, else `kube-system` outside a cluster
/// (DESIGN 4.4).
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
