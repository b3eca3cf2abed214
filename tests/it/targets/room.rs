//! One load balancer with one target group, a cluster, and a process that runs the keys of this room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use elbow::aws::{Aws, Cx};
use elbow::clock::Clock;
use elbow::cluster::{Stores, trim};
use elbow::facts::Facts;
use elbow::mirror::Mirror;
use elbow::outcome::Run;
use elbow::targets::{Targets, TargetsContext};
use elbow_core::key::{Key, Lane};
use elbow_core::model::{
    Action, ForwardAction, HealthCheck, HealthCheckPort, IpAddressType, IpFamily, Listener, LoadBalancer,
    LoadBalancerType, Origins, Protocol, Ref, Scheme, Setting, SubnetMapping, TargetGroup, TargetType,
    WeightedTargetGroup,
};
use elbow_core::settings::Settings;
use elbow_emulator::{CallFilter, Emulator, Options, Seed};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::fuse::Fuse;
use crate::support::{VPC, connector, cx, quick_config};

pub const BINDINGS: &str = "/apis/elbv2.k8s.aws/v1beta1/targetgroupbindings";
pub const SERVICES: &str = "/api/v1/services";
pub const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";
pub const PODS: &str = "/api/v1/pods";
pub const NODES: &str = "/api/v1/nodes";
pub const GATE: &str = "target-health.elbv2.k8s.aws/web";

/// Two instances of one security group, tagged for the cluster.
const SEED: &str = r"
vpcs:
  - id: vpc-0e1b0000000000001
    cidrs: [10.0.0.0/16]
    default: true
    subnets:
      - {id: subnet-0a, zone: us-west-2a, cidr: 10.0.64.0/19}
      - {id: subnet-0b, zone: us-west-2b, cidr: 10.0.96.0/19}
    security_groups:
      - {id: sg-nodes, name: nodes, description: nodes, tags: {kubernetes.io/cluster/c1: owned}}
      - {id: sg-be, name: be, description: source of traffic}
instances:
  - {id: i-0a, address: 10.0.64.10, interface: {security_groups: [sg-nodes], secondary_addresses: [10.0.64.11, 10.0.64.12]}}
  - {id: i-0b, address: 10.0.96.10, interface: {security_groups: [sg-nodes], prefixes: [10.0.96.32/28]}}
";

pub struct Room {
    pub emulator: Emulator,
    pub cluster: Cluster,
    pub fuse: Fuse,
    pub clock: Clock,
    pub aws: Aws,
    pub settings: Arc<Settings>,
    pub stores: Stores,
    pub targets: Targets,
    pub mirror: Mirror,
    pub group: String,
    facts: Facts,
    calls: u64,
    writes: usize,
}

impl Room {
    /// A target group behind an active load balancer; targets are healthy when they have waited for it.
    pub async fn new(target_type: TargetType) -> Self {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let options = Options {
            start: Some(start),
            ..Options::default()
        };
        let emulator = Emulator::new(Seed::parse("test.yaml", SEED).unwrap(), options);
        let (clock, fuse, cluster) = (Clock::starting_at(start), Fuse::default(), Cluster::default());
        let aws = Aws::with_http_client(quick_config(), connector::fused(&emulator, &fuse));
        let mut settings = Settings::new("c1", "us-west-2", VPC);
        settings.sync_period = Duration::from_hours(1000);
        let settings = Arc::new(settings);
        let mirror = Mirror::new(settings.clone(), aws.clone(), clock);
        let mut room = Self {
            targets: Targets::new(settings.clone(), aws.clone(), cluster.client(&fuse), clock),
            facts: Facts::new(aws.clone(), clock),
            stores: Stores::default(),
            group: String::new(),
            calls: 0,
            writes: 0,
            emulator,
            cluster,
            fuse,
            clock,
            aws,
            settings,
            mirror,
        };
        room.stores.mark_synced();
        room.script("healthy");
        room.group = room.balance(target_type).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        for (name, id) in [("node-a", "i-0a"), ("node-b", "i-0b")] {
            room.node(name, id);
        }
        room.mirror.sweep().await.unwrap();
        room.seen();
        room
    }

    async fn balance(&self, target_type: TargetType) -> String {
        let (balancer, group) = (load_balancer(), target_group(target_type));
        let none = BTreeMap::new();
        let made = self
            .aws
            .create_load_balancer(&cx(), &balancer, &[], &none)
            .await
            .unwrap();
        let arn = self.aws.create_target_group(&cx(), &group, &none).await.unwrap();
        let listener = listener(&made.arn, &arn);
        self.aws.create_listener(&cx(), &listener, &none).await.unwrap();
        arn
    }

    /// Says how healthy all targets are.
    pub fn script(&self, state: &str) {
        self.emulator
            .script_health(elbow_emulator::world::ScriptedHealth {
                target_group: "*".to_owned(),
                target: "*".to_owned(),
                port: None,
                state: state.to_owned(),
                reason: None,
            });
    }

    fn node(&self, name: &str, instance: &str) {
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "spec": {"providerID": format!("aws:///us-west-2a/{instance}")},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }));
    }

    /// The Service, and a binding named `web` whose rules let `sg-be` in.
    pub fn bind(&self, target_type: &str) {
        self.bind_as("web", target_type, 8080);
    }

    pub fn bind_as(&self, name: &str, target_type: &str, port: i32) {
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "demo", "name": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": 8080, "nodePort": 30080, "protocol": "TCP"}]},
        }));
        self.cluster.apply(&json!({
            "apiVersion": "elbv2.k8s.aws/v1beta1", "kind": "TargetGroupBinding",
            "metadata": {"namespace": "demo", "name": name},
            "spec": {
                "targetGroupARN": self.group, "targetType": target_type,
                "serviceRef": {"name": "web", "port": 80},
                "networking": {"ingress": [{
                    "from": [{"securityGroup": {"groupID": "sg-be"}}],
                    "ports": [{"protocol": "TCP", "port": port}],
                }]},
            },
        }));
    }

    /// A gated pod with ready containers.
    pub fn pod(&self, name: &str, node: &str, ip: &str) {
        self.cluster.apply(&json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "demo", "name": name},
            "spec": {"nodeName": node, "containers": [{"name": "web"}], "readinessGates": [{"conditionType": GATE}]},
            "status": {"podIP": ip, "conditions": [{"type": "ContainersReady", "status": "True"}]},
        }));
    }

    /// The slice of the Service, with these pods.
    pub fn slice(&self, pods: &[(&str, &str)]) {
        let endpoints: Vec<Value> = pods
            .iter()
            .map(|(name, ip)| {
                json!({"addresses": [ip], "conditions": {"ready": false},
                       "targetRef": {"kind": "Pod", "namespace": "demo", "name": name}})
            })
            .collect();
        self.cluster.apply(&json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"namespace": "demo", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "ports": [{"name": "", "port": 8080}], "endpoints": endpoints,
        }));
    }

    /// A fresh process over the same account and cluster.
    pub fn restart(&mut self) {
        let kube = self.cluster.client(&self.fuse);
        self.targets = Targets::new(self.settings.clone(), self.aws.clone(), kube, self.clock);
        self.facts = Facts::new(self.aws.clone(), self.clock);
    }

    /// Brings the stores up to date.
    pub fn look(&self) {
        let s = &self.stores;
        s.services.replace(self.list(SERVICES, trim::service));
        s.slices.replace(self.list(SLICES, trim::endpoint_slice));
        s.pods.replace(self.list(PODS, |pod| trim::pod(pod, "")));
        s.nodes.replace(self.list(NODES, trim::node));
        s.bindings.replace(self.list(BINDINGS, trim::binding));
    }

    fn list<K: serde::de::DeserializeOwned, T>(&self, collection: &str, trim: impl Fn(K) -> T) -> Vec<T> {
        self.cluster.list(collection).into_iter().map(trim).collect()
    }

    /// One run of a key.
    pub async fn run(&self, key: &Key) -> Run {
        self.look();
        let context = TargetsContext {
            stores: &self.stores,
            mirror: &self.mirror,
            facts: &self.facts,
        };
        let cx = Cx::new(Lane::Targets, key);
        self.targets.run(&context, key, &cx).await
    }

    /// Runs a key and all it wakes, and bindings again whose objects changed, until nobody is due. Returns
    /// the last run of the first key.
    pub async fn settle(&self, first: &Key) -> Run {
        let mut due = VecDeque::from([first.clone()]);
        let mut last = Run::default();
        for _ in 0..60 {
            let Some(key) = due.pop_front() else { return last };
            let before = self.versions();
            let run = self.run(&key).await;
            due.extend(run.enqueue.iter().cloned());
            if self.versions() != before {
                due.push_back(key.clone());
            }
            let mut seen = BTreeSet::new();
            due.retain(|key| seen.insert(key.clone()));
            if key == *first {
                last = run;
            }
        }
        panic!("the keys never rest: {due:?}");
    }

    fn versions(&self) -> Vec<Value> {
        let mut all = self.cluster.list(BINDINGS);
        all.extend(self.cluster.list::<Value>(PODS));
        all
    }

    /// AWS operations and Kubernetes writes since the last look, in order.
    pub fn seen(&mut self) -> (Vec<String>, Vec<String>) {
        let filter = CallFilter {
            since: self.calls,
            ..CallFilter::default()
        };
        let calls = self.emulator.calls(&filter);
        self.calls = self.emulator.last_call();
        let writes = self.fuse.writes().split_off(self.writes);
        self.writes = self.fuse.writes().len();
        (
            calls.into_iter().map(|call| call.operation).collect(),
            writes.into_iter().filter(|write| write.contains('/')).collect(),
        )
    }

    pub fn object(&self, collection: &str, name: &str) -> Value {
        let objects: Vec<Value> = self.cluster.list(collection);
        objects
            .into_iter()
            .find(|object| object["metadata"]["name"] == name)
            .unwrap_or_default()
    }

    pub fn checkpoint(&self, name: &str) -> String {
        let binding = self.object(BINDINGS, name);
        let value = &binding["metadata"]["annotations"]["elbv2.k8s.aws/checkpoint"];
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Status and reason of a pod's gate.
    pub fn gate(&self, pod: &str) -> (String, String) {
        let pod = self.object(PODS, pod);
        let conditions = pod["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let condition = conditions
            .into_iter()
            .find(|c| c["type"] == GATE)
            .unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&condition["status"]), text(&condition["reason"]))
    }

    /// Registered targets that are not draining.
    pub async fn registered(&self) -> Vec<String> {
        let health = self.aws.target_health(&cx(), &self.group, None).await.unwrap();
        let live = health.iter().filter(|h| !h.state.is_draining());
        let mut names: Vec<_> = live.map(|h| h.target.identity()).collect();
        names.sort();
        names
    }

    /// Rules of a group as ports and description.
    pub async fn rules(&self, group: &str) -> Vec<(i32, i32, String)> {
        let found = self.aws.group_states(&cx(), &[group.to_owned()]).await.unwrap();
        let rules = found.into_iter().flat_map(|group| group.rules);
        rules
            .map(|rule| {
                let p = rule.permission;
                (
                    p.from_port.unwrap_or(-1),
                    p.to_port.unwrap_or(-1),
                    rule.description,
                )
            })
            .collect()
    }
}

pub fn key(name: &str) -> Key {
    Key::Binding {
        namespace: "demo".to_owned(),
        name: name.to_owned(),
    }
}

fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        id: "LoadBalancer".into(),
        arn: None,
        dns_name: None,
        state: None,
        name: "web".to_owned(),
        second_name: None,
        delete_first: false,
        kind: LoadBalancerType::Network,
        scheme: Scheme::Internal,
        ip_address_type: IpAddressType::Ipv4,
        ipv6_source_nat: Setting::Unmanaged,
        subnets: ["subnet-0a", "subnet-0b"].map(mapping).into(),
        security_groups: Vec::new(),
        private_link_inbound: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        capacity_units: Setting::Unmanaged,
        tags: BTreeMap::new(),
        origins: Origins::new(),
    }
}

fn mapping(subnet: &str) -> SubnetMapping {
    SubnetMapping {
        subnet: subnet.to_owned(),
        ..SubnetMapping::default()
    }
}

fn target_group(target_type: TargetType) -> TargetGroup {
    TargetGroup {
        id: "demo/web:80".into(),
        arn: None,
        name: "web".to_owned(),
        second_name: None,
        target_type,
        port: 8080,
        protocol: Protocol::Tcp,
        protocol_version: Setting::Unmanaged,
        control_port: Setting::Unmanaged,
        family: IpFamily::Ipv4,
        health_check: HealthCheck {
            protocol: Protocol::Tcp,
            port: HealthCheckPort::TrafficPort,
            path: Setting::Unmanaged,
            matcher: Setting::Unmanaged,
            interval_seconds: 10,
            timeout_seconds: Setting::Unmanaged,
            healthy_threshold: 3,
            unhealthy_threshold: 3,
        },
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
        load_balancers: Vec::new(),
        origins: Origins::new(),
    }
}

fn listener(balancer: &str, group: &str) -> Listener {
    Listener {
        id: "80".into(),
        arn: None,
        load_balancer: Ref::Known(balancer.to_owned()),
        port: 80,
        protocol: Protocol::Tcp,
        default_actions: vec![Action::Forward(ForwardAction {
            target_groups: vec![WeightedTargetGroup {
                target_group: Ref::Known(group.to_owned()),
                weight: None,
            }],
            stickiness: Setting::Unmanaged,
        })],
        certificates: Vec::new(),
        extra_certificates: Setting::Unmanaged,
        certificate_origins: BTreeMap::new(),
        ssl_policy: Setting::Unmanaged,
        alpn_policy: Setting::Unmanaged,
        attributes: BTreeMap::new(),
        tags: Setting::Unmanaged,
        origins: Origins::new(),
    }
}
