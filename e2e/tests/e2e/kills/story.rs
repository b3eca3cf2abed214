//! What a user does to `examples/`, step by step, in the namespace of a rig.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use elbow_core::key::StackKey;
use elbow_e2e::sight::Sight;
use elbow_e2e::{apply, gates, wait};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use kube::api::PostParams;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use crate::examples::{GROUP, examples};
use crate::kills::goal::Goal;
use crate::rig::{Rig, SETTLED_WITHIN};

/// Steps, the last of which deletes everything, and what they are about.
pub struct Story {
    pub steps: Vec<Step>,
    /// The stacks that it makes.
    pub stacks: Vec<StackKey>,
}

pub struct Step {
    pub name: &'static str,
    act: Act,
    /// Pods by `app` once it is done.
    pods: BTreeMap<String, usize>,
}

enum Act {
    Apply(Vec<DynamicObject>),
    /// Deployments whose pods get the readiness gates of the bindings that there are.
    Deploy(Vec<DynamicObject>),
    Delete(Vec<DynamicObject>),
}

impl Story {
    /// The Services of the demo, as `make demo` treats them: they come first and their pods, with gates, when
    /// the bindings are there; more pods, fewer pods, deletion. Besides, a Service is edited.
    pub fn services(namespace: &str) -> Result<Self> {
        let objects = examples(namespace, |file| !file.starts_with("ingress"))?;
        let (deployments, services) = parted(&objects, "Deployment");
        let mut edited = named(&services, "Service", "ip")?;
        edit_service(&mut edited)?;
        let pods = replicas(&deployments);
        let scaled = |replicas: usize| -> Result<Step> {
            let mut pods = pods.clone();
            pods.insert("ip".to_owned(), replicas);
            let act = Act::Apply(vec![scaled(&named(&deployments, "Deployment", "ip")?, replicas)?]);
            Ok(Step::new("scale", act, pods))
        };
        let (up, down) = (scaled(6)?, scaled(2)?);
        Ok(Self {
            stacks: stacks(&services),
            steps: vec![
                Step::new("create", Act::Apply(services), BTreeMap::new()),
                Step::new("edit", Act::Apply(vec![edited]), BTreeMap::new()),
                Step::new("deploy", Act::Deploy(deployments), pods.clone()),
                up,
                down,
                Step::new("delete", Act::Delete(objects), BTreeMap::new()),
            ],
        })
    }

    /// The Ingresses of the demo, alone and in a group, with their pods: created, a path added in the middle of
    /// the group, deleted.
    pub fn ingresses(namespace: &str) -> Result<Self> {
        let objects = examples(namespace, |file| file.starts_with("ingress"))?;
        let mut edited = named(&objects, "Ingress", "orders")?;
        add_path(&mut edited)?;
        let mut story = Self::created_and_deleted(objects);
        let pods = story.steps[0].pods.clone();
        story
            .steps
            .insert(1, Step::new("add a path", Act::Apply(vec![edited]), pods));
        Ok(story)
    }

    /// One Service and one Ingress with two hosts, both in IP mode: created, deleted.
    pub fn one_of_each(namespace: &str) -> Result<Self> {
        let files = ["ip.yaml", "ingress-class.yaml", "ingress-ip.yaml"];
        Ok(Self::created_and_deleted(examples(namespace, |file| {
            files.contains(&file)
        })?))
    }

    fn created_and_deleted(objects: Vec<DynamicObject>) -> Self {
        let (deployments, _) = parted(&objects, "Deployment");
        // The class is not of this namespace alone.
        let own = objects.iter().filter(|one| one.namespace().is_some());
        let deleted = Act::Delete(own.cloned().collect());
        Self {
            stacks: stacks(&objects),
            steps: vec![
                Step::new("create", Act::Apply(objects), replicas(&deployments)),
                Step::new("delete", deleted, BTreeMap::new()),
            ],
        }
    }

    /// Goes through it without a kill, then ends the controller: what is there after each step.
    pub async fn calm(&self, rig: &mut Rig) -> Result<Vec<Goal>> {
        let mut goals = Vec::new();
        for step in &self.steps {
            step.act(rig).await?;
            if let Act::Delete(_) = step.act {
                Goal::Gone.reached(rig, &self.stacks).await?;
                goals.push(Goal::Gone);
                continue;
            }
            wait::until(step.name, SETTLED_WITHIN, async || {
                let sight = rig.look().await?.with_scripted_health();
                match step.missing(&sight, self.stacks.len()) {
                    Some(missing) => anyhow::bail!(missing),
                    None => Ok(Some(())),
                }
            })
            .await?;
            rig.quiet().await?;
            goals.push(Goal::holds(rig).await?);
        }
        let changed = goals.windows(2).all(|pair| pair[0] != pair[1]);
        ensure!(changed, "a step changed nothing");
        rig.controller.process().kill()?;
        Ok(goals)
    }
}

impl Step {
    fn new(name: &'static str, act: Act, pods: BTreeMap<String, usize>) -> Self {
        Self { name, act, pods }
    }

    pub async fn act(&self, rig: &Rig) -> Result<()> {
        let client = rig.shared.client();
        match &self.act {
            Act::Apply(objects) => apply::apply(&client, objects).await,
            Act::Delete(objects) => apply::delete(&client, objects).await,
            Act::Deploy(deployments) => {
                for deployment in deployments {
                    let mut typed: Deployment = serde_json::from_value(serde_json::to_value(deployment)?)?;
                    gates::inject(&client, &mut typed).await?;
                    let api = rig.shared.api(&rig.namespace);
                    api.create(&PostParams::default(), &typed).await?;
                }
                Ok(())
            }
        }
    }

    /// What is not there yet once it was done, in a world without kills.
    fn missing(&self, sight: &Sight, stacks: usize) -> Option<String> {
        let pods = self.pods.iter();
        let mut missing = pods.filter(|(app, count)| sight.count(app) != (**count, **count));
        if let Some((app, count)) = missing.next() {
            return Some(format!("{count} ready pods of {app}"));
        }
        let load_balancers = &sight.account.elb.load_balancers;
        if load_balancers.len() != stacks || load_balancers.values().any(|one| !one.active) {
            return Some(format!("{stacks} active load balancers"));
        }
        sight.missing()
    }
}

/// The account is as it was at the start.
pub async fn reset(rig: &Rig) -> Result<()> {
    rig.emulator.reset().await?;
    script_health(rig).await
}

/// Every target is healthy, so that nothing has to be waited for.
pub async fn script_health(rig: &Rig) -> Result<()> {
    let healthy = json!({ "target_group": "*", "target": "*", "state": "healthy" });
    rig.emulator.post("health", &healthy).await?;
    Ok(())
}

fn parted(objects: &[DynamicObject], kind: &str) -> (Vec<DynamicObject>, Vec<DynamicObject>) {
    let objects = objects.iter().cloned();
    objects.partition(|object| apply::kind(object) == kind)
}

fn named(objects: &[DynamicObject], kind: &str, name: &str) -> Result<DynamicObject> {
    let mut found = objects.iter().filter(|one| apply::kind(one) == kind);
    let found = found.find(|one| one.name_any() == name).cloned();
    found.with_context(|| format!("the examples have no {kind} {name}"))
}

fn replicas(deployments: &[DynamicObject]) -> BTreeMap<String, usize> {
    let count = |one: &DynamicObject| one.data["spec"]["replicas"].as_u64().unwrap_or(1);
    let pods = deployments.iter().map(|one| (one.name_any(), count(one)));
    pods.filter_map(|(name, count)| Some((name, count.try_into().ok()?)))
        .collect()
}

fn stacks(objects: &[DynamicObject]) -> Vec<StackKey> {
    let key = |one: &DynamicObject| {
        let (namespace, name) = (one.namespace()?, one.name_any());
        match apply::kind(one) {
            "Service" if one.data["spec"]["type"] == "LoadBalancer" => {
                Some(StackKey::service(&namespace, &name))
            }
            "Ingress" => Some(match one.annotations().get(GROUP) {
                Some(group) => StackKey::ingress_group(group),
                None => StackKey::ingress(&namespace, &name),
            }),
            _ => None,
        }
    };
    let mut keys: Vec<StackKey> = objects.iter().filter_map(key).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Only the number of pods; everything else belongs to who created it.
fn scaled(deployment: &DynamicObject, replicas: usize) -> Result<DynamicObject> {
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": deployment.namespace(), "name": deployment.name_any() },
        "spec": { "replicas": replicas },
    });
    Ok(serde_json::from_value(object)?)
}

/// One more port, an attribute of the load balancer, another health check.
fn edit_service(service: &mut DynamicObject) -> Result<()> {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer";
    let annotations = service.annotations_mut();
    let attribute = "load_balancing.cross_zone.enabled=true".to_owned();
    annotations.insert(format!("{prefix}-attributes"), attribute);
    annotations.insert(format!("{prefix}-healthcheck-interval"), "10".to_owned());
    let ports = service.data.pointer_mut("/spec/ports");
    let ports = ports.and_then(Value::as_array_mut).context("it has ports")?;
    ports.push(json!({ "name": "two", "port": 8080, "targetPort": "http" }));
    Ok(())
}

fn add_path(ingress: &mut DynamicObject) -> Result<()> {
    let paths = ingress.data.pointer_mut("/spec/rules/0/http/paths");
    let paths = paths.and_then(Value::as_array_mut).context("it has paths")?;
    let mut added = paths.first().cloned().context("it has a path")?;
    added["path"] = json!("/invoices");
    paths.push(added);
    Ok(())
}
