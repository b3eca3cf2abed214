//! Objects for tests, and a world in which a binding runs: what the shell does, without awaiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};

use crate::event::Event;
use crate::settings::Settings;
use crate::targets::checkpoint::CHECKPOINT;
use crate::targets::cleanup::{Release, release};
use crate::targets::conclude::{SyncOutcome, conclude, remember};
use crate::targets::decide::{Ask, BindingDecision, FINALIZER, SyncWork, decide};
use crate::targets::gates::{ConditionPatch, gate, has_gate};
use crate::targets::input::{BindingInput, RulesState, RunFacts};
use crate::targets::listing::{HealthRead, Listing};
use crate::targets::memory::{BindingMemory, Tracked};
use crate::targets::zones::VpcBlocks;
use crate::targets::{Backends, Target, TargetHealth, TargetState};
use crate::view::{
    BindingObject, Endpoint, EndpointSlice, Meta, Node, Pod, PodCondition, Service, ServicePort,
};

pub const BINDING: &str = "k8s-default-web-0123456789";
const ARN: &str = "arn:aws:elasticloadbalancing:us-west-2:111122223333:targetgroup/tg/6a4ecf7bfae473c1";

pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

pub fn meta(name: &str) -> Meta {
    Meta {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        generation: 1,
        created: Some(time(0)),
        ..Meta::default()
    }
}

pub fn condition(status: &str) -> PodCondition {
    PodCondition {
        status: status.to_owned(),
        ..PodCondition::default()
    }
}

/// A pod with ready containers on `node-1`.
pub fn pod(name: &str, ip: &str, gated: bool) -> Pod {
    Pod {
        meta: meta(name),
        node: "node-1".to_owned(),
        ip: ip.to_owned(),
        container_ports: vec![("http".to_owned(), 8080)],
        readiness_gates: if gated { vec![gate(BINDING)] } else { Vec::new() },
        conditions: BTreeMap::from([("ContainersReady".to_owned(), condition("True"))]),
        quic_server_ids: BTreeMap::new(),
    }
}

pub fn node(name: &str, ready: &str) -> Node {
    Node {
        meta: meta(name),
        provider_id: format!("aws:///us-west-2a/i-{name}"),
        ready: ready.to_owned(),
        ..Node::default()
    }
}

/// A LoadBalancer Service with port 80 to 8080, node port 31223.
pub fn service() -> Service {
    Service {
        meta: meta("web"),
        type_: "LoadBalancer".to_owned(),
        ports: vec![ServicePort {
            name: String::new(),
            protocol: "TCP".to_owned(),
            port: 80,
            target_port: IntOrString::Int(8080),
            node_port: 31223,
        }],
        ..Service::default()
    }
}

/// A binding with its finalizer; `more` overrides fields of the spec.
#[allow(clippy::needless_pass_by_value)] // `json!` makes values
pub fn binding(target_type: &str, more: Value) -> BindingObject {
    let mut spec = json!({
        "targetGroupARN": ARN, "targetType": target_type, "serviceRef": {"name": "web", "port": 80},
    });
    spec.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    BindingObject {
        meta: Meta {
            finalizers: BTreeSet::from([FINALIZER.to_owned()]),
            ..meta(BINDING)
        },
        spec: serde_json::from_value(spec).unwrap(),
        status: serde_json::from_value(json!({})).unwrap(),
    }
}

pub fn endpoint(pod: &Pod) -> Endpoint {
    Endpoint {
        address: pod.ip.clone(),
        pod: Some((pod.meta.namespace.clone(), pod.meta.name.clone())),
        ready: Some(is_ready(pod)),
        serving: None,
        terminating: Some(pod.meta.deleting),
    }
}

pub fn is_ready(pod: &Pod) -> bool {
    let is_true = |type_: &String| pod.conditions.get(type_).is_some_and(|c| c.status == "True");
    !pod.meta.deleting && is_true(&"ContainersReady".to_owned()) && pod.readiness_gates.iter().all(is_true)
}

pub fn slice(port: i32, endpoints: Vec<Endpoint>) -> EndpointSlice {
    EndpointSlice {
        meta: meta("web-1"),
        service: "web".to_owned(),
        address_type: "IPv4".to_owned(),
        ports: vec![(String::new(), port)],
        endpoints,
    }
}

pub fn health(id: &str, port: i32, state: TargetState) -> TargetHealth {
    TargetHealth {
        state,
        ..TargetHealth::unknown(Target::new(id, port))
    }
}

/// A cluster with one binding and the AWS account with its target group.
pub struct World {
    pub binding: BindingObject,
    pub service: Option<Service>,
    pub pods: BTreeMap<String, Pod>,
    /// Pods the Service selects; `None` selects all.
    pub selected: Option<BTreeSet<String>>,
    pub nodes: BTreeMap<String, Arc<Node>>,
    pub group: BTreeMap<(String, i32), TargetHealth>,
    pub tracked: Option<BTreeSet<String>>,
    pub memory: BindingMemory,
    pub settings: Settings,
    pub rules: RulesState,
    pub now: Timestamp,
    pub calls: Vec<String>,
    pub events: Vec<Event>,
    /// Registrations fail with this.
    pub refusal: Option<String>,
    pub released: bool,
}

impl World {
    pub fn new(binding: BindingObject) -> Self {
        let settings = Settings::new("test", "us-west-2", "vpc-1");
        Self {
            memory: BindingMemory::new(&binding, time(0), settings.sync_period),
            binding,
            service: Some(service()),
            pods: BTreeMap::new(),
            selected: None,
            nodes: BTreeMap::from([("node-1".to_owned(), Arc::new(node("node-1", "True")))]),
            group: BTreeMap::new(),
            tracked: None,
            settings,
            rules: RulesState::Unmanaged,
            now: time(0),
            calls: Vec::new(),
            events: Vec::new(),
            refusal: None,
            released: false,
        }
    }

    pub fn add_pod(&mut self, pod: Pod) {
        self.pods.insert(pod.meta.name.clone(), pod);
    }

    pub fn add_target(&mut self, id: &str, port: i32, state: TargetState) {
        self.group.insert((id.to_owned(), port), health(id, port, state));
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    pub fn healthy(&self) -> usize {
        self.group.values().filter(|h| h.is_healthy()).count()
    }

    pub fn checkpoint(&self) -> &str {
        self.binding.meta.annotations.get(CHECKPOINT).map_or("", |s| s)
    }

    pub fn gate_of(&self, pod: &str) -> Option<&PodCondition> {
        self.pods[pod].conditions.get(&gate(BINDING))
    }

    pub fn take_calls(&mut self) -> Vec<String> {
        std::mem::take(&mut self.calls)
    }

    /// Another process takes over.
    pub fn restart(&mut self) {
        self.memory = BindingMemory::new(&self.binding, self.now, self.settings.sync_period);
    }

    pub fn backends(&self) -> Backends {
        let selected = |pod: &&Pod| self.selected.as_ref().is_none_or(|s| s.contains(&pod.meta.name));
        let endpoints = self.pods.values().filter(selected).map(endpoint).collect();
        let pods = self.pods.values().map(|pod| {
            (
                (pod.meta.namespace.clone(), pod.meta.name.clone()),
                Arc::new(pod.clone()),
            )
        });
        Backends {
            slices: vec![Arc::new(slice(8080, endpoints))],
            pods: pods.collect(),
            nodes: self.nodes.clone(),
        }
    }

    /// One run of the binding's key. Returns when it wants to run again.
    pub fn run(&mut self) -> Option<Timestamp> {
        let backends = self.backends();
        let mut facts = RunFacts::default();
        for _ in 0..10 {
            facts.rules = self.rules.clone();
            let gated = self.gated_pods();
            let decision = decide(&self.input(&backends, &gated, &facts));
            match decision {
                BindingDecision::Ask(asks) => {
                    for ask in asks {
                        self.answer(ask, &mut facts);
                    }
                }
                BindingDecision::Rest { endpoints, wake_at } => {
                    self.memory.remember(&endpoints);
                    return wake_at;
                }
                BindingDecision::Wait { wake_at, .. } => return Some(wake_at),
                BindingDecision::Sync(work) => return self.sync(&backends, &facts, &work),
                BindingDecision::Cleanup(work) => return self.cleanup(&work),
                other => panic!("{other:?}"),
            }
        }
        panic!("the run does not end");
    }

    pub fn decide_once(&self, facts: &RunFacts) -> BindingDecision {
        decide(&self.input(&self.backends(), &self.gated_pods(), facts))
    }

    fn gated_pods(&self) -> Vec<Arc<Pod>> {
        let pods = self.pods.values().filter(|pod| has_gate(pod, &gate(BINDING)));
        pods.cloned().map(Arc::new).collect()
    }

    fn input<'a>(
        &'a self,
        backends: &'a Backends,
        gated_pods: &'a [Arc<Pod>],
        facts: &'a RunFacts,
    ) -> BindingInput<'a> {
        BindingInput {
            binding: &self.binding,
            service: self.service.as_ref(),
            backends,
            gated_pods,
            settings: &self.settings,
            memory: &self.memory,
            facts,
            now: self.now,
        }
    }

    fn answer(&mut self, ask: Ask, facts: &mut RunFacts) {
        match ask {
            Ask::Health(HealthRead::All) => {
                self.calls.push("describe all".to_owned());
                let targets = self.group.values().cloned().collect();
                self.memory.listing = Some(Listing::full(targets, self.now));
                facts.listed = true;
            }
            Ask::Health(HealthRead::These(these)) => {
                let names: Vec<_> = these.iter().map(Target::identity).collect();
                self.calls.push(format!("describe {}", names.join(" ")));
                let found = these.iter().map(|t| {
                    let key = (t.id.clone(), t.port);
                    self.group.get(&key).cloned().unwrap_or_else(|| TargetHealth {
                        reason: "Target.NotRegistered".to_owned(),
                        ..health(&t.id, t.port, TargetState::Unused)
                    })
                });
                let found = found.collect();
                self.memory.listing.as_mut().unwrap().refresh(found, self.now);
                facts.listed = true;
            }
            Ask::Tracked => {
                self.memory.tracked = Some(self.tracked.clone().map_or(Tracked::Missing, Tracked::Set));
            }
            Ask::Vpc(_) => {
                facts.vpc = Some(VpcBlocks::Blocks(vec!["10.0.0.0/16".parse().unwrap()]));
            }
            Ask::Contribution => facts.contribution = Some(Ok(())),
        }
    }

    fn sync(&mut self, backends: &Backends, facts: &RunFacts, work: &SyncWork) -> Option<Timestamp> {
        if work.reset_checkpoint {
            self.annotate("");
        }
        if let Some(set) = &work.track_before {
            self.track(set);
        }
        let mut outcome = SyncOutcome::default();
        if !work.targets.is_empty() {
            self.register(&work.targets, &mut outcome);
        }
        if !work.deregister.is_empty() {
            self.deregister(&work.deregister);
        }
        if let Some(set) = &work.track_after {
            self.track(set);
        }
        let gated = self.gated_pods();
        let conclusion = conclude(&self.input(backends, &gated, facts), work, &outcome);
        remember(&mut self.memory, self.now, &facts.rules, work, &outcome);
        for patch in &conclusion.conditions {
            self.patch(patch);
        }
        if let Some(verify_at) = conclusion.verified {
            self.memory.verify_at = verify_at;
        }
        if let Some(generation) = conclusion.observed_generation {
            self.binding.status.observed_generation = Some(generation);
        }
        if let Some(checkpoint) = &conclusion.checkpoint {
            self.annotate(checkpoint);
        }
        self.events.extend(conclusion.events);
        conclusion.wake_at
    }

    fn cleanup(&mut self, work: &crate::targets::cleanup::CleanupWork) -> Option<Timestamp> {
        if !work.deregister.is_empty() {
            self.deregister(&work.deregister);
        }
        if work.drop_tracked {
            self.tracked = None;
        }
        for patch in &work.conditions {
            self.patch(patch);
        }
        if let Some(message) = &work.missing_backend {
            self.memory.cleaned_for = Some(message.clone());
            self.annotate("");
            return Some(self.memory.verify_at);
        }
        self.memory.emptied_at = self.memory.emptied_at.or(Some(self.now));
        match release(&self.memory, &self.rules, self.now) {
            Release::Now => {
                self.released = true;
                None
            }
            Release::At(at) => Some(at),
        }
    }

    fn register(&mut self, targets: &[Target], outcome: &mut SyncOutcome) {
        let names: Vec<_> = targets.iter().map(Target::identity).collect();
        self.calls.push(format!("register {}", names.join(" ")));
        if let Some(message) = &self.refusal {
            outcome.failures.push(message.clone());
            return;
        }
        for target in targets {
            let initial = TargetHealth {
                state: TargetState::Initial,
                reason: "Elb.InitialHealthChecking".to_owned(),
                ..TargetHealth::unknown(target.clone())
            };
            self.group.insert((target.id.clone(), target.port), initial);
        }
        outcome.registered.extend(names);
        self.memory.listing.as_mut().unwrap().registered(targets);
    }

    fn deregister(&mut self, targets: &[Target]) {
        let names: Vec<_> = targets.iter().map(Target::identity).collect();
        self.calls.push(format!("deregister {}", names.join(" ")));
        for target in targets {
            if let Some(h) = self.group.get_mut(&(target.id.clone(), target.port)) {
                h.state = TargetState::Draining;
            }
        }
        self.memory.listing.as_mut().unwrap().deregistered(targets);
    }

    fn track(&mut self, set: &BTreeSet<String>) {
        let names: Vec<_> = set.iter().cloned().collect();
        self.calls.push(format!("track {}", names.join(" ")));
        self.tracked = Some(set.clone());
        self.memory.tracked = Some(Tracked::Set(set.clone()));
    }

    fn annotate(&mut self, checkpoint: &str) {
        let annotations = &mut self.binding.meta.annotations;
        annotations.insert(CHECKPOINT.to_owned(), checkpoint.to_owned());
    }

    fn patch(&mut self, patch: &ConditionPatch) {
        let Some(pod) = self.pods.get_mut(&patch.pod.name) else {
            return;
        };
        let condition = PodCondition {
            status: patch.value.status.to_owned(),
            reason: patch.value.reason.clone(),
            message: patch.value.message.clone(),
            since: Some(patch.since),
        };
        pod.conditions.insert(patch.type_.clone(), condition);
    }
}
