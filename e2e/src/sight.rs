//! One look at Kubernetes and AWS together: do the targets match the pods, and the rules the Ingresses?

mod ingresses;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use elbow_crds::target_group_binding::TargetGroupBinding;
use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

use crate::account::{Account, TargetGroup};
use crate::programs::Emulator;
use crate::table;
use crate::world::{Machine, World};

/// What one look shows.
pub struct Sight {
    services: Vec<Service>,
    ingresses: Vec<Ingress>,
    bindings: Vec<TargetGroupBinding>,
    pods: Vec<Pod>,
    machines: Vec<Machine>,
    health_is_scripted: bool,
    /// The AWS account.
    pub account: Account,
}

/// Targets of one group by `ID PORT`, and whether they ought to be healthy.
type Wanted = BTreeMap<String, bool>;

impl Sight {
    /// Looks at what is in a namespace and at the whole account.
    pub async fn take(client: Client, world: &World, emulator: &Emulator, namespace: &str) -> Result<Self> {
        Self::take_all(client, world, emulator, &[namespace]).await
    }

    /// Looks at what is in these namespaces and at the whole account.
    pub async fn take_all(
        client: Client,
        world: &World,
        emulator: &Emulator,
        namespaces: &[&str],
    ) -> Result<Self> {
        let mut sight = Self {
            services: Vec::new(),
            ingresses: Vec::new(),
            bindings: Vec::new(),
            pods: Vec::new(),
            machines: world.machines().cloned().collect(),
            health_is_scripted: false,
            account: Account::read(emulator.state().await?)?,
        };
        let all = ListParams::default();
        for namespace in namespaces {
            let services: Api<Service> = Api::namespaced(client.clone(), namespace);
            let ingresses: Api<Ingress> = Api::namespaced(client.clone(), namespace);
            let bindings: Api<TargetGroupBinding> = Api::namespaced(client.clone(), namespace);
            let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
            sight.services.extend(services.list(&all).await?);
            sight.ingresses.extend(ingresses.list(&all).await?);
            sight.bindings.extend(bindings.list(&all).await?);
            sight.pods.extend(pods.list(&all).await?);
        }
        Ok(sight)
    }

    /// The same, where every target is healthy because the emulator was told so.
    #[must_use]
    pub fn with_scripted_health(self) -> Self {
        Self {
            health_is_scripted: true,
            ..self
        }
    }

    /// `None` if every Service of type LoadBalancer and every Ingress has its address, its rules and exactly
    /// the targets it ought to have, in the right health; else what is missing.
    pub fn missing(&self) -> Option<String> {
        let told = |name: String, found: Result<Option<String>>| {
            let found = found.transpose()?;
            Some(format!(
                "{name}: {}",
                found.unwrap_or_else(|error| format!("{error:#}"))
            ))
        };
        self.load_balancers()
            .find_map(|service| told(service.name_any(), self.missing_of(service)))
            .or_else(|| {
                self.ingresses
                    .iter()
                    .find_map(|one| told(ingresses::described(one), self.missing_of_ingress(one)))
            })
            .or_else(|| self.unasked_rule())
    }

    /// The Services of type LoadBalancer.
    pub fn load_balancers(&self) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(|service| is_load_balancer(service))
    }

    fn missing_of(&self, service: &Service) -> Result<Option<String>> {
        let namespace = service.namespace().unwrap_or_default();
        let found = self.account.load_balancer_of(&namespace, &service.name_any());
        let Some((arn, load_balancer)) = found else {
            return Ok(Some("no load balancer".to_owned()));
        };
        if address(service).as_deref() != Some(load_balancer.dns_name.as_str()) {
            return Ok(Some("its address is not in the status".to_owned()));
        }
        let listeners = self.account.listeners_of(arn);
        for port in ports(service) {
            let number = u16::try_from(port.port).context("a port number")?;
            let Some(listener) = listeners.get(&number) else {
                return Ok(Some(format!("no listener on {number}")));
            };
            let [group] = self.account.target_groups_of(listener)[..] else {
                return Ok(Some(format!(
                    "the listener on {number} does not forward to one group"
                )));
            };
            if let Some(missing) = compare(group, &self.wanted(service, port, group)) {
                return Ok(Some(format!("{number}: {missing}")));
            }
        }
        Ok(None)
    }

    fn wanted(&self, service: &Service, port: &ServicePort, group: &TargetGroup) -> Wanted {
        let pods = self.pods_of(service);
        if group.target_type == "ip" {
            let target =
                |pod: &&Pod| Some((format!("{} {}", pod_address(pod)?, target_port(port, pod)?), true));
            return pods.iter().filter_map(target).collect();
        }
        let spec = service.spec.as_ref();
        let is_local = spec.and_then(|spec| spec.external_traffic_policy.as_deref()) == Some("Local");
        let nodes: BTreeSet<&str> = pods
            .iter()
            .filter_map(|pod| pod.spec.as_ref()?.node_name.as_deref())
            .collect();
        let number = port.node_port.unwrap_or_default();
        let healthy = |machine: &Machine| {
            let serves = !pods.is_empty() && (!is_local || nodes.contains(machine.node.as_str()));
            serves || self.health_is_scripted
        };
        self.machines
            .iter()
            .map(|one| (format!("{} {number}", one.instance_id), healthy(one)))
            .collect()
    }

    /// Pods that the Service selects and that are ready and not on their way out.
    fn pods_of(&self, service: &Service) -> Vec<&Pod> {
        let selector = service
            .spec
            .as_ref()
            .and_then(|spec| spec.selector.clone())
            .unwrap_or_default();
        let fits = |pod: &&Pod| {
            selector
                .iter()
                .all(|(key, value)| pod.labels().get(key) == Some(value))
        };
        self.pods
            .iter()
            .filter(|pod| pod.namespace() == service.namespace())
            .filter(fits)
            .filter(|pod| is_ready(pod))
            .collect()
    }

    /// How many pods of `app` there are, and how many of them are ready.
    pub fn count(&self, app: &str) -> (usize, usize) {
        let own: Vec<&Pod> = self
            .pods
            .iter()
            .filter(|pod| pod.labels().get("app").is_some_and(|l| l == app))
            .collect();
        (own.len(), own.iter().filter(|pod| is_ready(pod)).count())
    }

    /// UIDs of the pods of `app`.
    pub fn uids(&self, app: &str) -> BTreeSet<String> {
        let own = self
            .pods
            .iter()
            .filter(|pod| pod.labels().get("app").is_some_and(|l| l == app));
        own.filter_map(ResourceExt::uid).collect()
    }

    /// Services of type LoadBalancer and their addresses.
    pub fn services_table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .load_balancers()
            .map(|service| {
                let written = |port: &ServicePort| {
                    format!("{}/{}", port.port, port.protocol.as_deref().unwrap_or("TCP"))
                };
                let listed: Vec<String> = ports(service).map(written).collect();
                vec![
                    service.name_any(),
                    listed.join(","),
                    address(service).unwrap_or_else(|| "-".to_owned()),
                ]
            })
            .collect();
        table::render(&["SERVICE", "PORTS", "ADDRESS"], &rows)
    }

    /// Pods, where they run and whether they are ready.
    pub fn pods_table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .pods
            .iter()
            .map(|pod| {
                let node = pod
                    .spec
                    .as_ref()
                    .and_then(|spec| spec.node_name.clone())
                    .unwrap_or_default();
                let state = match (pod.metadata.deletion_timestamp.is_some(), is_ready(pod)) {
                    (true, _) => "terminating",
                    (false, true) => "ready",
                    (false, false) => "not ready",
                };
                vec![
                    pod.name_any(),
                    pod_address(pod).unwrap_or_default(),
                    node,
                    state.to_owned(),
                ]
            })
            .collect();
        table::render(&["POD", "ADDRESS", "NODE", "STATE"], &rows)
    }
}

fn compare(group: &TargetGroup, wanted: &Wanted) -> Option<String> {
    for (target, healthy) in wanted {
        let Some(found) = group.targets.get(target) else {
            return Some(format!("{target} is not registered"));
        };
        let state = found.health.state.as_str();
        if (state == "healthy") != *healthy || state == "initial" {
            return Some(format!("{target} is {state}"));
        }
    }
    let extra = group
        .targets
        .iter()
        .find(|(target, found)| !wanted.contains_key(*target) && !found.health.state.ends_with("draining"));
    extra.map(|(target, _)| format!("{target} is still registered"))
}

fn is_load_balancer(service: &Service) -> bool {
    service.spec.as_ref().and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer")
}

fn ports(service: &Service) -> impl Iterator<Item = &ServicePort> {
    service.spec.iter().flat_map(|spec| spec.ports.iter().flatten())
}

fn address(service: &Service) -> Option<String> {
    let ingress = service
        .status
        .as_ref()?
        .load_balancer
        .as_ref()?
        .ingress
        .as_ref()?;
    ingress.first()?.hostname.clone()
}

fn pod_address(pod: &Pod) -> Option<String> {
    pod.status.as_ref()?.pod_ip.clone()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready =
        conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
    ready && pod.metadata.deletion_timestamp.is_none()
}

fn target_port(port: &ServicePort, pod: &Pod) -> Option<i32> {
    match port.target_port.as_ref() {
        None => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => {
            let containers = &pod.spec.as_ref()?.containers;
            let declared = containers
                .iter()
                .flat_map(|container| container.ports.iter().flatten());
            declared
                .into_iter()
                .find(|one| one.name.as_ref() == Some(name))
                .map(|one| one.container_port)
        }
    }
}
