//! The control plane and the machines that the tests of this binary share, and small questions to them.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};
use elbow_e2e::control_plane::ControlPlane;
use elbow_e2e::manifests::Backend;
use elbow_e2e::wait;
use elbow_e2e::world::{SEED, World};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Nothing in a healthy cluster takes this long, even beside a build.
pub const SOON: Duration = Duration::from_mins(1);

/// Lives until the test process ends; then the clean-up shell of `lifeline` ends what it started.
pub struct Shared {
    runtime: Runtime,
    pub control_plane: ControlPlane,
    pub world: World,
}

static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();

/// Runs a test on the shared runtime, after the first caller has started everything.
pub fn run(test: impl AsyncFnOnce(&'static Shared) -> Result<()>) {
    let shared = match SHARED.get_or_init(|| start().map_err(|error| format!("{error:#}"))) {
        Ok(shared) => shared,
        Err(sentence) => panic!("{sentence}"),
    };
    if let Err(error) = shared.runtime.block_on(test(shared)) {
        panic!("{error:#}");
    }
}

fn start() -> Result<Shared> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (control_plane, world) = runtime.block_on(async {
        let control_plane = ControlPlane::start().await?;
        let world = World::start(control_plane.administrator(), SEED.as_ref()).await?;
        anyhow::Ok((control_plane, world))
    })?;
    Ok(Shared {
        runtime,
        control_plane,
        world,
    })
}

impl Shared {
    pub fn client(&self) -> Client {
        self.control_plane.administrator()
    }

    /// A new namespace; it goes with the control plane.
    pub async fn namespace(&self, name: &str) -> Result<String> {
        let namespace: Namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
        Api::all(self.client())
            .create(&PostParams::default(), &namespace)
            .await?;
        Ok(name.to_owned())
    }

    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client(), namespace)
    }

    /// Creates an object written as JSON.
    pub async fn create<K>(&self, namespace: &str, object: Value) -> Result<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Serialize,
    {
        let object = serde_json::from_value(object).context("not an object of this kind")?;
        Ok(self
            .api(namespace)
            .create(&PostParams::default(), &object)
            .await?)
    }

    pub async fn deploy(&self, backend: &Backend) -> Result<()> {
        self.api(&backend.namespace)
            .create(&PostParams::default(), &backend.deployment())
            .await?;
        Ok(())
    }

    /// Two pods of the Deployment `app`, both Ready.
    pub async fn deploy_two(&self, namespace: &str, app: &str) -> Result<()> {
        let backend = Backend {
            replicas: 2,
            ..Backend::new(namespace, app)
        };
        self.deploy(&backend).await?;
        self.ready_pods(namespace, app, 2).await?;
        Ok(())
    }

    /// The pods with the label `app`.
    pub async fn pods(&self, namespace: &str, app: &str) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = self.api(namespace);
        Ok(pods
            .list(&ListParams::default().labels(&format!("app={app}")))
            .await?
            .items)
    }

    /// Waits until exactly `count` pods of `app` are Ready.
    pub async fn ready_pods(&self, namespace: &str, app: &str, count: usize) -> Result<Vec<Pod>> {
        self.ready_pods_within(namespace, app, count, SOON).await
    }

    pub async fn ready_pods_within(
        &self,
        namespace: &str,
        app: &str,
        count: usize,
        limit: Duration,
    ) -> Result<Vec<Pod>> {
        wait::until(&format!("{count} ready pods of {app}"), limit, async || {
            let pods = self.pods(namespace, app).await?;
            let ready = pods
                .iter()
                .filter(|pod| condition(pod, "Ready") == "True")
                .count();
            Ok((ready == count && pods.len() == count).then_some(pods))
        })
        .await
    }

    pub async fn delete_pod(&self, pod: &Pod) -> Result<()> {
        let api: Api<Pod> = self.api(&pod.namespace().unwrap());
        api.delete(&pod.name_any(), &DeleteParams::default()).await?;
        Ok(())
    }

    /// A socket of the VPC as it is dialled here.
    pub fn at(&self, address: Ipv4Addr, port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(self.world.dial(address).unwrap(), port)
    }

    /// What an HTTP GET answers; `None` if the connection is refused or cut.
    pub async fn get(&self, address: Ipv4Addr, port: u16, path: &str) -> Option<(u16, String)> {
        let url = format!("http://{}{path}", self.at(address, port));
        elbow_e2e::http::get(&url)
            .await
            .ok()
            .map(|answer| (answer.status, answer.body))
    }
}

pub fn condition(pod: &Pod, kind: &str) -> String {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let found = conditions.and_then(|all| all.iter().find(|one| one.type_ == kind));
    found.map(|one| one.status.clone()).unwrap_or_default()
}

pub fn address(pod: &Pod) -> Ipv4Addr {
    pod.status
        .as_ref()
        .unwrap()
        .pod_ip
        .as_ref()
        .unwrap()
        .parse()
        .unwrap()
}

pub fn node(pod: &Pod) -> String {
    pod.spec.as_ref().unwrap().node_name.clone().unwrap()
}

pub fn node_port(service: &Service) -> u16 {
    let ports = service.spec.as_ref().unwrap().ports.as_ref().unwrap();
    ports[0].node_port.unwrap().try_into().unwrap()
}

/// Whether the server refused for lack of a permission.
pub fn is_forbidden<T: Debug>(answer: Result<T, kube::Error>) -> bool {
    matches!(answer, Err(kube::Error::Api(status)) if status.code == 403)
}

impl Shared {
    /// Waits until no pod of `app` is Ready.
    pub async fn ready_pods_none(&self, namespace: &str, app: &str) -> Result<()> {
        wait::until(&format!("no ready pod of {app}"), SOON, async || {
            let pods = self.pods(namespace, app).await?;
            Ok(pods
                .iter()
                .all(|pod| condition(pod, "Ready") == "False")
                .then_some(()))
        })
        .await
    }
}

impl Shared {
    /// Deletes a Deployment and, by garbage collection, its pods.
    pub async fn delete_all(&self, namespace: &str, name: &str) -> Result<()> {
        let api: Api<k8s_openapi::api::apps::v1::Deployment> = self.api(namespace);
        api.delete(name, &DeleteParams::background()).await?;
        Ok(())
    }
}
