//! TargetGroupBindings as steps: create, update by merge patch, delete and wait until gone.

use std::collections::BTreeMap;

use elbow_core::binding::{CHECKPOINT, CHECKPOINT_TIMESTAMP, object_spec};
use elbow_core::model::tracking::binding_labels;
use elbow_core::model::{Binding, ResourceAddress};
use elbow_core::plan::Output;
use elbow_crds::problem::ProblemCode;
use elbow_crds::target_group_binding::{TargetGroupBinding, TargetGroupBindingSpec};
use jiff::SignedDuration;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Map, Value, json};

use super::FIELD_MANAGER;
use super::kubernetes::{Answer, CONFLICTS, OUTDATED, answer};
use super::step::{End, Running};

/// How long a binding may take to let go of its targets.
const DELETION: SignedDuration = SignedDuration::from_mins(15);

/// How long the targets of a new group may take to be registered before traffic is switched to it anyway.
const REGISTRATION: SignedDuration = SignedDuration::from_mins(2);

impl Running<'_> {
    pub async fn create_binding(&self, address: &ResourceAddress, binding: &Binding) -> End {
        let spec = match self.binding_spec(binding) {
            Ok(spec) => spec,
            Err(end) => return end,
        };
        let mut object = TargetGroupBinding::new(&binding.name, spec);
        object.metadata.namespace = Some(binding.namespace.clone());
        object.metadata.labels = Some(binding.labels.clone());
        object.metadata.annotations = Some(binding.annotations.clone()).filter(|a| !a.is_empty());
        let api = self.bindings(&binding.namespace);
        let parameters = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        match api.create(&parameters, &object).await {
            Ok(created) => End::Done(Some((address.clone(), uid_of(&created)))),
            Err(error) if answer(&error) == Answer::AlreadyExists => {
                self.binding_exists(&api, address, &object).await
            }
            Err(error) => self.refused_by_kubernetes(&error),
        }
    }

    /// A binding of that name is there. It is the one we want if it carries our labels and the same ARN; what
    /// else differs is for the next plan.
    async fn binding_exists(
        &self,
        api: &Api<TargetGroupBinding>,
        address: &ResourceAddress,
        wanted: &TargetGroupBinding,
    ) -> End {
        let name = wanted.metadata.name.clone().unwrap_or_default();
        let found = match api.get(&name).await {
            Ok(found) => found,
            Err(error) => return self.refused_by_kubernetes(&error),
        };
        if found.metadata.deletion_timestamp.is_some() {
            return self.wait(&format!("the old TargetGroupBinding {name} to be gone"), DELETION);
        }
        if !self.is_labelled(found.metadata.labels.as_ref()) {
            let message = format!(
                "a TargetGroupBinding {name} exists already and does not carry the labels of this stack. \
                 Delete or rename it"
            );
            return self.failed(ProblemCode::Conflict, &message);
        }
        if found.spec.target_group_arn == wanted.spec.target_group_arn {
            return End::Done(Some((address.clone(), uid_of(&found))));
        }
        self.wait(&format!("TargetGroupBinding {name} to be seen"), OUTDATED)
    }

    fn is_labelled(&self, labels: Option<&BTreeMap<String, String>>) -> bool {
        let Some(key) = self.key else { return true };
        let wanted = binding_labels(key);
        labels.is_some_and(|labels| wanted.iter().all(|(name, value)| labels.get(name) == Some(value)))
    }

    /// Replaces spec, labels and annotations; the checkpoint goes, so that the binding gets a full pass.
    pub async fn update_binding(&self, binding: &Binding) -> End {
        let spec = match self.binding_spec(binding) {
            Ok(spec) => spec,
            Err(end) => return end,
        };
        let api = self.bindings(&binding.namespace);
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        for attempt in 1.. {
            let current = match api.get(&binding.name).await {
                Ok(current) => current,
                Err(error) => return self.refused_by_kubernetes(&error),
            };
            let patch = update_patch(binding, &spec, &current);
            match api.patch(&binding.name, &parameters, &Patch::Merge(&patch)).await {
                Ok(_) => return End::done(),
                Err(error) if answer(&error) == Answer::Conflict && attempt < CONFLICTS => {}
                Err(error) => return self.refused_by_kubernetes(&error),
            }
        }
        End::done()
    }

    /// Deletes the binding with this UID. Looks first, so that waiting for its finalizer writes nothing.
    pub async fn delete_binding(&self, namespace: &str, name: &str, uid: &str) -> End {
        let api = self.bindings(namespace);
        let gone = |found: &TargetGroupBinding| found.metadata.uid.as_deref() != Some(uid);
        let for_ = format!("TargetGroupBinding {namespace}/{name} to let go of its targets");
        match api.get(name).await {
            Ok(found) if gone(&found) => return End::done(),
            Ok(found) if found.metadata.deletion_timestamp.is_some() => return self.wait(&for_, DELETION),
            Ok(_) => {}
            Err(error) if answer(&error) == Answer::NotFound => return End::done(),
            Err(error) => return self.refused_by_kubernetes(&error),
        }
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(name, &parameters).await {
            Ok(left) => match left.left() {
                Some(object) if has_finalizers(&object) => self.wait(&for_, DELETION),
                _ => End::done(),
            },
            Err(error) if matches!(answer(&error), Answer::NotFound | Answer::Conflict) => End::done(),
            Err(error) => self.refused_by_kubernetes(&error),
        }
    }

    /// Waits until the binding was observed at its present generation: its targets are registered. When the
    /// bound is over the plan goes on all the same, as upstream does, which never waits here.
    pub async fn await_targets(&self, namespace: &str, name: &str) -> End {
        let observed = match self.bindings(namespace).get(name).await {
            Ok(found) => is_observed(&found),
            Err(error) if answer(&error) == Answer::NotFound => false,
            Err(error) => return self.refused_by_kubernetes(&error),
        };
        if observed {
            return End::done();
        }
        let for_ = format!("the targets of TargetGroupBinding {namespace}/{name} to be registered");
        self.wait_at_most(&for_, REGISTRATION)
    }

    fn binding_spec(&self, binding: &Binding) -> Result<TargetGroupBindingSpec, End> {
        let resolve = |reference: &_| self.outputs.resolve(reference);
        object_spec(&binding.spec, &resolve)
            .ok_or_else(|| self.wait("the security group or target group the binding names", OUTDATED))
    }

    fn bindings(&self, namespace: &str) -> Api<TargetGroupBinding> {
        Api::namespaced(self.context.kube.clone(), namespace)
    }
}

fn uid_of(object: &TargetGroupBinding) -> Output {
    Output::id(object.metadata.uid.clone().unwrap_or_default())
}

fn is_observed(object: &TargetGroupBinding) -> bool {
    let observed = object
        .status
        .as_ref()
        .and_then(|status| status.observed_generation);
    observed.is_some_and(|observed| observed >= object.metadata.generation.unwrap_or(0))
}

fn has_finalizers(object: &TargetGroupBinding) -> bool {
    object.metadata.finalizers.as_ref().is_some_and(|f| !f.is_empty())
}

/// The merge patch that makes spec, labels and annotations exactly the wanted ones.
fn update_patch(wanted: &Binding, spec: &TargetGroupBindingSpec, current: &TargetGroupBinding) -> Value {
    let empty = BTreeMap::new();
    let labels = current.metadata.labels.as_ref().unwrap_or(&empty);
    let mut annotations = current.metadata.annotations.clone().unwrap_or_default();
    for checkpoint in [CHECKPOINT, CHECKPOINT_TIMESTAMP] {
        annotations.insert(checkpoint.to_owned(), String::new());
    }
    let wanted_spec = serde_json::to_value(spec).unwrap_or_default();
    let current_spec = serde_json::to_value(&current.spec).unwrap_or_default();
    json!({
        "metadata": {
            "resourceVersion": current.metadata.resource_version,
            "labels": replacing(&json!(wanted.labels), &json!(labels)),
            "annotations": replacing(&json!(wanted.annotations), &json!(annotations)),
        },
        "spec": replacing(&wanted_spec, &current_spec),
    })
}

/// A merge patch that turns `current` into `wanted`: keys that are only in `current` become null.
fn replacing(wanted: &Value, current: &Value) -> Value {
    let (Value::Object(wanted), Value::Object(current)) = (wanted, current) else {
        return wanted.clone();
    };
    let mut patch = Map::new();
    for (key, value) in wanted {
        let value = current
            .get(key)
            .map_or_else(|| value.clone(), |old| replacing(value, old));
        patch.insert(key.clone(), value);
    }
    for key in current.keys().filter(|key| !wanted.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacing_patch_clears_what_is_not_wanted_at_any_depth() {
        let wanted = json!({"a": 1, "deep": {"x": 1}, "list": [1]});
        let current = json!({"b": 2, "deep": {"x": 1, "y": 2}, "list": [1, 2]});
        let patch = replacing(&wanted, &current);
        let expected = json!({"a": 1, "b": null, "deep": {"x": 1, "y": null}, "list": [1]});
        assert_eq!(patch, expected);
    }
}
