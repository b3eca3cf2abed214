//! The steps of the demo, each with what must be seen after it.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::core::DynamicObject;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::Instant;

use super::parts::Parts;
use crate::account::Account;
use crate::sight::Sight;
use crate::{apply, gates, wait};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
/// The namespaces of the examples.
const NAMESPACES: [&str; 2] = [NAMESPACE, "demo-other"];
const NAMESPACE: &str = "demo";
/// The Deployment that is scaled and rolled; its pods carry readiness gates.
const MOVING: &str = "ip";
/// At the default speed nothing takes more than half a minute; the rest is for a busy machine.
const SEEN_WITHIN: Duration = Duration::from_mins(3);

/// The demo over its running parts.
pub struct Story<'a> {
    parts: &'a Parts,
    client: Client,
}

impl<'a> Story<'a> {
    /// Nothing happens yet.
    pub fn new(parts: &'a Parts) -> Self {
        Self {
            parts,
            client: parts.control_plane.administrator(),
        }
    }

    /// Applies `examples/`: first the namespaces, then Services and Ingresses, and, once their bindings exist and
    /// with them the names of the readiness gates, the Deployments.
    pub async fn create(&self) -> Result<()> {
        title("kubectl apply -f examples/");
        let (namespaces, objects) = parted(apply::read_folder(Path::new(EXAMPLES))?, "Namespace");
        let (deployments, others) = parted(objects, "Deployment");
        let began = Instant::now();
        apply::apply(&self.client, &namespaces).await?;
        apply::apply(&self.client, &others).await?;
        for namespace in NAMESPACES {
            let services = count(&others, "Service", Some(namespace));
            gates::bindings(&self.client, namespace, services, SEEN_WITHIN).await?;
        }
        for deployment in deployments {
            let gated = self.with_gates(deployment).await?;
            Api::<Deployment>::namespaced(self.client.clone(), &gated.namespace().unwrap_or_default())
                .create(&PostParams::default(), &gated)
                .await
                .context("cannot create a Deployment")?;
        }
        let sight = self.settled().await?;
        println!("{}\n{}", sight.services_table(), sight.ingresses_table());
        println!("{}\n{}", sight.pods_table(), sight.tree());
        println!(
            "{} load balancers for {} Services of type LoadBalancer and {} Ingresses, all rules and targets as they \
             ought to be, {:.1} s",
            sight.account.elb.load_balancers.len(),
            sight.load_balancers().count(),
            count(&others, "Ingress", None),
            began.elapsed().as_secs_f32()
        );
        Ok(())
    }

    /// Three more pods, three more targets.
    pub async fn scale_up(&self) -> Result<()> {
        self.scale(6).await
    }

    /// Four pods less, and their targets drain.
    pub async fn scale_down(&self) -> Result<()> {
        self.scale(2).await
    }

    /// Every pod is replaced by a new one, one at a time.
    pub async fn roll(&self) -> Result<()> {
        title(&format!(
            "kubectl -n {NAMESPACE} rollout restart deployment/{MOVING}"
        ));
        let before = self.look().await?;
        let old = before.uids(MOVING);
        let began = Instant::now();
        let restarted = json!({ "spec": { "template": { "metadata": { "annotations": {
            "elbow.dev/restarted": jiff::Timestamp::now().to_string(),
        } } } } });
        self.patch_moving(restarted).await?;
        wait::until("all pods to be new ones", SEEN_WITHIN, async || {
            let sight = self.look().await?;
            let (all, ready) = sight.count(MOVING);
            let replaced = sight.uids(MOVING).is_disjoint(&old) && all == old.len() && ready == all;
            Ok(replaced.then_some(()))
        })
        .await?;
        let sight = self.settled().await?;
        Self::show_moving(&sight)?;
        println!(
            "{} pods replaced, targets follow, {:.1} s",
            old.len(),
            began.elapsed().as_secs_f32()
        );
        Ok(())
    }

    /// Deletes everything; AWS must be as empty as it was at the start.
    pub async fn delete(&self) -> Result<()> {
        title("kubectl delete -f examples/");
        let began = Instant::now();
        apply::delete(&self.client, &apply::read_folder(Path::new(EXAMPLES))?).await?;
        let account = wait::until(
            "an empty AWS account, no Service and no Ingress left",
            SEEN_WITHIN,
            async || {
                for namespace in NAMESPACES {
                    none_left::<Service>(&self.client, namespace).await?;
                    none_left::<Ingress>(&self.client, namespace).await?;
                }
                let account = Account::read(self.parts.emulator.state().await?)?;
                if let Some(rest) = account.rest() {
                    bail!("there is still {rest}");
                }
                Ok(Some(account))
            },
        )
        .await?;
        let (elb, groups) = (&account.elb, &account.ec2.security_groups);
        println!(
            "AWS: {} load balancers, {} listeners, {} target groups, {} security groups (those of the seed), {:.1} s",
            elb.load_balancers.len(),
            elb.listeners.len(),
            elb.target_groups.len(),
            groups.len(),
            began.elapsed().as_secs_f32()
        );
        Ok(())
    }

    async fn scale(&self, replicas: usize) -> Result<()> {
        title(&format!(
            "kubectl -n {NAMESPACE} scale deployment/{MOVING} --replicas={replicas}"
        ));
        let began = Instant::now();
        self.patch_moving(json!({ "spec": { "replicas": replicas } }))
            .await?;
        wait::until(&format!("{replicas} ready pods"), SEEN_WITHIN, async || {
            let sight = self.look().await?;
            Ok((sight.count(MOVING) == (replicas, replicas)).then_some(()))
        })
        .await?;
        let sight = self.settled().await?;
        Self::show_moving(&sight)?;
        println!(
            "{replicas} pods, {replicas} healthy targets, {:.1} s",
            began.elapsed().as_secs_f32()
        );
        Ok(())
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    async fn patch_moving(&self, patch: serde_json::Value) -> Result<()> {
        let patch = Patch::Merge(patch);
        self.deployments()
            .patch(MOVING, &PatchParams::default(), &patch)
            .await
            .context("cannot change the Deployment")?;
        Ok(())
    }

    async fn with_gates(&self, deployment: DynamicObject) -> Result<Deployment> {
        let value = serde_json::to_value(&deployment).context("a Deployment is JSON")?;
        let mut typed: Deployment = serde_json::from_value(value).context("not a Deployment")?;
        gates::inject(&self.client, &mut typed).await?;
        Ok(typed)
    }

    /// Waits until every Service and every Ingress has the rules and targets it ought to have.
    async fn settled(&self) -> Result<Sight> {
        wait::until("targets to follow their pods", SEEN_WITHIN, async || {
            let sight = self.look().await?;
            match sight.missing() {
                Some(missing) => bail!(missing),
                None => Ok(Some(sight)),
            }
        })
        .await
    }

    async fn look(&self) -> Result<Sight> {
        Sight::take_all(
            self.client.clone(),
            &self.parts.world,
            &self.parts.emulator,
            &NAMESPACES,
        )
        .await
    }

    fn show_moving(sight: &Sight) -> Result<()> {
        let mut account = sight.account.clone();
        let found = account
            .load_balancer_of(NAMESPACE, MOVING)
            .map(|(arn, _)| arn.clone());
        let arn = found.context("the load balancer is gone")?;
        account.elb.load_balancers.retain(|one, _| *one == arn);
        println!("{}", account.tree());
        Ok(())
    }
}

/// Objects of one kind, and the others.
fn parted(objects: Vec<DynamicObject>, kind: &str) -> (Vec<DynamicObject>, Vec<DynamicObject>) {
    objects
        .into_iter()
        .partition(|object| apply::kind(object) == kind)
}

fn count(objects: &[DynamicObject], kind: &str, namespace: Option<&str>) -> usize {
    let is_there = |object: &DynamicObject| {
        namespace.is_none_or(|namespace| object.namespace().as_deref() == Some(namespace))
    };
    objects
        .iter()
        .filter(|object| apply::kind(object) == kind && is_there(object))
        .count()
}

/// Fails as long as there is an object of the kind: a finalizer holds it.
async fn none_left<K>(client: &Client, namespace: &str) -> Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let left = api.list(&ListParams::default()).await?.items;
    if let Some(one) = left.first() {
        bail!(
            "there is still the {} {namespace}/{}",
            K::kind(&()),
            one.name_any()
        );
    }
    Ok(())
}

fn title(text: &str) {
    println!("\n=== {text}\n");
}
