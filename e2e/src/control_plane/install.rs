//! Elbow's kinds and roles in a fresh cluster, and users bound to the roles.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::rbac::v1::PolicyRule;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::DynamicObject;
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::apply;
use crate::wait;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// A definition is established within a second; the rest is for a busy machine.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Installs `crds/yaml/` and waits until every kind is served.
pub async fn kinds(client: &Client) -> Result<()> {
    let definitions = apply::read_folder(&repository("crds/yaml"))?;
    apply::apply(client, &definitions).await?;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in &definitions {
        let name = definition.name_any();
        let what = format!("the kind {name} to be Established");
        wait::until(&what, ESTABLISHED_WITHIN, async || {
            let found = api.get(&name).await?;
            Ok(is_established(&found).then_some(()))
        })
        .await?;
    }
    Ok(())
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one.type_ == "Established" && one.status == "True")
    })
}

/// Installs `deploy/rbac/`, the service account's bindings included.
pub async fn roles(client: &Client) -> Result<()> {
    apply::apply(client, &apply::read_folder(&repository("deploy/rbac"))?).await
}

/// Binds `user` to every role in `deploy/rbac/`, and to nothing else.
pub async fn bind(client: &Client, user: &str) -> Result<()> {
    let roles = roles_in_files()?;
    let mut bindings = Vec::new();
    for role in &roles {
        bindings.push(binding(role, user)?);
    }
    apply::apply(client, &bindings).await
}

/// Binds `user` to copies of these roles, whose rules went through `edit`.
pub async fn bind_copies(client: &Client, user: &str, edit: impl Fn(&mut Vec<PolicyRule>)) -> Result<()> {
    let mut objects = Vec::new();
    for role in roles_in_files()? {
        let copy = edited(role, user, &edit)?;
        objects.push(binding(&copy, user)?);
        objects.push(copy);
    }
    apply::apply(client, &objects).await
}

fn roles_in_files() -> Result<Vec<DynamicObject>> {
    let mut objects = apply::read_folder(&repository("deploy/rbac"))?;
    objects.retain(|object| matches!(apply::kind(object), "Role" | "ClusterRole"));
    Ok(objects)
}

fn edited(role: DynamicObject, user: &str, edit: &impl Fn(&mut Vec<PolicyRule>)) -> Result<DynamicObject> {
    let name = format!("{}-{user}", role.name_any());
    let mut value = serde_json::to_value(role).context("a role is JSON")?;
    let rules = value.pointer_mut("/rules").context("a role has rules")?;
    let mut parsed: Vec<PolicyRule> = serde_json::from_value(rules.take()).context("not role rules")?;
    edit(&mut parsed);
    *rules = serde_json::to_value(parsed).context("role rules are JSON")?;
    let mut copy: DynamicObject = serde_json::from_value(value).context("a role is an object")?;
    copy.metadata.name = Some(name);
    Ok(copy)
}

fn binding(role: &DynamicObject, user: &str) -> Result<DynamicObject> {
    let kind = apply::kind(role);
    let name = role.name_any();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": format!("{kind}Binding"),
        "metadata": { "name": format!("{name}-for-user-{user}"), "namespace": role.namespace() },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    });
    serde_json::from_value(binding).context("a binding is an object")
}

fn repository(path: &str) -> PathBuf {
    PathBuf::from(REPOSITORY).join(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use k8s_openapi::api::rbac::v1::{ClusterRole, Role};

    #[test]
    fn every_role_in_the_files_is_strictly_a_role() {
        for role in roles_in_files().unwrap() {
            let value = serde_json::to_value(&role).unwrap();
            match apply::kind(&role) {
                "Role" => assert!(
                    !serde_json::from_value::<Role>(value)
                        .unwrap()
                        .rules
                        .unwrap()
                        .is_empty()
                ),
                _ => assert!(
                    !serde_json::from_value::<ClusterRole>(value)
                        .unwrap()
                        .rules
                        .unwrap()
                        .is_empty()
                ),
            }
        }
    }

    #[test]
    fn an_edited_copy_keeps_its_place_and_has_another_name() {
        let role = roles_in_files()
            .unwrap()
            .into_iter()
            .find(|role| apply::kind(role) == "Role")
            .unwrap();
        let copy = edited(role.clone(), "reduced", &|rules| rules.truncate(1)).unwrap();
        assert_eq!(copy.name_any(), format!("{}-reduced", role.name_any()));
        assert_eq!(copy.namespace(), role.namespace());
        assert_eq!(copy.data.pointer("/rules").unwrap().as_array().unwrap().len(), 1);
    }
}
