//! Contributions of bindings to security group rules: reads the interfaces of targets.
//!
//! In: wanted endpoints. Out: permissions per security group, or one sentence. Instances and interfaces are
//! kept for ten minutes, and read again at once when a pod is not found on them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use elbow_core::settings::Settings;
use elbow_core::targets::eni::{
    InterfaceFacts, InterfaceReads, node_interfaces, node_reads, pod_interfaces, pod_reads,
};
use elbow_core::targets::networking::{Contribution, ambiguous_groups, node_contribution, pod_contribution};
use elbow_core::targets::{Backends, Backing, Endpoint, Instance, Interface};
use elbow_core::view::{BindingObject, Node, Pod};
use elbow_crds::target_group_binding::{Networking, TargetType};
use tokio::time::Instant;

use super::lock;
use crate::aws::{Aws, AwsError, Cx};

/// Upstream's lifetime of what EC2 says about interfaces and groups.
const LIFETIME: Duration = Duration::from_mins(10);

type Aged<T> = BTreeMap<String, (T, Instant)>;

/// What EC2 said lately.
#[derive(Debug, Default)]
pub(super) struct InterfaceCache(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    instances: Aged<Instance>,
    interfaces: Aged<Interface>,
    addresses: Aged<Interface>,
    tags: Aged<BTreeMap<String, String>>,
}

/// Why a contribution is not known.
#[derive(Debug)]
pub(super) enum ContributionError {
    /// AWS did not answer the reads.
    Aws(AwsError),
    /// The objects do not give one.
    Unresolved(String),
}

impl ContributionError {
    /// One sentence.
    pub fn message(&self) -> String {
        match self {
            Self::Aws(error) => error.to_string(),
            Self::Unresolved(message) => message.clone(),
        }
    }
}

impl From<AwsError> for ContributionError {
    fn from(error: AwsError) -> Self {
        Self::Aws(error)
    }
}

impl From<String> for ContributionError {
    fn from(message: String) -> Self {
        Self::Unresolved(message)
    }
}

impl InterfaceCache {
    /// Works out what a binding asks of security groups.
    #[allow(clippy::too_many_arguments)] // each is something else that the answer depends on
    pub async fn contribution(
        &self,
        aws: &Aws,
        cx: &Cx,
        settings: &Settings,
        binding: &BindingObject,
        networking: &Networking,
        endpoints: &[Endpoint],
        backends: &Backends,
    ) -> Result<Contribution, ContributionError> {
        let asked = Asked {
            aws,
            cx,
            settings,
            networking,
            by_address: binding.spec.target_type == Some(TargetType::Ip),
            pods: pods(endpoints, backends),
            nodes: nodes(endpoints, backends),
            backends,
        };
        match self.work_out(&asked, false).await {
            Err(ContributionError::Unresolved(_)) => self.work_out(&asked, true).await,
            other => other,
        }
    }

    async fn work_out(&self, asked: &Asked<'_>, fresh: bool) -> Result<Contribution, ContributionError> {
        let nodes = &asked.backends.nodes;
        if asked.by_address {
            let pods = || asked.pods.iter().copied();
            let reads = pod_reads(pods(), nodes)?;
            let facts = self.read(asked, &reads, fresh).await?;
            let interfaces = pod_interfaces(pods(), nodes, &facts)?;
            let ambiguous = ambiguous_groups(interfaces.iter().map(|(_, interface)| *interface));
            let tags = self.tags(asked, ambiguous, fresh).await?;
            Ok(pod_contribution(
                asked.networking,
                &interfaces,
                &tags,
                asked.settings,
            )?)
        } else {
            let nodes = || asked.nodes.iter().copied();
            let facts = self.read(asked, &node_reads(nodes())?, fresh).await?;
            let interfaces = node_interfaces(nodes(), &facts)?;
            let ambiguous = ambiguous_groups(interfaces.iter().copied());
            let tags = self.tags(asked, ambiguous, fresh).await?;
            Ok(node_contribution(
                asked.networking,
                &interfaces,
                &tags,
                asked.settings,
            )?)
        }
    }

    async fn read(
        &self,
        asked: &Asked<'_>,
        reads: &InterfaceReads,
        fresh: bool,
    ) -> Result<InterfaceFacts, AwsError> {
        let (aws, cx) = (asked.aws, asked.cx);
        let ids = self.missing(&reads.instances, fresh, |cached| &cached.instances);
        if !ids.is_empty() {
            let found = aws.instances(cx, &ids).await?;
            let found = found.into_iter().map(|instance| (instance.id.clone(), instance));
            self.keep(found.collect(), |cached| &mut cached.instances);
        }
        let ids = self.missing(&reads.interfaces, fresh, |cached| &cached.interfaces);
        if !ids.is_empty() {
            let found = aws.interfaces_by_id(cx, &ids).await?;
            let found = found
                .into_iter()
                .map(|interface| (interface.id.clone(), interface));
            self.keep(found.collect(), |cached| &mut cached.interfaces);
        }
        let ips = self.missing(&reads.addresses, fresh, |cached| &cached.addresses);
        if !ips.is_empty() {
            let found = aws.interfaces_by_ip(cx, &ips).await?;
            self.keep(found, |cached| &mut cached.addresses);
        }
        Ok(self.facts(reads))
    }

    fn facts(&self, reads: &InterfaceReads) -> InterfaceFacts {
        let cached = lock(&self.0);
        let instances = reads.instances.iter().filter_map(|id| {
            let (instance, _) = cached.instances.get(id)?;
            Some((id.clone(), instance.clone()))
        });
        let by_id = reads.interfaces.iter().filter_map(|id| cached.interfaces.get(id));
        let by_ip = reads.addresses.iter().filter_map(|ip| cached.addresses.get(ip));
        let interfaces = by_id.chain(by_ip).map(|(i, _)| (i.id.clone(), i.clone()));
        InterfaceFacts {
            instances: instances.collect(),
            interfaces: interfaces.collect(),
        }
    }

    async fn tags(
        &self,
        asked: &Asked<'_>,
        groups: BTreeSet<String>,
        fresh: bool,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, AwsError> {
        let ids = self.missing(&groups, fresh, |cached| &cached.tags);
        if !ids.is_empty() {
            let found = asked.aws.groups_by_id(asked.cx, &ids).await?;
            let found = found.into_iter().map(|group| (group.id, group.tags));
            self.keep(found.collect(), |cached| &mut cached.tags);
        }
        let cached = lock(&self.0);
        let tags = groups.into_iter().filter_map(|id| {
            let (tags, _) = cached.tags.get(&id)?;
            Some((id, tags.clone()))
        });
        Ok(tags.collect())
    }

    fn missing<T>(
        &self,
        wanted: &BTreeSet<String>,
        fresh: bool,
        of: impl Fn(&Cached) -> &Aged<T>,
    ) -> Vec<String> {
        let cached = lock(&self.0);
        let known = |id: &&String| {
            of(&cached)
                .get(*id)
                .is_some_and(|(_, at)| at.elapsed() < LIFETIME)
        };
        wanted.iter().filter(|id| fresh || !known(id)).cloned().collect()
    }

    fn keep<T>(&self, found: BTreeMap<String, T>, of: impl Fn(&mut Cached) -> &mut Aged<T>) {
        let now = Instant::now();
        let mut cached = lock(&self.0);
        let aged = of(&mut cached);
        aged.retain(|_, (_, at)| at.elapsed() < LIFETIME);
        aged.extend(found.into_iter().map(|(id, value)| (id, (value, now))));
    }
}

/// One question for a contribution.
struct Asked<'a> {
    aws: &'a Aws,
    cx: &'a Cx,
    settings: &'a Settings,
    networking: &'a Networking,
    by_address: bool,
    pods: Vec<&'a Pod>,
    nodes: Vec<&'a Node>,
    backends: &'a Backends,
}

fn pods<'a>(endpoints: &[Endpoint], backends: &'a Backends) -> Vec<&'a Pod> {
    let references: BTreeSet<_> = endpoints.iter().filter_map(Endpoint::pod).collect();
    references
        .into_iter()
        .filter_map(|pod| backends.pod(pod))
        .collect()
}

fn nodes<'a>(endpoints: &[Endpoint], backends: &'a Backends) -> Vec<&'a Node> {
    let names: BTreeSet<&String> = endpoints
        .iter()
        .filter_map(|endpoint| match &endpoint.backing {
            Backing::Node(name) => Some(name),
            Backing::Pod(_) => None,
        })
        .collect();
    let found = names.into_iter().filter_map(|name| backends.nodes.get(name));
    found.map(std::convert::AsRef::as_ref).collect()
}
