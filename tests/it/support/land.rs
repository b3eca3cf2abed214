//! What outlives a controller process: the AWS account, the cluster, and time.

use std::collections::BTreeMap;
use std::time::Duration;

use elbow::aws::Aws;
use elbow::clock::Clock;
use elbow_core::key::StackKey;
use elbow_core::plan::Plan;
use elbow_core::settings::Settings;
use elbow_emulator::{Emulator, Options, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::fuse::Fuse;
use super::process::{Process, Ran};
use super::{VPC, connector, quick_config};

pub const SERVICES: &str = "/api/v1/services";
pub const BINDINGS: &str = "/apis/elbv2.k8s.aws/v1beta1/targetgroupbindings";
/// A security group of the account's owner.
pub const GIVEN_GROUP: &str = "sg-0e1b0000000000a1e";
/// Runs until a stack has to be at rest.
const RUNS: usize = 80;

/// Account, cluster and time. Clones share them.
#[derive(Clone, Debug)]
pub struct Land {
    pub emulator: Emulator,
    pub cluster: Cluster,
    pub fuse: Fuse,
    pub clock: Clock,
    pub settings: Settings,
    /// Security group that stands for the shared backend group.
    pub backend_group: String,
}

impl Land {
    /// The emulator's default account and an empty cluster, at the beginning of a year.
    pub fn new() -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let options = Options {
            start: Some(start),
            ..Options::default()
        };
        let land = Self {
            emulator: Emulator::new(Seed::parse("test.yaml", SEED).unwrap(), options),
            cluster: Cluster::default(),
            fuse: Fuse::default(),
            clock: Clock::starting_at(start),
            settings: Settings::new("c1", "us-west-2", VPC),
            backend_group: "sg-0e1b00000000000be".to_owned(),
        };
        land.make_group(
            &land.backend_group,
            "k8s-traffic-c1",
            &[
                ("elbv2.k8s.aws/cluster", "c1"),
                ("elbv2.k8s.aws/resource", "backend-sg"),
            ],
        );
        land.make_group(GIVEN_GROUP, "given", &[]);
        land
    }

    /// Makes a security group that is nobody's of ours, unless its tags say so.
    pub fn make_group(&self, id: &str, name: &str, tags: &[(&str, &str)]) {
        self.emulator.with_world(|world, _| {
            let groups = &mut world.ec2.security_groups;
            let mut group = groups.values().next().unwrap().clone();
            id.clone_into(&mut group.id);
            name.clone_into(&mut group.name);
            group.ingress.clear();
            group.tags.clear();
            for (key, value) in tags {
                group.tags.insert((*key).to_owned(), (*value).to_owned());
            }
            groups.insert(group.id.clone(), group);
        });
    }

    /// A client of the account. Its writes pass the fuse.
    pub fn aws(&self) -> Aws {
        Aws::with_http_client(quick_config(), connector::fused(&self.emulator, &self.fuse))
    }

    /// A Service of ours in the namespace `demo`; annotation keys are given without
    /// `service.beta.kubernetes.io/aws-load-balancer-`, those that start with `/` without the host only.
    pub fn service(&self, name: &str, annotations: &[(&str, &str)], ports: &Value) -> StackKey {
        let mut all: BTreeMap<String, String> = annotations
            .iter()
            .map(|(key, value)| {
                let suffix = key
                    .strip_prefix('/')
                    .map_or(format!("aws-load-balancer-{key}"), str::to_owned);
                let key = format!("service.beta.kubernetes.io/{suffix}");
                (key, (*value).to_owned())
            })
            .collect();
        all.insert("example.com/kept".to_owned(), "yes".to_owned());
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": "demo", "name": name, "annotations": all},
            "spec": {
                "type": "LoadBalancer",
                "loadBalancerClass": "service.k8s.aws/nlb",
                "selector": {"app": name},
                "ipFamilies": ["IPv4"],
                "ports": ports,
            },
        }));
        StackKey::service("demo", name)
    }

    /// Deletes a Service, as a user would.
    pub fn delete_service(&self, key: &StackKey) {
        self.cluster.delete(SERVICES, &key.namespace, &key.name);
    }

    /// Does at once what the key of a binding does in time: observes it, holds it by a finalizer, and lets it
    /// go when it is deleted.
    pub fn bind(&self) {
        self.cluster.change_all(BINDINGS, |binding| {
            if binding["metadata"].get("deletionTimestamp").is_some() {
                binding["metadata"]["finalizers"] = json!([]);
            } else {
                binding["metadata"]["finalizers"] = json!(["elbv2.k8s.aws/resources"]);
                binding["status"]["observedGeneration"] = binding["metadata"]["generation"].clone();
            }
        });
    }

    /// Runs a key in a process until it is at rest, each wait granted on virtual time. Returns the last run.
    pub async fn to_rest(&self, process: &Process, key: &StackKey) -> Ran {
        let mut last = Ran::default();
        for _ in 0..RUNS {
            self.bind();
            last = process.run(key).await;
            let idle = last.plan.as_ref().is_none_or(Plan::is_empty);
            match last.wake_at {
                Some(at) => tokio::time::sleep_until(self.clock.instant(at)).await,
                None if idle => return last,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!(
            "not at rest after {RUNS} runs: {:#?} {:#?} {:#?}",
            last.problems, last.applied.waiting, last.applied.unanswered
        );
    }
}

const SEED: &str = r"
instances:
  - {id: i-0aaa, address: 10.0.128.10, interface: {prefixes: [10.0.129.0/28]}}
  - {id: i-0bbb, address: 10.0.144.10, interface: {prefixes: [10.0.145.0/28]}}
certificates:
  - arn:aws:acm:us-west-2:000000000000:certificate/one
  - arn:aws:acm:us-west-2:000000000000:certificate/two
";
