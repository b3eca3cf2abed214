//! moto with the account of the harness's seed, a cluster whose Nodes are moto's instances, and the controller.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use elbow_e2e::control_plane::{CONTROLLER, ControlPlane};
use elbow_e2e::programs::{Controller, ControllerOptions, Moto};
use elbow_e2e::wait;
use elbow_e2e::world::{SEED, World};
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Pod, Service};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::SETTLED_WITHIN;

/// Everything that runs; dropped in this order.
pub struct Parts {
    pub controller: Controller,
    options: ControllerOptions,
    pub moto: Moto,
    /// moto's ids with those of the seed.
    ids: BTreeMap<String, String>,
    _world: World,
    pub control_plane: ControlPlane,
}

/// One line of the controller's counter of AWS calls.
pub struct Call {
    operation: String,
    status: String,
    count: String,
}

impl Call {
    pub fn succeeded(&self) -> bool {
        self.status == "200"
    }
}

impl Parts {
    /// Starts all of them and waits until the controller is ready.
    pub async fn start() -> Result<Self> {
        let control_plane = ControlPlane::start().await?;
        let folder = control_plane.folder().to_owned();
        let moto = Moto::start(&folder).await?;
        let made = moto.script("moto_account.py", SEED.as_ref()).await?;
        let made: BTreeMap<String, String> =
            serde_json::from_str(&made).with_context(|| format!("not a map of ids: {made}"))?;
        // The same seed with moto's ids: Nodes name moto's instances.
        let seed = folder.join("moto-seed.yaml");
        std::fs::write(&seed, renamed(std::fs::read_to_string(SEED)?, &made))?;
        let world = World::start(control_plane.administrator(), &seed).await?;
        let options = ControllerOptions {
            kubeconfig: control_plane.controller_kubeconfig(),
            endpoint: moto.endpoint().to_owned(),
            region: world.region().to_owned(),
            vpc: world.vpc().to_owned(),
            flags: Vec::new(),
            environment: Vec::new(),
            folder,
        };
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        Ok(Self {
            controller,
            options,
            moto,
            ids: made.into_iter().map(|(ours, theirs)| (theirs, ours)).collect(),
            _world: world,
            control_plane,
        })
    }

    /// Ends the controller and starts another one.
    pub async fn restart(&mut self) -> Result<()> {
        let status = self.controller.stop().await?;
        ensure!(
            status.success(),
            "the controller ended with {status} after SIGTERM"
        );
        self.controller = Controller::start(&self.options)?;
        self.controller.ready().await
    }

    /// AWS requests that moto has got, and how often the controller wrote to Kubernetes, its lease apart.
    pub fn acts(&self) -> Result<(usize, usize)> {
        let requests = self.control_plane.requests_of(CONTROLLER)?;
        let writes = requests
            .iter()
            .filter(|one| one.is_write() && one.resource != "leases");
        Ok((self.moto.requests()?, writes.count()))
    }

    /// The AWS calls of the running controller that are `wanted`: operation, status, number.
    pub async fn calls(&self, wanted: impl Fn(&Call) -> bool) -> Result<Vec<String>> {
        let metrics = self.controller.metrics().await?;
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("aws_api_requests_total{"));
        let calls: Result<Vec<Call>> = lines.map(call).collect();
        let wanted = calls?.into_iter().filter(|call| wanted(call));
        Ok(wanted
            .map(|call| format!("{} {} x{}", call.operation, call.status, call.count))
            .collect())
    }

    /// Waits until moto and Kubernetes show what is `wanted`.
    pub async fn shows(&mut self, step: &str, wanted: &str) -> Result<()> {
        let seen = RefCell::new((None, String::new()));
        let shown = wait::until(
            &format!("moto to show what is {step}"),
            SETTLED_WITHIN,
            async || {
                let acts = Some((self.calls(|_| true).await?, self.acts()?.1));
                let is_new = seen.borrow().0 != acts;
                // A look costs a second of work: only once the controller has done something since.
                if is_new {
                    let found = self.snapshot().await?;
                    std::fs::write(self.options.folder.join(format!("{step}.yaml")), &found)?;
                    seen.replace((acts, difference(wanted, &found)));
                }
                let difference = seen.borrow().1.clone();
                ensure!(difference.is_empty(), "moto shows something else:\n{difference}");
                Ok(Some(()))
            },
        )
        .await;
        if let Err(error) = shown {
            let runs = self.controller.stacks().await.unwrap_or_default()["runs"].clone();
            let lines = self.controller.process().last_lines(10);
            return Err(error.context(format!("{runs:#}\n{lines}")));
        }
        Ok(())
    }

    /// What moto and Kubernetes show, without what differs from run to run.
    pub async fn snapshot(&self) -> Result<String> {
        let names = self.names().await?;
        self.moto.script("snapshot.py", &names).await
    }

    /// A file for `snapshot.py`: what to call ids, addresses and ports.
    async fn names(&self) -> Result<PathBuf> {
        let all = ListParams::default();
        let client = || self.control_plane.administrator();
        let services = Api::<Service>::all(client()).list(&all).await?.items;
        let ingresses = Api::<Ingress>::all(client()).list(&all).await?.items;
        let pods = Api::<Pod>::all(client()).list(&all).await?.items;
        let mut texts = self.ids.clone();
        texts.extend(addresses_of(&pods));
        let names = json!({
            "addresses": published(&services, &ingresses),
            "texts": texts,
            "ports": ports_of(&services),
        });
        let file = self.options.folder.join("names.json");
        std::fs::write(&file, names.to_string())?;
        Ok(file)
    }
}

/// `aws_api_requests_total{service="EC2",operation="DescribeVpcs",status_code="200",error_code=""} 1`
fn call(line: &str) -> Result<Call> {
    let label = |name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let read = || {
        Some(Call {
            operation: label("operation")?,
            status: label("status_code")?,
            count: line.rsplit_once(' ')?.1.to_owned(),
        })
    };
    read().with_context(|| format!("not a counter of AWS requests: {line}"))
}

/// Longer ids first: one may be the beginning of another.
fn renamed(text: String, names: &BTreeMap<String, String>) -> String {
    let mut names: Vec<_> = names.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names
        .into_iter()
        .fold(text, |text, (name, other)| text.replace(name, other))
}

/// What the statuses of Services and Ingresses say.
fn published(services: &[Service], ingresses: &[Ingress]) -> BTreeMap<String, String> {
    let of_services = services.iter().filter_map(|one| {
        let hosts = one.status.as_ref()?.load_balancer.as_ref()?.ingress.clone()?;
        let host = hosts
            .into_iter()
            .find_map(|LoadBalancerIngress { hostname, .. }| hostname)?;
        Some((format!("Service {}", place(one)), host))
    });
    let of_ingresses = ingresses.iter().filter_map(|one| {
        let hosts = one.status.as_ref()?.load_balancer.as_ref()?.ingress.clone()?;
        let host = hosts.into_iter().find_map(|one| one.hostname)?;
        Some((format!("Ingress {}", place(one)), host))
    });
    of_services.chain(of_ingresses).collect()
}

/// `pod 1 of NAMESPACE/APP` and so on, in the order of their addresses.
fn addresses_of(pods: &[Pod]) -> BTreeMap<String, String> {
    let mut addresses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pod in pods {
        let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
        let app = pod.labels().get("app").cloned().unwrap_or_default();
        let of = format!("{}/{app}", pod.namespace().unwrap_or_default());
        addresses.entry(of).or_default().extend(address);
    }
    let named = addresses.into_iter().flat_map(|(of, mut addresses)| {
        addresses.sort();
        let numbered = addresses.into_iter().enumerate();
        numbered.map(move |(at, address)| (address, format!("pod {} of {of}", at + 1)))
    });
    named.collect()
}

fn ports_of(services: &[Service]) -> BTreeMap<String, String> {
    let mut ports = BTreeMap::new();
    for service in services {
        let spec = service.spec.clone().unwrap_or_default();
        for port in spec.ports.unwrap_or_default() {
            let name = port.name.unwrap_or_default();
            let node_port = port.node_port.map(|number| number.to_string());
            ports.extend(node_port.map(|number| (number, format!("node port {name} of {}", place(service)))));
        }
        let health = spec.health_check_node_port.filter(|number| *number != 0);
        ports.extend(health.map(|number| (number.to_string(), format!("health port of {}", place(service)))));
    }
    ports
}

fn place(object: &impl ResourceExt) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// The lines that are not in the other text, empty if the texts are the same.
fn difference(wanted: &str, found: &str) -> String {
    let lacking = |text: &str, other: &str, sign: char| -> Vec<String> {
        let others: Vec<&str> = other.lines().collect();
        let lines = text.lines().filter(|line| !others.contains(line));
        lines.map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = lacking(wanted, found, '-');
    lines.extend(lacking(found, wanted, '+'));
    if lines.is_empty() && wanted != found {
        lines.push("the same lines in another order or number".to_owned());
    }
    lines.join("\n")
}
