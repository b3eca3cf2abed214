//! Scheduler and kubelets: every pod has a task that brings it from its creation to its end.
//!
//! In: pods as the API shows them. Out: bindings, addresses, open ports, statuses, and the final deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::watcher::Event;
use kube::{Api, ResourceExt};
use serde_json::json;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::addresses::Lease;
use super::pod::{self, Place};
use super::server::PodServer;
use super::stage::Stage;
use super::watch;

/// After a failed write (a conflict, an API that is busy) the next try.
const RETRY: Duration = Duration::from_millis(500);
/// Without a deadline a task only waits for news of its pod.
const FAR: Duration = Duration::from_hours(1);

/// Runs all pods of the cluster, for ever.
pub async fn run(stage: Arc<Stage>) {
    let mut events = watch::follow::<Pod>(Api::all(stage.client.clone()));
    let mut news: BTreeMap<String, Sender<Pod>> = BTreeMap::new();
    let mut listed = BTreeSet::new();
    let mut tasks = JoinSet::new();
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            Some(_) = tasks.join_next() => continue,
        };
        match event {
            None => return,
            Some(Event::Init) => listed.clear(),
            Some(Event::InitDone) => news.retain(|uid, _| listed.contains(uid)),
            Some(Event::Delete(pod)) => {
                news.remove(&uid(&pod));
            }
            Some(Event::Apply(pod) | Event::InitApply(pod)) => {
                listed.insert(uid(&pod));
                if let Some(sender) = news.get(&uid(&pod)) {
                    drop(sender.send(pod));
                    continue;
                }
                let (sender, receiver) = channel(pod.clone());
                news.insert(uid(&pod), sender);
                tasks.spawn(PodTask::new(Arc::clone(&stage), &pod, receiver).run());
            }
        }
    }
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

/// One pod. Dropping it closes the pod's ports and frees its address.
struct PodTask {
    stage: Arc<Stage>,
    api: Api<Pod>,
    name: String,
    news: Receiver<Pod>,
    // Before the lease, so that the ports are closed when the address becomes free.
    server: Option<PodServer>,
    lease: Option<Lease>,
    /// Grace period and the moment it ends, once the pod is terminating.
    ending: Option<(i64, Instant)>,
}

impl PodTask {
    fn new(stage: Arc<Stage>, pod: &Pod, news: Receiver<Pod>) -> Self {
        let api = Api::namespaced(stage.client.clone(), &pod.namespace().unwrap_or_default());
        Self {
            stage,
            api,
            name: pod.name_any(),
            news,
            server: None,
            lease: None,
            ending: None,
        }
    }

    /// Until the pod is gone from the API.
    async fn run(mut self) {
        loop {
            let pod = self.news.borrow_and_update().clone();
            let wake = match self.step(&pod).await {
                Ok(wake) => wake,
                Err(error) => {
                    tracing::debug!(pod = self.name, error = format!("{error:#}"), "tries again");
                    Some(Instant::now() + RETRY)
                }
            };
            let wake = wake.unwrap_or_else(|| Instant::now() + FAR);
            tokio::select! {
                changed = self.news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Does what the pod needs next; answers when to look again even without news.
    async fn step(&mut self, pod: &Pod) -> Result<Option<Instant>> {
        if pod::is_finished(pod) {
            self.server = None;
            return Ok(None);
        }
        let Some(node) = pod::node(pod) else {
            return self.bind(pod).await;
        };
        let Some(host) = self.stage.machines.get(node).map(|machine| machine.address) else {
            return Ok(None);
        };
        if pod::is_terminating(pod)
            && let Some(wake) = self.end(pod).await?
        {
            return Ok(wake.into());
        }
        if self.lease.is_none() {
            self.lease = self.address_on(node, pod);
        }
        let Some(lease) = &self.lease else {
            return Ok(Some(Instant::now() + RETRY));
        };
        let place = Place {
            pod: lease.address(),
            host,
        };
        self.serve(pod, place).await?;
        if let Some(patch) = pod::status_patch(pod, place, Timestamp::now()) {
            let patch = Patch::Strategic(patch);
            self.api
                .patch_status(&self.name, &PatchParams::default(), &patch)
                .await
                .context("status")?;
        }
        Ok(self.ending.map(|(_, moment)| moment))
    }

    async fn bind(&mut self, pod: &Pod) -> Result<Option<Instant>> {
        let gated = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.scheduling_gates.as_ref())
            .is_some_and(|all| !all.is_empty());
        if pod::is_terminating(pod) || gated {
            return Ok(None);
        }
        let Some((node, lease)) = self.stage.schedule(pod) else {
            return Ok(Some(Instant::now() + RETRY));
        };
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": { "name": self.name, "uid": pod.metadata.uid },
            "target": { "apiVersion": "v1", "kind": "Node", "name": node },
        });
        let answer: Result<kube::core::Status, _> = self
            .api
            .create_subresource("binding", &self.name, &PostParams::default(), &binding)
            .await;
        answer.context("binding")?;
        self.lease = Some(lease);
        Ok(None)
    }

    /// The address the pod has already (the harness was started anew), or the next free one.
    fn address_on(&self, node: &str, pod: &Pod) -> Option<Lease> {
        let had = pod
            .status
            .as_ref()
            .and_then(|status| status.pod_ip.as_deref())
            .and_then(|ip| ip.parse().ok());
        match had {
            Some(address) => self.stage.addresses.lease_exactly(node, address),
            None => self.stage.addresses.lease(node),
        }
    }

    async fn serve(&mut self, pod: &Pod, place: Place) -> Result<()> {
        if !pod::serves(pod) {
            self.server = None;
        } else if self.server.is_none()
            && let Some(address) = self.stage.map(place.pod)
        {
            self.server = Some(PodServer::open(pod, address).await?);
        }
        Ok(())
    }

    /// A terminating pod serves until its grace period is over, then it is deleted for good. Answers
    /// `Some` when that is done.
    async fn end(&mut self, pod: &Pod) -> Result<Option<Instant>> {
        let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        let moment = match self.ending {
            Some((same, moment)) if same == grace => moment,
            _ => Instant::now() + Duration::from_secs(u64::try_from(grace).unwrap_or(0)),
        };
        self.ending = Some((grace, moment));
        if Instant::now() < moment {
            return Ok(None);
        }
        self.server = None;
        let only_this = Preconditions {
            uid: pod.metadata.uid.clone(),
            ..Preconditions::default()
        };
        let params = DeleteParams::default().grace_period(0).preconditions(only_this);
        match self.api.delete(&self.name, &params).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => return Err(error).context("deletion"),
        }
        Ok(Some(Instant::now() + FAR))
    }
}
