//! Writes to Kubernetes on behalf of bindings: pod conditions, checkpoints, status, finalizers.
//!
//! In: what to write. Out: the object as it is now, or a [`WriteError`]. All writes share one budget, so that
//! hundreds of gates that open at once do not crowd out everything else at the API server.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use elbow_core::targets::checkpoint::{CHECKPOINT, CHECKPOINT_TIMESTAMP};
use elbow_core::targets::decide::FINALIZER;
use elbow_core::targets::gates::ConditionPatch;
use elbow_core::view::BindingObject;
use elbow_crds::target_group_binding::TargetGroupBinding;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::gate_times::GateTimes;
use super::lock;
use crate::apply::FIELD_MANAGER;
use crate::cluster::trim;

/// Writes per second, and writes at once. A rollout of a hundred gated pods takes five seconds of it.
const RATE: f64 = 20.0;
const BURST: f64 = 50.0;
/// Conflicts in a row before a finalizer is left to the next run (client-go tries four times).
const CONFLICTS: u32 = 5;

/// A write that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    /// The object is gone or another one of that name.
    #[error("the object is gone")]
    Gone,
    /// Somebody else wrote at the same time, again and again.
    #[error("others change the object all the time")]
    Conflict,
    /// Kubernetes refused or could not be reached.
    #[error("{0}")]
    Refused(String),
}

impl From<kube::Error> for WriteError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.code == 404 => Self::Gone,
            kube::Error::Api(status) if status.code == 409 => Self::Conflict,
            kube::Error::Api(status) => Self::Refused(format!("Kubernetes: {}", status.message)),
            other => Self::Refused(format!("Kubernetes: {other}")),
        }
    }
}

/// The budget.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Tokens left and when they were counted; below zero for those that wait already.
    tokens: Mutex<Option<(f64, Instant)>>,
    /// What gates it opened.
    pub gate_times: GateTimes,
}

impl Writes {
    async fn take(&self) {
        let wait = {
            let mut state = lock(&self.tokens);
            let now = Instant::now();
            let (tokens, counted) = state.unwrap_or((BURST, now));
            let tokens = (tokens + RATE * (now - counted).as_secs_f64()).min(BURST) - 1.0;
            *state = Some((tokens, now));
            if tokens < 0.0 {
                Duration::from_secs_f64(-tokens / RATE)
            } else {
                Duration::ZERO
            }
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Patches one condition of a pod. A pod that is gone, or replaced by another of its name, is no error.
    pub async fn condition(&self, kube: &kube::Client, patch: &ConditionPatch) -> Result<(), WriteError> {
        self.take().await;
        let api: Api<Pod> = Api::namespaced(kube.clone(), &patch.pod.namespace);
        let patched = api
            .patch_status(&patch.pod.name, &parameters(), &Patch::Strategic(patch.body()))
            .await;
        match patched.map_err(WriteError::from) {
            Ok(_) => {
                self.gate_times.written(patch);
                if let Some(seconds) = patch.opened_after {
                    let pod = format!("{}/{}", patch.pod.namespace, patch.pod.name);
                    tracing::info!(pod, seconds, "readiness gate opened");
                }
                Ok(())
            }
            Err(WriteError::Gone | WriteError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the checkpoint and its time.
    pub async fn checkpoint(
        &self,
        kube: &kube::Client,
        binding: &BindingObject,
        checkpoint: &str,
        now: Timestamp,
    ) -> Result<BindingObject, WriteError> {
        let body = json!({ "metadata": {
            "uid": binding.meta.uid,
            "annotations": {
                CHECKPOINT: checkpoint,
                CHECKPOINT_TIMESTAMP: now.as_second().to_string(),
            },
        }});
        self.take().await;
        let api = bindings(kube, binding);
        let patched = api
            .patch(&binding.meta.name, &parameters(), &Patch::Merge(body))
            .await?;
        Ok(trim::binding(patched))
    }

    /// Merges fields into the status.
    pub async fn status(
        &self,
        kube: &kube::Client,
        binding: &BindingObject,
        status: Value,
    ) -> Result<BindingObject, WriteError> {
        let body = json!({ "metadata": { "uid": binding.meta.uid }, "status": status });
        self.take().await;
        let api = bindings(kube, binding);
        let patched = api
            .patch_status(&binding.meta.name, &parameters(), &Patch::Merge(body))
            .await?;
        Ok(trim::binding(patched))
    }

    /// Adds our finalizer. A binding that is being deleted gets none.
    pub async fn add_finalizer(
        &self,
        kube: &kube::Client,
        binding: &BindingObject,
    ) -> Result<BindingObject, WriteError> {
        self.change_finalizers(kube, binding, |object, finalizers| {
            !object.meta.deleting && finalizers.insert(FINALIZER.to_owned())
        })
        .await
    }

    /// Takes our finalizer away; done as well if the binding is gone.
    pub async fn remove_finalizer(
        &self,
        kube: &kube::Client,
        binding: &BindingObject,
    ) -> Result<(), WriteError> {
        let changed = self
            .change_finalizers(kube, binding, |_, finalizers| finalizers.remove(FINALIZER))
            .await;
        match changed {
            Ok(_) | Err(WriteError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Changes finalizers under an optimistic lock, first on the object as known, after a conflict on the
    /// object as it is.
    async fn change_finalizers(
        &self,
        kube: &kube::Client,
        binding: &BindingObject,
        change: impl Fn(&BindingObject, &mut BTreeSet<String>) -> bool,
    ) -> Result<BindingObject, WriteError> {
        let api = bindings(kube, binding);
        let mut current = binding.clone();
        for attempt in 0..CONFLICTS {
            let mut finalizers = current.meta.finalizers.clone();
            if !change(&current, &mut finalizers) {
                return Ok(current);
            }
            let body = json!({ "metadata": {
                "resourceVersion": current.meta.resource_version,
                "finalizers": finalizers,
            }});
            self.take().await;
            let patched = api
                .patch(&binding.meta.name, &parameters(), &Patch::Merge(body))
                .await;
            match patched.map_err(WriteError::from) {
                Ok(patched) => return Ok(trim::binding(patched)),
                Err(WriteError::Conflict) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(10) * 5_u32.pow(attempt)).await;
            current = trim::binding(api.get(&binding.meta.name).await?);
            if current.meta.uid != binding.meta.uid {
                return Err(WriteError::Gone);
            }
        }
        Err(WriteError::Conflict)
    }
}

fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

fn bindings(kube: &kube::Client, binding: &BindingObject) -> Api<TargetGroupBinding> {
    Api::namespaced(kube.clone(), &binding.meta.namespace)
}
