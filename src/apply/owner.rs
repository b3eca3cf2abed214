//! Finalizers of owners: JSON merge patches with the resource version as an optimistic lock.

use elbow_crds::problem::{ObjectRef, ProblemCode};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::kubernetes::{Answer, CONFLICTS, OUTDATED, answer};
use super::step::{End, Running};
use super::{FIELD_MANAGER, owners};

impl Running<'_> {
    /// Adds our finalizer. An object that is being deleted or gone gets none: the next plan sees that.
    pub async fn add_finalizer(&self, object: &ObjectRef, finalizer: &str) -> End {
        let changed = self
            .change_finalizers(object, |finalizers, deleting| {
                if finalizers.iter().any(|f| f == finalizer) {
                    return Change::Nothing;
                }
                if deleting {
                    return Change::Impossible;
                }
                finalizers.push(finalizer.to_owned());
                Change::Write
            })
            .await;
        match changed {
            Ok(Change::Impossible) => self.wait(&format!("the deletion of {object} to be seen"), OUTDATED),
            Ok(_) => End::done(),
            Err(Stop::Kind) => self.unknown_kind(object),
            Err(Stop::Kubernetes(error)) => self.refused_by_kubernetes(&error),
        }
    }

    /// Takes our finalizer away; done as well if the object is gone.
    pub async fn remove_finalizer(&self, object: &ObjectRef, finalizer: &str, last: bool) -> End {
        if last && let Err(end) = self.confirm_empty().await {
            return end;
        }
        let changed = self
            .change_finalizers(object, |finalizers, _| {
                let before = finalizers.len();
                finalizers.retain(|f| f != finalizer);
                if finalizers.len() == before {
                    Change::Nothing
                } else {
                    Change::Write
                }
            })
            .await;
        match changed {
            Ok(_) => End::done(),
            Err(Stop::Kind) => self.unknown_kind(object),
            Err(Stop::Kubernetes(error)) if answer(&error) == Answer::NotFound => End::done(),
            Err(Stop::Kubernetes(error)) => self.refused_by_kubernetes(&error),
        }
    }

    /// The finalizer goes only when AWS certainly holds nothing more.
    async fn confirm_empty(&self) -> Result<(), End> {
        let Some(key) = self.key else { return Ok(()) };
        match self.context.mirror.confirm_empty(key).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(self.wait("what is left in AWS to be deleted", OUTDATED)),
            Ok(Err(_)) => Err(self.wait("the lists of AWS to settle", OUTDATED)),
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Reads the object, changes its finalizers, writes them; on a conflict once more from the start.
    async fn change_finalizers(
        &self,
        object: &ObjectRef,
        change: impl Fn(&mut Vec<String>, bool) -> Change,
    ) -> Result<Change, Stop> {
        let api = owners(self.context.kube, object).ok_or(Stop::Kind)?;
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        for attempt in 1.. {
            let current = api.get(&object.name).await?;
            let mut finalizers = current.metadata.finalizers.unwrap_or_default();
            let verdict = change(&mut finalizers, current.metadata.deletion_timestamp.is_some());
            if verdict != Change::Write {
                return Ok(verdict);
            }
            let patch = json!({"metadata": {
                "resourceVersion": current.metadata.resource_version,
                "finalizers": finalizers,
            }});
            match api.patch(&object.name, &parameters, &Patch::Merge(&patch)).await {
                Ok(_) => return Ok(Change::Write),
                Err(error) if answer(&error) == Answer::Conflict && attempt < CONFLICTS => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Change::Nothing)
    }

    fn unknown_kind(&self, object: &ObjectRef) -> End {
        let message = format!(
            "{} owns no stack; this is a defect of the controller",
            object.kind
        );
        self.failed(ProblemCode::Refused, &message)
    }
}

/// What is to be done with the finalizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Write,
    Impossible,
}

/// Why they were not changed.
enum Stop {
    Kind,
    Kubernetes(kube::Error),
}

impl From<kube::Error> for Stop {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(error)
    }
}
